//! Bad input: unknown, with a reason that names provider, field and value; never an end, never a delay.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Value;

use super::{PROVIDERS, UA1545, Watch, change, recorded, time};

/// The trouble of a first look long after the landing.
fn trouble(provider: &str, changes: &[(&str, Json)]) -> String {
    let mut watch = Watch::new(provider, UA1545);
    let seen = watch.see("2013-01-01T16:00:00Z", &recorded(provider, changes));
    let (line, trouble) = seen
        .split_once('\n')
        .unwrap_or_else(|| panic!("no trouble: {seen}"));
    assert!(
        line.starts_with("status=- arrival_delay=- departure_delay=- · 2013"),
        "{seen}"
    );
    trouble.to_owned()
}

#[test]
fn a_reason_for_each() {
    let flight = |field: &str| format!("/flights/0/{field}");
    for (field, value, expected) in [
        (
            "status",
            json!("Beamed Up"),
            "unlisted aeroapi: $.status is \"Beamed Up\": \"Beamed Up\" is no status that the feed's file names",
        ),
        ("status", json!(null), "missing aeroapi: $.status"),
        (
            "status",
            json!("En Route / On Time"),
            "contradiction aeroapi: $.actual_in is \"2013-01-01T14:30:00Z\": contradicts the status, which means active",
        ),
        (
            "cancelled",
            json!("no"),
            "unreadable aeroapi: $.cancelled is \"no\": is neither true nor false",
        ),
        (
            "cancelled",
            json!(true),
            "contradiction aeroapi: $.cancelled is true: contradicts the status, which says \"Arrived / Gate Arrival\"",
        ),
        (
            "actual_in",
            json!("2013-01-01T14:30:00"),
            "unreadable aeroapi: $.actual_in is \"2013-01-01T14:30:00\": ",
        ),
        (
            "actual_in",
            json!(1_357_050_600),
            "unreadable aeroapi: $.actual_in is 1357050600: 1357050600 is not a time with its offset",
        ),
        (
            "actual_in",
            json!("2014-02-21T22:30:00Z"),
            "implausible aeroapi: $.actual_in is \"2014-02-21T22:30:00Z\": makes a delay of 416d 8h 11min",
        ),
        (
            "actual_in",
            json!("2013-01-01T20:30:00Z"),
            "wrong_time aeroapi: $.actual_in is \"2013-01-01T20:30:00Z\": has happened, it says, and is after the answer",
        ),
        (
            "actual_in",
            json!("2013-01-01T14:19:30Z"),
            "contradiction aeroapi: $.actual_in is \"2013-01-01T14:19:30Z\": is before $.actual_on, 2013-01-01T14:20:00Z",
        ),
        (
            "arrival_delay",
            json!(36_000_000),
            "implausible aeroapi: $.arrival_delay is 36000000: makes a delay of 416d 16h",
        ),
        (
            "arrival_delay",
            json!(3600),
            "contradiction aeroapi: $.arrival_delay is 3600: and the gate times make 11min",
        ),
        (
            "arrival_delay",
            json!("late"),
            "unreadable aeroapi: $.arrival_delay is \"late\": is not a whole number",
        ),
        (
            "scheduled_in",
            json!("2013-01-01T04:19:00Z"),
            "implausible aeroapi: $.scheduled_in is \"2013-01-01T04:19:00Z\": makes a flight of -5h 56min",
        ),
        (
            "ident_iata",
            json!("UA"),
            "unreadable aeroapi: $.ident_iata is \"UA\": `UA` is no flight number",
        ),
        (
            "origin",
            json!("EWR"),
            "missing aeroapi: $.flights[*]: none of 1 records is about UA1545",
        ),
        (
            "scheduled_out",
            json!("2012-12-31T10:15:00Z"),
            "missing aeroapi: $.flights[*]: none of 1 records is about UA1545 leaving EWR on 2013-01-01 by the clocks there; one leaves at 2012-12-31T10:15:00Z",
        ),
    ] {
        let seen = trouble("aeroapi", &[(&flight(field), value.clone())]);
        assert!(
            seen.starts_with(expected),
            "{field} {value}:\n{seen}\n{expected}"
        );
    }
}

