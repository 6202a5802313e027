//! The archive: what was sent stays as long as it is needed, and what is over costs nothing.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use tocsin_domain::observation::{Observation, Provenance};
use tocsin_domain::policy::Policy;
use tocsin_domain::time::{Seconds, Timestamp};

use super::looks::{answered, current, feed, looks, new_look, over, said, stream, subject};
use crate::Store;
use crate::conformance::sample::{at, cover, determination, hash, policy, risk, source};
use crate::conformance::{Fault, assert_fault};
use crate::cover::RiskRecord;
use crate::response::{Deadline, Fetch, PutAway, Response, Retention};
use crate::step::{Polled, RiskAdvance, Step};

fn response(body: &str, second: i64) -> Response {
    Response {
        hash: keccak256(body),
        body: body.as_bytes().to_vec(),
        source: feed(),
        url: "https://example.com/flights/1".to_owned(),
        status: 200,
        fetched_at: at(second),
        reading: hash("definition"),
    }
}

fn responses(responses: Vec<Response>) -> Step {
    Step {
        polled: Polled {
            responses,
            ..Polled::default()
        },
        ..Step::default()
    }
}

/// Byte by byte, once, with everybody who sent it.
pub async fn keeps_what_was_sent<S: Store + 'static>(store: Arc<S>) {
    let first = response("{\"flights\":[]}", 10);
    let mut again = Response {
        fetched_at: at(20),
        status: 203,
        ..first.clone()
    };
    let empty = response("", 10);
    let mut large = response("", 10);
    large.body = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    large.hash = keccak256(&large.body);
    let step = responses(vec![
        first.clone(),
        empty.clone(),
        large.clone(),
        first.clone(),
    ]);
    store.commit(&step).await.unwrap();
    store.commit(&responses(vec![again.clone()])).await.unwrap();
    again.source = source(1);
    store.commit(&responses(vec![again.clone()])).await.unwrap();

    let fetch = |sent: &Response, first_at: i64, last_at: i64| Fetch {
        source: sent.source.clone(),
        url: sent.url.clone(),
        status: sent.status,
        first_at: at(first_at),
        last_at: at(last_at),
        reading: sent.reading,
    };
    let found = store.response(first.hash).await.unwrap().unwrap();
    assert_eq!(found.body, first.body);
    // Another status, or another way of reading, is another fetch.
    let mut changed = fetch(&first, 20, 20);
    changed.status = 203;
    let fetched = [fetch(&again, 20, 20), fetch(&first, 10, 10), changed];
    assert_eq!(found.fetches, fetched);
    let later = Response {
        fetched_at: at(30),
        ..first.clone()
    };
    store.commit(&responses(vec![later])).await.unwrap();
    let found = store.response(first.hash).await.unwrap().unwrap();
    assert_eq!(found.fetches[1], fetch(&first, 10, 30));
    for sent in [empty, large] {
        let found = store.response(sent.hash).await.unwrap().unwrap();
        assert_eq!(found.body, sent.body);
    }
    assert_eq!(store.response(B256::ZERO).await.unwrap(), None);

    let mut forged = response("forged", 10);
    forged.hash = hash("something else");
    let refused = store.commit(&responses(vec![forged.clone()])).await;
    assert_fault(refused, Fault::Refused);
    assert_eq!(store.response(forged.hash).await.unwrap(), None);
}

const DEADLINE: Seconds = Seconds(1_000);

fn evaluated(record: &RiskRecord, version: u64, second: i64) -> RiskAdvance {
    RiskAdvance {
        risk: record.risk.id,
        version,
        state: vec![1],
        evaluated_to: at(second),
    }
}

/// One flight with a policy, landed, and the response that says so.
async fn landed<S: Store>(store: &S, flight: usize) -> (RiskRecord, Policy, B256) {
    let cover = cover(0);
    let record = risk(&cover, flight * 2, &[stream(flight, "status")]);
    store
        .add_cover(&cover, std::slice::from_ref(&record))
        .await
        .unwrap();
    let insured = policy(&record.risk, u64::try_from(flight).unwrap());
    store
        .add_policies(std::slice::from_ref(&insured))
        .await
        .unwrap();
    store.add_looks(&[new_look(flight, 0)]).await.unwrap();
    let sent = response(&format!("flight {flight} has landed"), 100);
    let seen = Observation {
        provenance: Provenance::Raw { hash: sent.hash },
        ..said(flight, 100)
    };
    let mut step = looks(vec![over(&current(store, flight).await, 100)]);
    step.polled.responses = vec![sent.clone()];
    step.observations = vec![seen];
    step.risks = vec![evaluated(&record, 0, 100)];
    store.commit(&step).await.unwrap();
    (record, insured, sent.hash)
}

async fn put_away<S: Store>(store: &S, now: Timestamp, claims: Option<Seconds>) -> PutAway {
    let deadlines = [Deadline {
        terms: cover(0).terms_hash,
        claims,
    }];
    let retention = Retention {
        now,
        deadlines: &deadlines,
        sources: &[(feed(), at(1_000_000_000))],
        limit: 100,
    };
    store.put_away(&retention).await.unwrap()
}

async fn is_evaluated<S: Store>(store: &S, flight: usize) -> bool {
    let listened = [(feed(), subject(flight))];
    !store.snapshots_of(&listened).await.unwrap().is_empty()
}

