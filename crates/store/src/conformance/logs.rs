//! The eligibility log: every decision once, in its order, under states that are signed and stay.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_primitives::U256;
use serde_json::{Value, json};
use tocsin_domain::claim::Eligibility;
use tocsin_domain::time::Seconds;
use tocsin_log::{Checkpoint, Edge, Note, TileId, leaf_hash};

use crate::Store;
use crate::conformance::sample::{
    advance, at, cover, halt, hash, observation, policy, source, store_paid, store_reserved,
    store_risk, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::log::{
    Appended, Appending, AuditEntry, Leaf, Origin, Slack, Stands, StoredCheckpoint, Tree, decision,
    prove,
};
use crate::look::{LookState, NewLook};
use crate::step::{Polled, RiskAdvance, Step};

/// Leaves from the beginning.
const ALL: u32 = 1_000;

async fn append<S: Store>(store: &S, second: i64, limit: u32) -> Appended {
    let slack = [Slack {
        terms: cover(0).terms_hash,
        beyond: Seconds(60),
        inputs: Vec::new(),
    }];
    let appending = Appending {
        now: at(second),
        limit,
        coverage_every: Seconds(300),
        slack: &slack,
    };
    store.append(&appending).await.unwrap()
}

async fn append_all<S: Store>(store: &S, second: i64) -> Tree {
    loop {
        let appended = append(store, second, 5).await;
        if !appended.more {
            return appended.tree;
        }
    }
}

fn act(subject: &str, detail: Value) -> AuditEntry {
    AuditEntry {
        at: at(5),
        action: "note".to_owned(),
        actor: None,
        subject: subject.to_owned(),
        detail,
    }
}

/// As a note; who signs is not the store's business.
async fn sign<S: Store>(store: &S, tree: Tree) -> StoredCheckpoint {
    let state = Checkpoint {
        origin: "log.example".to_owned(),
        size: tree.size,
        root: tree.root,
    };
    let stored = StoredCheckpoint {
        size: tree.size,
        note: format!("{state}\n\u{2014} log.example AAAAAAA=\n"),
        signed_at: at(9),
    };
    store.put_checkpoint(&stored).await.unwrap();
    stored
}

/// Every decision becomes one leaf, in the order in which the store was told; the tree is that of the leaves, and its tiles
/// are what it is made of.
pub async fn has_every_decision_once<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.tree().await.unwrap().size, 0);
    let paid = store_paid(&*store, 2).await;
    store.halt(&[source(0)], &halt(1)).await.unwrap();
    store.record(&[act("door", Value::Null)]).await.unwrap();
    let tree = append_all(&*store, 9).await;
    assert_eq!(append_all(&*store, 10).await, tree);
    let leaves = store.leaves(0, ALL).await.unwrap();
    let kinds: Vec<&str> = leaves.iter().map(|leaf| leaf.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "cover",
            "risk",
            "policy",
            "policy",
            "determination",
            "claim",
            "claim",
            "halt",
            "audit",
            "attestation",
            "attestation",
        ]
    );
    let once: BTreeSet<(&str, &str, u64)> = leaves
        .iter()
        .map(|leaf| (leaf.kind.as_str(), leaf.subject.as_str(), leaf.ordinal))
        .collect();
    assert_eq!(once.len(), leaves.len());
    let mut edge = Edge::default();
    let hashes: Vec<_> = leaves
        .iter()
        .map(|leaf| leaf_hash(leaf.entry.as_bytes()))
        .collect();
    let tiles = edge.append(&hashes).unwrap();
    assert_eq!((tree.size, tree.root), (edge.size(), edge.root()));
    for tile in tiles {
        let stored = store.tile(tile.id).await.unwrap();
        assert_eq!(stored, Some(tile.bytes()));
    }
    let none = TileId { level: 3, index: 0 };
    assert_eq!(store.tile(none).await.unwrap(), None);

    assert_eq!(store.leaves(2, 1).await.unwrap(), leaves[2..3]);
    assert_eq!(store.leaves(tree.size, 9).await.unwrap(), []);
    let subject = paid[0].policy.id.to_string();
    let about = store.leaves_about(&subject, None, 9).await.unwrap();
    let kinds: Vec<&str> = about.iter().map(|leaf| leaf.kind.as_str()).collect();
    assert_eq!(kinds, ["claim", "policy"], "the newest first");
    let newest = store.leaves_about(&subject, None, 1).await.unwrap();
    assert_eq!(newest, about[..1]);
    let claims = store.leaves_about(&subject, Some("claim"), 9).await;
    assert_eq!(claims.unwrap(), about[..1]);
    assert_eq!(store.compare(9).await.unwrap(), []);
}

