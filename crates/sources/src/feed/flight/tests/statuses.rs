//! From the day before to the end, and every end there is.

use serde_json::{Value as Json, json};

use super::{UA1545, Watch, recorded, time};

/// AeroAPI's answer with fields of its one record changed.
fn aeroapi(changes: &[(&str, Json)]) -> Json {
    let changes: Vec<_> = changes
        .iter()
        .map(|(field, value)| (format!("/flights/0/{field}"), value.clone()))
        .collect();
    let changes: Vec<_> = changes
        .iter()
        .map(|(pointer, value)| (pointer.as_str(), value.clone()))
        .collect();
    recorded("aeroapi", &changes)
}

fn scheduled(more: &[(&str, Json)]) -> Json {
    let mut changes = vec![
        ("status", json!("Scheduled")),
        ("actual_out", json!(null)),
        ("actual_off", json!(null)),
        ("actual_on", json!(null)),
        ("actual_in", json!(null)),
        ("estimated_in", json!("2013-01-01T14:19:00Z")),
        ("departure_delay", json!(0)),
        ("arrival_delay", json!(0)),
    ];
    changes.extend_from_slice(more);
    aeroapi(&changes)
}

fn airborne(more: &[(&str, Json)]) -> Json {
    let mut changes = vec![
        ("status", json!("En Route / Delayed")),
        ("actual_on", json!(null)),
        ("actual_in", json!(null)),
    ];
    changes.extend_from_slice(more);
    aeroapi(&changes)
}

#[test]
fn scheduled_airborne_landed() {
    let mut watch = Watch::new("aeroapi", UA1545);
    // The schedule is known: the next look is when it should have arrived.
    assert_eq!(
        watch.see("2012-12-31T23:00:01Z", &scheduled(&[])),
        "status=scheduled · 2013-01-01T14:29:00Z"
    );
    // Late: when it is expected now.
    assert_eq!(
        watch.see(
            "2013-01-01T14:29:00Z",
            &airborne(&[("estimated_in", json!("2013-01-01T15:20:00Z"))])
        ),
        "status=active · 2013-01-01T15:30:00Z"
    );
    let landed = [
        ("actual_on", json!("2013-01-01T15:12:00Z")),
        ("actual_in", json!("2013-01-01T15:19:00Z")),
        ("arrival_delay", json!(3600)),
    ];
    assert_eq!(
        watch.see("2013-01-01T15:30:00Z", &aeroapi(&landed)),
        "status=landed-provisional · 2013-01-01T15:45:00Z"
    );
    assert_eq!(
        watch.see("2013-01-01T15:45:00Z", &aeroapi(&landed)),
        "status=landed arrival_delay=1h departure_delay=2min · over"
    );
}

#[test]
fn a_time_at_the_gate_that_is_corrected_starts_over() {
    let mut watch = Watch::new("aeroapi", UA1545);
    let landed = "status=landed-provisional · 2013-01-01T14:55:00Z";
    assert_eq!(watch.see("2013-01-01T14:40:00Z", &aeroapi(&[])), landed);
    let corrected = aeroapi(&[
        ("actual_in", json!("2013-01-01T14:31:00Z")),
        ("arrival_delay", json!(720)),
    ]);
    assert_eq!(
        watch.see("2013-01-01T14:55:00Z", &corrected),
        "· 2013-01-01T15:10:00Z"
    );
    assert_eq!(
        watch.see("2013-01-01T15:10:00Z", &corrected),
        "status=landed arrival_delay=12min departure_delay=2min · over"
    );
}

#[test]
fn cancelled_is_final_once_it_would_have_left() {
    let cancelled = scheduled(&[("cancelled", json!(true)), ("status", json!("Cancelled"))]);
    let mut watch = Watch::new("aeroapi", UA1545);
    assert_eq!(
        watch.see("2013-01-01T01:00:00Z", &cancelled),
        "status=cancelled-provisional · 2013-01-01T10:15:00Z"
    );
    assert_eq!(
        watch.see("2013-01-01T10:15:00Z", &cancelled),
        "status=cancelled · over"
    );
    // Seen late, it has to stand.
    let mut watch = Watch::new("aeroapi", UA1545);
    assert_eq!(
        watch.see("2013-01-01T14:29:00Z", &cancelled),
        "status=cancelled-provisional · 2013-01-01T16:29:00Z"
    );
    // Put back: as if nothing had been said.
    assert_eq!(
        watch.see("2013-01-01T16:29:00Z", &airborne(&[])),
        "status=active · 2013-01-01T17:14:00Z"
    );
}

