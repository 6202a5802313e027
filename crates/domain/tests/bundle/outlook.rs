//! Covers that look further than their trigger: to the policy's inception, past the confirmation, and at guards.

use alloy_primitives::U256;
use tocsin_domain::bundle::EvidenceBundle;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::RiskId;
use tocsin_domain::reasoning;
use tocsin_domain::time::Timestamp;

use crate::fixture::{Case, DEPEG, INCEPTION, depeg};
use crate::{assert_valid, check, failing, said};

const GUARDS: &str = r#"
[guards]
late  = "age(usdc) > 23h"
whole = "at(usdc, inception) >= 0.999"
"#;

/// A cover whose guard looks at the value at the inception.
pub(crate) fn since_inception() -> Case {
    let mut case = Case {
        cover: format!("{DEPEG}{GUARDS}"),
        ..depeg()
    };
    assert!(case.parse().mentions_inception());
    // One that nothing but the inception asks for, and one before that, which is carried into the evidence.
    let mut before = case.seen[0].clone();
    (before.1, before.2) = (INCEPTION.0 - 7, 3);
    let mut oldest = before.clone();
    (oldest.1, oldest.2) = (INCEPTION.0 - 8, 2);
    case.seen.splice(0..0, [oldest, before]);
    case
}

/// What is written and read again, whoever believes it.
fn reread(bundle: &EvidenceBundle) -> EvidenceBundle {
    serde_json::from_str(&serde_json::to_string(bundle).unwrap()).unwrap()
}

#[test]
fn a_risk_of_one_inception_verifies_with_the_evidence_since_then() {
    let case = since_inception();
    let bundle = case.bundle();
    assert_valid(&bundle);
    assert_eq!(bundle.risk.inception, Some(INCEPTION));
    assert_eq!(bundle.policy.risk, bundle.risk.id);
    assert_eq!(
        bundle.observations[0].observed_at,
        Timestamp(INCEPTION.0 - 7)
    );
    assert_eq!(bundle.observations.len(), case.seen.len() - 1);
    let said = said(&check(&bundle));
    assert!(said.contains("as this one does"), "{said}");
    assert!(said.contains("where the terms look back to"), "{said}");
}

#[test]
fn an_inception_too_few_or_too_many_is_refused() {
    let case = since_inception();
    let of = |case: &Case, inception: Option<Timestamp>| {
        let mut bundle = case.bundle();
        let (terms, subject) = (bundle.risk.terms_hash, bundle.risk.subject.clone());
        bundle.risk.inception = inception;
        bundle.risk.id = RiskId::derive(terms, &subject, inception);
        bundle.determination.risk = bundle.risk.id;
        bundle.policy.risk = bundle.risk.id;
        bundle.claim.risk = bundle.risk.id;
        // Nothing is wrong with the file but this.
        assert_eq!(reread(&bundle), bundle);
        failing(&bundle)
    };
    assert_eq!(of(&case, None), ["inception"]);
    assert_eq!(of(&case, Some(Timestamp(INCEPTION.0 + 1))), ["inception"]);
    assert_eq!(of(&depeg(), Some(INCEPTION)), ["inception"]);
    assert!(of(&case, Some(INCEPTION)).is_empty());

    // Another inception of risk and policy alike: the attestors signed when the policy begins.
    let mut bundle = case.bundle();
    bundle.policy.inception = Timestamp(INCEPTION.0 - 3600);
    bundle.risk.inception = Some(bundle.policy.inception);
    assert!(failing(&bundle).contains(&"attestation"));
}

#[test]
fn a_recorded_guard_is_what_the_evaluation_says() {
    let mut invented = depeg().bundle();
    invented.determination.guards = vec![Ok(true)];
    assert_eq!(failing(&reread(&invented)), ["determination"]);

    let said_by_evaluation = since_inception().bundle();
    let guards = &said_by_evaluation.determination.guards;
    let others = [
        vec![Ok(false), Ok(false)],
        vec![Err(Unknown::Overflow), Ok(true)],
        vec![Ok(true)],
    ];
    for other in others.iter().filter(|other| *other != guards) {
        let mut changed = said_by_evaluation.clone();
        changed.determination.guards.clone_from(other);
        assert_eq!(failing(&reread(&changed)), ["determination"], "{other:?}");
    }
}

