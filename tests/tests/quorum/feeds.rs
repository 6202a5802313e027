//! Feeds: each node hears slightly different values at slightly different times, and they come to one attestation, whoever
//! of them is dead, lies, or is cut off.

use std::process::Command;
use std::time::Duration;

use alloy::primitives::{Address, Signature, U256};
use serde_json::Value;
use tocsin_domain::attestation::eas::{EasContract, Mirror};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation};
use tocsin_domain::bundle::{self, EvidenceBundle, VerifyOptions};
use tocsin_tests::member::signers;
use tocsin_tests::mortal::Death;

use super::deaths::proposer;
use super::quartet::{Quartet, sorted};

/// For whom the nodes mirror.
const EAS: &str = "eip155:31337:0x00000000000000000000000000000000000000ea";

const ALL: [usize; 4] = [0, 1, 2, 3];

/// The prices that the four providers say from now on.
fn fall(quartet: &Quartet, asset: &str, prices: [&str; 4]) {
    for (spot, price) in quartet.spots.iter().zip(prices) {
        spot.set_price(asset, price);
    }
}

/// Waits until these have heard something.
async fn settle_in(quartet: &Quartet, nodes: &[usize], asset: &str) {
    for &node in nodes {
        quartet.spots[node].until_seen(asset).await;
    }
}

/// The payout fraction of an attestation that all of these nodes have.
async fn fraction(quartet: &Quartet, node: usize, id: &str) -> u64 {
    let shown = quartet.spots[node]
        .get(&format!("v1/attestations/{id}"))
        .await
        .unwrap();
    let payload: ClaimAttestation = serde_json::from_value(shown["attestation"].clone()).unwrap();
    payload.payoutFraction
}

pub(crate) async fn assert_evidence_verifies(quartet: &Quartet, node: usize, id: &str) {
    let path = format!("v1/attestations/{id}/evidence");
    let bundle = quartet.spots[node].get(&path).await.unwrap();
    let bundle: EvidenceBundle = serde_json::from_value(bundle).unwrap();
    assert_eq!(bundle.signatures.len(), 3);
    let options = VerifyOptions {
        trusted_signers: Some(signers(&quartet.members, 1).signers().to_vec()),
        ..VerifyOptions::default()
    };
    let report = bundle::verify(&bundle, &options);
    assert!(report.is_valid(), "{report:?}");
}

