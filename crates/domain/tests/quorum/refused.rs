//! What is refused, and why.

use alloy_primitives::B256;
use tocsin_domain::ids::EventKey;
use tocsin_domain::observation::{Observation, Provenance};
use tocsin_domain::quorum::{Event, FuseError, Quorum, SignedReport, fuse, reexecute};
use tocsin_domain::time::Timestamp;

use crate::fixture::{
    Attestors, BREACH, DOMAIN, START, attestors, cover, determine, event, fall, first, key,
    on_chain, rearming, report_by, signed,
};

type Change = fn(&mut SignedReport);

/// Four attestors, three of which report.
fn quorum() -> (Attestors, Vec<SignedReport>) {
    let attestors = attestors(4);
    let reports = (0..3)
        .map(|index| {
            let seen = fall(60 + 10 * i64::try_from(index).unwrap(), 120, 850);
            attestors.report(index, &first(&cover(BREACH), &index.to_string(), &seen))
        })
        .collect();
    (attestors, reports)
}

fn refusal(attestors: &Attestors, reports: &[SignedReport]) -> FuseError {
    fuse(
        &cover(BREACH),
        &event(&cover(BREACH), 1),
        reports,
        attestors.quorum(),
    )
    .unwrap_err()
}

/// The report of the second attestor after `change`, signed by it again.
fn resigned(change: impl FnOnce(&mut SignedReport)) -> (Attestors, Vec<SignedReport>) {
    let (attestors, mut reports) = quorum();
    change(&mut reports[1]);
    let changed = reports[1].clone();
    reports[1] = signed(&attestors.keys[1], changed.statement, changed.observations);
    (attestors, reports)
}

fn second(attestors: &Attestors) -> alloy_primitives::Address {
    attestors.signers.signers()[1]
}

#[test]
fn fewer_than_the_threshold_are_no_quorum() {
    let (attestors, reports) = quorum();
    for given in 0..3 {
        assert_eq!(
            refusal(&attestors, &reports[..given]),
            FuseError::TooFew {
                given,
                threshold: 3
            }
        );
    }
}

#[test]
fn nobody_is_heard_twice() {
    let (attestors, mut reports) = quorum();
    reports.push(reports[1].clone());
    let attestor = second(&attestors);
    assert_eq!(refusal(&attestors, &reports), FuseError::Twice { attestor });

    // Nor with something else to say.
    let other = first(&cover(BREACH), "other", &fall(99, 100, 500));
    reports[3] = attestors.report(1, &other);
    assert_eq!(refusal(&attestors, &reports), FuseError::Twice { attestor });
    reports.remove(2);
    assert_eq!(refusal(&attestors, &reports), FuseError::Twice { attestor });
}

#[test]
fn strangers_are_not_heard() {
    let (attestors, mut reports) = quorum();
    let stranger = key("stranger");
    reports[2] = report_by(&stranger, &first(&cover(BREACH), "x", &fall(60, 120, 850)));
    let refused = refusal(&attestors, &reports);
    assert_eq!(
        refused,
        FuseError::NotASigner {
            signer: alloy_primitives::Address::from_public_key(stranger.verifying_key()),
            epoch: 3
        }
    );
    assert!(
        refused
            .to_string()
            .contains("which is no signer of epoch 3"),
        "{refused}"
    );
}

#[test]
fn a_report_of_another_epoch_or_verifier_is_none_of_this_one() {
    let (attestors, reports) = resigned(|report| report.statement.signerEpoch = 2);
    assert_eq!(
        refusal(&attestors, &reports),
        FuseError::OtherEpoch {
            attestor: second(&attestors),
            report: 2,
            signers: 3
        }
    );

    let (attestors, reports) = quorum();
    let mut elsewhere = DOMAIN;
    elsewhere.chain_id = 1;
    let quorum = Quorum {
        domain: &elsewhere,
        signers: &attestors.signers,
    };
    let refused = fuse(&cover(BREACH), &event(&cover(BREACH), 1), &reports, quorum).unwrap_err();
    assert!(matches!(refused, FuseError::NotASigner { .. }), "{refused}");
}

#[test]
fn a_report_about_another_event_is_none_of_this_one() {
    let changes: [Change; 3] = [
        |report| report.statement.ordinal = 2,
        |report| report.statement.riskId = B256::repeat_byte(1),
        |report| report.statement.termsHash = B256::repeat_byte(1),
    ];
    for change in changes {
        let (attestors, reports) = resigned(change);
        let refused = refusal(&attestors, &reports);
        let FuseError::OtherEvent {
            attestor,
            event: expected,
            ..
        } = refused
        else {
            panic!("{refused}");
        };
        assert_eq!(attestor, second(&attestors));
        assert_eq!(expected, event(&cover(BREACH), 1).key());
    }
}

