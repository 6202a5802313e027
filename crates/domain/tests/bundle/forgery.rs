//! Forgers who keep the file consistent, and what still gives them away.

use tocsin_domain::attestation::AttestationDomain;
use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions, verify};
use tocsin_domain::claim::{self, Eligibility};
use tocsin_domain::evidence;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use crate::fixture::{Case, DOMAIN, address_of, depeg, keys};
use crate::{check, failing};

/// Makes every derived field follow from the observations and the policy again, as far as a forger can.
fn recompute(bundle: &mut EvidenceBundle, cover: &tocsin_domain::cover::Cover) {
    let (root, count) = evidence::commit(&bundle.observations).unwrap();
    bundle.determination.evidence_root = root;
    bundle.determination.evidence_count = count;
    bundle.determination.confirmed_on =
        evidence::confirmed_on(&bundle.observations, bundle.determination.confirmed_at);
    bundle.attestation.evidenceRoot = root;
    bundle.attestation.evidenceCount = count;
    bundle.claim.eligibility = claim::decide(cover, &bundle.policy, &bundle.determination);
}

#[test]
fn a_missing_observation_needs_a_new_signature() {
    let case = depeg();
    let mut forged = case.bundle();
    forged.observations.remove(2);
    recompute(&mut forged, &case.parse());
    assert_eq!(failing(&forged), ["signatures"]);
}

#[test]
fn somebody_elses_signature_on_a_consistent_forgery_is_found_by_who_is_trusted() {
    let case = depeg();
    let mut forged = case.bundle();
    forged.observations.remove(2);
    recompute(&mut forged, &case.parse());
    let forger = Case {
        keys: keys(&["forger"]),
        ..depeg()
    };
    forged.signers = forger.bundle().signers;
    forger.sign(&mut forged);
    // Nothing in the file contradicts itself, which is why the report says that the signer set is not checked.
    assert!(check(&forged).is_valid());
    let options = VerifyOptions {
        trusted_signers: Some(case.keys.iter().map(address_of).collect()),
        ..VerifyOptions::default()
    };
    let report = verify(&forged, &options);
    let failed: Vec<_> = report
        .checks()
        .iter()
        .filter(|check| !check.is_ok())
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].name(), "trusted signers");
}

#[test]
fn even_the_attestors_cannot_make_evidence_say_what_it_does_not() {
    let case = depeg();
    let resign = |change: fn(&mut EvidenceBundle)| {
        let mut forged = case.bundle();
        change(&mut forged);
        recompute(&mut forged, &case.parse());
        case.sign(&mut forged);
        failing(&forged)
    };
    // A larger fraction.
    let failed = resign(|forged| {
        forged.attestation.payoutFraction = 200_000_000_000_000_000;
        forged.determination.payout = Ok("0.2".parse().unwrap());
    });
    assert_eq!(failed, ["determination", "claim", "attestation"]);
    // An earlier beginning.
    let failed = resign(|forged| {
        forged.determination.occurred_at = Timestamp(1_678_487_255);
        forged.attestation.occurredAt = 1_678_487_255;
    });
    assert_eq!(failed, ["determination", "attestation"]);
    // A recovery that is not among the evidence is fine to leave out; one that is ends the breach.
    let failed = resign(|forged| {
        forged.observations[3].value = Some(Value::Decimal("0.999".parse().unwrap()));
    });
    assert_eq!(failed, ["evaluation"]);
    // A window that holds the loss.
    let failed = resign(|forged| forged.attestation.windowEnd += 1);
    assert_eq!(failed, ["attestation"]);
    // Another policy's id.
    let failed = resign(|forged| {
        forged.policy.id.0.0[0] ^= 1;
        forged.claim.policy = forged.policy.id;
        forged.attestation.policyId = forged.policy.id.0;
    });
    assert_eq!(failed, ["policy"]);
    // A second event of a cover that has one.
    let failed = resign(|forged| {
        forged.determination.ordinal = 2;
        forged.determination.event_id =
            tocsin_domain::ids::EventId::derive(&forged.risk.subject, 2);
        forged.claim.ordinal = 2;
        forged.attestation.eventId = forged.determination.event_id.0;
    });
    assert_eq!(failed, ["ordinal"]);
    // Signed before it was decided.
    let failed = resign(|forged| forged.determination.determined_at = Timestamp(1_678_600_000));
    assert_eq!(failed, ["times"]);
}

#[test]
fn values_of_another_type_than_the_inputs_are_refused() {
    let case = depeg();
    for value in [
        Value::Text("0.9".to_owned()),
        Value::Bool(true),
        Value::Duration(tocsin_domain::time::Seconds(0)),
        Value::Time(Timestamp(0)),
    ] {
        let mut forged = case.bundle();
        forged.observations[1].value = Some(value);
        recompute(&mut forged, &case.parse());
        case.sign(&mut forged);
        assert_eq!(failing(&forged), ["evaluation"]);
    }
}

#[test]
fn a_policy_that_is_not_insured_then_is_not_paid() {
    let case = depeg();
    let mut forged = case.bundle();
    // The waiting period ends after the breach began.
    forged.policy.inception = Timestamp(1_678_400_000);
    forged.attestation.windowStart = 1_678_400_000 + 72 * 3600;
    case.sign(&mut forged);
    assert_eq!(failing(&forged), ["claim", "attestation"]);
    let cover = case.parse();
    let eligibility = claim::decide(&cover, &forged.policy, &forged.determination);
    assert!(matches!(eligibility, Eligibility::Refused(_)));
}

#[test]
fn another_chain_is_another_claim() {
    let case = depeg();
    let mut forged = case.bundle();
    forged.domain = AttestationDomain {
        chain_id: 1,
        ..DOMAIN
    }
    .into();
    assert_eq!(failing(&forged), ["verifier", "signatures"]);
    case.sign(&mut forged);
    assert_eq!(failing(&forged), ["verifier"]);
}

#[test]
fn a_bundle_of_mixed_parts_cannot_be_written() {
    let mut mixed = depeg().bundle();
    mixed.determination.subject = "somebody else".to_owned();
    assert!(
        serde_json::to_string(&mixed)
            .unwrap_err()
            .to_string()
            .contains("determination")
    );
    let mut mixed = depeg().bundle();
    mixed.claim.ordinal = 9;
    assert!(
        serde_json::to_string(&mixed)
            .unwrap_err()
            .to_string()
            .contains("claim")
    );
}
