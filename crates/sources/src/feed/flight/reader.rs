//! Answers about flights become observations of `status`, `arrival_delay` and `departure_delay`.

use serde_json::Value as Json;
use tocsin_domain::observation::{Metric, Provenance, SourceId, Subject};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;
use toml::Table;

use super::choose::Chosen;
use super::conclude::SeenAt;
use super::definition::Definition;
use super::fields::Fields;
use super::memory::Memory;
use super::subject::FlightSubject;
use super::{Flight, record};
use crate::feed::exact;
use crate::feed::reader::{Answered, Reader, Reading, no_response};
use crate::feed::section::{Section, Wrong};
use crate::feed::{Look, Trouble, TroubleKind};

/// Reads what one provider says about flights.
#[derive(Clone, Debug)]
pub struct Flights {
    pub(super) source: SourceId,
    pub(super) provider: String,
    pub(super) definition: Definition,
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
            let fields = self.record(record);
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

    fn record<'a>(&'a self, record: &'a Json) -> Fields<'a> {
        Fields {
            provider: &self.provider,
            record,
            complete: self.definition.complete,
        }
    }

    pub(super) fn trouble(&self, kind: TroubleKind, reason: impl Into<String>) -> Trouble {
        Trouble::new(&self.provider, kind, reason)
    }
}

impl Reader for Flights {
    fn offers(&self) -> &[(Metric, Type)] {
        &self.offers
    }

    fn fields(&self, subject: &Subject) -> Result<Vec<(String, String)>, String> {
        let flight = FlightSubject::parse(subject.as_str()).map_err(|error| error.to_string())?;
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
        let flight = FlightSubject::parse(subject.as_str()).map_err(|error| error.to_string())?;
        flight
            .first_look(self.definition.looks.first, self.definition.looks.spread)
            .ok_or_else(|| format!("`{}` is outside the years -9999 to 9999", flight.date))
    }

    fn insurable_until(&self, subject: &Subject) -> Option<Timestamp> {
        let flight = FlightSubject::parse(subject.as_str()).ok()?;
        // A loss is dated by the look that saw it: whoever buys once the day has begun may know what nobody has seen yet.
        flight.day().map(|(begins, _)| begins)
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
                troubles.extend(self.departure_moved(&memory, &flight));
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

    fn unchanged(&self, look: &Look, at: Timestamp, now: Timestamp) -> Reading {
        let subject = match self.subject(look) {
            Ok(subject) => subject,
            Err(trouble) => return self.no_flight(look, trouble),
        };
        let mut troubles = Vec::new();
        let memory = self.memory(look, &mut troubles);
        if look.watermark.is_some_and(|watermark| at <= watermark) {
            return self.stale(look, troubles, at, now);
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
                now,
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
        let seen = SeenAt::without_answer(look, now);
        self.conclude(look, &subject, memory, troubles, &seen)
    }

    fn outlasting(&self, memory: Json) -> Json {
        // What cannot be read is told at the next look.
        match Memory::read((!memory.is_null()).then_some(&memory)) {
            Ok(remembered) => remembered.outlasting().write(),
            Err(_not_ours) => memory,
        }
    }
}
