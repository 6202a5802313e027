//! The recorded flights as instants: who was to leave when, and what became of it.
//!
//! The records have local clock times without dates of arrival and without zones (see `data/README.md`); every instant here
//! is worked out from the clock times and the airports' zones, never from the recorded delays, which so remain for whoever
//! wants to check.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Deserialize;
use tocsin_domain::calendar;
use tocsin_domain::time::{Seconds, Timestamp};

const FLIGHTS: &str = include_str!("data/flights.csv");
const AIRPORTS: &str = include_str!("data/airports.csv");
const CARRIERS: &str = include_str!("data/carriers.csv");

/// Departures are scheduled in New York.
const HOME: &str = "America/New_York";

/// No aircraft leaves its gate earlier than this before its time.
const EARLIEST: Seconds = Seconds(2 * 3_600);

/// A flight of the slice.
#[derive(Clone, Debug)]
pub struct Flight {
    /// Of the operating carrier.
    pub carrier: Carrier,
    /// Its number.
    pub number: String,
    /// The aircraft, where it is known.
    pub registration: Option<String>,
    /// Where it leaves.
    pub origin: Airport,
    /// Where it goes.
    pub destination: Airport,
    /// The scheduled local date of its departure.
    pub date: Date,
    /// When it should leave the gate.
    pub scheduled_out: Timestamp,
    /// When it should be at the other gate.
    pub scheduled_in: Timestamp,
    /// Statute miles.
    pub miles: u32,
    /// What became of it.
    pub fate: Fate,
}

/// An airline.
#[derive(Clone, Debug, Deserialize)]
pub struct Carrier {
    /// IATA code.
    pub carrier: String,
    /// ICAO code.
    pub icao: String,
    /// What it is called.
    pub name: String,
}

/// An airport.
#[derive(Clone, Debug, Deserialize)]
pub struct Airport {
    /// IATA code.
    pub faa: String,
    /// What it is called.
    pub name: String,
    /// Its zone in the IANA database.
    pub zone: String,
}

/// What became of a flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It never left.
    Cancelled,
    /// It arrived where it should.
    Arrived {
        /// It left the gate.
        out: Timestamp,
        /// It left the ground.
        off: Timestamp,
        /// It touched down.
        on: Timestamp,
        /// It reached the gate.
        at_gate: Timestamp,
    },
    /// It left, and landed somewhere else.
    Diverted {
        /// It left the gate.
        out: Timestamp,
    },
    /// It left, and the records do not say what became of it.
    Unknown {
        /// It left the gate.
        out: Timestamp,
    },
}

/// The records are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum SliceError {
    /// One of the tables.
    #[error("cannot read the table of {table}")]
    Table {
        /// Which.
        table: &'static str,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// A row.
    #[error("flight {flight}: {problem}")]
    Row {
        /// Which.
        flight: String,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Deserialize)]
struct Record {
    date: String,
    carrier: String,
    flight: String,
    tailnum: Option<String>,
    origin: String,
    dest: String,
    sched_dep_time: u32,
    dep_time: Option<u32>,
    sched_arr_time: u32,
    arr_time: Option<u32>,
    arr_delay: Option<i64>,
    air_time: Option<i64>,
    distance: u32,
}

impl Flight {
    /// As tickets show it: `UA1545`.
    pub fn ident(&self) -> String {
        format!("{}{}", self.carrier.carrier, self.number)
    }

    /// What is insured: `flight:UA1545/2013-02-08/EWR`.
    pub fn subject(&self) -> String {
        format!("flight:{}/{}/{}", self.ident(), self.date, self.origin.faa)
    }
}

/// Every flight, in the order of the scheduled departures.
pub fn flights() -> Result<Vec<Flight>, SliceError> {
    let airports: BTreeMap<String, Airport> = rows::<Airport>("airports", AIRPORTS)?
        .into_iter()
        .map(|airport| (airport.faa.clone(), airport))
        .collect();
    let carriers: BTreeMap<String, Carrier> = rows::<Carrier>("carriers", CARRIERS)?
        .into_iter()
        .map(|carrier| (carrier.carrier.clone(), carrier))
        .collect();
    rows::<Record>("flights", FLIGHTS)?
        .into_iter()
        .map(|record| {
            let name = format!("{}{} of {}", record.carrier, record.flight, record.date);
            flight(record, &airports, &carriers).map_err(|problem| SliceError::Row {
                flight: name,
                problem,
            })
        })
        .collect()
}

fn rows<T: serde::de::DeserializeOwned>(
    table: &'static str,
    text: &str,
) -> Result<Vec<T>, SliceError> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|source| SliceError::Table { table, source })
}

fn flight(
    record: Record,
    airports: &BTreeMap<String, Airport>,
    carriers: &BTreeMap<String, Carrier>,
) -> Result<Flight, String> {
    let airport = |code: &String| {
        let known = airports.get(code).cloned();
        known.ok_or_else(|| format!("there is no airport {code}"))
    };
    let (origin, destination) = (airport(&record.origin)?, airport(&record.dest)?);
    let carrier = carriers.get(&record.carrier).cloned();
    let home = zone(HOME)?;
    let there = zone(&destination.zone)?;
    let date: Date = record
        .date
        .parse()
        .map_err(|error: jiff::Error| format!("`{}` is no date: {error}", record.date))?;
    let scheduled_out = instant(&home, date, record.sched_dep_time)?;
    let scheduled_in = first_after(&there, scheduled_out, record.sched_arr_time)?;
    let fate = fate(&record, &home, &there, scheduled_out)?;
    Ok(Flight {
        carrier: carrier.ok_or_else(|| format!("there is no carrier {}", record.carrier))?,
        number: record.flight,
        registration: record.tailnum,
        origin,
        destination,
        date,
        scheduled_out,
        scheduled_in,
        miles: record.distance,
        fate,
    })
}