#[test]
fn diverted_with_a_second_leg() {
    let mut answer = airborne(&[
        ("status", json!("Diverted")),
        ("diverted", json!(true)),
        ("actual_on", json!(null)),
        ("estimated_in", json!(null)),
        ("arrival_delay", json!(null)),
    ]);
    let mut leg = recorded("aeroapi", &[])["flights"][0].clone();
    leg["destination"]["code_iata"] = json!("AUS");
    leg["diverted"] = json!(false);
    answer["flights"].as_array_mut().unwrap().insert(0, leg);
    let mut watch = Watch::new("aeroapi", UA1545);
    assert_eq!(
        watch.see("2013-01-01T14:40:00Z", &answer),
        "status=diverted-provisional · 2013-01-01T16:40:00Z"
    );
    assert_eq!(
        watch.see("2013-01-01T16:40:00Z", &answer),
        "status=diverted departure_delay=2min · over"
    );
}

#[test]
fn a_failure_in_between_is_unknown_and_starts_over() {
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2013-01-01T14:40:00Z", &aeroapi(&[]));
    assert_eq!(
        watch.missed("2013-01-01T15:10:00Z"),
        "status=- arrival_delay=- departure_delay=- · 2013-01-01T15:55:00Z\n\
         timeout aeroapi: there was no answer for longer than the feed's patience"
    );
    assert_eq!(
        watch.look.watermark.unwrap().to_string(),
        "2013-01-01T14:55:00Z"
    );
    // Once is enough.
    assert!(
        watch
            .missed("2013-01-01T16:10:00Z")
            .starts_with("· 2013-01-01T16:55:00Z")
    );
    let landed = "status=landed-provisional · 2013-01-01T17:10:00Z";
    assert_eq!(watch.see("2013-01-01T16:55:00Z", &aeroapi(&[])), landed);
    assert_eq!(
        watch.unchanged("2013-01-01T17:10:00Z"),
        "status=landed arrival_delay=11min departure_delay=2min · over"
    );
}

#[test]
fn never_listed_and_never_landed_need_a_person() {
    let mut watch = Watch::new("aeroapi", UA1545);
    let nothing = json!({"links": null, "num_pages": 1, "flights": []});
    let first = watch.see("2012-12-31T23:00:00Z", &nothing);
    assert_eq!(
        first,
        "status=- arrival_delay=- departure_delay=- · 2013-01-01T02:00:00Z\n\
         missing aeroapi: $.flights[*]: none of 0 records is about UA1545 leaving EWR on 2013-01-01 by the clocks there"
    );
    // A day for the flight, a day for the provider, and three looks more.
    watch.see("2013-01-04T05:00:00Z", &nothing);
    assert!(
        watch
            .see("2013-01-04T08:00:00Z", &nothing)
            .starts_with("· 2013-01-04T11:00:00Z")
    );
    let last = watch.see("2013-01-04T11:00:00Z", &nothing);
    assert!(
        last.starts_with("· person: how flight:UA1545/2013-01-01/EWR ended is not known: the last answer gave nothing: aeroapi: "),
        "{last}"
    );

    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2013-01-01T14:29:00Z", &airborne(&[]));
    // The end is 24 h after it was expected.
    assert_eq!(
        watch.see("2013-01-02T14:28:00Z", &airborne(&[])),
        "· 2013-01-02T14:29:00Z"
    );
    assert_eq!(
        watch.see("2013-01-02T14:29:00Z", &airborne(&[])),
        "· 2013-01-02T15:14:00Z"
    );
    assert_eq!(
        watch.see("2013-01-02T15:14:00Z", &airborne(&[])),
        "· 2013-01-02T15:59:00Z"
    );
    assert_eq!(
        watch.see("2013-01-02T15:59:00Z", &airborne(&[])),
        "status=- arrival_delay=- departure_delay=- · person: how flight:UA1545/2013-01-01/EWR ended is not known: it was expected at \
         2013-01-01T14:29:00Z, and aeroapi said `active` last; find out from the airline or the airport"
    );
    // A person has it asked about again, and what is found then has the time to stand.
    let landed = "status=landed-provisional · 2013-01-03T09:15:00Z";
    assert_eq!(watch.see("2013-01-03T09:00:00Z", &aeroapi(&[])), landed);
    let done = "status=landed arrival_delay=11min departure_delay=2min · over";
    assert_eq!(watch.see("2013-01-03T09:15:00Z", &aeroapi(&[])), done);
}