#[test]
fn an_event_that_the_terms_do_not_know_is_no_event() {
    let (attestors, reports) = quorum();
    let terms = cover(BREACH);
    let events: [fn(&mut Event); 3] = [
        |event| event.terms_hash.0 = B256::repeat_byte(1),
        |event| event.subject = "token:two".to_owned(),
        |event| event.inception = Some(Timestamp(START)),
    ];
    for change in events {
        let mut other = event(&terms, 1);
        change(&mut other);
        let refused = fuse(&terms, &other, &reports, attestors.quorum()).unwrap_err();
        assert!(
            matches!(refused, FuseError::NoSuchEvent { .. }),
            "{refused}"
        );
    }
    assert_ne!(event(&terms, 1).key(), event(&terms, 2).key());
}

#[test]
fn nothing_of_a_report_can_be_changed_on_the_way() {
    let chain = on_chain();
    let attestors = attestors(4);
    let loss = first(&chain, "chain", &fall(60, 120, 850));
    let reports: Vec<_> = (0..3).map(|index| attestors.report(index, &loss)).collect();
    let refusal = |reports: &[SignedReport]| {
        fuse(&chain, &event(&chain, 1), reports, attestors.quorum()).unwrap_err()
    };
    let changes: [fn(&mut Vec<Observation>); 9] = [
        |rows| rows[1].value = None,
        |rows| rows[1].observed_at.0 += 1,
        |rows| rows[1].sequence.0 += alloy_primitives::U256::ONE,
        |rows| rows[1].source = "feed:other".into(),
        |rows| rows[1].metric = "other".into(),
        |rows| rows[1].provenance = Provenance::Raw { hash: B256::ZERO },
        // Which no leaf of the evidence's tree has.
        |rows| {
            let Provenance::Chain(place) = &mut rows[1].provenance else {
                unreachable!()
            };
            place.log_index = place.log_index.map(|index| index + 1);
        },
        |rows| drop(rows.pop()),
        |rows| rows.swap(1, 2),
    ];
    for change in changes {
        let mut changed = reports.clone();
        change(&mut changed[1].observations);
        assert_eq!(
            refusal(&changed),
            FuseError::OtherObservations {
                attestor: second(&attestors)
            }
        );
    }
    let mut changed = reports.clone();
    changed[1].statement.occurredAt += 1;
    let refused = refusal(&changed);
    assert!(matches!(refused, FuseError::NotASigner { .. }), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("was changed since it was signed")
    );
}

#[test]
fn what_a_report_says_follows_from_what_it_shows() {
    let changes: [(&str, Change); 3] = [
        ("evidenceFrom", |report| {
            report.statement.evidenceFrom -= 1;
            report.statement.occurredAt -= 1;
        }),
        ("confirmedAt", |report| report.statement.confirmedAt -= 1),
        ("payoutFraction", |report| {
            report.statement.payoutFraction += 1
        }),
    ];
    for (field, change) in changes {
        let (attestors, reports) = resigned(change);
        let attestor = second(&attestors);
        assert_eq!(
            refusal(&attestors, &reports),
            FuseError::OtherValue { attestor, field }
        );
    }
    // Where something else is asked of the observations than what they show.
    let changes: [Change; 3] = [
        |report| report.statement.evidenceFrom -= 1,
        |report| {
            report.statement.settledAt += 1;
            report.statement.determinedAt += 1;
        },
        |report| report.statement.occurredAt += 1,
    ];
    for change in changes {
        let (attestors, reports) = resigned(change);
        let refused = refusal(&attestors, &reports);
        assert_eq!(refused.attestor(), Some(second(&attestors)), "{refused}");
    }
}

