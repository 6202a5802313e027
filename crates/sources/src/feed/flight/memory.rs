//! What a flight's looks remember from one to the next. It is stored as JSON, and small: there is one for every live flight.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use super::airport::Airport;
use super::{Flight, FlightStatus};

/// See the file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The schedule as it was seen first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<Schedule>,
    /// What the last answer said, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) facts: Option<Facts>,
    /// Since when it says so without a change or a failure in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
    /// When it is expected to arrive, as last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<Timestamp>,
    /// Looks after nothing could be expected any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) late_looks: u8,
    /// The response that the facts come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<B256>,
    /// The value of each metric that was observed last; null where it was observed to have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) observed: BTreeMap<String, Option<Value>>,
}

fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// Where and when a flight goes by its schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Schedule {
    pub(super) leaves: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arrives: Option<Timestamp>,
    pub(super) to: Airport,
}

/// What decides about a flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) status: FlightStatus,
    /// As it is expected now, or was.
    pub(super) leaves: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) departure_delay: Option<Seconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arrival_delay: Option<Seconds>,
}

impl Memory {
    /// What was remembered; an error says that it is not ours.
    pub(super) fn read(memory: Option<&Json>) -> Result<Self, serde_json::Error> {
        memory.map_or_else(|| Ok(Self::default()), Self::deserialize)
    }

    /// As it is stored.
    pub(super) fn write(&self) -> Json {
        // Every field has a JSON form; a null is read as nothing remembered.
        serde_json::to_value(self).unwrap_or(Json::Null)
    }

    /// Takes over what an answer said.
    pub(super) fn learn(&mut self, flight: &Flight, response: B256, at: Timestamp) {
        let mut facts = Facts::of(flight);
        // Against a schedule that was moved there is no delay.
        let first = self.schedule.map(|schedule| schedule.leaves);
        facts.departure_delay = facts
            .departure_delay
            .filter(|_| first.is_none_or(|first| Some(first) == flight.departure.scheduled));
        let standing = self.facts.is_some_and(|before| before.stands_as(&facts));
        if !standing || self.since.is_none() {
            self.since = Some(at);
        }
        self.facts = Some(facts);
        self.response = Some(response);
        let arrival = &flight.arrival;
        self.expected = arrival
            .actual
            .or(arrival.estimated)
            .or(arrival.scheduled)
            .or(self.expected);
        if let Some(leaves) = flight.departure.scheduled {
            let schedule = self.schedule.get_or_insert(Schedule {
                leaves,
                arrives: arrival.scheduled,
                to: arrival.airport,
            });
            schedule.arrives = schedule.arrives.or(arrival.scheduled);
        }
    }

    /// What holds however answers are read: above all the schedule that was seen first, or a new file would let a moved one pass.
    pub(super) fn outlasting(mut self) -> Self {
        self.doubt();
        self.expected = None;
        self
    }

    /// Forgets what is not known any more.
    pub(super) fn doubt(&mut self) {
        self.facts = None;
        self.since = None;
        self.response = None;
    }
}

impl Facts {
    fn of(flight: &Flight) -> Self {
        let departure = &flight.departure;
        Self {
            status: flight.status,
            leaves: departure
                .actual
                .or(departure.estimated)
                .or(departure.scheduled),
            departure_delay: departure.delay(),
            arrival_delay: flight.arrival.delay(),
        }
    }

    /// Whether what pays is the same.
    fn stands_as(&self, other: &Self) -> bool {
        self.status == other.status
            && self.arrival_delay == other.arrival_delay
            && self.departure_delay == other.departure_delay
    }
}