#[test]
fn a_flight_that_is_looked_at_days_late_still_settles() {
    let mut watch = Watch::new("aeroapi", UA1545);
    let landed = "status=landed-provisional · 2013-01-06T12:15:00Z";
    assert_eq!(watch.see("2013-01-06T12:00:00Z", &aeroapi(&[])), landed);
    let done = "status=landed arrival_delay=11min departure_delay=2min · over";
    assert_eq!(watch.see("2013-01-06T12:15:00Z", &aeroapi(&[])), done);
}

#[test]
fn a_schedule_that_moves_hides_no_delay() {
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2012-12-31T23:00:00Z", &scheduled(&[]));
    let moved = aeroapi(&[
        ("scheduled_in", json!("2013-01-01T14:30:00Z")),
        ("arrival_delay", json!(0)),
    ]);
    let seen = watch.see("2013-01-01T14:40:00Z", &moved);
    assert_eq!(
        seen,
        "status=- arrival_delay=- departure_delay=- · 2013-01-01T15:25:00Z\n\
         contradiction aeroapi: $.scheduled_in is 2013-01-01T14:30:00Z: was 2013-01-01T14:19:00Z when the flight was first \
         seen: a person must say which was insured"
    );
}

#[test]
fn a_departure_that_moves_has_no_delay() {
    let moved = [("scheduled_out", json!("2013-01-01T10:16:00Z"))];
    let trouble = "contradiction aeroapi: $.scheduled_out is 2013-01-01T10:16:00Z: was 2013-01-01T10:15:00Z when the flight was \
                   first seen: its departure has no delay";
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2012-12-31T23:00:00Z", &scheduled(&[]));
    watch.see("2013-01-01T14:40:00Z", &aeroapi(&moved));
    let seen = watch.see("2013-01-01T14:55:00Z", &aeroapi(&moved));
    assert_eq!(
        seen,
        format!("status=landed arrival_delay=11min · over\n{trouble}")
    );

    let mut diverted = vec![
        ("status", json!("Diverted")),
        ("diverted", json!(true)),
        ("arrival_delay", json!(null)),
    ];
    diverted.extend(moved);
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2012-12-31T23:00:00Z", &scheduled(&[]));
    watch.see("2013-01-01T14:40:00Z", &airborne(&diverted));
    let seen = watch.see("2013-01-01T16:40:00Z", &airborne(&diverted));
    assert_eq!(seen, format!("status=diverted · over\n{trouble}"));
}

#[test]
fn an_old_answer_that_has_not_changed_is_asked_for_again_later() {
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2013-01-01T14:40:00Z", &aeroapi(&[]));
    // Two hours old: five minutes more are wanting, by the provider's clock.
    let seen = watch.unchanged_since("2013-01-01T14:50:00Z", "2013-01-01T16:50:00Z");
    assert_eq!(seen, "· 2013-01-01T16:55:00Z");
}

#[test]
fn an_answer_that_is_set_aside_is_asked_for_whole_again() {
    let mut watch = Watch::new("aeroapi", UA1545);
    assert!(
        !watch
            .answered(time("2013-01-01T14:40:00Z"), &aeroapi(&[]))
            .held_back
    );
    assert!(
        watch
            .answered(time("2013-01-01T14:40:00Z"), &scheduled(&[]))
            .held_back
    );
    assert!(
        watch
            .answered(time("2013-01-01T14:41:00Z"), &json!({"flights": []}))
            .held_back
    );
}

#[test]
fn what_is_no_flight_any_more_is_unknown_and_needs_a_person() {
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2013-01-01T14:40:00Z", &aeroapi(&[]));
    watch.look.subject = tocsin_domain::observation::Subject::from("flight:UA1545/2013-01-01/ZZZ");
    let reason = "aeroapi: subject: `ZZZ` is not the IATA code of an airport whose time zone is known: write \
                  flight:UA1545/2013-01-01/EWR, or with the local time flight:UA1545/2013-01-01T0730/EWR";
    let unknown = "status=- arrival_delay=- departure_delay=- · person:";
    assert_eq!(
        watch.see("2013-01-01T14:55:00Z", &aeroapi(&[])),
        format!("{unknown} {reason}\nunreadable {reason}")
    );
}

#[test]
fn an_answer_that_is_older_than_what_is_known_says_nothing() {
    let mut watch = Watch::new("aeroapi", UA1545);
    watch.see("2013-01-01T14:40:00Z", &aeroapi(&[]));
    let seen = watch.see("2013-01-01T14:40:00Z", &scheduled(&[]));
    assert_eq!(
        seen,
        "· 2013-01-01T15:25:00Z\n\
         wrong_time aeroapi: the answer is of 2013-01-01T14:40:00Z, and the flight is known up to then"
    );
}