/// A risk rests when everything about it is over and its policies' time has passed; a new policy brings it back.
pub async fn lets_risks_rest<S: Store + 'static>(store: Arc<S>) {
    let (record, insured, _) = landed(&*store, 1).await;
    let (_, _, _) = landed(&*store, 2).await;
    // One that is still in the air.
    let flying = risk(&cover(0), 6, &[stream(3, "status")]);
    store
        .add_cover(&cover(0), std::slice::from_ref(&flying))
        .await
        .unwrap();
    store
        .add_policies(&[policy(&flying.risk, 3)])
        .await
        .unwrap();
    store.add_looks(&[new_look(3, 0)]).await.unwrap();
    // One that nobody has insured.
    let uninsured = risk(&cover(0), 8, &[stream(2, "delay")]);
    store.add_cover(&cover(0), &[uninsured]).await.unwrap();

    let ended = insured.expiry + DEADLINE;
    assert_eq!(put_away(&*store, ended, Some(DEADLINE)).await.risks, 0);
    let after = ended + Seconds(1);
    // The look at flight 2 is due, for the risk that is new.
    assert_eq!(put_away(&*store, after, Some(DEADLINE)).await.risks, 1);
    assert!(!is_evaluated(&*store, 1).await);
    assert!(is_evaluated(&*store, 2).await && is_evaluated(&*store, 3).await);
    assert_eq!(
        store.risk(record.risk.id).await.unwrap(),
        Some(record.clone())
    );
    let still_there = store.policy(insured.id).await.unwrap();
    assert_eq!(still_there, Some(insured));

    let rested = over(&current(&*store, 2).await, 200);
    store.commit(&looks(vec![rested])).await.unwrap();
    assert_eq!(put_away(&*store, after, Some(DEADLINE)).await.risks, 1);
    assert_eq!(put_away(&*store, after, Some(DEADLINE)).await.risks, 0);

    let mut late = policy(&record.risk, 9);
    late.expiry = after + DEADLINE;
    store.add_policies(&[late]).await.unwrap();
    assert!(is_evaluated(&*store, 1).await);
    assert_eq!(put_away(&*store, after, Some(DEADLINE)).await.risks, 0);
}

/// Nothing rests that has something to be evaluated.
pub async fn keeps_risks_awake_that_have_heard_something<S: Store + 'static>(store: Arc<S>) {
    let (record, insured, _) = landed(&*store, 1).await;
    let ended = insured.expiry + DEADLINE + Seconds(1);
    let again = Step {
        observations: vec![said(1, 150)],
        ..looks(vec![over(&current(&*store, 1).await, 150)])
    };
    store.commit(&again).await.unwrap();
    assert_eq!(put_away(&*store, ended, Some(DEADLINE)).await.risks, 0);
    let step = Step {
        risks: vec![evaluated(&record, 1, 150)],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    assert_eq!(put_away(&*store, ended, Some(DEADLINE)).await.risks, 1);
}

/// A response that an open look remembers may yet be what an observation is read from.
pub async fn keeps_what_open_looks_remember<S: Store + 'static>(store: Arc<S>) {
    store.add_looks(&[new_look(1, 0)]).await.unwrap();
    let sent = response("provisional", 10);
    let mut look = answered(&current(&*store, 1).await, 10);
    look.memory = Some(format!(r#"{{"last":{{"from":"{:#x}"}}}}"#, sent.hash));
    let mut step = looks(vec![look]);
    step.polled.responses = vec![sent.clone()];
    store.commit(&step).await.unwrap();
    assert_eq!(put_away(&*store, at(500), None).await.responses, 0);
    assert!(store.response(sent.hash).await.unwrap().is_some());
    let closed = over(&current(&*store, 1).await, 20);
    store.commit(&looks(vec![closed])).await.unwrap();
    assert_eq!(put_away(&*store, at(500), None).await.responses, 1);
}

/// What a claim may rest on stays until none can be made, however short the archive is meant to be.
pub async fn keeps_what_claims_rest_on<S: Store + 'static>(store: Arc<S>) {
    let (record, insured, sent) = landed(&*store, 1).await;
    let unused = response("nothing new", 90);
    let step = Step {
        determinations: vec![determination(&record.risk, 1, 50)],
        ..responses(vec![unused.clone()])
    };
    store.commit(&step).await.unwrap();
    let there = async |hash| store.response(hash).await.unwrap().is_some();

    // Nothing rests on an answer that said nothing new.
    let gone = put_away(&*store, at(200), Some(DEADLINE)).await;
    assert_eq!((gone.risks, gone.responses), (0, 1));
    assert!(!there(unused.hash).await && there(sent).await);

    // Its claim is not decided, so the risk is not over.
    let ended = insured.expiry + DEADLINE + Seconds(1);
    let gone = put_away(&*store, ended, Some(DEADLINE)).await;
    assert_eq!((gone.risks, gone.responses), (0, 0));
    let claim = super::sample::claim(&insured, &determination(&record.risk, 1, 50));
    store.add_claims(&[claim]).await.unwrap();
    // Terms without a deadline never let it go.
    let gone = put_away(&*store, ended, None).await;
    assert_eq!((gone.risks, gone.responses), (1, 0));
    assert!(there(sent).await);
    let gone = put_away(&*store, ended, Some(DEADLINE)).await;
    assert_eq!((gone.risks, gone.responses), (0, 1));
    assert!(!there(sent).await);

    // One that came again lately stays.
    let late = response("said again", 300);
    store.commit(&responses(vec![late.clone()])).await.unwrap();
    let retention = Retention {
        now: ended,
        deadlines: &[],
        sources: &[(feed(), at(300)), (source(0), at(9_999))],
        limit: 100,
    };
    assert_eq!(store.put_away(&retention).await.unwrap().responses, 0);
    assert!(there(late.hash).await);
}