#[test]
fn renamed_fields() {
    for field in [
        "actual_in",
        "status",
        "cancelled",
        "scheduled_out",
        "arrival_delay",
        "estimated_in",
    ] {
        let seen = trouble("aeroapi", &[(&format!("-/flights/0/{field}"), json!(null))]);
        assert!(
            seen.starts_with(&format!("missing aeroapi: $.{field}: ")),
            "{seen}"
        );
    }
    let mut watch = Watch::new("aeroapi", UA1545);
    let seen = watch.see(
        "2013-01-01T16:00:00Z",
        &json!({"results": [], "error": "over quota"}),
    );
    assert!(
        seen.ends_with("missing aeroapi: $.flights: is no list of records in this answer"),
        "{seen}"
    );
}

#[test]
fn zones_and_airports() {
    let seen = trouble(
        "aeroapi",
        &[("/flights/0/destination/code_iata", json!("ZZZ"))],
    );
    assert_eq!(
        seen,
        "unreadable aeroapi: $.destination.code_iata is \"ZZZ\": `ZZZ` is not the IATA code of an airport whose time zone is known"
    );
    let seen = trouble(
        "aeroapi",
        &[("/flights/0/destination/timezone", json!("Asia/Tokyo"))],
    );
    assert!(seen.starts_with("wrong_time aeroapi: $.destination.timezone is \"Asia/Tokyo\": shows another time than America/Chicago, the zone of IAH"), "{seen}");
    let seen = trouble(
        "flightstats",
        &[(
            "/flightStatuses/0/operationalTimes/scheduledGateArrival/dateLocal",
            json!("2013-01-01T14:19:00.000"),
        )],
    );
    assert!(
        seen.starts_with(
            "wrong_time flightstats: $.operationalTimes.scheduledGateArrival.dateLocal"
        ),
        "{seen}"
    );
    let seen = trouble(
        "aviationstack",
        &[("/data/0/arrival/actual", json!("2013-01-01T08:30:00-06:00"))],
    );
    assert!(seen.contains("claims another offset than +00:00"), "{seen}");
}

#[test]
fn several_records() {
    let twice = |changes: &[(&str, Json)]| {
        let mut answer = recorded("aeroapi", &[]);
        let mut second = answer["flights"][0].clone();
        for (pointer, value) in changes {
            change(&mut second, pointer, value.clone());
        }
        answer["flights"].as_array_mut().unwrap().push(second);
        Watch::new("aeroapi", UA1545).see("2013-01-01T16:00:00Z", &answer)
    };
    // The same once more is the same.
    assert_eq!(
        twice(&[]),
        "status=landed-provisional · 2013-01-01T16:15:00Z"
    );
    let seen = twice(&[
        ("/actual_in", json!("2013-01-01T14:50:00Z")),
        ("/arrival_delay", json!(1860)),
    ]);
    assert!(
        seen.ends_with("two records of this flight do not agree about the arrival"),
        "{seen}"
    );
    let seen = twice(&[("/actual_in", json!(17))]);
    assert!(
        seen.contains("unreadable aeroapi: $.actual_in is 17"),
        "{seen}"
    );
    let later = [
        ("/scheduled_out", json!("2013-01-01T22:15:00Z")),
        ("/scheduled_in", json!("2013-01-02T02:19:00Z")),
        ("/status", json!("Scheduled")),
    ];
    let seen = twice(&later);
    assert!(
        seen.contains("contradiction aeroapi: $.scheduled_out is \"2013-01-01T22:15:00Z\": is a second flight of UA1545 that leaves EWR on 2013-01-01"),
        "{seen}"
    );
}

