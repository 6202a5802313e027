//! Airports by their IATA code, and the time zone that their clocks keep.
//!
//! The table is `data/airports.txt`: 7,883 codes, from PyPI airportsdata (MIT), corrected where the borders of time zones say
//! otherwise; `data/airports.py` makes it. An airport that is not in it has no zone: nothing that depends on its local time is
//! guessed.

use core::fmt;
use std::sync::OnceLock;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tocsin_domain::calendar;

static TABLE: &str = include_str!("../../../data/airports.txt");

/// An airport whose time zone is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Airport([u8; 3]);

/// A code that names no airport whose time zone is known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not the IATA code of an airport whose time zone is known")]
pub struct AirportError(pub String);

impl Airport {
    /// The airport of an IATA code in capitals.
    pub fn of(code: &str) -> Result<Self, AirportError> {
        let refused = || AirportError(code.to_owned());
        let airport = match code.as_bytes().try_into() {
            Ok(letters) => Self(letters),
            Err(_not_three_letters) => return Err(refused()),
        };
        airport.place().map(|_| airport).ok_or_else(refused)
    }

    /// The zone of its clocks.
    pub fn zone(self) -> &'static TimeZone {
        // Whoever has an airport found it in the table; UTC is never reached, and a test reads the whole table.
        static UTC: TimeZone = TimeZone::UTC;
        self.place().map_or(&UTC, Zone::get)
    }

    fn place(self) -> Option<&'static Zone> {
        let table = table();
        let at = table
            .codes
            .binary_search_by_key(&self.0, |(code, _)| *code)
            .ok()?;
        let (_, zone) = table.codes.get(at)?;
        table.zones.get(*zone)
    }
}

struct Table {
    codes: Vec<([u8; 3], usize)>,
    zones: Vec<Zone>,
}

struct Zone {
    name: &'static str,
    zone: OnceLock<TimeZone>,
}

impl Zone {
    fn get(&self) -> &TimeZone {
        self.zone
            .get_or_init(|| calendar::zone(self.name).unwrap_or(TimeZone::UTC))
    }
}

fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(|| {
        let mut table = Table {
            codes: Vec::new(),
            zones: Vec::new(),
        };
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let Some(name) = words.next() else { continue };
            let zone = table.zones.len();
            let codes = words.filter_map(|code| code.as_bytes().try_into().ok());
            table.codes.extend(codes.map(|code: [u8; 3]| (code, zone)));
            table.zones.push(Zone {
                name,
                zone: OnceLock::new(),
            });
        }
        table.codes.sort_unstable();
        table
    })
}

impl fmt::Display for Airport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl TryFrom<String> for Airport {
    type Error = AirportError;

    fn try_from(code: String) -> Result<Self, AirportError> {
        Self::of(&code)
    }
}

impl From<Airport> for String {
    fn from(airport: Airport) -> Self {
        airport.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tocsin_domain::calendar;

    use super::{Airport, table};

    #[test]
    fn every_zone_of_the_table_is_known_and_every_code_is_there_once() {
        let table = table();
        for zone in &table.zones {
            assert!(calendar::zone_exists(zone.name), "{}", zone.name);
        }
        let codes: BTreeSet<_> = table.codes.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), table.codes.len());
        assert!(
            codes
                .iter()
                .all(|code| code.iter().all(u8::is_ascii_uppercase))
        );
        assert_eq!(codes.len(), 7883);
    }

    #[test]
    fn well_known_airports() {
        for (code, zone) in [
            ("JFK", "America/New_York"),
            ("LHR", "Europe/London"),
            ("SYD", "Australia/Sydney"),
            ("PHX", "America/Phoenix"),
            ("HNL", "Pacific/Honolulu"),
            ("SJU", "America/Puerto_Rico"),
            ("DEN", "America/Denver"),
            // Moved to another zone in 2022, and places that the first source has wrong.
            ("CUU", "America/Chihuahua"),
            ("UUS", "Asia/Sakhalin"),
            // All of China's timetables keep the time of Beijing.
            ("URC", "Asia/Shanghai"),
        ] {
            assert_eq!(
                Airport::of(code).unwrap().zone().iana_name(),
                Some(zone),
                "{code}"
            );
        }
    }

    #[test]
    fn an_unknown_code_is_no_airport() {
        for code in ["", "ZZZ", "jfk", "KJFK", "J F", "JF\u{e9}"] {
            let said = Airport::of(code).unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("`{code}` is not the IATA code")),
                "{said}"
            );
        }
    }
}
