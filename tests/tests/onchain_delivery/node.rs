//! What a node, an empty purse and wrong settings can do.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256, address};
use serde_json::json;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::{
    Action, AttemptView, Fate, OnchainSettings, Submitter, SubmitterKey, Waiting,
};
use tocsin_tests::rpc_fault::{Fault, FaultyNode};

use super::outbox::Outbox;
use super::world::{SUBMITTER_KEY, SUM_INSURED, World, raw_key};

/// [`SUBMITTER_KEY`], encrypted with `correct horse` and a scrypt that takes no time.
const KEYSTORE: &str = r#"{
    "version": 3, "id": "b1a4f3b0-0000-4000-8000-000000000001", "crypto": {
        "cipher": "aes-128-ctr", "cipherparams": {"iv": "02020202020202020202020202020202"},
        "ciphertext": "4f15d31244420830d19ef7e4a5a7fd961fbdee7e8521007b387e36bb755f78d4",
        "kdf": "scrypt", "kdfparams": {"dklen": 32, "n": 1024, "r": 8, "p": 1,
            "salt": "0101010101010101010101010101010101010101010101010101010101010101"},
        "mac": "ba5726aa00afca468dc84e2912dea361327a37de6adaafc92bfc7e60be82004a"}}"#;

#[tokio::test]
async fn a_submitter_without_coin_says_who_needs_some_and_goes_on_when_it_has() {
    let world = World::new().await;
    let key = "0x00000000000000000000000000000000000000000000000000000000000000b0";
    let submitter = Submitter::connect(world.settings(), raw_key(key))
        .await
        .unwrap();
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    outbox.step(&submitter).await.unwrap();
    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(
        matches!(error, DeliveryError::InsufficientFunds { sender, .. } if sender == submitter.sender()),
        "{error}"
    );
    assert!(
        error.to_string().contains(&submitter.sender().to_string()),
        "{error}"
    );

    // No fee is raised against an empty purse.
    outbox.now.0 += 1;
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::Rebroadcast { .. },
                ..
            }
        ),
        "{waits:?}"
    );
    let coin = U256::from(1_000_000_000_000_000_000_u64);
    world
        .node
        .ask("anvil_setBalance", json!([submitter.sender(), coin]))
        .await;
    outbox.now.0 += 10;
    outbox.finish(&submitter, &world).await;
    assert_eq!(outbox.attempts().len(), 1);
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_an_error_and_never_an_answer() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let stored = outbox.delivery.clone();
    let World { node, .. } = world;
    drop(node);

    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(
        error.is_transient() && matches!(error, DeliveryError::Rpc { .. }),
        "{error}"
    );
    assert!(submitter.consumption(stored.claim_key).await.is_err());
    assert!(submitter.receipt(outbox.newest()).await.is_err());
    let raw = &stored.held.as_ref().unwrap().attempts[0].raw;
    assert!(
        submitter
            .broadcast(outbox.newest(), raw, 0, outbox.now)
            .await
            .is_err()
    );
    assert_eq!(outbox.delivery, stored, "nothing was concluded");
}

#[tokio::test]
async fn wrong_settings_are_refused_at_the_door() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.chain_id = 1;
    let error = Submitter::connect(settings, raw_key(SUBMITTER_KEY))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            DeliveryError::WrongChain {
                expected: 1,
                found: 31_337,
                ..
            }
        ),
        "{error}"
    );

    let mut settings = world.settings();
    settings.verifier = Address::repeat_byte(0x0e);
    let error = Submitter::connect(settings, raw_key(SUBMITTER_KEY))
        .await
        .unwrap_err();
    assert!(matches!(error, DeliveryError::NoVerifier { .. }), "{error}");

    let error = Submitter::connect(world.settings(), raw_key("0x1234"))
        .await
        .unwrap_err();
    assert!(matches!(error, DeliveryError::RawKey), "{error}");
    assert!(!format!("{error:?}").contains("1234"));
}

