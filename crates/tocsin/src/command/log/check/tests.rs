//! What a proof shows and what it does not, leaf by leaf.

use alloy::primitives::keccak256;
use serde_json::{Value, json};
use tocsin_domain::time::Timestamp;
use tocsin_store::log::Fact;

use super::judge::{Verdict, judge};
use super::says::Placed;

const TERMS: &str = r#"{"name":"depeg"}"#;
const CHAIN: &str = "chainlink:eip155:1:0xab";
const FEED: &str = "feed:spot";

/// A case that did not trigger: what the log says of it, in order.
fn said() -> Vec<(&'static str, String, Value)> {
    let hash = format!("{:#x}", keccak256(TERMS));
    let stream = |source| json!({ "source": source, "subject": "usdc", "metric": "price" });
    let read = |first: u64, last: u64, until: i64, begun: Value| {
        json!({ "begun": begun, "first_block": first, "last_block": last, "seen_from": null, "seen_until": until,
                "ranges": [{ "first": first, "last": last, "proof": "root", "agreed": 2, "endpoints": [] }] })
    };
    let look = |state: &str, until: i64| {
        json!({ "source": FEED, "subject": "usdc", "state": state, "reason": null, "trouble": null, "looked_at": until,
                "seen_from": null, "seen_until": until, "observations": 9, "without_value": 0, "gaps": [], "carried": [] })
    };
    vec![
        (
            "cover",
            hash.clone(),
            json!({ "name": "depeg", "version": 1, "canonical_terms": TERMS }),
        ),
        (
            "risk",
            "0xr".to_owned(),
            json!({ "terms_hash": hash, "evaluate_from": 950, "streams": [stream(CHAIN), stream(FEED)] }),
        ),
        (
            "policy",
            "0xp".to_owned(),
            json!({ "terms_hash": hash, "risk": "0xr", "sum_insured": "0x3e8", "inception": 1_000, "expiry": 2_000 }),
        ),
        (
            "coverage",
            CHAIN.to_owned(),
            read(10, 40, 1_500, json!({ "block": 12, "seen_until": 900 })),
        ),
        (
            "coverage",
            CHAIN.to_owned(),
            read(41, 60, 2_100, Value::Null),
        ),
        ("look", format!("usdc@{FEED}"), look("open", 2_070)),
        (
            "outcome",
            "0xp".to_owned(),
            json!({ "verdict": "not_triggered", "reason": null, "terms_hash": hash, "risk": "0xr", "inception": 1_000,
                    "expiry": 2_000, "looked_until": 2_060, "evaluated_to": 2_061, "observations_without_value": 0,
                    "values_too_old": 0, "sources_without_value": 0 }),
        ),
    ]
}

fn judged(said: Vec<(&str, String, Value)>) -> Verdict {
    let leaves: Vec<Placed> = (0..)
        .zip(said)
        .map(|(index, (kind, subject, body))| Placed {
            index,
            fact: Fact::new(kind, subject, 0, Timestamp(0), body),
        })
        .collect();
    judge("0xp", &leaves).unwrap()
}

#[track_caller]
fn assert_not_shown(said: Vec<(&str, String, Value)>, why: &str) {
    let verdict = judged(said);
    let [found] = verdict.not_shown.as_slice() else {
        panic!("one thing is not shown: {verdict:#?}");
    };
    assert!(found.contains(why), "{found}");
}

#[test]
fn a_whole_period_is_shown() {
    let verdict = judged(said());
    assert_eq!(verdict.not_shown, [] as [&str; 0]);
    let told: Vec<&str> = verdict
        .told
        .iter()
        .filter(|(what, _)| what == "read")
        .map(|(_, sentence)| sentence.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "chainlink:eip155:1:0xab: every block from 13 to 60, which are the whole period; at least by `root`",
            "usdc@feed:spot: everything that it said until 1970-01-01T00:34:30Z",
        ]
    );
}

