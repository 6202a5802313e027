//! A programme that settles off-chain: a whole service attests for it, anybody can check what it says, and a payout service pays
//! each claim once, in time, and only its own.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Signature, hex, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolStruct};
use serde_json::{Value, json};
use tocsin::command::verify;
use tocsin_domain::attestation::off_chain::OffChainDomain;
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation};
use tocsin_domain::bundle::{self, EvidenceBundle, VerifyOptions};
use tocsin_domain::time::Timestamp;
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

/// Changes the service's configuration.
fn edit(spot: &Spot, from: &str, to: &str) {
    let config = std::fs::read_to_string(spot.config()).unwrap();
    assert!(config.contains(from), "`{from}` is not in: {config}");
    std::fs::write(spot.config(), config.replacen(from, to, 1)).unwrap();
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

/// Who signs next.
fn successor() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0x22)).unwrap()
}

/// Two epochs that overlap, by the seconds in which each signs, and both keys; the first is accepted for a year.
fn rotate(spot: &Spot, first: (i64, i64), second_from: i64) {
    let at = |seconds: i64| Timestamp(seconds).to_string();
    let one = format!(
        "epoch     = 1\nthreshold = 1\nsigners   = [\"{:#x}\"]\n",
        Spot::attestor()
    );
    edit(spot, &one, "");
    std::fs::write(
        spot.folder().join("next.key"),
        B256::repeat_byte(0x22).to_string(),
    )
    .unwrap();
    let config = std::fs::read_to_string(spot.config()).unwrap();
    let epochs = format!(
        r#"
[[attestor.keys]]
kind = "raw"
key  = "file:next.key"

[[attestor.epochs]]
number       = 1
signers      = ["{:#x}"]
active_from  = "{}"
sign_until   = "{}"
accept_until = "{}"

[[attestor.epochs]]
number      = 2
signers     = ["{:#x}"]
active_from = "{}"
"#,
        Spot::attestor(),
        at(first.0),
        at(first.1),
        at(first.1 + 365 * 86_400),
        successor().address(),
        at(second_from),
    );
    std::fs::write(spot.config(), config + &epochs).unwrap();
}

