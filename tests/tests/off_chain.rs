//! A programme that settles off-chain: a whole service attests for it, anybody can check what it says, and a payout service pays
//! each claim once, in time, and only its own.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::Path;

use alloy::primitives::{Address, B256, Signature, hex, keccak256};
use alloy::sol_types::{Eip712Domain, SolStruct};
use serde_json::{Value, json};
use tocsin::command::verify;
use tocsin_domain::attestation::off_chain::OffChainDomain;
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation};
use tocsin_domain::bundle::{self, EvidenceBundle, VerifyOptions};
use tocsin_tests::life::Life;
use tocsin_tests::spot::Spot;

const PROGRAMME: B256 = B256::repeat_byte(0x0f);
const VERIFIER: &str = "verifier  = \"eip155:31337:0x0000000000000000000000000000000000000001\"";

/// A service as it pays: it knows its programme, its account, whom it trusts, and what it has paid.
struct PayoutService {
    programme: B256,
    account: Address,
    attestor: Address,
    paid: BTreeSet<B256>,
}

impl PayoutService {
    /// Pays, or says why not. It reads the answer and believes none of the ids in it.
    fn redeem(&mut self, answer: &Value, now: u64) -> Result<(), &'static str> {
        let claim: ClaimAttestation =
            serde_json::from_value(answer["attestation"].clone()).map_err(|_other| "form")?;
        let domain = Eip712Domain::new(
            Some("Tocsin Off-chain".into()),
            Some("1".into()),
            None,
            None,
            Some(self.programme),
        );
        let packed = hex::decode(answer["signatures"].as_str().ok_or("form")?).unwrap();
        let (bitmap, signature) = packed.split_at(32);
        let signature = Signature::try_from(signature).map_err(|_other| "form")?;
        let signer = signature.recover_address_from_prehash(&claim.eip712_signing_hash(&domain));
        let is_first = B256::from_slice(bitmap) == B256::with_last_byte(1);
        if !is_first || signature.normalize_s().is_some() || signer.ok() != Some(self.attestor) {
            return Err("signatures");
        }
        if claim.consumer != self.account {
            return Err("consumer");
        }
        if claim.verdict != 1 || claim.eventId.is_zero() {
            return Err("statement");
        }
        if now < claim.validAfter || now > claim.validUntil {
            return Err("time");
        }
        let words = [
            claim.consumer.into_word(),
            claim.policyId,
            claim.termsHash,
            claim.eventId,
        ];
        if self.paid.insert(keccak256(words.concat())) {
            Ok(())
        } else {
            Err("paid already")
        }
    }
}

/// As a service that attests for a programme is configured: nothing of a chain.
fn settle_off_chain(spot: &Spot) {
    let config = std::fs::read_to_string(spot.config()).unwrap();
    assert!(config.contains(VERIFIER));
    let config = config.replace(VERIFIER, &format!("programme = \"{PROGRAMME}\""));
    let kept = config
        .lines()
        .filter(|line| !line.starts_with("fetched_by"));
    std::fs::write(spot.config(), kept.collect::<Vec<_>>().join("\n")).unwrap();
}

fn live(spot: &Spot) -> Life {
    Life::of(
        env!("CARGO_BIN_EXE_node").as_ref(),
        &spot.config(),
        &spot.clock(),
        spot.folder(),
    )
}