/// A claim counts as logged once its leaf is in, not sooner.
pub async fn tells_which_claims_wait<S: Store + 'static>(store: Arc<S>) {
    store_reserved(&*store, 3).await;
    let claims = store.unattested(9).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), []);
    // The cover, the risk, three policies, the determination, and the first claim.
    assert!(append(&*store, 9, 7).await.more);
    assert_eq!(store.logged(claims.clone()).await.unwrap().len(), 1);
    append_all(&*store, 9).await;
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
    assert_eq!(store.logged(Vec::new()).await.unwrap(), []);
}

/// While the log is held no claim is in it, and nothing is reserved.
pub async fn is_held_for_a_person<S: Store + 'static>(store: Arc<S>) {
    let reserved = store_reserved(&*store, 1).await.remove(0).reservation;
    append_all(&*store, 9).await;
    let claims = store.unattested(9).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
    store.hold(Some("one"), at(10)).await.unwrap();
    store.hold(Some("two"), at(11)).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), []);
    let once_more = core::slice::from_ref(&reserved);
    assert_fault(store.reserve_all(once_more).await, Fault::Refused);
    store.hold(None, at(12)).await.unwrap();
    store.reserve_all(once_more).await.unwrap();
    store.hold(None, at(13)).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
    // What no leaf says is not in the log, however the claim came here.
    let mut other = claims[0].clone();
    other.eligibility = Eligibility::Eligible {
        fraction: "1".parse().unwrap(),
        amount: U256::from(1),
    };
    assert_eq!(store.logged(vec![other]).await.unwrap(), []);
    assert_eq!(store.doubts(9).await.unwrap(), []);
    assert_eq!(store.settle_doubts(at(14)).await.unwrap(), []);
}

/// A log is signed by one key after the other, and each change but the first is said in a leaf.
pub async fn knows_who_signs<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.origin().await.unwrap(), None);
    store.begin_origin("one+1+a", None, at(1)).await.unwrap();
    assert_eq!(append_all(&*store, 2).await.size, 0);
    store.record(&[act("door", Value::Null)]).await.unwrap();
    append_all(&*store, 2).await;
    store.hold(Some("lost"), at(3)).await.unwrap();
    let told = json!({ "before": "one+1+a" });
    store
        .begin_origin("two+2+b", Some(&told), at(3))
        .await
        .unwrap();
    let origin = Origin {
        verifier: "two+2+b".to_owned(),
        size: 1,
        begun_at: at(3),
    };
    assert_eq!(store.origin().await.unwrap(), Some(origin.clone()));
    let again = store.begin_origin("one+1+a", Some(&told), at(4)).await;
    assert_fault(again, Fault::Conflict);
    append_all(&*store, 5).await;
    assert_eq!(said(&*store, "two+2+b", "origin").await, [told]);
    assert_eq!(store.origin().await.unwrap(), Some(origin));
}

/// Of two states of one size the first stays; the newest is found, and the first that has a leaf.
pub async fn keeps_what_was_signed<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.checkpoint().await.unwrap(), None);
    assert_eq!(store.checkpoint_with(0).await.unwrap(), None);
    store.record(&[act("one", Value::Null)]).await.unwrap();
    let one = sign(&*store, append_all(&*store, 9).await).await;
    store.record(&[act("two", Value::Null)]).await.unwrap();
    let two = sign(&*store, append_all(&*store, 9).await).await;
    assert_ne!(one, two);
    let again = StoredCheckpoint {
        note: "another".to_owned(),
        ..two.clone()
    };
    store.put_checkpoint(&again).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), Some(two.clone()));
    for (index, state) in [(0, Some(&one)), (1, Some(&two)), (2, None)] {
        let found = store.checkpoint_with(index).await.unwrap();
        assert_eq!(found.as_ref(), state, "{index}");
    }
}

/// What is shown of a claim holds, is the same whenever it is asked for, and is not there before a state has it.
pub async fn proves_decisions<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let claim = &paid[1].claim;
    assert_eq!(decision(&*store, claim).await.unwrap(), None);
    let tree = append_all(&*store, 9).await;
    assert_eq!(decision(&*store, claim).await.unwrap(), None);
    sign(&*store, tree).await;
    let shown = decision(&*store, claim).await.unwrap().unwrap();
    let note: Note = shown.checkpoint.parse().unwrap();
    let state = Checkpoint::try_from(&note).unwrap();
    assert_eq!(shown.leaves.len(), 2);
    for leaf in &shown.leaves {
        leaf.verify(&state).unwrap();
    }
    for n in 0..300 {
        let subject = format!("act {n}");
        store.record(&[act(&subject, Value::Null)]).await.unwrap();
    }
    let tree = append_all(&*store, 10).await;
    sign(&*store, tree).await;
    assert_eq!(decision(&*store, claim).await.unwrap().unwrap(), shown);
    // A leaf of the first tile, under a tree that has a second one.
    let leaf = store.leaves(7, 1).await.unwrap().remove(0);
    let proven = prove(&*store, leaf, tree.size).await.unwrap();
    let now = Checkpoint {
        origin: state.origin,
        size: tree.size,
        root: tree.root,
    };
    proven.verify(&now).unwrap();
}

