//! Times as providers write them: which instants they are, and which are refused.

use proptest::prelude::*;
use serde_json::{Value, json};
use tocsin_domain::calendar;
use tocsin_domain::time::Timestamp;

use super::{MomentForm, Repeated};

fn form(text: &str) -> MomentForm {
    MomentForm::try_from(text.to_owned()).unwrap()
}

fn read(form_text: &str, said: Value, zone: &str, repeated: Repeated) -> Result<String, String> {
    let zone = calendar::zone(zone);
    form(form_text)
        .read(&said, zone.as_ref(), repeated)
        .map(|at| at.to_string())
        .map_err(|error| error.to_string())
}

fn plain(form_text: &str, said: Value) -> Result<String, String> {
    read(form_text, said, "", Repeated::Refuse)
}

#[test]
fn instants() {
    for (form, said, expected) in [
        (
            "rfc3339",
            json!("2021-12-31T19:59:59Z"),
            "2021-12-31T19:59:59Z",
        ),
        (
            "rfc3339",
            json!("2021-12-31 19:59+02:00"),
            "2021-12-31T17:59:00Z",
        ),
        (
            "rfc3339",
            json!("2021-12-31T19:59:59.999Z"),
            "2021-12-31T19:59:59Z",
        ),
        (
            "rfc3339",
            json!("1969-12-31T23:59:58.5Z"),
            "1969-12-31T23:59:58Z",
        ),
        ("unix-seconds", json!(1_678_497_491), "2023-03-11T01:18:11Z"),
        (
            "unix-seconds",
            json!("1678497491.9"),
            "2023-03-11T01:18:11Z",
        ),
        ("unix-seconds", json!(-1.5), "1969-12-31T23:59:58Z"),
        (
            "unix-milliseconds",
            json!(1_678_497_491_999_i64),
            "2023-03-11T01:18:11Z",
        ),
        ("unix-milliseconds", json!(-1), "1969-12-31T23:59:59Z"),
        (
            "%Y%m%d %H%M%z",
            json!("20130101 0530-0500"),
            "2013-01-01T10:30:00Z",
        ),
    ] {
        assert_eq!(
            plain(form, said.clone()).as_deref(),
            Ok(expected),
            "{form} {said}"
        );
    }
}

#[test]
fn local_times_need_a_zone() {
    assert_eq!(
        plain("local", json!("2013-01-01T05:15")).unwrap_err(),
        "\"2013-01-01T05:15\" is a local time, and its zone is not known"
    );
    for (form, said, zone, expected) in [
        (
            "local",
            "2013-01-01T05:15",
            "America/New_York",
            "2013-01-01T10:15:00Z",
        ),
        (
            "local",
            "2013-07-01 05:15:30.000",
            "America/New_York",
            "2013-07-01T09:15:30Z",
        ),
        (
            "local",
            "2013-07-01T05:15",
            "America/Phoenix",
            "2013-07-01T12:15:00Z",
        ),
        (
            "local",
            "2013-01-01T24:00",
            "Europe/London",
            "2013-01-02T00:00:00Z",
        ),
        (
            "local",
            "2013-12-31T24:00:00",
            "Australia/Sydney",
            "2013-12-31T13:00:00Z",
        ),
        (
            "local-claiming-utc",
            "2019-12-12T04:20:00+00:00",
            "Australia/Sydney",
            "2019-12-11T17:20:00Z",
        ),
        (
            "local-claiming-utc",
            "2019-12-12T04:20Z",
            "Asia/Kolkata",
            "2019-12-11T22:50:00Z",
        ),
        (
            "%d.%m.%Y %H:%M",
            "01.07.2013 05:15",
            "Europe/London",
            "2013-07-01T04:15:00Z",
        ),
    ] {
        assert_eq!(
            read(form, json!(said), zone, Repeated::Refuse).as_deref(),
            Ok(expected),
            "{form} {said}"
        );
    }
}

