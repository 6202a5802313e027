//! From an answer, or from none, to observations and the next look.

use alloy::primitives::U256;
use tocsin_domain::observation::{Metric, Observation, Provenance, Sequence};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use super::choose::{Chosen, choose};
use super::memory::Memory;
use super::reader::Flights;
use super::settle::{self, Said};
use super::subject::FlightSubject;
use super::{Flight, FlightStatus, looks};
use crate::feed::reader::{Answered, Reading, no_response};
use crate::feed::{Look, Next, Trouble, TroubleKind};
/// When something was seen, by the provider's clock and by ours, and where it can be seen again.
pub(super) struct SeenAt {
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) provenance: Provenance,
}

impl SeenAt {
    /// A look that was due and had no answer.
    pub(super) fn without_answer(look: &Look, now: Timestamp) -> Self {
        let after = look.watermark.map(|watermark| watermark + Seconds(1));
        Self {
            at: after.map_or(look.due_at, |after| after.max(look.due_at)),
            now,
            provenance: no_response(),
        }
    }
}

impl Flights {
    /// The subject of a look; the engine schedules none that it could not read.
    pub(super) fn subject(&self, look: &Look) -> Result<FlightSubject, Trouble> {
        FlightSubject::parse(look.subject.as_str()).map_err(|error| {
            self.trouble(TroubleKind::Unreadable, error.to_string())
                .at("subject")
        })
    }

    /// What is remembered of a look's subject.
    pub(super) fn memory(&self, look: &Look, troubles: &mut Vec<Trouble>) -> Memory {
        Memory::read(look.memory.as_ref()).unwrap_or_else(|error| {
            let reason = format!("what was remembered of the flight cannot be read ({error}): it is looked at as if for the first time");
            troubles.push(self.trouble(TroubleKind::Unreadable, reason));
            Memory::default()
        })
    }

    /// What an answer says about the flight, unless it is against the schedule that was seen first.
    pub(super) fn found(
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
    pub(super) fn conclude(
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
        if looks::is_late(definition, subject, &memory, seen.now) {
            memory.late_looks = memory.late_looks.saturating_add(1);
        }
        let why = || self.why(subject, &memory, &troubles);
        let next = looks::next(definition, subject, &memory, &said, seen, why);
        if matches!(next, Next::NeedsPerson(_)) {
            said = Said::UNKNOWN;
            // Whoever has it asked about again wants it looked at as often as before, until what was found stands.
            memory.late_looks = 0;
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

    /// A departure that the schedule seen first has at another time: it has no delay.
    pub(super) fn departure_moved(&self, memory: &Memory, flight: &Flight) -> Option<Trouble> {
        let first = memory.schedule?.leaves;
        let now = flight.departure.scheduled?;
        let over = matches!(
            flight.status,
            FlightStatus::Arrived | FlightStatus::Diverted
        );
        (over && now != first).then(|| {
            let reason =
                format!("was {first} when the flight was first seen: its departure has no delay");
            self.trouble(TroubleKind::Contradiction, reason)
                .at(self.definition.departure.scheduled.as_str())
                .saying(now.to_string())
        })
    }

    /// A look whose answer is no newer than what is known: nothing follows but another look, and another answer.
    pub(super) fn stale(
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
            held_back: true,
        }
    }

    /// A look at what is no flight: whatever was known of it, it is not known any more.
    pub(super) fn no_flight(&self, look: &Look, trouble: Trouble) -> Reading {
        let seen = SeenAt::without_answer(look, look.due_at);
        let values = Said::UNKNOWN.values().into_iter();
        let observations =
            values.map(|(metric, value)| self.observation(look, metric, value, &seen));
        Reading {
            observations: observations.collect(),
            watermark: Some(seen.at),
            next: Some(Next::NeedsPerson(trouble.to_string())),
            memory: look.memory.clone().unwrap_or_default(),
            troubles: vec![trouble],
            held_back: true,
        }
    }
}
