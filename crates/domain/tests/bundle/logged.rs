//! The proof that the decision is in the eligibility log: it holds, or it is found not to.

use alloy_primitives::B256;
use serde_json::{Value as Json, json};
use tocsin_domain::bundle::{EvidenceBundle, LogProof, VerifyOptions, verify};
use tocsin_domain::claim::Eligibility;
use tocsin_log::{
    Checkpoint, Edge, ProvenLeaf, SigningKey, Tiles, VerifierKey, inclusion_proof, leaf_hash,
};

use crate::fixture::depeg;
use crate::{assert_valid, failing, said};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("log.example".parse().unwrap(), &[seed; 32])
}

/// What a log says of the bundle's decision, between other leaves.
fn entries(bundle: &EvidenceBundle) -> Vec<Json> {
    let Eligibility::Eligible { fraction, amount } = bundle.claim.eligibility else {
        unreachable!("a bundle's claim pays");
    };
    let fact = |kind: &str, subject: String, ordinal: u32, body: Json| json!({ "v": 1, "kind": kind, "subject": subject, "ordinal": ordinal, "logged_at": 1_678_584_000, "body": body });
    let (risk, policy) = (bundle.risk.id.to_string(), bundle.policy.id.to_string());
    let loss = &bundle.determination;
    vec![
        fact("policy", policy.clone(), 0, json!({})),
        fact(
            "determination",
            risk.clone(),
            loss.ordinal,
            json!({ "verdict": "triggered", "evidence_root": format!("{:#x}", loss.evidence_root) }),
        ),
        fact("audit", "door".to_owned(), 0, json!({})),
        fact(
            "claim",
            policy,
            loss.ordinal,
            json!({ "decision": "accepted", "risk": risk, "fraction": fraction.to_string(),
                    "amount": format!("{:#x}", B256::from(amount)) }),
        ),
        fact("audit", "door".to_owned(), 0, json!({})),
    ]
}

/// The bundle with a proof of two of these leaves.
fn logged(bundle: &EvidenceBundle, entries: &[Json], shown: [u64; 2]) -> EvidenceBundle {
    let texts: Vec<String> = entries
        .iter()
        .map(|entry| serde_jcs::to_string(entry).unwrap())
        .collect();
    let hashes: Vec<_> = texts
        .iter()
        .map(|text| leaf_hash(text.as_bytes()))
        .collect();
    let mut edge = Edge::default();
    let mut tiles = Tiles::default();
    for tile in edge.append(&hashes).unwrap() {
        tiles.add(tile.id, 1, &tile.bytes()).unwrap();
    }
    let state = Checkpoint {
        origin: "log.example".to_owned(),
        size: edge.size(),
        root: edge.root(),
    };
    let leaves = shown.into_iter().map(|index| ProvenLeaf {
        index,
        entry: texts[usize::try_from(index).unwrap()].clone(),
        path: inclusion_proof(index, state.size)
            .unwrap()
            .hashes(&tiles)
            .unwrap(),
    });
    EvidenceBundle {
        log: Some(LogProof {
            checkpoint: state.sign(&key(7)).unwrap(),
            leaves: leaves.collect(),
        }),
        ..bundle.clone()
    }
}

fn depeg_logged() -> EvidenceBundle {
    let bundle = depeg().bundle();
    logged(&bundle, &entries(&bundle), [1, 3])
}

fn known(key: &VerifierKey) -> VerifyOptions {
    VerifyOptions {
        log_key: Some(key.clone()),
        ..VerifyOptions::default()
    }
}

#[test]
fn a_decision_in_the_log_is_found_there() {
    let bundle = depeg_logged();
    assert_valid(&bundle);
    let report = verify(&bundle, &known(key(7).verifier()));
    assert!(report.is_valid(), "{}", said(&report));
    let told: Vec<&str> = report
        .checks()
        .iter()
        .filter(|check| check.name() == "eligibility log")
        .map(|check| check.sentence())
        .collect();
    assert_eq!(
        told,
        ["the decision is leaf 1, the accepted claim leaf 3 of the 5 of `log.example`"]
    );
    let open = |options: &VerifyOptions| {
        let report = verify(&bundle, options);
        report.not_checked().last().unwrap().clone()
    };
    assert!(open(&known(key(7).verifier())).contains("only one history"));
    assert!(open(&VerifyOptions::default()).contains("--log-key"));
}

/// Somebody else's log, another tree, other leaves, or leaves that say something else.
#[test]
fn what_the_log_does_not_say_is_found() {
    let bundle = depeg().bundle();
    let report = verify(&depeg_logged(), &known(key(8).verifier()));
    assert!(!report.is_valid(), "{}", said(&report));

    let good = entries(&bundle);
    let changed = |place: usize, change: fn(&mut Json)| {
        let mut entries = good.clone();
        change(&mut entries[place]);
        logged(&bundle, &entries, [1, 3])
    };
    let mut elsewhere = depeg_logged();
    elsewhere.log.as_mut().unwrap().leaves[0].index = 2;
    let mut longer = depeg_logged();
    let leaf = &mut longer.log.as_mut().unwrap().leaves[1];
    leaf.path.push(leaf.path[0]);
    for wrong in [
        changed(3, |claim| claim["body"]["decision"] = json!("refused")),
        changed(3, |claim| claim["body"]["decision"] = json!("undone")),
        changed(3, |claim| claim["body"]["fraction"] = json!("0.0248")),
        changed(3, |claim| claim["body"]["amount"] = json!("0x00")),
        changed(3, |claim| claim["body"]["risk"] = json!("0x00")),
        changed(3, |claim| claim["ordinal"] = json!(2)),
        changed(3, |claim| claim["subject"] = json!("0x00")),
        changed(1, |loss| loss["body"]["evidence_root"] = json!("0x00")),
        changed(1, |loss| loss["body"]["verdict"] = json!("inconclusive")),
        logged(&bundle, &good, [0, 3]),
        logged(&bundle, &good, [1, 4]),
        elsewhere,
        longer,
    ] {
        assert_eq!(failing(&wrong), ["eligibility log"], "{:#?}", wrong.log);
    }
}

/// What was decided once more counts, not what it was before.
#[test]
fn the_newest_leaf_counts() {
    let bundle = depeg().bundle();
    let mut entries = entries(&bundle);
    let mut undone = entries[3].clone();
    undone["body"] = json!({ "decision": "undone" });
    entries[0] = undone.clone();
    entries.swap(0, 1);
    // The loss is leaf 0, that it was undone leaf 1, and accepted again leaf 3.
    let mut again = logged(&bundle, &entries, [0, 3]);
    let before = logged(&bundle, &entries, [1, 3]).log.unwrap();
    again
        .log
        .as_mut()
        .unwrap()
        .leaves
        .push(before.leaves[0].clone());
    assert_eq!(failing(&again), [] as [&str; 0]);
    entries.swap(1, 3);
    let mut since = logged(&bundle, &entries, [0, 1]);
    let after = logged(&bundle, &entries, [1, 3]).log.unwrap();
    since
        .log
        .as_mut()
        .unwrap()
        .leaves
        .push(after.leaves[1].clone());
    assert_eq!(failing(&since), ["eligibility log"]);
}