/// What a client declared is held against what became of it.
#[test]
fn a_declaration_is_compared() {
    let declared = |place: usize, declared_at: i64, evaluate_from: i64| {
        let mut said = said();
        let hash = said[0].1.clone();
        let body = json!({ "terms_hash": hash, "declared_by": "desk", "declared_at": declared_at, "evaluate_from": evaluate_from });
        said.insert(place, ("declaration", hash, body));
        said
    };
    let verdict = judged(declared(1, 900, 950));
    assert_eq!(verdict.not_shown, [] as [&str; 0]);
    let told = verdict.told.iter().find(|(what, _)| what == "declared");
    assert_eq!(
        told.unwrap().1,
        "by desk at 1970-01-01T00:15:00Z, to be evaluated from 1970-01-01T00:15:50Z, in leaf 1"
    );
    assert_not_shown(declared(3, 900, 950), "after the policy");
    assert_not_shown(declared(1, 900, 949), "the risk is evaluated from");
    assert_not_shown(declared(1, 960, 950), "may have been known");
}

/// One thing after the other is taken away from what is shown.
#[test]
fn whatever_is_missing_is_said() {
    let changed = |place: usize, change: fn(&mut Value)| {
        let mut said = said();
        change(&mut said[place].2);
        said
    };
    for (said, why) in [
        (
            changed(0, |cover| cover["canonical_terms"] = json!("{}")),
            "terms that hash to",
        ),
        (
            changed(1, |risk| risk["terms_hash"] = json!("0xother")),
            "of other terms",
        ),
        (
            changed(1, |risk| risk["evaluate_from"] = json!(1_001)),
            "evaluated from 1970-01-01T00:16:41Z only",
        ),
        (
            changed(3, |read| read["begun"] = Value::Null),
            "from 1970-01-01T00:16:40Z on",
        ),
        (
            changed(3, |read| read["begun"]["seen_until"] = json!(1_000)),
            "from 1970-01-01T00:16:40Z on",
        ),
        (
            changed(3, |read| read["ranges"][0]["last"] = json!(37)),
            "blocks 38 to 40",
        ),
        (
            changed(4, |read| read["seen_until"] = json!(2_059)),
            "was read until 1970-01-01T00:34:20Z",
        ),
        (
            changed(4, |read| *read = json!({ "undone_from_block": 30 })),
            "was read until",
        ),
        (
            changed(5, |look| look["seen_until"] = json!(2_059)),
            "seen until",
        ),
        (
            changed(5, |look| look["state"] = json!("person")),
            "cannot be found out",
        ),
        (
            changed(5, |look| {
                look["without_value"] = json!(1);
                look["gaps"] = json!([{ "metric": "price", "observed_at": 1_200, "until": 1_201 }]);
            }),
            "without value within the period, by 1 of",
        ),
        // Unknown since before the period, and until within it.
        (
            changed(5, |look| {
                look["without_value"] = json!(1);
                look["gaps"] = json!([{ "metric": "price", "observed_at": 900, "until": 1_001 }]);
            }),
            "without value within the period, by 1 of",
        ),
        (
            changed(5, |look| {
                look["without_value"] = json!(1);
                look["gaps"] = json!([{ "metric": "price", "observed_at": 900, "until": null }]);
            }),
            "without value within the period, by 1 of",
        ),
        // The leaf before told of it; the terms need more than the period.
        (
            changed(5, |look| {
                look["carried"] =
                    json!([{ "metric": "price", "observed_at": 2_055, "until": 2_058 }]);
            }),
            "without value within the period, by 1 of",
        ),
        // More than are named: they may be anywhere.
        (
            changed(5, |look| look["without_value"] = json!(2)),
            "without value within the period, by 2 of",
        ),
        (
            changed(6, |outcome| outcome["evaluated_to"] = json!(2_059)),
            "evaluated until",
        ),
        (
            changed(6, |outcome| outcome["expiry"] = json!(1_999)),
            "another period",
        ),
        (
            changed(6, |outcome| outcome["values_too_old"] = json!(1)),
            "a value was unknown",
        ),
        (
            changed(6, |outcome| outcome["sources_without_value"] = Value::Null),
            "does not say whether every value was known",
        ),
        (
            changed(6, |outcome| outcome["verdict"] = json!("triggered")),
            "no leaf says which",
        ),
    ] {
        assert_not_shown(said, why);
    }
    let mut late = said();
    late.swap(0, 2);
    assert_not_shown(late, "after the policy");
    for (place, why) in [
        (0, "declares the terms"),
        (1, "listens to"),
        (2, "what policy 0xp insures"),
        (3, "was read from"),
        (4, "was read until"),
        (5, "nothing says that feed:spot was read"),
    ] {
        let mut less = said();
        less.remove(place);
        assert_not_shown(less, why);
    }
    assert_not_shown(paid("0.5", "0.5", "0x1f4"), "a claim was accepted");
}

