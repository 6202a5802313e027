//! The same flight as four providers tell it.

use serde_json::json;

use super::{PROVIDERS, UA1545, Watch, flights, recorded, time};
use crate::feed::flight::FlightStatus;

#[test]
fn one_normal_form() {
    for (provider, _, _) in PROVIDERS {
        let seen =
            flights(provider).normalise(&recorded(provider, &[]), time("2013-01-01T14:40:00Z"));
        let [Ok(flight)] = seen.as_slice() else {
            panic!("{provider}: {seen:?}");
        };
        assert_eq!(
            flight.operating.as_ref().unwrap().to_string(),
            "UA1545",
            "{provider}"
        );
        assert_eq!(flight.status, FlightStatus::Arrived, "{provider}");
        let (leaves, arrives) = (&flight.departure, &flight.arrival);
        assert_eq!(
            (leaves.airport.to_string(), arrives.airport.to_string()),
            ("EWR".into(), "IAH".into())
        );
        for (movement, scheduled, actual, runway) in [
            (
                leaves,
                "2013-01-01T10:15:00Z",
                "2013-01-01T10:17:00Z",
                "2013-01-01T10:33:00Z",
            ),
            (
                arrives,
                "2013-01-01T14:19:00Z",
                "2013-01-01T14:30:00Z",
                "2013-01-01T14:20:00Z",
            ),
        ] {
            let expected = [scheduled, actual, runway].map(|text| Some(time(text)));
            assert_eq!(
                [movement.scheduled, movement.actual, movement.runway],
                expected,
                "{provider}"
            );
            assert_eq!(
                movement.scheduled_date_local().unwrap().to_string(),
                "2013-01-01"
            );
            assert_eq!(
                movement.scheduled_date_utc().unwrap().to_string(),
                "2013-01-01"
            );
        }
        assert_eq!(arrives.delay().unwrap().to_string(), "11min");
    }
}

#[test]
fn final_after_a_second_look() {
    for (provider, confirmed) in [
        ("aeroapi", "2013-01-01T14:55:00Z"),
        ("aviationstack", "2013-01-01T15:25:00Z"),
        ("aerodatabox", "2013-01-01T15:25:00Z"),
        ("flightstats", "2013-01-01T15:10:00Z"),
    ] {
        let mut watch = Watch::new(provider, UA1545);
        let answer = recorded(provider, &[]);
        assert_eq!(
            watch.see("2013-01-01T14:40:00Z", &answer),
            format!("status=landed-provisional · {confirmed}"),
            "{provider}"
        );
        assert_eq!(
            watch.see(confirmed, &answer),
            "status=landed arrival_delay=11min departure_delay=2min · over",
            "{provider}"
        );
    }
}

#[test]
fn landed_without_a_time_at_the_gate_is_provisional() {
    for (provider, changes) in [
        (
            "aeroapi",
            vec![
                ("/flights/0/actual_in", json!(null)),
                ("/flights/0/status", json!("Landed / Taxiing")),
            ],
        ),
        (
            "aviationstack",
            vec![
                ("/data/0/arrival/actual", json!(null)),
                ("/data/0/arrival/delay", json!(null)),
            ],
        ),
        // The time of touching down, written twice.
        (
            "aviationstack",
            vec![("/data/0/arrival/actual", json!("2013-01-01T08:20:00+00:00"))],
        ),
        // At the gate or on the runway, it does not say.
        ("aerodatabox", vec![("-/0/arrival/runwayTime", json!(null))]),
        (
            "flightstats",
            vec![(
                "-/flightStatuses/0/operationalTimes/actualGateArrival",
                json!(null),
            )],
        ),
    ] {
        let mut watch = Watch::new(provider, UA1545);
        let provisional = "status=landed-provisional · 2013-01-01T15:35:00Z";
        assert_eq!(
            watch.see("2013-01-01T14:50:00Z", &recorded(provider, &changes)),
            provisional,
            "{provider}"
        );
        // However long it stands.
        let later = watch.see("2013-01-02T12:00:00Z", &recorded(provider, &changes));
        assert!(later.starts_with("· 2013-01-02T1"), "{provider}: {later}");
    }
}

