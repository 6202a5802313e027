//! Answers about flights become observations of `status`, `arrival_delay` and `departure_delay`.

use alloy::primitives::U256;
use serde_json::Value as Json;
use tocsin_domain::observation::{Metric, Observation, Provenance, Sequence, SourceId, Subject};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};
use toml::Table;

use super::choose::{Chosen, choose};
use super::definition::Definition;
use super::fields::Fields;
use super::memory::Memory;
use super::settle::{self, Said};
use super::subject::FlightSubject;
use super::{Flight, FlightStatus, looks, record};
use crate::feed::exact;
use crate::feed::reader::{Answered, Reader, Reading, no_response};
use crate::feed::section::{Section, Wrong};
use crate::feed::{Look, Next, Trouble, TroubleKind};

/// Reads what one provider says about flights.
#[derive(Clone, Debug)]
pub struct Flights {
    pub(super) source: SourceId,
    provider: String,
    definition: Definition,
    offers: Vec<(Metric, Type)>,
}

impl Flights {
    /// What the template of an address can be filled with.
    pub(crate) const FIELDS: [&str; 10] = [
        "ident",
        "carrier",
        "number",
        "origin",
        "date",
        "year",
        "month",
        "day",
        "day_start",
        "day_end",
    ];

    /// The table `[flights]` of a feed's file, at `path` in it.
    pub(crate) fn read(provider: &str, table: &Table, path: &str) -> Result<Self, Wrong> {
        let section = Section::new(table, path, &Definition::KEYS)?;
        let metric = |name: &str, ty| (Metric::from(name), ty);
        Ok(Self {
            source: SourceId::from(format!("feed:{provider}").as_str()),
            provider: provider.to_owned(),
            definition: Definition::read(&section)?,
            offers: vec![
                metric("status", Type::Text),
                metric("arrival_delay", Type::Duration),
                metric("departure_delay", Type::Duration),
            ],
        })
    }

    /// Reads such a table by itself. The error names the key and what to write.
    pub fn from_table(provider: &str, table: &Table) -> Result<Self, String> {
        Self::read(provider, table, "flights")
            .map_err(|wrong| format!("{}: {}", wrong.key, wrong.reason))
    }

    /// From one look at an overdue flight to the next.
    pub(crate) fn steps(&self) -> Seconds {
        self.definition.looks.again
    }

    /// Every flight of an answer, in normal form, as of its time; a trouble for each record that cannot be read.
    pub fn normalise(&self, answer: &Json, at: Timestamp) -> Vec<Result<Flight, Trouble>> {
        let read = |record| {
            let fields = self.fields(record);
            match record::identity(&self.definition, &fields)? {
                Some(identity) => record::flight(&self.definition, &fields, &identity, at),
                None => {
                    let reason = "does not say which flight it is, and when and where it leaves";
                    Err(fields.trouble(TroubleKind::Missing, &self.definition.records, reason))
                }
            }
        };
        self.definition
            .records
            .all(answer)
            .into_iter()
            .map(read)
            .collect()
    }

    /// The same of an answer's bytes; the error says why they are no answer.
    pub fn read_body(
        &self,
        body: &[u8],
        at: Timestamp,
    ) -> Result<Vec<Result<Flight, Trouble>>, Trouble> {
        match exact::parse(body) {
            Ok(answer) => Ok(self.normalise(&answer, at)),
            Err(reason) => Err(self.trouble(TroubleKind::Malformed, reason)),
        }
    }

    fn fields<'a>(&'a self, record: &'a Json) -> Fields<'a> {
        Fields {
            provider: &self.provider,
            record,
            complete: self.definition.complete,
        }
    }

    fn trouble(&self, kind: TroubleKind, reason: impl Into<String>) -> Trouble {
        Trouble::new(&self.provider, kind, reason)
    }

    /// The subject of a look; the engine schedules none that it could not read.
    fn subject(&self, look: &Look) -> Result<FlightSubject, Trouble> {
        FlightSubject::parse(&look.subject.0).map_err(|error| {
            self.trouble(TroubleKind::Unreadable, error.to_string())
                .at("subject")
        })
    }

    /// What is remembered of a look's subject.
    fn memory(&self, look: &Look, troubles: &mut Vec<Trouble>) -> Memory {
        Memory::read(look.memory.as_ref()).unwrap_or_else(|error| {
            let reason = format!("what was remembered of the flight cannot be read ({error}): it is looked at as if for the first time");
            troubles.push(self.trouble(TroubleKind::Unreadable, reason));
            Memory::default()
        })
    }