/// However many have signed, and whatever: a node's mirror is of the one statement, and signed by that node alone.
async fn assert_mirrored_by_itself(quartet: &Quartet, node: usize, shown: &Value) {
    let path = format!("v1/attestations/{}/eas", shown["id"].as_str().unwrap());
    let mut mirror = Value::Null;
    let is_there = async |quartet: &Quartet| {
        mirror = quartet.spots[node].get(&path).await.unwrap();
        mirror["sig"].is_object()
    };
    quartet.pass_until("it is mirrored", is_there).await;
    let payload: ClaimAttestation = serde_json::from_value(shown["attestation"].clone()).unwrap();
    let domain = AttestationDomain {
        chain_id: 31_337,
        verifier: Address::with_last_byte(1),
    };
    let (chain, address) = EAS.rsplit_once(':').unwrap();
    assert_eq!(chain, "eip155:31337");
    let contract = EasContract {
        chain_id: domain.chain_id,
        address: address.parse().unwrap(),
        version: "0.26".to_owned(),
    };
    let signed = &mirror["sig"]["signature"];
    let part = |name: &str| signed[name].as_str().unwrap().parse::<U256>().unwrap();
    let signature = Signature::new(part("r"), part("s"), signed["v"] == 28);
    let digest = Mirror::of(contract, domain, &payload).id().0;
    let signer = signature.recover_address_from_prehash(&digest).unwrap();
    assert_eq!(signer, quartet.members[node].address());
    assert_eq!(mirror["signer"], signer.to_checksum(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_that_hear_slightly_different_things_attest_the_same() {
    let mut quartet = Quartet::set(&[(1, "AAA"), (2, "AAA")], "").await;
    // Their providers' clocks are not the same either.
    for (spot, late) in quartet.spots.iter().zip([0, 3, 1, 2]) {
        spot.pass(late);
    }
    quartet.start_all();
    settle_in(&quartet, &ALL, "AAA").await;
    fall(&quartet, "AAA", ["0.81", "0.8000", "0.79", "0.805"]);
    let attested = quartet.until_attested(&ALL, 2).await;
    for index in ALL {
        assert_eq!(sorted(quartet.spots[index].attested().await), attested);
        for id in &attested {
            assert_evidence_verifies(&quartet, index, id).await;
        }
    }
    let metrics = quartet.spots[0].ask("metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("tocsin_quorum_silent_attestors 0"),
        "{metrics}"
    );
    quartet.assert_one_content().await;
}

/// One that is away does not keep the others; when it comes, it asks for what it has missed.
#[tokio::test(flavor = "multi_thread")]
async fn three_do_without_the_fourth_and_it_catches_up() {
    let mut quartet = Quartet::set(&[(1, "AAA")], "").await;
    for index in [0, 1, 2] {
        quartet.start(index, &Death::NEVER);
    }
    settle_in(&quartet, &[0, 1, 2], "AAA").await;
    fall(&quartet, "AAA", ["0.81", "0.8000", "0.79", "0.805"]);
    let attested = quartet.until_attested(&[0, 1, 2], 1).await;
    let shown = quartet.quorum(0).await.unwrap();
    let dead = format!("{:#x}", quartet.members[3].address());
    let peers = shown["peers"].as_array().unwrap();
    let dead = peers.iter().find(|peer| peer["address"] == dead).unwrap();
    assert!(!dead["trouble"].is_null(), "{shown:#}");

    quartet.start(3, &Death::NEVER);
    assert_eq!(quartet.until_attested(&[3], 1).await, attested);
    assert_evidence_verifies(&quartet, 3, &attested[0]).await;
    quartet.assert_one_content().await;
}

/// One whose provider lies cannot move what the others have seen, and is seen to differ.
#[tokio::test(flavor = "multi_thread")]
async fn one_whose_provider_lies_moves_nothing() {
    let mut quartet = Quartet::set(&[(1, "AAA"), (2, "BBB")], "").await;
    quartet.start_all();
    settle_in(&quartet, &ALL, "AAA").await;
    // It says that more is lost than is, before anybody else; and of another loss, that there is none.
    quartet.spots[3].set_price("AAA", "0.5");
    for _ in 0..15 {
        quartet.spots[3].pass(10);
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    fall(&quartet, "AAA", ["0.8", "0.8", "0.8", "0.5"]);
    fall(&quartet, "BBB", ["0.7", "0.7", "0.7", "1"]);
    let attested = quartet.until_attested(&[0, 1, 2], 2).await;
    let mut fractions = Vec::new();
    for id in &attested {
        fractions.push(fraction(&quartet, 0, id).await);
    }
    fractions.sort_unstable();
    assert_eq!(
        fractions,
        [200_000_000_000_000_000, 300_000_000_000_000_000]
    );
    let mut kinds = Vec::new();
    for index in [0, 1, 2] {
        kinds.extend(quartet.disagreements(index, 3).await);
    }
    for kind in ["other-loss", "not-determined"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind}: {kinds:?}");
    }
    // The liar's own books: what it has not seen itself it does not record.
    assert_eq!(quartet.until_attested(&[3], 1).await.len(), 1);
    quartet.assert_one_content().await;
}

/// One that hangs, as if it were behind a network that has gone, is not waited for, and is as before when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_cut_off_is_not_waited_for_and_comes_back() {
    let mut quartet = Quartet::set(&[(1, "AAA")], "").await;
    quartet.start_all();
    settle_in(&quartet, &ALL, "AAA").await;
    let process = quartet.lives[2].as_ref().unwrap().id().to_string();
    let signal = |signal: &str| {
        let status = Command::new("kill").args([signal, &process]).status();
        assert!(status.unwrap().success());
    };
    signal("-STOP");
    fall(&quartet, "AAA", ["0.81", "0.8000", "0.79", "0.805"]);
    let attested = quartet.until_attested(&[0, 1, 3], 1).await;
    signal("-CONT");
    assert_eq!(quartet.until_attested(&[2], 1).await, attested);
    quartet.assert_one_content().await;
}

/// Many claims at once are one batch, signed by three.
#[tokio::test(flavor = "multi_thread")]
async fn many_claims_are_one_batch() {
    let policies: Vec<(u32, &str)> = (1..=20).map(|number| (number, "AAA")).collect();
    let extra = format!("batch_from = 5\neas = {{ contract = \"{EAS}\", version = \"0.26\" }}");
    let mut quartet = Quartet::set(&policies, &extra).await;
    quartet.start_all();
    settle_in(&quartet, &ALL, "AAA").await;
    fall(&quartet, "AAA", ["0.81", "0.8000", "0.79", "0.805"]);
    let attested = quartet.until_attested(&ALL, 20).await;
    for index in ALL {
        let path = format!("v1/attestations/{}", attested[0]);
        let shown = quartet.spots[index].get(&path).await.unwrap();
        assert_eq!(shown["batch"]["signed"]["count"], "20", "{shown:#}");
        assert_mirrored_by_itself(&quartet, index, &shown).await;
    }
    assert_evidence_verifies(&quartet, 1, &attested[7]).await;
    quartet.assert_one_content().await;
}

/// A claim that one of them refuses is signed by the others, and is in nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_one_refuses_does_not_spoil_the_batch() {
    let policies: Vec<(u32, &str)> = (1..=8).map(|number| (number, "AAA")).collect();
    let mut quartet = Quartet::set(&policies, "batch_from = 3").await;
    let cover = quartet.spots[0].folder().join("cover.toml");
    let terms = tocsin::config::load_cover(&cover).unwrap().terms_hash;
    // The one that proposes has another end of one policy in its books.
    let proposes = proposer(terms, "AAA");
    let file = quartet.spots[proposes].folder().join("policies.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    let (others, last) = text.trim_end().rsplit_once('\n').unwrap();
    let (before, subject) = last.rsplit_once(',').unwrap();
    let (before, expiry) = before.rsplit_once(',').unwrap();
    let earlier = expiry.parse::<i64>().unwrap() - 1;
    let last = format!("{before},{earlier},{subject}");
    assert!(last.starts_with("8,"), "{last}");
    std::fs::write(&file, format!("{others}\n{last}\n")).unwrap();
    quartet.start_all();
    settle_in(&quartet, &ALL, "AAA").await;
    fall(&quartet, "AAA", ["0.8"; 4]);
    let others: Vec<usize> = ALL.into_iter().filter(|one| *one != proposes).collect();
    let attested = quartet.until_attested(&others, 8).await;
    let at_the_proposer = quartet.until_attested(&[proposes], 7).await;
    assert_eq!(at_the_proposer.len(), 7);
    assert!(at_the_proposer.iter().all(|id| attested.contains(id)));
    quartet.assert_one_content().await;
}