#[tokio::test]
async fn every_spoilt_answer_is_an_error_and_the_delivery_goes_on_when_the_node_is_well() {
    let world = World::new().await;
    let proxy = FaultyNode::start(world.node.url()).await;
    let submitter = behind(&world, &proxy, Duration::from_secs(10)).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let stored = outbox.delivery.clone();

    let everywhere = [
        Fault::ErrorReply,
        Fault::Status(503),
        Fault::EmptyBody,
        Fault::HalfBody,
        Fault::CutConnection,
        Fault::OtherId,
        Fault::EndlessBody,
    ];
    let asked = [
        ("eth_getBlockByNumber", true),
        ("eth_call", true),
        ("eth_getTransactionCount", true),
        ("eth_estimateGas", true),
        ("eth_maxPriorityFeePerGas", true),
        // Here `null` is an answer.
        ("eth_getTransactionReceipt", false),
        ("eth_getTransactionByHash", false),
    ];
    for (method, null_is_wrong) in asked {
        for fault in everywhere
            .iter()
            .cloned()
            .chain(null_is_wrong.then_some(Fault::Null))
        {
            let told = format!("{method} {fault:?}");
            proxy.spoil(method, fault);
            let looked = submitter.look(&outbox.delivery).await;
            assert!(
                matches!(&looked, Err(error) if error.is_transient()),
                "{told}: {looked:?}"
            );
            proxy.heal();
        }
    }
    assert_eq!(outbox.delivery, stored);
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_consumed_claim_whose_log_the_node_hides_is_an_error() {
    let world = World::new().await;
    let proxy = FaultyNode::start(world.node.url()).await;
    let submitter = behind(&world, &proxy, Duration::from_secs(10)).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    let theirs = world
        .transact(world.cover, outbox.delivery.calldata.to_vec())
        .await;
    world.node.mine(5).await;

    proxy.spoil("eth_getLogs", Fault::Result(json!([])));
    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(
        matches!(error, DeliveryError::ConsumptionNotLocated { .. }),
        "{error}"
    );
    proxy.heal();
    // A log of a block that is not in the chain.
    proxy.spoil(
        "eth_getLogs",
        Fault::Replace("/0/blockHash", json!(B256::repeat_byte(0xbb))),
    );
    assert!(outbox.step(&submitter).await.is_err());
    proxy.heal();
    assert_eq!(outbox.finish(&submitter, &world).await.0, theirs);
}

#[tokio::test]
async fn a_broadcast_without_an_answer_may_have_arrived() {
    let world = World::new().await;
    let proxy = FaultyNode::start(world.node.url()).await;
    let submitter = behind(&world, &proxy, Duration::from_secs(10)).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    outbox.step(&submitter).await.unwrap();
    proxy.spoil("eth_sendRawTransaction", Fault::CutConnection);
    assert!(outbox.step(&submitter).await.is_err());
    proxy.heal();

    assert_eq!(
        submitter.look(&outbox.delivery).await.unwrap().fates,
        [Fate::Pooled]
    );
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::Inclusion { .. },
                ..
            }
        ),
        "{waits:?}"
    );
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
}

#[tokio::test]
async fn a_node_that_hangs_is_not_waited_for() {
    let world = World::new().await;
    let proxy = FaultyNode::start(world.node.url()).await;
    let submitter = behind(&world, &proxy, Duration::from_millis(200)).await;
    proxy.spoil("eth_getTransactionCount", Fault::Hang);
    let error = submitter.transaction_count().await.unwrap_err();
    assert!(matches!(error, DeliveryError::Rpc { .. }), "{error}");
}

#[tokio::test]
async fn a_keystore_opens_with_its_password_only() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submitter.json");
    let key = |password: &str| SubmitterKey::Keystore {
        path: path.clone(),
        password: password.into(),
    };

    let error = Submitter::open(world.settings(), key("correct horse"))
        .await
        .unwrap_err();
    assert!(matches!(error, DeliveryError::Keystore { .. }), "{error}");
    std::fs::write(&path, KEYSTORE).unwrap();
    let error = Submitter::open(world.settings(), key("wrong horse"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("horse"));
    let submitter = Submitter::open(world.settings(), key("correct horse"))
        .await
        .unwrap();
    assert_eq!(
        submitter.sender(),
        address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    );
}

#[tokio::test]
async fn the_access_key_in_a_url_is_never_shown() {
    let world = World::new().await;
    let url = "http://user:hunter2@127.0.0.1:1/v3/0a1b2c3d?token=s3cret"
        .parse()
        .unwrap();
    let settings = OnchainSettings {
        urls: vec![url],
        ..world.settings()
    };
    let submitter = Submitter::open(settings, raw_key(SUBMITTER_KEY))
        .await
        .unwrap();
    let error = submitter.check().await.unwrap_err();
    let shown = format!("{error} {error:?} {submitter:?}");
    for secret in ["hunter2", "0a1b2c3d", "s3cret", &SUBMITTER_KEY[2..]] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn damaged_bytes_are_found_when_they_are_read() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    outbox.step(&submitter).await.unwrap();
    let attempt = outbox.attempts()[0].clone();
    for position in [0, attempt.raw.len() / 2, attempt.raw.len() - 1] {
        let mut raw = attempt.raw.to_vec();
        raw[position] ^= 1;
        let read = AttemptView::decode(attempt.hash, raw.into());
        assert!(
            matches!(read, Err(DeliveryError::AttemptBytes { .. })),
            "{read:?}"
        );
    }
}

async fn behind(world: &World, proxy: &FaultyNode, request_timeout: Duration) -> Submitter {
    let settings = OnchainSettings {
        urls: vec![proxy.url()],
        request_timeout,
        ..world.settings()
    };
    Submitter::connect(settings, raw_key(SUBMITTER_KEY))
        .await
        .unwrap()
}