#[test]
fn two_flights_of_a_day_are_told_apart_by_their_local_time() {
    let mut answer = recorded("aeroapi", &[]);
    let mut second = answer["flights"][0].clone();
    for (field, value) in [
        ("scheduled_out", json!("2013-01-01T22:15:00Z")),
        ("scheduled_in", json!("2013-01-02T02:19:00Z")),
        ("estimated_in", json!("2013-01-02T02:19:00Z")),
        ("status", json!("Scheduled")),
    ] {
        second[field] = value;
    }
    for field in [
        "actual_out",
        "actual_off",
        "actual_on",
        "actual_in",
        "estimated_out",
        "arrival_delay",
    ] {
        second[field] = json!(null);
    }
    answer["flights"].as_array_mut().unwrap().push(second);
    let see = |subject| Watch::new("aeroapi", subject).see("2013-01-01T16:00:00Z", &answer);
    assert_eq!(
        see("flight:UA1545/2013-01-01T0515/EWR"),
        "status=landed-provisional · 2013-01-01T16:15:00Z"
    );
    assert_eq!(
        see("flight:UA1545/2013-01-01T1715/EWR"),
        "status=scheduled · 2013-01-02T02:29:00Z"
    );
}

#[test]
fn a_leg_from_an_airport_that_nobody_knows_is_another_leg() {
    let mut answer = recorded("flightstats", &[]);
    let mut leg = answer["flightStatuses"][0].clone();
    leg["departureAirportFsCode"] = json!("IAH");
    leg["arrivalAirportFsCode"] = json!("ZZZ");
    let mut unknown = leg.clone();
    unknown["departureAirportFsCode"] = json!("ZZZ");
    let legs = answer["flightStatuses"].as_array_mut().unwrap();
    legs.extend([leg, unknown]);
    let seen = Watch::new("flightstats", UA1545).see("2013-01-01T16:00:00Z", &answer);
    assert_eq!(seen, "status=landed-provisional · 2013-01-01T16:30:00Z");
}

/// Something that a record may say at any place.
fn anything() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[0-9TZ:+. -]{0,25}|\\PC{0,12}".prop_map(Json::from),
        (-100_000_000_i64..100_000_000).prop_map(|seconds| {
            let at = tocsin_domain::time::Timestamp(1_357_050_600).0 + seconds;
            json!(tocsin_domain::time::Timestamp(at).to_string())
        }),
        prop::sample::select(vec![
            "landed",
            "Arrived",
            "Cancelled",
            "L",
            "C",
            "D",
            "Diverted",
            "cancelled",
            "EWR",
            "LHR",
            "UA1545"
        ])
        .prop_map(Json::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"fsCode": 1}])),
    ]
}

/// Every place in an answer, as a JSON pointer.
fn places(answer: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match answer {
        Json::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{name}"), found);
            }
        }
        Json::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Every instant that an answer states, whatever the form.
fn states(answer: &Json, word: &str) -> bool {
    answer
        .to_string()
        .to_lowercase()
        .contains(&word.to_lowercase())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn a_hostile_record_states_what_is_said_or_nothing_is(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
    ) {
        let (provider, _, _) = PROVIDERS[which];
        let mut answer = recorded(provider, &[]);
        for (place, value) in changes {
            let mut all = Vec::new();
            places(&answer, "", &mut all);
            let place = &all[place.index(all.len())];
            *answer.pointer_mut(place).unwrap() = value;
        }
        let mut watch = Watch::new(provider, UA1545);
        let mut last = None;
        for at in ["2013-01-01T16:00:00Z", "2013-01-01T18:00:00Z"] {
            let reading = watch.answered(time(at), &answer);
            for observation in &reading.observations {
                last = match (observation.metric.as_str(), &observation.value) {
                    ("status", Some(Value::Text(text))) => Some(text.clone()),
                    ("status", _) => None,
                    ("arrival_delay", Some(Value::Duration(Seconds(delay)))) => {
                        // Only a landing has one, and only within what flights do.
                        prop_assert_eq!(last.as_deref(), Some("landed"));
                        prop_assert!((-6 * 3600..=72 * 3600).contains(delay));
                        last
                    }
                    _ => last,
                };
            }
            prop_assert!(last.is_some() || !reading.troubles.is_empty());
        }
        // An end is one that the answer states.
        let stated = match last.as_deref() {
            Some("landed") => ["landed", "arrived", "\"l\""].iter().any(|word| states(&answer, word)),
            Some("cancelled") => ["cancelled", "\"c\""].iter().any(|word| states(&answer, word)),
            Some("diverted") => ["diverted", "\"d\""].iter().any(|word| states(&answer, word)),
            _ => true,
        };
        prop_assert!(stated, "{:?}: {}", last, answer);
    }
}