#[test]
fn clocks_set_back_and_forward() {
    let at = |said: &str, zone, repeated| read("local", json!(said), zone, repeated);
    // JFK: 3 November 2013, 02:00 became 01:00.
    assert_eq!(
        at("2013-11-03T01:30", "America/New_York", Repeated::Refuse).unwrap_err(),
        "2013-11-03T01:30:00 happens twice in America/New_York, where clocks are set back, and nothing says which is meant"
    );
    assert_eq!(
        at("2013-11-03T01:30", "America/New_York", Repeated::First).unwrap(),
        "2013-11-03T05:30:00Z"
    );
    assert_eq!(
        at("2013-11-03T01:30", "America/New_York", Repeated::Second).unwrap(),
        "2013-11-03T06:30:00Z"
    );
    assert_eq!(
        at("2013-11-03T02:00", "America/New_York", Repeated::Refuse).unwrap(),
        "2013-11-03T07:00:00Z"
    );
    // LHR: 31 March 2013, 01:00 became 02:00. Whatever the rule, it never was.
    for repeated in [Repeated::Refuse, Repeated::First, Repeated::Second] {
        assert_eq!(
            at("2013-03-31T01:30", "Europe/London", repeated).unwrap_err(),
            "2013-03-31T01:30:00 never happens in Europe/London, where clocks are set forward"
        );
    }
    // SYD is south: 6 October forward, 7 April back. PHX never changes its clocks.
    assert!(at("2013-10-06T02:30", "Australia/Sydney", Repeated::Refuse).is_err());
    assert_eq!(
        at("2013-04-07T02:30", "Australia/Sydney", Repeated::Second).unwrap(),
        "2013-04-06T16:30:00Z"
    );
    assert_eq!(
        at("2013-03-10T02:30", "America/Phoenix", Repeated::Refuse).unwrap(),
        "2013-03-10T09:30:00Z"
    );
    // 24:00 of the day before a change at midnight.
    assert!(at("2013-10-19T24:00", "America/Sao_Paulo", Repeated::Refuse).is_err());
}

#[test]
fn what_is_no_time() {
    for (form, said) in [
        ("rfc3339", json!("2021-12-31T19:59:59")),
        ("rfc3339", json!("2021-02-30T00:00:00Z")),
        ("rfc3339", json!(1_678_497_491)),
        ("rfc3339", json!(null)),
        ("rfc3339", json!("")),
        ("unix-seconds", json!("2021-12-31T19:59:59Z")),
        ("unix-seconds", json!(1e300)),
        ("unix-seconds", json!(i64::MAX)),
        ("unix-seconds", json!("12.x")),
        ("unix-milliseconds", json!(true)),
        ("local", json!("2021-12-31T19:59:59Z")),
        ("local", json!("2021-12-31T19:59:59+00:00")),
        ("local", json!("2021-12-31T24:01")),
        ("local", json!("2021-12-31T25:00")),
        ("local", json!("2021-12-31")),
        ("local", json!("20211231T1959")),
        ("local", json!("2021-12-31T")),
        ("local-claiming-utc", json!("2021-13-31T19:59:59Z")),
        ("%d.%m.%Y %H:%M", json!("31.02.2021 10:00")),
        ("%d.%m.%Y %H:%M", json!("31.01.2021 10:00 and more")),
    ] {
        let error = read(form, said.clone(), "Europe/London", Repeated::Refuse).unwrap_err();
        assert!(error.starts_with(&format!("{said} is ")), "{form}: {error}");
    }
    assert_eq!(
        read(
            "local-claiming-utc",
            json!("2021-12-31T19:59+02:00"),
            "Europe/London",
            Repeated::Refuse
        )
        .unwrap_err(),
        "\"2021-12-31T19:59+02:00\" claims another offset than +00:00, so it is not the local time that this feed writes as UTC"
    );
}

#[test]
fn what_is_no_form() {
    for text in ["", "iso", "RFC3339", "%H:%M", "%Y-%m-%d", "%Q", "2021"] {
        assert!(MomentForm::try_from(text.to_owned()).is_err(), "{text}");
    }
    assert!(!form("rfc3339").needs_zone());
    assert!(form("local-claiming-utc").needs_zone());
    assert!(form("%Y-%m-%d %H:%M").needs_zone());
    assert!(!form("%Y-%m-%d %H:%M%:z").needs_zone());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(said in "[0-9TZ:+. -]{0,30}|\\PC{0,20}", which in 0usize..6) {
        let form = form(["rfc3339", "unix-seconds", "unix-milliseconds", "local", "local-claiming-utc", "%Y-%m-%d %H:%M"][which]);
        let zone = calendar::zone("America/New_York");
        if let Ok(Timestamp(seconds)) = form.read(&json!(said), zone.as_ref(), Repeated::First) {
            prop_assert!(jiff::Timestamp::from_second(seconds).is_ok());
        }
    }

    #[test]
    fn what_a_clock_shows_is_read_back(seconds in 1_000_000_000_i64..2_000_000_000) {
        let zone = calendar::zone("Europe/London").unwrap();
        let shown = super::local(Timestamp(seconds), &zone).unwrap().to_string();
        let at = |repeated| form("local").read(&json!(shown), Some(&zone), repeated).unwrap().0;
        prop_assert!(at(Repeated::First) == seconds || at(Repeated::Second) == seconds);
    }
}