/// What is too long for a leaf is refused with everything that came with it.
pub async fn refuses_what_is_too_long<S: Store + 'static>(store: Arc<S>) {
    let long = act("long", Value::String("b".repeat(70_000)));
    let short = act("short", Value::Null);
    assert_fault(store.record(&[short, long]).await, Fault::Refused);
    assert_eq!(append_all(&*store, 9).await.size, 0);
}

async fn said<S: Store>(store: &S, subject: &str, kind: &str) -> Vec<Value> {
    let mut leaves: Vec<Leaf> = store.leaves_about(subject, Some(kind), 99).await.unwrap();
    leaves.reverse();
    leaves
        .iter()
        .map(|leaf| serde_json::from_str::<Value>(&leaf.entry).unwrap()["body"].take())
        .collect()
}

/// What was read by blocks is said now and then, without a gap and with where it began, and from where on it was taken back.
pub async fn says_what_was_read<S: Store + 'static>(store: Arc<S>) {
    let read = |from, to| Step {
        sources: vec![advance(0, from, to)],
        ..Step::default()
    };
    store_risk(&*store).await;
    store.commit(&read(None, 4)).await.unwrap();
    store.commit(&read(Some(4), 5)).await.unwrap();
    append_all(&*store, 1_000).await;
    store.commit(&read(Some(5), 9)).await.unwrap();
    append_all(&*store, 1_100).await;
    store.commit(&read(Some(9), 12)).await.unwrap();
    append_all(&*store, 1_300).await;
    let said = said(&*store, source(0).as_str(), "coverage").await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0]["begun"]["block"], 4);
    assert_eq!(said[0]["last_block"], 5);
    assert_eq!(said[1]["begun"], Value::Null);
    assert_eq!(
        (&said[1]["first_block"], &said[1]["last_block"]),
        (&6.into(), &12.into())
    );
    assert_eq!(said[0]["seen_until"], said[1]["seen_from"]);
    assert_eq!(store.compare(9).await.unwrap(), []);
}

/// What was asked of a polled source is said of each subject: for each day, and when it is over; with what had no value.
pub async fn says_what_was_looked_at<S: Store + 'static>(store: Arc<S>) {
    store_risk(&*store).await;
    let stream = stream(0, 0);
    let new = NewLook {
        source: stream.source.clone(),
        subject: stream.subject.clone(),
        due_at: at(0),
    };
    store.add_looks(core::slice::from_ref(&new)).await.unwrap();
    let day = 86_400;
    for (number, second, state) in [
        (1, 10, LookState::Open),
        (2, day + 10, LookState::Open),
        (3, day + 20, LookState::Open),
        (4, 2 * day + 10, LookState::Open),
        (5, 2 * day + 20, LookState::Over),
    ] {
        let mut look = store
            .look(&new.source, &new.subject)
            .await
            .unwrap()
            .unwrap();
        look.due_at = (state == LookState::Open).then(|| at(second + 1));
        look.state = state;
        look.watermark = Some(at(second));
        look.looked_at = Some(at(second));
        let mut seen = observation(&stream, second, number, "1");
        if [3, 4].contains(&number) {
            seen.value = None;
        }
        let step = Step {
            observations: vec![seen],
            polled: Polled {
                looks: vec![look],
                ..Polled::default()
            },
            ..Step::default()
        };
        store.commit(&step).await.unwrap();
        append_all(&*store, second).await;
    }
    let leaf = format!("{}@{}", stream.subject, stream.source);
    let said = said(&*store, &leaf, "look").await;
    assert_eq!(said.len(), 3, "{said:#?}");
    assert_eq!(said[0]["state"], "open");
    assert_eq!(said[0]["carried"], json!([]));
    assert_eq!(said[0]["seen_from"], Value::Null);
    assert_eq!(said[0]["seen_until"], at(day + 10).0);
    assert_eq!(said[0]["observations"], 2);
    assert_eq!(said[0]["without_value"], 0);
    assert_eq!(said[1]["seen_from"], at(day + 10).0);
    assert_eq!(said[1]["without_value"], 2);
    let gap = |second: i64, until: Option<i64>| {
        let until = until.map(|second| at(second).0);
        json!({ "metric": "price", "observed_at": at(second).0, "until": until })
    };
    let open = json!([gap(day + 20, None), gap(2 * day + 10, None)]);
    assert_eq!(said[1]["gaps"], open);
    // The last leaf says until when what the one before told of lasted.
    assert_eq!(said[2]["state"], "over");
    assert_eq!(said[2]["without_value"], 0);
    let carried = json!([gap(2 * day + 10, Some(2 * day + 20))]);
    assert_eq!(said[2]["carried"], carried);
    assert_eq!(store.compare(9).await.unwrap(), []);
}

