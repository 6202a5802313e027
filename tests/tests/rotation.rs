//! Epochs come and go while claims come in: nothing is lost in a rotation, and what a revoked epoch had signed is paid all
//! the same, once.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

#[path = "rotation/runbook.rs"]
mod runbook;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tocsin_tests::anvil::quantity;
use tocsin_tests::life::Life;
use tocsin_tests::market::{FEES, Market, Submitter, View};
use tocsin_tests::mortal::Death;
use tocsin_tests::operator::{add_key, address, as_owner, attestations, edit, get, tocsin, until};
use url::Url;

/// Blocks after which one is final.
const CONFIRMATIONS: u64 = 2;

/// A market and a service with the keys 2 and 3 beside its own.
async fn market() -> (Market, PathBuf, Url) {
    let market = Market::open(&CONFIRMATIONS.to_string()).await;
    let (config, api) = market.write_service(&View {
        url: market.anvil.url(),
        websocket: None,
        sinks: vec![market.anvil.url()],
        submitter: Submitter::First,
        fees: FEES,
        finality: CONFIRMATIONS.to_string(),
        poll_ms: 50,
        warnings: false,
    });
    for number in [2, 3] {
        add_key(&config, number);
    }
    (market, config, api)
}

fn service(market: &Market, config: &Path) -> Life {
    let node = env!("CARGO_BIN_EXE_node").as_ref();
    Life::of(node, config, &market.anvil.url(), market.folder())
}

async fn now(market: &Market) -> u64 {
    quantity(&market.anvil.block("latest").await["timestamp"])
}

