//! When what is known of a flight is final, and what is said of it until then.
//!
//! A status settles once it was seen unchanged for as long as the feed's file asks. Until then, and wherever a landing has no
//! time at the gate, it has a text of its own that no cover takes for the end: `landed-provisional`.

use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use super::FlightStatus;
use super::definition::Settle;
use super::memory::Memory;

/// What is said about a flight.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Said {
    pub(super) status: Option<&'static str>,
    pub(super) arrival_delay: Option<Seconds>,
    pub(super) departure_delay: Option<Seconds>,
    /// When it is final, if nothing changes; `None` while the flight is not over.
    pub(super) settles: Option<Timestamp>,
    /// That is now, or past.
    pub(super) is_final: bool,
}

impl Said {
    /// Nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        status: None,
        arrival_delay: None,
        departure_delay: None,
        settles: None,
        is_final: false,
    };

    pub(super) fn values(&self) -> [(&'static str, Option<Value>); 3] {
        [
            (
                "status",
                self.status.map(|text| Value::Text(text.to_owned())),
            ),
            ("arrival_delay", self.arrival_delay.map(Value::Duration)),
            ("departure_delay", self.departure_delay.map(Value::Duration)),
        ]
    }
}

/// What is said as of `at`.
pub(super) fn said(rule: &Settle, memory: &Memory, at: Timestamp) -> Said {
    let (Some(facts), Some(since)) = (&memory.facts, memory.since) else {
        return Said::UNKNOWN;
    };
    let settles = match facts.status {
        FlightStatus::Arrived if facts.arrival_delay.is_some() => Some(since + rule.arrived),
        FlightStatus::Diverted => Some(since + rule.diverted),
        // A flight that was called off is sometimes put back, until it would have left.
        FlightStatus::Cancelled => memory
            .schedule
            .map(|schedule| (since + rule.cancelled).max(schedule.leaves)),
        FlightStatus::Arrived
        | FlightStatus::Scheduled
        | FlightStatus::Active
        | FlightStatus::Landed
        | FlightStatus::Unknown => None,
    };
    let is_final = settles.is_some_and(|settles| settles <= at);
    let status = match (facts.status, is_final) {
        (FlightStatus::Scheduled, _) => Some("scheduled"),
        (FlightStatus::Active, _) => Some("active"),
        (FlightStatus::Landed, _) | (FlightStatus::Arrived, false) => Some("landed-provisional"),
        (FlightStatus::Arrived, true) => Some("landed"),
        (FlightStatus::Cancelled, false) => Some("cancelled-provisional"),
        (FlightStatus::Cancelled, true) => Some("cancelled"),
        (FlightStatus::Diverted, false) => Some("diverted-provisional"),
        (FlightStatus::Diverted, true) => Some("diverted"),
        (FlightStatus::Unknown, _) => None,
    };
    // A delay is told once nothing is expected to correct it.
    let told = |delay: Option<Seconds>| delay.filter(|_| is_final);
    let arrived = facts.status == FlightStatus::Arrived;
    let left = arrived || facts.status == FlightStatus::Diverted;
    Said {
        status,
        arrival_delay: told(facts.arrival_delay).filter(|_| arrived),
        departure_delay: told(facts.departure_delay).filter(|_| left),
        settles,
        is_final,
    }
}
