//! Real airports around midnight and in the nights in which clocks are changed.

use serde_json::{Value as Json, json};

use super::{flights, recorded, time};
use crate::feed::flight::Flight;

/// A flight as AviationStack tells it, in local times that claim to be UTC.
fn told(
    from: &str,
    leaves: &str,
    to: &str,
    arrives: &str,
    arrived: &str,
) -> Result<Flight, String> {
    let claimed = |local: &str| json!(format!("{local}:00+00:00"));
    let mut changes: Vec<(&str, Json)> = vec![
        ("/data/0/departure/iata", json!(from)),
        ("/data/0/departure/scheduled", claimed(leaves)),
        ("/data/0/arrival/iata", json!(to)),
        ("/data/0/arrival/scheduled", claimed(arrives)),
        ("/data/0/arrival/actual", claimed(arrived)),
    ];
    for field in [
        "departure/timezone",
        "departure/estimated",
        "departure/actual",
        "departure/actual_runway",
        "departure/delay",
    ] {
        changes.push((field, json!(null)));
    }
    for field in [
        "arrival/timezone",
        "arrival/estimated",
        "arrival/actual_runway",
        "arrival/delay",
    ] {
        changes.push((field, json!(null)));
    }
    let changes: Vec<(String, Json)> = changes
        .into_iter()
        .map(|(field, value)| match field.strip_prefix('/') {
            Some(_) => (field.to_owned(), value),
            None => (format!("/data/0/{field}"), value),
        })
        .collect();
    let changes: Vec<_> = changes
        .iter()
        .map(|(field, value)| (field.as_str(), value.clone()))
        .collect();
    let answer = recorded("aviationstack", &changes);
    let read = flights("aviationstack")
        .normalise(&answer, time("2014-01-01T00:00:00Z"))
        .remove(0);
    read.map_err(|trouble| trouble.to_string())
}

#[test]
fn delays_across_zones_midnights_and_changes() {
    for (from, leaves, to, arrives, arrived, scheduled, delay) in [
        // A night in which nothing changes, over midnight and an ocean.
        (
            "JFK",
            "2013-01-01T18:30",
            "LHR",
            "2013-01-02T06:25",
            "2013-01-02T07:10",
            "2013-01-02T06:25:00Z",
            "45min",
        ),
        // 24:00 is the midnight at the end of the day.
        (
            "LHR",
            "2013-01-01T21:00",
            "CDG",
            "2013-01-01T24:00",
            "2013-01-02T00:20",
            "2013-01-01T23:00:00Z",
            "20min",
        ),
        // Eastward over the date line: it arrives the day before it left.
        (
            "SYD",
            "2013-01-01T09:50",
            "HNL",
            "2012-12-31T23:55",
            "2013-01-01T00:40",
            "2013-01-01T09:55:00Z",
            "45min",
        ),
        // New York sets its clocks forward while it is on its way; Phoenix never does.
        (
            "JFK",
            "2013-03-09T22:00",
            "PHX",
            "2013-03-10T01:20",
            "2013-03-10T02:30",
            "2013-03-10T08:20:00Z",
            "1h 10min",
        ),
        (
            "PHX",
            "2013-03-09T23:50",
            "JFK",
            "2013-03-10T06:35",
            "2013-03-10T06:35",
            "2013-03-10T10:35:00Z",
            "0s",
        ),
        // By schedule before London sets its clocks forward, really after it: 00:50 to 02:20 are 30 minutes.
        (
            "DUB",
            "2013-03-30T23:40",
            "LHR",
            "2013-03-31T00:50",
            "2013-03-31T02:20",
            "2013-03-31T00:50:00Z",
            "30min",
        ),
        // Set back in the south in April: 01:50 to 03:10 are 2 h 20 min.
        (
            "MEL",
            "2013-04-07T00:25",
            "SYD",
            "2013-04-07T01:50",
            "2013-04-07T03:10",
            "2013-04-06T14:50:00Z",
            "2h 20min",
        ),
    ] {
        let flight = told(from, leaves, to, arrives, arrived).unwrap();
        assert_eq!(
            flight.arrival.scheduled,
            Some(time(scheduled)),
            "{from} {to}"
        );
        assert_eq!(
            flight.arrival.delay().unwrap().to_string(),
            delay,
            "{from} {to}"
        );
    }
}

#[test]
fn a_date_is_that_of_the_place() {
    let flight = told(
        "SYD",
        "2013-01-01T09:50",
        "HNL",
        "2012-12-31T23:55",
        "2013-01-01T00:40",
    )
    .unwrap();
    let dates = |movement: &crate::feed::flight::Movement| {
        let (local, utc) = (
            movement.scheduled_date_local(),
            movement.scheduled_date_utc(),
        );
        (local.unwrap().to_string(), utc.unwrap().to_string())
    };
    assert_eq!(
        dates(&flight.departure),
        ("2013-01-01".to_owned(), "2012-12-31".to_owned())
    );
    assert_eq!(
        dates(&flight.arrival),
        ("2012-12-31".to_owned(), "2013-01-01".to_owned())
    );
}

#[test]
fn a_time_that_clocks_show_twice_or_never_is_refused() {
    let twice = told(
        "LAX",
        "2013-11-02T17:00",
        "JFK",
        "2013-11-03T01:30",
        "2013-11-03T02:30",
    )
    .unwrap_err();
    assert_eq!(
        twice,
        "aviationstack: $.arrival.scheduled is \"2013-11-03T01:30:00+00:00\": 2013-11-03T01:30:00 happens twice in \
         America/New_York, where clocks are set back, and nothing says which is meant"
    );
    let never = told(
        "JFK",
        "2013-03-09T21:45",
        "PBI",
        "2013-03-10T00:34",
        "2013-03-10T02:03",
    )
    .unwrap_err();
    assert!(
        never.contains("2013-03-10T02:03:00 never happens in America/New_York"),
        "{never}"
    );
    // A provider that gives UTC as well says which.
    let both = |local: &str, utc: &str| json!({"dateLocal": format!("{local}:00.000"), "dateUtc": format!("{utc}:00.000Z")});
    let mut answer = recorded("flightstats", &[]);
    let status = &mut answer["flightStatuses"][0];
    status["departureAirportFsCode"] = json!("LAX");
    status["arrivalAirportFsCode"] = json!("JFK");
    status["delays"] = json!({});
    status["operationalTimes"] = json!({
        "scheduledGateDeparture": both("2013-11-02T17:00", "2013-11-03T00:00"),
        "scheduledGateArrival": both("2013-11-03T01:30", "2013-11-03T05:30"),
        "actualGateArrival": both("2013-11-03T01:30", "2013-11-03T06:30"),
    });
    let flight = flights("flightstats")
        .normalise(&answer, time("2013-11-04T00:00:00Z"))
        .remove(0)
        .unwrap();
    assert_eq!(flight.arrival.delay().unwrap().to_string(), "1h");
}