fn fate(
    record: &Record,
    home: &TimeZone,
    there: &TimeZone,
    scheduled_out: Timestamp,
) -> Result<Fate, String> {
    let Some(dep_time) = record.dep_time else {
        return Ok(Fate::Cancelled);
    };
    let out = first_after(home, scheduled_out - EARLIEST, dep_time)?;
    Ok(match (record.arr_time, record.arr_delay, record.air_time) {
        (Some(arr_time), Some(_), Some(air_minutes)) => {
            let at_gate = first_after(there, out, arr_time)?;
            // What was not in the air was on the ground; two thirds of it before the start.
            let ground = at_gate.since(out).0 - air_minutes * 60;
            let off = out + Seconds(ground / 90 * 60);
            Fate::Arrived {
                out,
                off,
                on: off + Seconds(air_minutes * 60),
                at_gate,
            }
        }
        (Some(_), None, _) => Fate::Diverted { out },
        _ => Fate::Unknown { out },
    })
}

fn zone(name: &str) -> Result<TimeZone, String> {
    calendar::zone(name).ok_or_else(|| format!("there is no zone {name}"))
}

/// The first instant after `after` at which clocks of the zone show `hhmm`.
fn first_after(zone: &TimeZone, after: Timestamp, hhmm: u32) -> Result<Timestamp, String> {
    let after_local = jiff::Timestamp::from_second(after.0).map_err(|error| error.to_string())?;
    let local = zone.to_datetime(after_local).date();
    let yesterday = local.yesterday().map_err(|error| error.to_string())?;
    for date in yesterday.series(1.day()).take(4) {
        let at = instant(zone, date, hhmm)?;
        if at > after {
            return Ok(at);
        }
    }
    Err(format!("{hhmm} does not come after {after}"))
}

/// A clock time of a day; 2400 is the midnight at its end.
fn instant(zone: &TimeZone, date: Date, hhmm: u32) -> Result<Timestamp, String> {
    let minutes = i64::from(hhmm / 100) * 60 + i64::from(hhmm % 100);
    if hhmm > 2400 || hhmm % 100 > 59 {
        return Err(format!("{hhmm} is no time of day"));
    }
    let local: DateTime = date
        .at(0, 0, 0, 0)
        .checked_add(minutes.minutes())
        .map_err(|error| error.to_string())?;
    let zoned = local
        .to_zoned_datetime(zone.clone())
        .map_err(|error| error.to_string())?;
    Ok(Timestamp(zoned.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recorded delays, which the instants are not made of, are what the instants say.
    #[test]
    fn instants_agree_with_the_recorded_delays() {
        #[derive(Deserialize)]
        struct Delays {
            dep_delay: Option<i64>,
            arr_delay: Option<i64>,
        }
        let flights = flights().unwrap();
        let delays = rows::<Delays>("flights", FLIGHTS).unwrap();
        assert_eq!(flights.len(), 1_614);
        let mut arrived = 0;
        for (flight, delays) in flights.iter().zip(delays) {
            let minutes = |late: Seconds| late.0 / 60;
            if let Fate::Arrived {
                out,
                off,
                on,
                at_gate,
            } = flight.fate
            {
                arrived += 1;
                let name = flight.subject();
                let late = minutes(at_gate.since(flight.scheduled_in));
                assert_eq!(Some(late), delays.arr_delay, "{name}");
                let late = minutes(out.since(flight.scheduled_out));
                assert_eq!(Some(late), delays.dep_delay, "{name}");
                assert!(out < off && off < on && on < at_gate, "{name}");
            }
        }
        assert_eq!(arrived, 746);
        let cancelled = |flight: &&Flight| flight.fate == Fate::Cancelled;
        assert_eq!(flights.iter().filter(cancelled).count(), 865);
    }

    #[test]
    fn midnight_and_zones_are_taken_as_written() {
        let home = zone(HOME).unwrap();
        let day: Date = "2013-02-09".parse().unwrap();
        let at = |hhmm| instant(&home, day, hhmm).unwrap().to_string();
        assert_eq!(at(2400), "2013-02-10T05:00:00Z");
        assert_eq!(at(5), "2013-02-09T05:05:00Z");
        assert!(instant(&home, day, 2401).is_err());
        assert!(instant(&home, day, 1260).is_err());
        // Kennedy to Burlington, 22:45 to 23:56, at the gate at 24:00.
        let flights = flights().unwrap();
        let burlington = flights
            .iter()
            .find(|flight| flight.subject() == "flight:B6128/2013-02-09/JFK")
            .unwrap();
        assert!(matches!(burlington.fate, Fate::Arrived { at_gate, .. }
            if at_gate.to_string() == "2013-02-10T05:00:00Z"));
        // Six hours of time zones and eleven in the air.
        let honolulu = flights
            .iter()
            .find(|flight| flight.destination.faa == "HNL")
            .unwrap();
        let hours = honolulu.scheduled_in.since(honolulu.scheduled_out).0 / 3_600;
        assert!((10..13).contains(&hours), "{hours}");
    }
}
