//! Flights: what any provider says about one becomes one normal form, and that becomes observations.
//!
//! Promises: a delay is the difference of two gate times that the provider gave, never one of them and never zero for want
//! of the other; a status counts as final only where the rule of the feed's file is met, and until then is told by another
//! text and without a delay; a record that contradicts itself, another one or the schedule that was seen first gives no
//! value and a [`Trouble`](super::Trouble); local times are read with the airport's own zone, never as UTC.

mod airport;
mod checks;
mod choose;
mod conclude;
mod definition;
mod fields;
mod ident;
mod looks;
mod memory;
mod reader;
mod record;
mod settle;
mod subject;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tocsin_domain::time::{Seconds, Timestamp};

pub use self::airport::{Airport, AirportError};
pub use self::ident::{Ident, IdentError};
pub use self::reader::Flights;
pub use self::subject::{FlightSubject, SubjectError};
use super::moment;

/// One flight as it is known from one answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flight {
    /// The number of the carrier that operates it; `None` where a record is that of another carrier and does not say whose
    /// flight it is.
    pub operating: Option<Ident>,
    /// The numbers under which others sell it, sorted.
    pub marketed: Vec<Ident>,
    /// Leaving the gate of the origin.
    pub departure: Movement,
    /// Reaching the gate of the destination.
    pub arrival: Movement,
    /// Further legs of the same flight, after a diversion.
    pub legs: Vec<Leg>,
    /// Where it stands.
    pub status: FlightStatus,
}

/// A departure or an arrival. Times are those at the gate unless they say otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Movement {
    /// Where.
    pub airport: Airport,
    /// By the schedule.
    pub scheduled: Option<Timestamp>,
    /// As it is expected now.
    pub estimated: Option<Timestamp>,
    /// As it was.
    pub actual: Option<Timestamp>,
    /// Taking off or touching down.
    pub runway: Option<Timestamp>,
}

/// From one airport to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Where it left.
    pub from: Airport,
    /// Where it went.
    pub to: Airport,
}

/// Where a flight stands, as far as the record says it; whether that is final is for [`Flights`] to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlightStatus {
    /// It has not left.
    Scheduled,
    /// It has left its gate and not landed.
    Active,
    /// It is on the ground, and its time at the gate is not known.
    Landed,
    /// It is at the gate, and the time is known.
    Arrived,
    /// It does not fly.
    Cancelled,
    /// It went elsewhere.
    Diverted,
    /// The provider says that it does not know.
    Unknown,
}

impl Movement {
    /// How late it was at the gate; negative if early. `None` unless both times are known.
    pub fn delay(&self) -> Option<Seconds> {
        Some(self.actual?.since(self.scheduled?))
    }

    /// The day of the schedule, as clocks at the airport show it.
    pub fn scheduled_date_local(&self) -> Option<Date> {
        moment::local(self.scheduled?, self.airport.zone()).map(|local| local.date())
    }

    /// The day of the schedule in UTC.
    pub fn scheduled_date_utc(&self) -> Option<Date> {
        moment::local(self.scheduled?, &jiff::tz::TimeZone::UTC).map(|utc| utc.date())
    }
}

impl FlightStatus {
    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Landed => "landed",
            Self::Arrived => "arrived",
            Self::Cancelled => "cancelled",
            Self::Diverted => "diverted",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests;