/// The same case, and then a loss event with this payout, and a claim on it.
fn paid(payout: &str, fraction: &str, amount: &str) -> Vec<(&'static str, String, Value)> {
    let mut said = said();
    let loss = json!({ "verdict": "triggered", "occurred_at": 1_500, "payout": payout });
    let claim =
        json!({ "decision": "accepted", "risk": "0xr", "fraction": fraction, "amount": amount });
    said.push(("determination", "0xr".to_owned(), loss));
    said.push(("claim", "0xp".to_owned(), claim));
    said
}

/// What a claim pays follows from its loss event and from what the policy insures.
#[test]
fn a_claim_that_is_too_much_is_not_shown() {
    let why = "of another fraction or amount";
    for (payout, fraction, amount) in [
        ("0.5", "0.6", "0x258"),
        ("0.5", "0.5", "0x1f5"),
        ("2", "2", "0x7d0"),
        ("x", "x", "0x0"),
    ] {
        let mut said = paid(payout, fraction, amount);
        said[6].2["verdict"] = json!("triggered");
        assert_not_shown(said, why);
    }
    let mut said = paid("0.5", "0.5", "0x1f4");
    said[6].2["verdict"] = json!("triggered");
    assert_eq!(judged(said.clone()).not_shown, [] as [&str; 0]);
    said[7].2["verdict"] = json!("inconclusive");
    assert_not_shown(said.clone(), "did not trigger");
    said.remove(7);
    assert_not_shown(said, "no leaf says what happened");
}

/// Whoever buys a policy on a loss that is known already is not shown to have been insured.
#[test]
fn a_policy_that_came_after_its_loss_is_said() {
    let mut paid = paid("0.5", "0.5", "0x1f4");
    let (Some(accepted), Some(determined)) = (paid.pop(), paid.pop()) else {
        panic!("a loss and a claim");
    };
    let refused = ("claim", "0xp".to_owned(), json!({ "decision": "refused" }));
    let with = |place: usize, claim: &(&'static str, String, Value)| {
        let mut said = said();
        said.truncate(5);
        said.insert(place, determined.clone());
        said.push(claim.clone());
        said
    };
    assert_not_shown(
        with(2, &accepted),
        "determined in leaf 2, before the policy",
    );
    for fine in [with(3, &accepted), with(2, &refused)] {
        assert_eq!(judged(fine).not_shown, [] as [&str; 0]);
    }
}

/// A gap outside the period, a source that will say nothing more, and a policy that has not ended take nothing away.
#[test]
fn what_does_not_matter_is_no_fault() {
    let mut outside = said();
    outside[5].2["without_value"] = json!(1);
    outside[5].2["gaps"] = json!([{ "metric": "price", "observed_at": 900, "until": 1_000 }]);
    let mut over = said();
    over[5].2["state"] = json!("over");
    over[5].2["seen_until"] = json!(1_700);
    let mut running = said();
    running.pop();
    running.remove(4);
    for fine in [outside, over, running] {
        assert_eq!(judged(fine).not_shown, [] as [&str; 0]);
    }
}

/// Both stand in the log for ever, and neither is believed.
#[test]
fn two_leaves_that_contradict_each_other_show_nothing() {
    let mut said = said();
    let (kind, subject, mut body) = said[2].clone();
    assert_eq!(kind, "policy");
    body["holder"] = json!("0xother");
    said.push((kind, subject, body));
    assert_not_shown(said, "leaves 2 and");
}