#[test]
fn guards_come_back_from_the_file_and_are_named() {
    let case = since_inception();
    let cover = case.parse();
    let mut bundle = case.bundle();
    bundle.determination.guards = vec![Ok(false), Err(Unknown::NotCovered { input: 0 })];
    assert_eq!(reread(&bundle), bundle);
    let sentences =
        reasoning::sentences(&cover, &bundle.policy, &bundle.determination, &bundle.claim);
    for expected in [
        "The guard `late` did not hold; guards decide nothing.",
        "Whether the guard `whole` held is not known: not enough of the window over `usdc` is known; guards decide nothing.",
    ] {
        assert!(
            sentences.iter().any(|said| said == expected),
            "{sentences:#?}"
        );
    }
    let named: Vec<_> = reasoning::guards(&cover, &bundle.determination).collect();
    assert_eq!(named[0], ("late", &Ok(false)));
    assert_eq!(named.len(), 2);
}

#[test]
fn a_payout_that_may_settle_verifies_until_it_has() {
    let cover = DEPEG.replace("[payout]\n", "[payout]\nsettle = \"1h\"\n");
    let mut case = Case { cover, ..depeg() };
    assert!(case.parse().payout.settle.is_some());
    let (input, at, sequence, value) = case.seen[9].clone();
    case.seen.extend([
        (input, at + 60, sequence + 1, value.clone()),
        (input, at + 7200, sequence + 2, value),
    ]);
    let bundle = case.bundle();
    assert_valid(&bundle);
    let loss = &bundle.determination;
    assert!(loss.determined_at > loss.settled_at && loss.settled_at >= loss.confirmed_at);
    // What came later settled the payout; it confirmed nothing.
    assert_eq!(
        bundle.attestation.sourceBlock,
        u64::try_from(at).unwrap() / 12
    );

    let mut later = bundle.clone();
    later.determination.settled_at = Timestamp(loss.settled_at.0 + 1);
    assert!(!check(&reread(&later)).is_valid());
    let mut hasty = bundle.clone();
    hasty.determination.determined_at = Timestamp(loss.settled_at.0 - 1);
    assert!(failing(&hasty).contains(&"times"));
}

#[test]
fn an_event_that_carries_nothing_is_evidence_by_being_there() {
    let cover = format!(
        "{DEPEG}\n[inputs.halt]\nmetric = \"event:Paused\"\nsubject = \"token:usdc\"\nsource = \"feed:desk\"\n\
         [guards]\nopen = \"not happened(halt)\"\n"
    );
    let mut case = Case { cover, ..depeg() };
    // Sorted by name, `halt` comes first.
    for seen in &mut case.seen {
        seen.0 = 1;
    }
    case.seen.push((0, 1_678_500_000, 1, None));
    let bundle = case.bundle();
    assert_valid(&bundle);
    let events = bundle
        .observations
        .iter()
        .filter(|row| row.metric.as_str() == "event:Paused");
    assert_eq!(events.count(), 1);
    let sentences = reasoning::sentences(
        &case.parse(),
        &bundle.policy,
        &bundle.determination,
        &bundle.claim,
    );
    let expected = "By that instant halt had happened, at 2023-03-11T02:00:00Z for the last time.";
    assert!(
        sentences.iter().any(|said| said == expected),
        "{sentences:#?}"
    );
}

#[test]
fn every_inception_is_a_risk_of_its_own() {
    let terms = depeg().parse().terms_hash;
    let of = |inception| RiskId::derive(terms, "s", inception);
    let none = of(None);
    let ids = [
        none,
        of(Some(Timestamp(0))),
        of(Some(Timestamp(-1))),
        of(Some(INCEPTION)),
    ];
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id));
    }
    // abi.encode(bytes32, bytes32, int64): a negative number fills its word with ones.
    let mut words = terms.0.to_vec();
    words.extend(alloy_primitives::keccak256("s"));
    words.extend(U256::MAX.to_be_bytes::<32>());
    assert_eq!(
        of(Some(Timestamp(-1))).0,
        alloy_primitives::keccak256(words)
    );
}
