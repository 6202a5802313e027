//! The subjects of flight feeds: `flight:UA1545/2013-01-01/EWR`.

use core::fmt;

use alloy::primitives::{U256, keccak256};
use jiff::civil::{Date, Time};
use tocsin_domain::time::{Seconds, Timestamp};

use super::airport::Airport;
use super::ident::Ident;
use crate::feed::moment;

/// One flight of one day: its number, the scheduled local date at its origin, and the origin. Where two flights of a number
/// leave an origin on one day, the local time tells them apart: `flight:XE2311/2006-01-11T0730/LAS`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlightSubject {
    /// The number that is insured, whoever operates the flight.
    pub ident: Ident,
    /// The scheduled local date of the departure.
    pub date: Date,
    /// The scheduled local time, where the date is not enough.
    pub time: Option<Time>,
    /// Where it leaves.
    pub origin: Airport,
}

/// A text that is no such subject.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{reason}: write flight:UA1545/2013-01-01/EWR, or with the local time flight:UA1545/2013-01-01T0730/EWR"
)]
pub struct SubjectError {
    /// What does not fit.
    pub reason: String,
}

impl FlightSubject {
    /// Reads a subject. It must be written in one way only, or one flight would be two risks.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        let refused = |reason: String| SubjectError { reason };
        let parts: Vec<&str> = text
            .strip_prefix("flight:")
            .map(|rest| rest.split('/').collect())
            .unwrap_or_default();
        let [ident, day, origin] = parts.as_slice() else {
            return Err(refused(format!("`{text}` names no flight")));
        };
        let (date, time) = match day.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (*day, None),
        };
        let subject = Self {
            ident: ident
                .parse()
                .map_err(|error: super::ident::IdentError| refused(error.to_string()))?,
            date: date_of(date).ok_or_else(|| refused(format!("`{date}` is no date")))?,
            time: match time {
                Some(time) => Some(
                    time_of(time).ok_or_else(|| refused(format!("`{time}` is no local time")))?,
                ),
                None => None,
            },
            origin: Airport::of(origin)
                .map_err(|error: super::airport::AirportError| refused(error.to_string()))?,
        };
        if subject.to_string() == text {
            Ok(subject)
        } else {
            Err(refused(format!("`{text}` is not how {subject} is written")))
        }
    }

    /// The first instant of the local day of the departure, and of the day after.
    pub fn day(&self) -> Option<(Timestamp, Timestamp)> {
        let start = |date: Date| match date.to_zoned_datetime(self.origin.zone().clone()) {
            Ok(start) => Some(Timestamp(start.timestamp().as_second())),
            Err(_out_of_range) => None,
        };
        let next = match self.date.tomorrow() {
            Ok(next) => next,
            Err(_out_of_range) => return None,
        };
        Some((start(self.date)?, start(next)?))
    }

    /// Whether a flight scheduled to leave the origin at `at` is meant, as far as its day and time tell.
    pub fn leaves(&self, at: Timestamp) -> bool {
        moment::local(at, self.origin.zone()).is_some_and(|local| {
            local.date() == self.date
                && self
                    .time
                    .is_none_or(|time| whole_minute(local.time()) == time)
        })
    }

    /// When the schedule is to be learnt: `before` the day begins, or up to `spread` earlier. Which it is depends on the flight
    /// alone, so that not all flights of an airport are asked about in the same second.
    pub fn first_look(&self, before: Seconds, spread: Seconds) -> Option<Timestamp> {
        let (start, _) = self.day()?;
        let flight = format!("{}/{}/{}", self.ident, self.date, self.origin);
        let drawn =
            U256::from_be_bytes(keccak256(flight).0) % U256::from(spread.0.max(1).unsigned_abs());
        let earlier = i64::try_from(drawn).unwrap_or_default();
        Some(start - before - Seconds(earlier))
    }
}

fn whole_minute(time: Time) -> Time {
    Time::new(time.hour(), time.minute(), 0, 0).unwrap_or(time)
}

fn date_of(text: &str) -> Option<Date> {
    let plain = text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    match (plain, text.parse()) {
        (true, Ok(date)) => Some(date),
        _no_such_day => None,
    }
}

fn time_of(text: &str) -> Option<Time> {
    if text.len() != 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Time::strptime("%H%M", text).ok()
}

impl fmt::Display for FlightSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flight:{}/{}", self.ident, self.date)?;
        if let Some(time) = self.time {
            write!(f, "T{:02}{:02}", time.hour(), time.minute())?;
        }
        write!(f, "/{}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use tocsin_domain::time::Timestamp;

    use super::FlightSubject;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn written_in_one_way_only() {
        for text in [
            "flight:UA1545/2013-01-01/EWR",
            "flight:XE2311/2006-01-11T0730/LAS",
        ] {
            assert_eq!(FlightSubject::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "flight:UA1545/2013-01-01",
            "UA1545/2013-01-01/EWR",
            "flight:ua1545/2013-01-01/EWR",
            "flight:UA01545/2013-01-01/EWR",
            "flight:UA1545/2013-1-1/EWR",
            "flight:UA1545/2013-02-29/EWR",
            "flight:UA1545/2013-01-01T2400/EWR",
            "flight:UA1545/2013-01-01T07:30/EWR",
            "flight:UA1545/2013-01-01/ZZZ",
            "flight:UA1545/2013-01-01/EWR/",
        ] {
            let error = FlightSubject::parse(text).unwrap_err().to_string();
            assert!(
                error.contains("write flight:UA1545/2013-01-01/EWR"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_day_is_the_local_one() {
        let day = |text| FlightSubject::parse(text).unwrap().day().unwrap();
        assert_eq!(
            day("flight:QF1/2013-01-01/SYD"),
            (at("2012-12-31T13:00:00Z"), at("2013-01-01T13:00:00Z"))
        );
        // 23 hours at JFK when clocks are set forward, none lost in Phoenix.
        assert_eq!(
            day("flight:B635/2013-03-10/JFK"),
            (at("2013-03-10T05:00:00Z"), at("2013-03-11T04:00:00Z"))
        );
        assert_eq!(
            day("flight:WN1/2013-03-10/PHX"),
            (at("2013-03-10T07:00:00Z"), at("2013-03-11T07:00:00Z"))
        );
    }

    #[test]
    fn a_departure_of_the_day() {
        let subject = FlightSubject::parse("flight:UA1545/2013-01-01/EWR").unwrap();
        assert!(subject.leaves(at("2013-01-02T04:59:59Z")));
        assert!(!subject.leaves(at("2013-01-02T05:00:00Z")));
        assert!(!subject.leaves(at("2013-01-01T04:59:59Z")));
        let subject = FlightSubject::parse("flight:UA1545/2013-01-01T0515/EWR").unwrap();
        assert!(subject.leaves(at("2013-01-01T10:15:00Z")));
        assert!(!subject.leaves(at("2013-01-01T10:16:00Z")));
    }
}
