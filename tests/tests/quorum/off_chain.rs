//! A quorum that attests for a programme off-chain: no chain, no contract, and epochs that its operators have written down.

use alloy::primitives::B256;
use serde_json::{Value, json};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_tests::mortal::Death;
use tocsin_tests::spot::Spot;

use super::feeds::assert_evidence_verifies;
use super::quartet::Quartet;

const PROGRAMME: B256 = B256::repeat_byte(0x0f);
const VERIFIER: &str = "verifier  = \"eip155:31337:0x0000000000000000000000000000000000000001\"";

fn edit(spot: &Spot, change: impl FnOnce(String) -> String) {
    let config = std::fs::read_to_string(spot.config()).unwrap();
    std::fs::write(spot.config(), change(config)).unwrap();
}

/// Nothing of a chain.
fn settle_off_chain(config: String) -> String {
    assert!(config.contains(VERIFIER), "{config}");
    let config = config.replace(VERIFIER, &format!("programme = \"{PROGRAMME}\""));
    let lines = config.lines();
    let kept: Vec<&str> = lines
        .filter(|line| !line.starts_with("fetched_by"))
        .collect();
    kept.join("\n")
}

/// The epoch that has signed is revoked, and the same four are the next one.
fn revoke_and_go_on(config: String) -> String {
    let named = ["epoch     =", "threshold =", "signers   ="];
    let is_named = |line: &&str| named.iter().any(|name| line.starts_with(name));
    let signers = config.lines().find(|line| line.starts_with("signers   ="));
    let signers = signers.unwrap().to_owned();
    let kept: Vec<&str> = config.lines().filter(|line| !is_named(line)).collect();
    let epoch = |number: u32, more: &str| {
        format!("\n[[attestor.epochs]]\nnumber = {number}\nthreshold = 3\n{signers}\n{more}\n")
    };
    kept.join("\n") + "\n" + &epoch(1, "revoked = true") + &epoch(2, "")
}

async fn shown(quartet: &Quartet, node: usize, id: &str) -> (ClaimAttestation, Value) {
    let shown = quartet.spots[node]
        .get(&format!("v1/attestations/{id}"))
        .await
        .unwrap();
    let payload = serde_json::from_value(shown["attestation"].clone()).unwrap();
    (payload, shown)
}

/// Three of four attest for a programme, the fourth catches up, and anybody can check what they say; when their epoch is revoked,
/// the next one says it anew, under the same claim key.
#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_attests_for_a_programme_and_restates_in_its_next_epoch() {
    let mut quartet = Quartet::set(&[(1, "AAA")], "").await;
    for spot in &quartet.spots {
        edit(spot, settle_off_chain);
    }
    for index in [0, 1, 2] {
        quartet.start(index, &Death::NEVER);
    }
    for index in [0, 1, 2] {
        quartet.spots[index].until_seen("AAA").await;
        quartet.spots[index].set_price("AAA", "0.8");
    }
    quartet.spots[3].set_price("AAA", "0.8");
    let attested = quartet.until_attested(&[0, 1, 2], 1).await;
    quartet.start(3, &Death::NEVER);
    assert_eq!(quartet.until_attested(&[3], 1).await, attested);
    let (first, answer) = shown(&quartet, 3, &attested[0]).await;
    assert_eq!(answer["delivery"], Value::Null);
    let epochs = quartet.spots[3].get("v1/epochs").await.unwrap();
    assert_eq!(epochs["programme"], json!(PROGRAMME));
    assert_evidence_verifies(&quartet, 0, &attested[0]).await;

    for index in 0..4 {
        quartet.kill(index);
        edit(&quartet.spots[index], revoke_and_go_on);
    }
    quartet.start_all();
    let is_anew = async |quartet: &Quartet| {
        for spot in &quartet.spots {
            if !spot.attested().await.iter().any(|id| *id != attested[0]) {
                return false;
            }
        }
        true
    };
    quartet.pass_until("it is attested anew", is_anew).await;
    let anew = quartet.spots[2].attested().await;
    let anew = anew.iter().find(|id| **id != attested[0]).unwrap();
    let (second, _) = shown(&quartet, 2, anew).await;
    assert_eq!((first.signerEpoch, second.signerEpoch), (1, 2));
    assert!(first.same_claim(&second));
    quartet.assert_one_content().await;
}