fn epoch(attestation: &Value) -> u64 {
    attestation["attestation"]["signerEpoch"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// Every claim was paid, and none twice.
fn assert_paid_once(paid: &[String], claims: usize) {
    let keys: BTreeSet<&String> = paid.iter().collect();
    assert_eq!((paid.len(), keys.len()), (claims, claims), "{paid:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_fails_no_claim() {
    let (mut market, config, api) = market().await;
    let owner = as_owner(&config);
    let owner = owner.display();
    let mut running = service(&market, &config);
    let mut claims = 0;
    for round in 0..8 {
        for _ in 0..3 {
            market.fall_and_rise().await;
            claims += 1;
        }
        if round == 2 {
            // Both epochs sign for a while: the first one's end is far away.
            let begins = now(&market).await + 20;
            let line = format!(
                "keys|rotate|--config|{owner}|--signer|{}|--from|{begins}|--lasts|10d|--grace|40d",
                address(2)
            );
            let said = tocsin(&market, &line).await.unwrap();
            assert!(
                said.contains("epoch 2:") && said.contains("is final"),
                "{said}"
            );
        }
        if round == 5 {
            // A restart in the middle of it all is as good as none.
            running.kill();
            running = service(&market, &config);
        }
        let path = "v1/attestations";
        until(&market, &api, path, "attested", |listed| {
            listed["attestations"].as_array().unwrap().len() == claims
        })
        .await;
    }
    // Beyond the beginning of epoch 2, whatever the machine's speed.
    let until_second = now(&market).await + 25;
    market.anvil.set_next_time(until_second).await;
    market.anvil.mine(CONFIRMATIONS + 1).await;
    market.fall_and_rise().await;
    claims += 1;
    let path = "v1/epochs";
    let paid = |answer: &Value| {
        let epochs = answer["epochs"].as_array().unwrap();
        epochs.len() == 2 && epochs.iter().all(|epoch| epoch["unredeemed_claims"] == 0)
    };
    until(&market, &api, "v1/attestations", "all attested", |listed| {
        listed["attestations"].as_array().unwrap().len() == claims
    })
    .await;
    until(&market, &api, path, "all redeemed", paid).await;
    assert_paid_once(&market.paid().await, claims);

    let attested = attestations(&api).await;
    assert_eq!(attested.len(), claims, "each once");
    let epochs: Vec<u64> = attested.iter().map(epoch).collect();
    assert!(epochs.is_sorted(), "{epochs:?}");
    assert_eq!(BTreeSet::from_iter(&epochs), BTreeSet::from([&1, &2]));
    // Old evidence finds its old signers, new evidence its new ones.
    for (attestation, signer) in [(&attested[0], None), (attested.last().unwrap(), Some(2))] {
        let id = attestation["id"].as_str().unwrap();
        let path = format!("v1/attestations/{id}/evidence");
        let bundle = get(&api, &path).await.unwrap();
        let signers = bundle["signers"]["addresses"].as_array().unwrap();
        let is_second = signers[0] == format!("{:#x}", address(2));
        assert_eq!(is_second, signer.is_some(), "{signers:?}");
    }
    running.kill();
    let status = tocsin(&market, &format!("keys|status|--config|{owner}"))
        .await
        .unwrap();
    assert!(status.contains("epoch 2 signs now"), "{status}");
    assert!(
        status.contains(&format!("{} (this node)", address(2))),
        "{status}"
    );
    assert!(status.contains("unredeemed claims: 0"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_epoch_signed_is_attested_anew_and_paid_once() {
    const CLAIMS: usize = 4;
    let (mut market, config, api) = market().await;
    // Long enough that nothing is redeemed before the epoch is revoked.
    edit(&config, "hold      = \"0s\"", "hold      = \"2h\"");
    let owner = as_owner(&config);
    let owner = owner.display();
    let mut running = service(&market, &config);
    for _ in 0..CLAIMS {
        market.fall_and_rise().await;
    }
    until(&market, &api, "v1/epochs", "attested", |answer| {
        answer["epochs"][0]["unredeemed_claims"] == CLAIMS
    })
    .await;

    // The compromise, by the runbook: the next epoch first, then the end of the one that is not trusted any more.
    let begins = now(&market).await + 1;
    let rotate = format!(
        "keys|rotate|--config|{owner}|--signer|{}|--from|{begins}|--lasts|10d|--grace|40d",
        address(2)
    );
    tocsin(&market, &rotate).await.unwrap();
    running.kill();
    let revoked = tocsin(&market, &format!("keys|revoke|1|--config|{owner}"))
        .await
        .unwrap();
    assert!(revoked.contains("attested anew"), "{revoked}");
    // Dies with the claims taken back and not attested anew.
    let death: Death = "after:renew".parse().unwrap();
    let node = env!("CARGO_BIN_EXE_node").as_ref();
    let mut dying = Life::of_until(node, &config, &market.anvil.url(), market.folder(), &death);
    while dying.is_running() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running = service(&market, &config);
    let renewed = until(&market, &api, "v1/epochs", "renewed", |answer| {
        answer["epochs"][1]["unredeemed_claims"] == CLAIMS
    })
    .await;
    assert_eq!(renewed["epochs"][0]["revoked"], true);
    assert_eq!(renewed["epochs"][0]["unredeemed_claims"], 0);
    assert_eq!(market.paid().await, Vec::<String>::new());

    let attested = attestations(&api).await;
    assert_eq!(attested.len(), 2 * CLAIMS);
    let (old, new) = attested.split_at(CLAIMS);
    let keys = |list: &[Value]| -> BTreeSet<String> {
        list.iter()
            .map(|one| one["claim_key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(old), keys(new), "the same claims");
    assert!(new.iter().all(|one| epoch(one) == 2));
    assert!(
        old.iter()
            .all(|one| one["delivery"]["state"] == "superseded"),
        "{old:?}"
    );

    // Time passes until they can be used.
    let later = now(&market).await + 3 * 3_600;
    market.anvil.set_next_time(later).await;
    until(&market, &api, "v1/epochs", "redeemed", |answer| {
        answer["epochs"][1]["unredeemed_claims"] == 0
    })
    .await;
    market.anvil.mine(8).await;
    assert_paid_once(&market.paid().await, CLAIMS);
    running.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_would_stop_the_signing_is_refused() {
    let (market, config, _) = market().await;
    let owner = as_owner(&config);
    let owner = owner.display();
    let stranger = address(9);
    let own = address(2);
    let soon = now(&market).await + 3_600;
    let rotate = |signer, rest: String| {
        format!("keys|rotate|--config|{owner}|--signer|{signer}|--from|{soon}{rest}")
    };
    let refused = tocsin(&market, &rotate(stranger, String::new()))
        .await
        .unwrap_err();
    assert!(refused.contains("none of this node's keys"), "{refused}");
    let refused = tocsin(&market, &rotate(own, "|--grace|0s".to_owned()))
        .await
        .unwrap_err();
    assert!(refused.contains("could never be used"), "{refused}");
    let twice = format!("|--signer|{own}");
    let refused = tocsin(&market, &rotate(own, twice)).await.unwrap_err();
    assert!(refused.contains("each once"), "{refused}");
    let line = format!(
        "keys|rotate|--config|{}|--signer|{own}|--from|{soon}",
        config.display()
    );
    let refused = tocsin(&market, &line).await.unwrap_err();
    assert!(refused.contains("only the owner"), "{refused}");

    // For a multisig: the call, which somebody else sends.
    let call = tocsin(&market, &format!("{line}|--lasts|1d|--calldata"))
        .await
        .unwrap();
    let word = |name: &str| {
        let line = call.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let sent = market
        .anvil
        .send(
            Some(word("to").parse().unwrap()),
            word("data").parse().unwrap(),
        )
        .await;
    market.anvil.mine(1).await;
    market.anvil.receipt(sent).await;

    // Epoch 1 is revoked, epoch 2 ends in a day: nobody would sign until the one after begins.
    tocsin(&market, &format!("keys|revoke|1|--config|{owner}"))
        .await
        .unwrap();
    let late = soon + 2 * 86_400;
    market.anvil.set_next_time(soon + 1).await;
    market.anvil.mine(1).await;
    let line = format!("keys|rotate|--config|{owner}|--signer|{own}|--from|{late}");
    let refused = tocsin(&market, &line).await.unwrap_err();
    assert!(refused.contains("gap"), "{refused}");
    let unknown = tocsin(&market, &format!("keys|revoke|7|--config|{owner}"))
        .await
        .unwrap_err();
    assert!(unknown.contains("no epoch 7"), "{unknown}");
}