    /// What an answer says about the flight, unless it is against the schedule that was seen first.
    fn found(
        &self,
        subject: &FlightSubject,
        memory: &Memory,
        answer: &Answered,
    ) -> Result<Chosen, Trouble> {
        let chosen = choose(
            &self.definition,
            &self.provider,
            subject,
            &answer.pages,
            answer.at,
        )?;
        let flight = &chosen.flight;
        let (Some(first), FlightStatus::Arrived) = (&memory.schedule, flight.status) else {
            return Ok(chosen);
        };
        let arrival = &self.definition.arrival;
        let against = |field: &str, said: String, before: String| {
            let reason = format!(
                "was {before} when the flight was first seen: a person must say which was insured"
            );
            Err(self
                .trouble(TroubleKind::Contradiction, reason)
                .at(field)
                .saying(said))
        };
        match (first.arrives, flight.arrival.scheduled) {
            (Some(before), Some(now)) if before != now => against(
                arrival.scheduled.as_str(),
                now.to_string(),
                before.to_string(),
            ),
            _same if first.to != flight.arrival.airport => against(
                arrival.airport.as_str(),
                flight.arrival.airport.to_string(),
                first.to.to_string(),
            ),
            _same => Ok(chosen),
        }
    }

    /// What follows from what is remembered now.
    fn conclude(
        &self,
        look: &Look,
        subject: &FlightSubject,
        mut memory: Memory,
        mut troubles: Vec<Trouble>,
        seen: &SeenAt,
    ) -> Reading {
        let definition = &self.definition;
        let mut said = settle::said(&definition.settle, &memory, seen.at);
        if said.status.is_none() && troubles.is_empty() {
            let reason = match memory.facts {
                Some(_) => "says that it does not know where the flight stands",
                None => "nothing has changed since an answer that gave nothing",
            };
            troubles.push(
                self.trouble(TroubleKind::Missing, reason)
                    .at(definition.status.path.as_str()),
            );
        }
        let why = || self.why(subject, &memory, &troubles);
        let next = looks::next(
            &definition.looks,
            &definition.limits,
            subject,
            &memory,
            &said,
            seen.now,
            why,
        );
        if matches!(next, Next::NeedsPerson(_)) {
            said = Said::UNKNOWN;
        }
        let failed = said.status.is_none();
        let mut observations = Vec::new();
        for (metric, value) in said.values() {
            let news = match memory.observed.get(metric) {
                Some(last) => *last != value,
                None => value.is_some() || failed,
            };
            if news {
                observations.push(self.observation(look, metric, value.clone(), seen));
                memory.observed.insert(metric.to_owned(), value);
            }
        }
        Reading {
            observations,
            watermark: Some(seen.at),
            next: Some(next),
            memory: memory.write(),
            troubles,
            held_back: failed,
        }
    }

    /// Why a person is needed.
    fn why(&self, subject: &FlightSubject, memory: &Memory, troubles: &[Trouble]) -> String {
        let said = match (troubles.last(), memory.facts) {
            (Some(trouble), _) => format!("the last answer gave nothing: {trouble}"),
            (None, Some(facts)) => {
                format!("{} said `{}` last", self.provider, facts.status.as_str())
            }
            (None, None) => format!("{} said nothing of it", self.provider),
        };
        let expected = match memory.expected {
            Some(expected) => format!("it was expected at {expected}, and "),
            None => String::new(),
        };
        format!(
            "how {subject} ended is not known: {expected}{said}; find out from the airline or the airport"
        )
    }

    fn observation(
        &self,
        look: &Look,
        metric: &str,
        value: Option<Value>,
        seen: &SeenAt,
    ) -> Observation {
        Observation {
            source: self.source.clone(),
            subject: look.subject.clone(),
            metric: Metric::from(metric),
            observed_at: seen.at,
            sequence: Sequence(U256::from(seen.at.to_u64().unwrap_or_default())),
            value,
            provenance: seen.provenance.clone(),
        }
    }

    /// A look whose answer is no newer than what is known: nothing follows but another look.
    fn stale(
        &self,
        look: &Look,
        mut troubles: Vec<Trouble>,
        at: Timestamp,
        now: Timestamp,
    ) -> Reading {
        let reason = format!("the answer is of {at}, and the flight is known up to then");
        troubles.push(self.trouble(TroubleKind::WrongTime, reason));
        Reading {
            observations: Vec::new(),
            watermark: look.watermark,
            next: Some(Next::At(now + self.definition.looks.again)),
            memory: look.memory.clone().unwrap_or_default(),
            troubles,
            held_back: false,
        }
    }

