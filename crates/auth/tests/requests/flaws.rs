//! Whoever signs in another way than the profile's is told what anybody can see, and nothing that depends on a key.

use tocsin_auth::flaw::flaw;

use super::*;

fn said(sent: &Sent, now: UnixTime) -> Option<String> {
    let map = sent.map().unwrap();
    flaw(&sent.request(&map), now, Windows::default())
}

#[track_caller]
fn assert_said(sent: &Sent, seconds: i64, word: &str) {
    let said = said(sent, NOW.plus(seconds)).unwrap();
    assert!(said.contains(word), "{said}");
}

#[test]
fn what_is_in_the_right_form_has_none_whoever_signed_it() {
    for holder in Holder::both(&[Scope::Read]) {
        for mut sent in [
            Sent::get("/v1/keys", Some("limit=2")).signed(&holder, 1),
            Sent::post("/v1/policies", b"{}").signed(&holder, 1),
        ] {
            assert_eq!(said(&sent, NOW), None);
            // Another path, and another body: only the key can tell.
            sent.path = "/v1/others".to_owned();
            assert_eq!(said(&sent, NOW), None);
        }
    }
}

#[test]
fn each_flaw_is_named() {
    let [holder, _] = Holder::both(&[Scope::Read]);
    let write = || Sent::post("/v1/policies", b"{}").signed(&holder, 1);
    for header in [
        "signature",
        "signature-input",
        "content-digest",
        "content-type",
        "idempotency-key",
    ] {
        let mut sent = write();
        sent.headers.retain(|(name, _)| name != header);
        assert_said(&sent, 0, &format!("{header} is missing"));
        let mut twice = write();
        let again = twice.headers.iter().find(|(name, _)| name == header);
        let again = again.unwrap().clone();
        twice.headers.push(again);
        assert_said(&twice, 0, &format!("{header} is there twice"));
    }
    for (from, to, word) in [
        (
            "\"@method\" \"@authority\"",
            "\"@authority\" \"@method\"",
            "in this order",
        ),
        ("\"@query\" ", "", "\"@query\""),
        ("tag=\"tocsin-api-v1\"", "tag=\"other\"", "tag has to be"),
        (";tag=", ";gat=", "parameter tag is missing"),
        (";tag=", ";more=1;tag=", "other parameters"),
        ("created=", "created=a", "unix seconds"),
        ("tocsin=(", "tocsin=", "not one label"),
    ] {
        let mut sent = write();
        for (name, value) in &mut sent.headers {
            if name == "signature-input" {
                assert!(value.contains(from), "{value}");
                *value = value.replace(from, to);
            }
        }
        assert_said(&sent, 0, word);
    }
    assert_said(&write(), 31, "31 s ago");
    assert_said(&write(), -31, "in the future");
}
