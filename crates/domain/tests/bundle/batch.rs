//! Bundles of attestations that were signed as one of a batch.

use alloy_primitives::B256;
use serde_json::Value as Json;
use tocsin_domain::bundle::{VerifyOptions, verify};

use crate::fixture::{address_of, depeg, keys};
use crate::tamper::{accepted, leaves, others, reseal};
use crate::{assert_valid, failing, said};

#[test]
fn a_bundle_says_which_batch_was_signed() {
    for count in [1, 2, 3, 8, 33] {
        assert_valid(&depeg().batched(count));
    }
    let bundle = depeg().batched(5);
    let report = verify(&bundle, &VerifyOptions::default());
    let id = bundle.domain.digest(&bundle.attestation);
    let batch = bundle
        .domain
        .batch_digest(&bundle.batch.as_ref().unwrap().batch);
    let said = said(&report);
    assert!(
        said.contains(&format!(
            "batch: the attestation {id} is one of the 5 under the root"
        )),
        "{said}"
    );
    assert!(
        said.contains(&format!("signatures: the batch {batch} is signed by")),
        "{said}"
    );
}

#[test]
fn a_batch_vouches_only_for_what_is_in_it() {
    let case = depeg();
    let mut bundle = case.batched(5);
    let other = B256::repeat_byte(9);
    bundle.batch.as_mut().unwrap().proof[0] = other;
    assert_eq!(failing(&bundle), ["batch"]);

    let mut bundle = case.batched(5);
    bundle.batch.as_mut().unwrap().proof.push(other);
    assert_eq!(failing(&bundle), ["batch"]);

    // Signed by the quorum, and yet not for this attestation.
    let mut bundle = case.batched(5);
    bundle.batch.as_mut().unwrap().batch.signerEpoch += 1;
    case.sign(&mut bundle);
    assert_eq!(failing(&bundle), ["batch"]);
    let mut bundle = case.batched(5);
    bundle.batch.as_mut().unwrap().batch.issuedAt = bundle.attestation.issuedAt - 1;
    case.sign(&mut bundle);
    assert_eq!(failing(&bundle), ["batch"]);
    let mut bundle = case.batched(5);
    bundle.batch.as_mut().unwrap().batch.count = 50;
    case.sign(&mut bundle);
    assert_eq!(failing(&bundle), ["batch"]);
}

#[test]
fn signatures_of_one_and_of_a_batch_are_not_exchanged() {
    let case = depeg();
    let mut bundle = case.batched(1);
    bundle.signatures = case.bundle().signatures;
    assert_eq!(failing(&bundle), ["signatures"]);
    bundle.signatures = case.batched(1).signatures;
    bundle.batch = None;
    assert_eq!(failing(&bundle), ["signatures"]);
}

#[test]
fn who_signed_the_batch_is_compared_with_who_is_trusted() {
    let options = VerifyOptions {
        trusted_signers: Some(keys(&["somebody else"]).iter().map(address_of).collect()),
        ..VerifyOptions::default()
    };
    let report = verify(&depeg().batched(5), &options);
    let failed: Vec<_> = report
        .checks()
        .iter()
        .filter(|check| !check.is_ok())
        .map(tocsin_domain::bundle::Check::name)
        .collect();
    assert_eq!(failed, ["trusted signers"]);
}

#[test]
fn nothing_of_the_batch_can_be_changed_even_with_a_new_seal() {
    let original = serde_json::to_value(depeg().batched(5)).unwrap();
    assert!(accepted(&original));
    let mut found = Vec::new();
    leaves(&original["batch"], "/batch", &mut found);
    assert!(found.len() > 6, "{found:?}");
    for leaf in &found {
        for other in others(original.pointer(leaf).unwrap()) {
            let mut json = original.clone();
            *json.pointer_mut(leaf).unwrap() = other.clone();
            reseal(&mut json);
            assert!(!accepted(&json), "{leaf} = {other}");
        }
    }
    for gone in [Json::Null, Json::Object(serde_json::Map::new())] {
        let mut json = original.clone();
        json["batch"] = gone;
        reseal(&mut json);
        assert!(!accepted(&json));
    }
}