fn is_valid(path: &Path) -> bool {
    verify::check(path, &[Spot::attestor()]).is_ok_and(|report| report.is_valid())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attested_for_a_programme_is_checked_by_anybody_and_paid_once() {
    let spot = Spot::open(&[(1, "AAA"), (2, "AAA")]).await;
    settle_off_chain(&spot);
    let _service = live(&spot);
    spot.until_seen("AAA").await;
    spot.set_price("AAA", "0.8");
    spot.pass_until("two policies are paid", async || {
        spot.attested().await.len() == 2
    })
    .await;

    let ids = spot.attested().await;
    let mut answers = Vec::new();
    for id in &ids {
        let answer = spot.get(&format!("v1/attestations/{id}")).await.unwrap();
        // Nothing is queued for a chain, and nothing says that a contract would take it.
        assert_eq!(answer["delivery"], Value::Null);
        answers.push(answer);
    }
    let epochs = spot.get("v1/epochs").await.unwrap();
    assert_eq!(epochs["programme"], json!(PROGRAMME));
    assert_eq!(epochs["verifier"], Value::Null);

    check_bundle(&spot, &ids[0].to_string()).await;
    check_replays(&answers);
}

/// It is valid as it is, and only as it is.
async fn check_bundle(spot: &Spot, id: &str) {
    let text = spot.ask(&format!("v1/attestations/{id}/evidence")).await;
    let text = text.text().await.unwrap();
    let path = spot.folder().join("bundle.json");
    std::fs::write(&path, &text).unwrap();
    assert!(is_valid(&path));
    let mut printed = Vec::new();
    verify::print(&verify::check(&path, &[]).unwrap(), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert!(
        printed.contains(&format!("it is for the off-chain programme {PROGRAMME}")),
        "{printed}"
    );

    let genuine: EvidenceBundle = serde_json::from_str(&text).unwrap();
    let mut forgeries = vec![genuine.clone(); 3];
    forgeries[0].domain = OffChainDomain {
        programme: B256::repeat_byte(0x10),
    }
    .into();
    forgeries[1].domain = AttestationDomain {
        chain_id: genuine.policy.consumer.chain_id,
        verifier: genuine.policy.consumer.address,
    }
    .into();
    forgeries[2].attestation.validUntil += 1;
    for forged in forgeries {
        // Sealed anew, as whoever forges it would.
        std::fs::write(&path, serde_json::to_string(&forged).unwrap()).unwrap();
        assert!(!is_valid(&path), "{:?}", forged.domain);
    }
    std::fs::write(&path, text.replacen("0.8", "0.7", 1)).unwrap();
    assert!(verify::check(&path, &[]).is_err());
    let options = VerifyOptions {
        verifier: Some(
            OffChainDomain {
                programme: B256::repeat_byte(0x10),
            }
            .into(),
        ),
        ..VerifyOptions::default()
    };
    assert!(!bundle::verify(&genuine, &options).is_valid());
}

/// Once, in time, by whom it is meant for.
fn check_replays(answers: &[Value]) {
    let claim = |answer: &Value| -> ClaimAttestation {
        serde_json::from_value(answer["attestation"].clone()).unwrap()
    };
    let first = claim(&answers[0]);
    let now = first.validAfter.max(first.issuedAt);
    let service = || PayoutService {
        programme: PROGRAMME,
        account: first.consumer,
        attestor: Spot::attestor(),
        paid: BTreeSet::new(),
    };
    let mut paying = service();
    assert_eq!(
        paying.redeem(&answers[0], first.validUntil + 1),
        Err("time")
    );
    assert_eq!(paying.redeem(&answers[0], now), Ok(()));
    assert_eq!(paying.redeem(&answers[0], now), Err("paid already"));
    assert_eq!(paying.redeem(&answers[1], now), Ok(()));
    let key = |answer: &Value| answer["claim_key"].as_str().unwrap().parse().unwrap();
    assert_eq!(paying.paid, answers.iter().map(key).collect());

    let mut another = service();
    another.account = Address::repeat_byte(0x31);
    assert_eq!(another.redeem(&answers[0], now), Err("consumer"));
    let mut another = service();
    another.programme = B256::repeat_byte(0x10);
    assert_eq!(another.redeem(&answers[0], now), Err("signatures"));
    let mut severe = answers[0].clone();
    severe["attestation"]["payoutFraction"] = json!("1000000000000000000");
    assert_eq!(service().redeem(&severe, now), Err("signatures"));
}