/// How a policy ended is said once its period and what its terms need after it were seen, and after the coverage that it
/// rests on.
pub async fn says_how_policies_ended<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let mut policy = policy(&risk, 1);
    policy.expiry = at(200);
    store
        .add_policies(core::slice::from_ref(&policy))
        .await
        .unwrap();
    let subject = policy.id.to_string();
    // The last comes a second after the leaf before it, which is not time: but an outcome rests on it.
    let steps = [
        (None, 400, 259, 300),
        (Some(400), 401, 260, 600),
        (Some(401), 402, 261, 601),
    ];
    for (version, (from, to, evaluated, now)) in (0..).zip(steps) {
        assert_eq!(said(&*store, &subject, "outcome").await, [] as [Value; 0]);
        let step = Step {
            sources: vec![advance(0, from, to)],
            risks: vec![RiskAdvance {
                risk: risk.id,
                version,
                state: vec![1],
                evaluated_to: at(evaluated),
            }],
            ..Step::default()
        };
        store.commit(&step).await.unwrap();
        append_all(&*store, now).await;
    }
    let leaves = store.leaves(0, ALL).await.unwrap();
    let kinds: Vec<&str> = leaves.iter().map(|leaf| leaf.kind.as_str()).collect();
    assert_eq!(kinds[3..], ["coverage", "coverage", "coverage", "outcome"]);
    assert_eq!(leaves[5].ordinal, 402);
    let outcome = said(&*store, &subject, "outcome").await.remove(0);
    assert_eq!(outcome["verdict"], "not_triggered");
    assert_eq!(outcome["looked_until"], at(260).0);
    assert_eq!(outcome["evaluated_to"], at(261).0);
    assert_ne!(outcome["terms_hash"], hash("other").to_string());
}

/// What was unknown at any instant of a period is no reason to say that nothing happened in it: also where that began before it.
pub async fn says_no_where_something_was_seen_only<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let stream = stream(0, 0);
    let mut valueless = observation(&stream, 50, 2, "1");
    valueless.value = None;
    let seen = vec![
        observation(&stream, 10, 1, "1"),
        valueless,
        observation(&stream, 90, 3, "1"),
        observation(&stream, 300, 4, "1"),
    ];
    let known = ("not_triggered", Value::Null);
    let because = |why: &str| ("inconclusive", Value::from(why));
    let without = because("a source had reported that it had no value");
    let too_old = because("a value was older than the terms allow");
    let periods = [
        // It said nothing before its first observation.
        ((5, 9), because("a source had said nothing yet")),
        ((5, 20), because("a source had said nothing yet")),
        ((10, 49), known.clone()),
        ((40, 50), without.clone()),
        ((60, 80), without.clone()),
        ((60, 120), without.clone()),
        ((89, 89), without),
        ((90, 190), known.clone()),
        ((95, 191), too_old.clone()),
        ((200, 250), too_old.clone()),
        ((299, 299), too_old),
        ((300, 399), known),
    ];
    let mut policies = Vec::new();
    for (number, ((begins, ends), _)) in (1..).zip(&periods) {
        let mut policy = policy(&risk, number);
        // The terms ask for a second more.
        (policy.inception, policy.expiry) = (at(*begins), at(*ends - 1));
        policies.push(policy);
    }
    store.add_policies(&policies).await.unwrap();
    let step = Step {
        observations: seen,
        sources: vec![advance(0, None, 500)],
        risks: vec![RiskAdvance {
            risk: risk.id,
            version: 0,
            state: vec![1],
            evaluated_to: at(500),
        }],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let slack = [Slack {
        terms: cover(0).terms_hash,
        beyond: Seconds(1),
        inputs: vec![Stands::Holds(Some(Seconds(100)))],
    }];
    let appending = Appending {
        now: at(600),
        limit: 99,
        coverage_every: Seconds(300),
        slack: &slack,
    };
    while store.append(&appending).await.unwrap().more {}
    for (policy, ((begins, ends), (verdict, reason))) in policies.iter().zip(periods) {
        let outcome = said(&*store, &policy.id.to_string(), "outcome").await;
        let outcome = &outcome[0];
        let period = format!("{begins} to {ends}: {outcome:#}");
        assert_eq!(outcome["verdict"], verdict, "{period}");
        assert_eq!(outcome["reason"], reason, "{period}");
        assert_eq!(outcome["looked_until"], at(ends).0, "{period}");
    }
}