/// The service ends by itself, and says that it could not start.
async fn assert_does_not_start(spot: &Spot) {
    let mut life = live(spot);
    let begun = Instant::now();
    loop {
        if let Some(status) = life.ended() {
            assert!(!status.success());
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn answer_of(spot: &Spot, id: &str) -> Value {
    spot.get(&format!("v1/attestations/{id}")).await.unwrap()
}

async fn write_answer(spot: &Spot, path: &str, name: &str) -> PathBuf {
    let text = spot.ask(path).await.text().await.unwrap();
    let path = spot.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// What `tocsin verify` says of a bundle to who knows the epochs; an error is what it found wrong.
fn verified(bundle: &Path, epochs: &Path) -> Result<(), String> {
    let report = verify::check_with(
        bundle,
        verify::Known {
            epochs: Some(epochs),
            ..verify::Known::default()
        },
    )
    .unwrap();
    let mut printed = Vec::new();
    verify::print(&report, &mut printed).unwrap();
    if report.is_valid() {
        Ok(())
    } else {
        Err(String::from_utf8(printed).unwrap())
    }
}

/// The second epoch begins while the service runs, and nothing waits for it. When the first is revoked, what it has signed is
/// worth nothing, and is stated anew under the same claim key: who was paid is not paid again, who was not is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_has_no_gap_and_a_revoked_epoch_is_worth_nothing() {
    let spot = Spot::open(&[(1, "AAA"), (2, "BBB")]).await;
    settle_off_chain(&spot);
    let begun = spot.now().0;
    // Long after the first claim, whatever the machine's speed; both sign for a day.
    let (second_from, first_until) = (begun + 86_400, begun + 2 * 86_400);
    rotate(&spot, (begun, first_until), second_from);
    let mut service = live(&spot);
    spot.until_seen("AAA").await;
    spot.set_price("AAA", "0.8");
    spot.pass_until("one policy is paid", async || {
        spot.attested().await.len() == 1
    })
    .await;
    let before = spot.attested().await.remove(0);
    let first = answer_of(&spot, &before).await;
    assert_eq!(first["attestation"]["signerEpoch"], "1");

    spot.pass(second_from - spot.now().0);
    spot.until_seen("BBB").await;
    spot.set_price("BBB", "0.7");
    spot.pass_until("the other is paid", async || {
        spot.attested().await.len() == 2
    })
    .await;
    let ids = spot.attested().await;
    let other = ids.iter().find(|id| **id != before).unwrap();
    let second = answer_of(&spot, other).await;
    assert_eq!(second["attestation"]["signerEpoch"], "2");

    // Whoever knows the epochs takes both, and no other's.
    let epochs = write_answer(&spot, "v1/epochs", "epochs.json").await;
    let old = format!("v1/attestations/{before}/evidence");
    let old = write_answer(&spot, &old, "old.json").await;
    let new = format!("v1/attestations/{other}/evidence");
    let new = write_answer(&spot, &new, "new.json").await;
    assert_eq!(verified(&old, &epochs), Ok(()));
    assert_eq!(verified(&new, &epochs), Ok(()));
    let told = std::fs::read_to_string(&epochs).unwrap();
    let told = told.replace(&format!("{PROGRAMME:#x}"), &format!("{:#x}", B256::ZERO));
    let elsewhere = spot.folder().join("elsewhere.json");
    std::fs::write(&elsewhere, told).unwrap();
    let refused = verified(&new, &elsewhere).unwrap_err();
    assert!(
        refused.contains("the epochs that you know are those of"),
        "{refused}"
    );

    service.kill();
    // What the first epoch has signed is still out there: it cannot just be forgotten.
    let whole = std::fs::read_to_string(spot.config()).unwrap();
    let (before_it, epochs_of_it) = whole.split_once("[[attestor.epochs]]").unwrap();
    let (_, second_of_it) = epochs_of_it.split_once("[[attestor.epochs]]").unwrap();
    let forgetful = format!("{before_it}[[attestor.epochs]]{second_of_it}");
    std::fs::write(spot.config(), forgetful).unwrap();
    assert_does_not_start(&spot).await;
    std::fs::write(spot.config(), &whole).unwrap();
    edit(
        &spot,
        "number       = 1",
        "number       = 1\nrevoked      = true",
    );
    let mut service = live(&spot);
    spot.pass_until("the first claim is stated anew", async || {
        spot.attested().await.len() == 3
    })
    .await;
    let epochs = write_answer(&spot, "v1/epochs", "epochs.json").await;
    let refused = verified(&old, &epochs).unwrap_err();
    assert!(refused.contains("epoch 1 is revoked"), "{refused}");
    assert_eq!(verified(&new, &epochs), Ok(()));

    let now_known = spot.attested().await;
    let anew = now_known.iter().find(|id| !ids.contains(id)).unwrap();
    let anew = answer_of(&spot, anew).await;
    assert_eq!(anew["attestation"]["signerEpoch"], "2");
    assert_eq!(anew["claim_key"], first["claim_key"]);
    let claim: ClaimAttestation = serde_json::from_value(first["attestation"].clone()).unwrap();
    let now = spot.now().to_u64().unwrap();
    let trusting = |attestor: Address| PayoutService {
        programme: PROGRAMME,
        account: claim.consumer,
        attestor,
        paid: BTreeSet::new(),
    };
    let mut paying = trusting(Spot::attestor());
    assert_eq!(paying.redeem(&first, now), Ok(()));
    // It has taken the revoked signer off its list.
    paying.attestor = successor().address();
    assert_eq!(paying.redeem(&anew, now), Err("paid already"));
    assert_eq!(paying.redeem(&second, now), Ok(()));
    let mut late = trusting(successor().address());
    assert_eq!(late.redeem(&first, now), Err("signatures"));
    assert_eq!(late.redeem(&anew, now), Ok(()));

    // A revocation is for good.
    service.kill();
    std::fs::write(spot.config(), &whole).unwrap();
    assert_does_not_start(&spot).await;
}