#[test]
fn an_insured_codeshare_is_the_operating_flight() {
    let watched = |provider, subject, changes: &[_]| {
        let mut watch = Watch::new(provider, subject);
        let answer = recorded(provider, changes);
        watch.see("2013-01-01T14:40:00Z", &answer);
        watch.see("2013-01-01T16:00:00Z", &answer)
    };
    let landed = "status=landed arrival_delay=11min departure_delay=2min · over";
    assert_eq!(
        watched("aeroapi", "flight:NH7012/2013-01-01/EWR", &[]),
        landed
    );
    assert_eq!(
        watched("flightstats", "flight:CM2245/2013-01-01/EWR", &[]),
        landed
    );
    let codeshared = [
        ("/data/0/flight/iata", json!("NH7012")),
        (
            "/data/0/flight/codeshared",
            json!({"airline_iata": "ua", "flight_iata": "ua1545", "flight_number": "1545"}),
        ),
    ];
    assert_eq!(
        watched("aviationstack", "flight:NH7012/2013-01-01/EWR", &codeshared),
        landed
    );
    assert_eq!(watched("aviationstack", UA1545, &codeshared), landed);
}

#[test]
fn the_operating_carrier_is_believed_first() {
    let mut answer = recorded("aerodatabox", &[]);
    let mut other = answer[0].clone();
    other["codeshareStatus"] = json!("IsCodeshared");
    other["status"] = json!("Departed");
    let arrival = other["arrival"].as_object_mut().unwrap();
    arrival.remove("revisedTime");
    arrival.remove("runwayTime");
    answer.as_array_mut().unwrap().insert(0, other);
    let mut watch = Watch::new("aerodatabox", UA1545);
    watch.see("2013-01-01T14:40:00Z", &answer);
    assert_eq!(
        watch.see("2013-01-01T16:00:00Z", &answer),
        "status=landed arrival_delay=11min departure_delay=2min · over"
    );
}

#[test]
fn local_times_that_claim_to_be_utc() {
    // LHR in summer, from the provider's tracker: 07:40 there is 06:40 UTC.
    let answer = recorded(
        "aviationstack",
        &[
            ("/data/0/departure/iata", json!("ZRH")),
            ("/data/0/departure/timezone", json!("Europe/Zurich")),
            (
                "/data/0/departure/scheduled",
                json!("2020-06-30T06:50:00+00:00"),
            ),
            ("/data/0/departure/estimated", json!(null)),
            (
                "/data/0/departure/actual",
                json!("2020-06-30T06:52:00+00:00"),
            ),
            ("/data/0/departure/actual_runway", json!(null)),
            ("/data/0/arrival/iata", json!("LHR")),
            ("/data/0/arrival/timezone", json!("Europe/London")),
            ("/data/0/arrival/delay", json!(null)),
            (
                "/data/0/arrival/scheduled",
                json!("2020-06-30T07:40:00+00:00"),
            ),
            (
                "/data/0/arrival/estimated",
                json!("2020-06-30T07:40:00+00:00"),
            ),
            ("/data/0/arrival/actual", json!("2020-06-30T07:33:00+00:00")),
            (
                "/data/0/arrival/actual_runway",
                json!("2020-06-30T07:27:00+00:00"),
            ),
        ],
    );
    let seen = flights("aviationstack").normalise(&answer, time("2020-06-30T07:00:00Z"));
    let flight = seen[0].as_ref().unwrap();
    assert_eq!(
        flight.departure.scheduled,
        Some(time("2020-06-30T04:50:00Z"))
    );
    assert_eq!(flight.arrival.scheduled, Some(time("2020-06-30T06:40:00Z")));
    assert_eq!(flight.arrival.delay().unwrap().to_string(), "-7min");
    // Were they UTC, it would have landed half an hour after this answer.
    assert!(flights("aviationstack").normalise(&answer, time("2020-06-30T06:20:00Z"))[0].is_err());
}
