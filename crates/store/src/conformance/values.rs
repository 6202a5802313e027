//! What is written comes back as it was, whatever it is.

use std::sync::Arc;

use alloy_primitives::I256;
use tocsin_domain::claim::{Claim, Eligibility, Refusal};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::observation::{ChainPosition, Observation, Provenance};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use crate::Store;
use crate::conformance::sample::{
    at, cover, decimal, determination, hash, observation, policy, position, risk, source,
    store_risk, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::step::Step;

fn values() -> Vec<Option<Value>> {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    vec![
        None,
        Some(Value::Decimal(Decimal::ZERO)),
        Some(Value::Decimal(decimal("-0.000000000000000001"))),
        Some(Value::Decimal(Decimal::from_units(I256::MAX).unwrap())),
        Some(Value::Decimal(Decimal::from_units(-I256::MAX).unwrap())),
        Some(Value::Duration(Seconds(-60))),
        Some(Value::Duration(Seconds(i64::MAX))),
        Some(Value::Bool(true)),
        Some(Value::Bool(false)),
        Some(Value::Time(Timestamp(0))),
        Some(Value::Time(Timestamp(i64::MIN))),
        text(""),
        text("null"),
        text("1"),
        text("cancelled"),
        text("\"quoted\" \\ 'and' \u{1}\u{7f}\n\r\t"),
        text("Zürich ✈ \u{1F600}\u{10ffff}"),
    ]
}

/// Values of every type, no value, and both kinds of provenance, at the ends of time.
pub async fn of_every_kind_come_back<S: Store + 'static>(store: Arc<S>) {
    let mut said: Vec<Observation> = values()
        .into_iter()
        .zip(1..)
        .map(|(value, n)| Observation {
            value,
            ..observation(&stream(0, 0), 1, n, "1")
        })
        .collect();
    said[3].provenance = Provenance::Raw {
        hash: hash("a line"),
    };
    said[4].provenance = Provenance::Chain(ChainPosition {
        chain_id: 0,
        block: 9_223_372_036_854_775_807,
        log_index: Some(0),
        ..position(1)
    });
    said.push(Observation {
        observed_at: Timestamp(i64::MAX),
        ..observation(&stream(0, 0), 1, 1, "1")
    });
    said.insert(
        0,
        Observation {
            observed_at: Timestamp(i64::MIN),
            ..observation(&stream(0, 0), 1, 1, "1")
        },
    );
    store
        .commit(&Step {
            observations: said.clone(),
            ..Step::default()
        })
        .await
        .unwrap();
    // Identical to the last column, so adding them again is no conflict.
    store
        .commit(&Step {
            observations: said.clone(),
            ..Step::default()
        })
        .await
        .unwrap();
    let ends = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    assert_eq!(
        store
            .history(&[stream(0, 0)], ends.0, ends.1)
            .await
            .unwrap(),
        said
    );
}

fn unknowns() -> Vec<Unknown> {
    vec![
        Unknown::NoObservation { input: 0 },
        Unknown::Stale {
            input: 1,
            since: at(1),
        },
        Unknown::NoValue {
            input: 2,
            since: at(2),
        },
        Unknown::Overflow,
        Unknown::DivisionByZero,
        Unknown::Gap {
            since: at(3),
            cause: Box::new(Unknown::Stale {
                input: 0,
                since: at(2),
            }),
        },
        Unknown::NotBegun,
        Unknown::PayoutOutOfRange {
            fraction: decimal("1.5"),
        },
        Unknown::NotCovered { input: 0 },
        Unknown::EmptyWindow { input: 1 },
        Unknown::NotYet { time: at(4) },
        Unknown::TooFewSources,
        Unknown::SourcesApart,
        Unknown::NotPositive,
        Unknown::NoSlope,
        Unknown::NoSuchPlace,
        Unknown::Unchecked,
    ]
}

fn refusals() -> Vec<Refusal> {
    vec![
        Refusal::BeforeInception {
            event_at: at(1),
            inception: at(2),
        },
        Refusal::WaitingPeriod {
            occurred_at: at(1),
            ends: at(2),
        },
        Refusal::AfterExpiry {
            event_at: at(3),
            expiry: at(2),
        },
        Refusal::ClaimDeadline {
            deadline: at(1),
            determined_at: at(2),
        },
        Refusal::OtherTerms,
        Refusal::VerdictUnknown {
            unknown: Unknown::DivisionByZero,
        },
    ]
}

/// Determinations and claims with every reason and every value.
pub async fn reasons_of_every_kind_come_back<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let mut determinations = Vec::new();
    for (unknown, ordinal) in unknowns().into_iter().zip(1..) {
        let mut inconclusive = determination(&risk, ordinal, 100);
        inconclusive.payout = Err(unknown.clone());
        inconclusive.inputs = values().into_iter().flatten().map(Ok).collect();
        inconclusive.inputs.push(Err(unknown.clone()));
        inconclusive.guards = vec![Err(unknown), Ok(ordinal % 2 == 0)];
        inconclusive.confirmed_on = None;
        inconclusive.evidence_count = u32::MAX;
        determinations.push(inconclusive);
    }
    let step = Step {
        determinations: determinations.clone(),
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    assert_eq!(
        store.determinations_of(risk.id).await.unwrap(),
        determinations
    );

    let policy = policy(&risk, 1);
    store
        .add_policies(std::slice::from_ref(&policy))
        .await
        .unwrap();
    let claims: Vec<Claim> = refusals()
        .into_iter()
        .zip(1..)
        .map(|(refusal, ordinal)| Claim {
            policy: policy.id,
            risk: risk.id,
            ordinal,
            eligibility: Eligibility::Refused(refusal),
        })
        .collect();
    store.add_claims(&claims).await.unwrap();
    store.add_claims(&claims).await.unwrap();
    assert_eq!(store.claims_of(policy.id).await.unwrap(), claims);
}

/// Databases end texts at a NUL character; such a text is refused, not cut.
pub async fn texts_that_cannot_be_stored_are_refused<S: Store + 'static>(store: Arc<S>) {
    let mut cut = observation(&stream(0, 0), 1, 1, "1");
    cut.value = Some(Value::Text("land\0ed".to_owned()));
    let mut nameless = observation(&stream(0, 0), 1, 1, "1");
    nameless.subject = "\0".into();
    for bad in [cut, nameless] {
        let step = Step {
            observations: vec![bad],
            ..Step::default()
        };
        assert_fault(store.commit(&step).await, Fault::Refused);
    }
    let cover = cover(0);
    let mut deaf = risk(&cover, 0, &[stream(0, 0)]);
    deaf.streams[0].metric = "pri\0ce".into();
    assert_fault(store.add_cover(&cover, &[deaf]).await, Fault::Refused);
    assert_eq!(store.snapshots(&[source(0)]).await.unwrap(), []);
}