#[test]
fn observations_that_show_no_loss_are_no_report() {
    let quiet = |report: &mut SignedReport| {
        for row in &mut report.observations {
            if row.metric.as_str() == "price" {
                row.value = Some(
                    "1".parse()
                        .map(tocsin_domain::value::Value::Decimal)
                        .unwrap(),
                );
            }
        }
        recommit(report);
    };
    let (attestors, reports) = resigned(quiet);
    let refused = refusal(&attestors, &reports);
    assert!(matches!(refused, FuseError::NotShown { .. }), "{refused}");
    assert!(
        refused.to_string().contains("no loss that began at"),
        "{refused}"
    );

    // Nor do observations beside the evidence, or too few of it.
    let surplus = |report: &mut SignedReport| {
        let mut late = report.observations.last().unwrap().clone();
        late.observed_at.0 += 1;
        late.sequence.0 += alloy_primitives::U256::ONE;
        report.observations.push(late);
        recommit(report);
    };
    let (attestors, reports) = resigned(surplus);
    assert!(matches!(
        refusal(&attestors, &reports),
        FuseError::NotShown { .. }
    ));
    let none = |report: &mut SignedReport| {
        report.observations.clear();
        recommit(report);
    };
    let (attestors, reports) = resigned(none);
    let refused = refusal(&attestors, &reports);
    assert!(
        refused.to_string().contains("there are no observations"),
        "{refused}"
    );
}

/// Makes the statement one about the observations as they are now.
fn recommit(report: &mut SignedReport) {
    let written: serde_json::Value = serde_json::to_value(&report).unwrap();
    let text = serde_jcs::to_string(&written["observations"]).unwrap();
    report.statement.observationsHash = alloy_primitives::keccak256(text);
    report.statement.observationsCount = u32::try_from(report.observations.len()).unwrap();
}

#[test]
fn times_that_no_clock_shows_are_refused_before_anything_is_evaluated() {
    let changes: [Change; 7] = [
        |report| report.statement.determinedAt = i64::MAX,
        |report| report.statement.evidenceFrom = -1,
        |report| report.statement.evidenceFrom = i64::MIN,
        |report| report.statement.occurredAt = report.statement.confirmedAt + 1,
        |report| report.statement.settledAt = i64::MAX,
        |report| report.statement.determinedAt = report.statement.settledAt - 1,
        |report| report.statement.previousConfirmedAt = START,
    ];
    for change in changes {
        let (attestors, reports) = resigned(change);
        let attestor = second(&attestors);
        assert_eq!(refusal(&attestors, &reports), FuseError::Times { attestor });
    }
}

#[test]
fn the_number_of_a_loss_is_one_that_the_terms_allow() {
    // These terms know one loss only.
    let (attestors, reports) = resigned(|report| {
        report.statement.ordinal = 2;
        report.statement.previousConfirmedAt = START;
    });
    let terms = cover(BREACH);
    let refused =
        reexecute(&terms, &event(&terms, 2), &reports[1], attestors.quorum()).unwrap_err();
    assert!(
        refused.to_string().contains("the terms allow one only"),
        "{refused}"
    );

    // And these know when the next can begin.
    let terms = rearming();
    let loss = determine(&terms, "x", &fall(60, 120, 850), 5).remove(0);
    let attestors = crate::fixture::attestors(1);
    let mut report = attestors.report(0, &loss);
    report.statement.ordinal = 2;
    report.statement.previousConfirmedAt = report.statement.occurredAt - 30;
    let early = signed(&attestors.keys[0], report.statement, report.observations);
    let refused = reexecute(&terms, &event(&terms, 2), &early, attestors.quorum()).unwrap_err();
    assert!(matches!(refused, FuseError::NotShown { .. }), "{refused}");
}

#[test]
fn a_payout_that_is_not_known_is_not_reported() {
    let terms = cover(&BREACH.replace("clamp(1 - price, 0, 1)", "1 / rate"));
    let attestors = attestors(1);
    let mut seen = fall(60, 120, 850);
    seen[1].3 = Some(2000);
    let mut report = attestors.report(0, &first(&terms, "x", &seen));
    report.observations[0].value = None;
    recommit(&mut report);
    let unknown = signed(&attestors.keys[0], report.statement, report.observations);
    let refused = reexecute(&terms, &event(&terms, 1), &unknown, attestors.quorum()).unwrap_err();
    assert!(
        matches!(refused, FuseError::Inconclusive { .. }),
        "{refused}"
    );
}

#[test]
fn an_event_is_known_by_the_same_key_everywhere() {
    let terms = cover(BREACH);
    let one = event(&terms, 1);
    let risk = crate::fixture::risk(&terms);
    assert_eq!(one.risk(), risk.id);
    assert_eq!(one.key(), EventKey::derive(risk.id, 1));
    assert_eq!(
        one.event_id(),
        tocsin_domain::ids::EventId::derive(&risk.subject, 1)
    );
}