    /// A look at what is no flight.
    fn no_flight(&self, look: &Look, trouble: Trouble) -> Reading {
        Reading {
            observations: Vec::new(),
            watermark: look.watermark,
            next: Some(Next::NeedsPerson(trouble.to_string())),
            memory: look.memory.clone().unwrap_or_default(),
            troubles: vec![trouble],
            held_back: false,
        }
    }
}

/// When something was seen, by the provider's clock and by ours, and where it can be seen again.
struct SeenAt {
    at: Timestamp,
    now: Timestamp,
    provenance: Provenance,
}

impl Reader for Flights {
    fn offers(&self) -> &[(Metric, Type)] {
        &self.offers
    }

    fn fields(&self, subject: &Subject) -> Result<Vec<(String, String)>, String> {
        let flight = FlightSubject::parse(&subject.0).map_err(|error| error.to_string())?;
        let Some((start, end)) = flight.day() else {
            return Err(format!(
                "`{}` is outside the years -9999 to 9999",
                flight.date
            ));
        };
        let values = [
            flight.ident.to_string(),
            flight.ident.carrier().to_owned(),
            flight.ident.number(),
            flight.origin.to_string(),
            flight.date.to_string(),
            format!("{:04}", flight.date.year()),
            format!("{:02}", flight.date.month()),
            format!("{:02}", flight.date.day()),
            start.to_string(),
            end.to_string(),
        ];
        Ok(Self::FIELDS
            .into_iter()
            .map(str::to_owned)
            .zip(values)
            .collect())
    }

    fn first_look(&self, subject: &Subject) -> Result<Timestamp, String> {
        let flight = FlightSubject::parse(&subject.0).map_err(|error| error.to_string())?;
        flight
            .first_look(self.definition.looks.first)
            .ok_or_else(|| format!("`{}` is outside the years -9999 to 9999", flight.date))
    }

    fn read(&self, look: &Look, answer: &Answered) -> Reading {
        let subject = match self.subject(look) {
            Ok(subject) => subject,
            Err(trouble) => return self.no_flight(look, trouble),
        };
        let mut troubles = Vec::new();
        let mut memory = self.memory(look, &mut troubles);
        if look
            .watermark
            .is_some_and(|watermark| answer.at <= watermark)
        {
            return self.stale(look, troubles, answer.at, answer.now);
        }
        let response = |page: usize| answer.pages.get(page).map(|page| page.hash);
        let hash = match self.found(&subject, &memory, answer) {
            Ok(Chosen { flight, page }) => {
                let hash = response(page);
                memory.learn(&flight, hash.unwrap_or_default(), answer.at);
                hash
            }
            Err(trouble) => {
                memory.doubt();
                troubles.push(trouble);
                response(0)
            }
        };
        let seen = SeenAt {
            at: answer.at,
            now: answer.now,
            provenance: hash.map_or_else(no_response, |hash| Provenance::Raw { hash }),
        };
        self.conclude(look, &subject, memory, troubles, &seen)
    }

    fn unchanged(&self, look: &Look, at: Timestamp) -> Reading {
        let subject = match self.subject(look) {
            Ok(subject) => subject,
            Err(trouble) => return self.no_flight(look, trouble),
        };
        let mut troubles = Vec::new();
        let memory = self.memory(look, &mut troubles);
        if look.watermark.is_some_and(|watermark| at <= watermark) {
            return self.stale(look, troubles, at, at);
        }
        let provenance = memory
            .response
            .map_or_else(no_response, |hash| Provenance::Raw { hash });
        self.conclude(
            look,
            &subject,
            memory,
            troubles,
            &SeenAt {
                at,
                now: at,
                provenance,
            },
        )
    }

    fn missed(&self, look: &Look, now: Timestamp) -> Reading {
        let subject = match self.subject(look) {
            Ok(subject) => subject,
            Err(trouble) => return self.no_flight(look, trouble),
        };
        let mut troubles = Vec::new();
        let mut memory = self.memory(look, &mut troubles);
        memory.doubt();
        troubles.push(self.trouble(
            TroubleKind::Timeout,
            "there was no answer for longer than the feed's patience",
        ));
        let after = look
            .watermark
            .map_or(look.due_at, |watermark| watermark + Seconds(1));
        let seen = SeenAt {
            at: look.due_at.max(after),
            now,
            provenance: no_response(),
        };
        self.conclude(look, &subject, memory, troubles, &seen)
    }
}
