//! The terms in plain sentences: whoever reads only these must decide as the evaluators do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;

use tocsin_domain::cover::Cover;
use tocsin_domain::explain::explain;

fn said(text: &str) -> String {
    let (cover, _warnings) = Cover::parse(text).unwrap();
    let mut said = String::new();
    for section in explain(&cover) {
        writeln!(said, "{}", section.heading).unwrap();
        for sentence in section.sentences {
            writeln!(said, "  - {sentence}").unwrap();
        }
    }
    said
}

#[test]
fn the_usual_depeg() {
    insta::assert_snapshot!(said(include_str!(
        "../../../config/covers/usdc-depeg-24h.toml"
    )));
}

#[test]
fn every_form_has_its_words() {
    insta::assert_snapshot!(said(include_str!("../fuzz/corpus/cover/whole")));
}

fn trigger(when: &str) -> String {
    let text = format!(
        r#"
name = "one"
version = 1
[inputs.price]
metric = "price"
[inputs.delay]
metric = "arrival_delay"
[trigger]
when = '{when}'
[payout]
fraction = "price"
[policy]
waiting = "72h"
event_inclusion = "(inception, expiry]"
event_time = "confirmed"
claim_deadline = "7d"
"#
    );
    let all = said(&text);
    let from = all.find("When it is a loss").unwrap();
    let to = all.find("What it pays").unwrap();
    all[from..to].to_owned()
}

#[test]
fn strictness_is_in_the_words() {
    for (when, words) in [
        (
            "price < 0.9",
            "`price` is below 0.9 (0.9 itself does not count)",
        ),
        ("price <= 0.9", "`price` is at most 0.9 (0.9 itself counts)"),
        (
            "price > 0.9",
            "`price` is above 0.9 (0.9 itself does not count)",
        ),
        (
            "price >= 0.9",
            "`price` is at least 0.9 (0.9 itself counts)",
        ),
        ("price == 0.9", "`price` is exactly 0.9"),
        ("price != 0.9", "`price` is anything but 0.9"),
        (
            "delay >= 45min",
            "`delay` is at least 45 minutes (45 minutes itself counts)",
        ),
        (
            "not (price < 1 or delay > 1h)",
            "it is not so that (`price` is below 1",
        ),
    ] {
        assert!(trigger(when).contains(words), "{when}: {}", trigger(when));
    }
}

#[test]
fn the_end_of_a_recovery_is_in_the_words() {
    let inclusive = trigger("holds(price <= 0.9, for: 24h, recover: price >= 1)");
    assert!(
        inclusive.contains("a recovery at exactly t0 + 24 hours still counts"),
        "{inclusive}"
    );
    let strict = trigger("holds(price <= 0.9, for: at least 24h, recover: price >= 1)");
    assert!(
        strict.contains("a recovery at exactly t0 + 24 hours comes too late"),
        "{strict}"
    );
}
