//! Reading contracts' state from a real node: what they say, what they refuse to say, and what a node cannot make them say.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "chain_state/feed.rs"]
mod feed;
#[path = "chain_state/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolValue;
use serde_json::{Value as Json, json};
use tocsin_domain::cover::Finality;
use tocsin_domain::observation::{Observation, Provenance, Sequence};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_sources::BlockSource;
use tocsin_sources::SourceError;
use tocsin_sources::chain::state::{
    CallSettings, OnRevert, Reading, Schedule, StateSettings, StateSource, StorageField,
    StorageSettings,
};
use tocsin_sources::chain::{ChainReader, ChainSettings, EndpointSettings, Standing};
use tocsin_sources::error::Contradiction;
use tocsin_tests::anvil::{Anvil, CHAIN_ID, quantity, repository};
use tocsin_tests::rpc_fault::{Fault, FaultyNode};

use scene::*;

const CONVERT: &str = "convertToAssets(uint256 shares) view returns (uint256 assets)";
const POSITION: &str = "position() view returns ((address owner, bytes4 tag, (uint8 kind, int256[] deltas)[] legs) p, \
                        string status)";
const REDEEM: &str = "redeem(uint256 shares) returns (uint256 assets)";
const ONE: &str = "1000000000000000000";

#[tokio::test]
async fn a_reading_is_what_the_contract_said_as_of_its_block_and_says_where_it_is_from() {
    let scene = Scene::new().await;
    let price = scene.call_with(CONVERT, &[ONE], "assets", |call| call.decimals = 18);
    let fallen = scene.reprice(400_000_000_000_000_000).await;
    scene.reprice(300_000_000_000_000_000).await;
    assert_eq!(scene.value(fallen - 1, &price).await, decimal("1"));
    let seen = scene.read(fallen, std::slice::from_ref(&price)).await;
    assert_eq!(scene.read(fallen, std::slice::from_ref(&price)).await, seen);
    let [seen] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(seen.value, decimal("0.4"));
    assert_eq!(seen.observed_at, time_of(&scene.anvil, fallen).await);
    let place = (U256::from(fallen) << 64) | U256::from(u64::MAX);
    assert_eq!(
        seen.sequence,
        Sequence(place),
        "after every log of the block"
    );
    let Provenance::Chain(position) = &seen.provenance else {
        panic!("not from a chain")
    };
    assert_eq!(
        (position.chain_id, position.block, position.log_index),
        (CHAIN_ID, fallen, None)
    );
    assert_eq!(position.block_hash, hash_of(&scene.anvil, fallen).await);
    let shares: U256 = ONE.parse().unwrap();
    let asked: Bytes = [
        &keccak256("convertToAssets(uint256)")[..4],
        &shares.abi_encode(),
    ]
    .concat()
    .into();
    let answer: Bytes = U256::from(400_000_000_000_000_000_u64).abi_encode().into();
    let raw = (scene.vault, asked, true, answer).abi_encode_params();
    assert_eq!(position.raw_hash, keccak256(raw));
}

#[tokio::test]
async fn a_path_leads_into_structs_and_lists() {
    let scene = Scene::new().await;
    let block = scene.reprice(5).await;
    let owner = scene.anvil.account().await;
    let expected = [
        ("p.owner", text(format!("{owner:?}"))),
        ("0.tag", text("0xdeadbeef")),
        ("p.legs.length", decimal("2")),
        ("p.legs[1].kind", decimal("2")),
        ("p.legs[1].deltas[2]", decimal("-5")),
        ("p.legs[0].deltas[2]", None),
        ("p.legs[2].kind", None),
        ("status", text("open")),
        ("status.length", decimal("4")),
    ];
    let sources: Vec<_> = expected
        .iter()
        .map(|(path, _)| scene.call(POSITION, &[], path))
        .collect();
    let seen = scene.read(block, &sources).await;
    let values: Vec<_> = seen.into_iter().map(|seen| seen.value).collect();
    assert_eq!(values, expected.map(|(_, value)| value));
}

#[tokio::test]
async fn a_revert_is_a_fact_and_a_contract_that_is_not_there_is_not_one() {
    let scene = Scene::new().await;
    let holder = Address::repeat_byte(0xaa);
    let redeem = |on_revert: OnRevert, address: Address| {
        let value = if on_revert == OnRevert::Success {
            ""
        } else {
            "assets"
        };
        scene.call_with(REDEEM, &["70"], value, |call| {
            call.on_revert = on_revert;
            call.from = Some(holder);
            call.address = address;
        })
    };
    let open = |address: Address| {
        scene.call_with("checkOpen() view", &[], "", |call| {
            call.on_revert = OnRevert::Success;
            call.address = address;
        })
    };
    let zero = OnRevert::Value(decimal("0").unwrap());
    let sources = |address| {
        [
            redeem(OnRevert::Success, address),
            redeem(zero.clone(), address),
            redeem(OnRevert::NoValue, address),
            open(address),
        ]
    };
    let truth = |truth| Some(Value::Bool(truth));
    let at = async |block, address| {
        let seen = scene.read(block, &sources(address)).await;
        seen.into_iter().map(|seen| seen.value).collect::<Vec<_>>()
    };
    let poor = scene.anvil.head().await;
    let rich = scene
        .send(
            scene.vault,
            Vault::giveCall {
                holder,
                shares: U256::from(70),
            },
        )
        .await;
    let paused = scene
        .send(scene.vault, Vault::pauseCall { paused: true })
        .await;
    assert_eq!(
        at(poor, scene.vault).await,
        [truth(false), decimal("0"), None, truth(true)]
    );
    assert_eq!(
        at(rich, scene.vault).await,
        [truth(true), decimal("70"), decimal("70"), truth(true)]
    );
    assert_eq!(
        at(paused, scene.vault).await,
        [truth(false), decimal("0"), None, truth(false)]
    );
    // Nobody there says neither yes nor no, and least of all 0.
    assert_eq!(
        at(paused, Address::repeat_byte(0xee)).await,
        [None, None, None, None]
    );
    assert_eq!(
        at(0, scene.vault).await,
        [None, None, None, None],
        "not deployed yet"
    );
}

#[tokio::test]
async fn calls_say_the_same_alone_and_together() {
    let scene = Scene::new().await;
    let block = scene.reprice(3).await;
    let mut sources: Vec<StateSource> = (1..=60)
        .map(|shares| scene.call(CONVERT, &[&format!("{shares}{}", &ONE[1..])], ""))
        .collect();
    for answer in ["0x", "0x01", &format!("0x{}", "ff".repeat(32))] {
        for function in [
            "raw(bytes answer) pure returns (uint256)",
            "fail(bytes answer) pure returns (uint256)",
        ] {
            sources.push(scene.call(function, &[answer], ""));
            let counted =
                |call: &mut CallSettings| call.on_revert = OnRevert::Value(decimal("-1").unwrap());
            sources.push(scene.call_with(function, &[answer], "", counted));
        }
    }
    sources.push(scene.call(POSITION, &[], "status"));
    sources.push(scene.call_with("checkOpen() view", &[], "", |call| {
        call.on_revert = OnRevert::Success;
    }));
    sources.push(scene.call_with(CONVERT, &["1"], "", |call| {
        call.address = Address::repeat_byte(0xee)
    }));
    sources.push(scene.call(REDEEM, &["0"], ""));
    for block in [scene.without_multicall, block] {
        let alone = scene.read(block, &sources).await;
        assert_eq!(alone.len(), sources.len());
        // Seven answers that are none, three reverts without a meaning.
        assert_eq!(alone.iter().filter(|seen| seen.value.is_none()).count(), 10);
        for multicall in [scene.multicall, Address::repeat_byte(0xee), scene.vault] {
            let together = scene
                .try_read(block, Some(multicall), &sources)
                .await
                .unwrap();
            assert_eq!(together, alone, "block {block}, {multicall}");
        }
    }
}

#[tokio::test]
async fn a_call_that_starves_among_others_has_not_reverted() {
    let scene = Scene::new().await;
    let block = scene.reprice(3).await;
    // Each takes more than half of the gas that the node allows a call: of two together the second fails, and eight leave too
    // little for the answer.
    for count in [2, 8] {
        let sources: Vec<StateSource> = (0..count)
            .map(|place| {
                let rounds = (30_000 + place).to_string();
                let slow = "slow(uint256 rounds) view returns (uint256 price)";
                scene.call_with(slow, &[&rounds], "", |call| {
                    call.on_revert = OnRevert::Value(decimal("0").unwrap());
                })
            })
            .collect();
        let seen = scene
            .try_read(block, Some(scene.multicall), &sources)
            .await
            .unwrap();
        for seen in seen {
            assert_eq!(seen.value, decimal("3"), "{count}");
        }
    }
}

#[tokio::test]
async fn storage_is_read_by_slot_key_and_bits() {
    let scene = Scene::new().await;
    let holder = Address::repeat_byte(0xaa);
    scene
        .send(
            scene.vault,
            Vault::giveCall {
                holder,
                shares: U256::from(70),
            },
        )
        .await;
    scene
        .send(
            scene.vault,
            Vault::noteCall {
                id: U256::from(9),
                who: holder,
                low: 11,
                high: 12,
                next: U256::from(13),
            },
        )
        .await;
    let block = scene
        .send(scene.vault, Vault::pauseCall { paused: true })
        .await;
    let owner = scene.anvil.account().await;
    let number = StorageField::Unsigned;
    let expected = [
        (scene.slot("0", 0, 256, number), decimal(ONE)),
        (
            scene.slot("1", 0, 160, StorageField::Address),
            text(format!("{owner:?}")),
        ),
        (
            scene.slot("1", 160, 64, StorageField::Signed),
            decimal("-25"),
        ),
        (
            scene.slot("1", 224, 8, StorageField::Bool),
            Some(Value::Bool(true)),
        ),
        (
            scene.slot(&format!("mapping(2,{holder})"), 0, 256, number),
            decimal("70"),
        ),
        (
            scene.slot(&format!("mapping(3,9,{holder})"), 128, 128, number),
            decimal("12"),
        ),
        (
            scene.slot(&format!("mapping(3,9,{holder})+1"), 0, 256, number),
            decimal("13"),
        ),
        // A contract has a zero where nothing was written; nobody there has nothing.
        (scene.slot("77", 0, 256, number), decimal("0")),
        (
            slot_of(Address::repeat_byte(0xee), "0", 0, 256, number),
            None,
        ),
        (slot_of(owner, "0", 0, 256, number), None),
    ];
    let (sources, values): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
    let seen = scene.read(block, &sources).await;
    assert_eq!(
        seen.iter()
            .map(|seen| seen.value.clone())
            .collect::<Vec<_>>(),
        values
    );
    let Provenance::Chain(position) = &seen[0].provenance else {
        panic!("not from a chain")
    };
    let raw = (
        scene.vault,
        B256::ZERO,
        B256::from(ONE.parse::<U256>().unwrap()),
    )
        .abi_encode_params();
    assert_eq!(
        (position.log_index, position.raw_hash),
        (None, keccak256(raw))
    );
    let before = scene.value(block - 1, &sources[3]).await;
    assert_eq!(
        before,
        Some(Value::Bool(false)),
        "as of the block, not as of now"
    );
}

#[tokio::test]
async fn a_word_that_the_state_root_does_not_prove_is_not_believed() {
    let scene = Scene::new().await;
    let block = scene.reprice(5).await;
    let owner = scene.anvil.account().await;
    let price = [scene.slot("0", 0, 256, StorageField::Unsigned)];
    let empty = [scene.slot("77", 0, 256, StorageField::Unsigned)];
    let nobody = [slot_of(owner, "0", 0, 256, StorageField::Unsigned)];
    let root = json!(B256::repeat_byte(0x11));
    let none = json!("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    let lies: [(&[StateSource], Fault); 12] = [
        (
            &price,
            Fault::Replace("/storageProof/0/value", json!("0x6")),
        ),
        (
            &price,
            Fault::Replace("/storageProof/0/value", json!("0x0")),
        ),
        (&price, Fault::Replace("/storageProof/0/proof", json!([]))),
        (
            &price,
            Fault::Replace("/storageProof/0/proof/0", json!("0xc0")),
        ),
        (&price, Fault::Replace("/storageProof/0/key", json!("0x1"))),
        (&price, Fault::Replace("/storageProof", json!([]))),
        (&price, Fault::Replace("/storageHash", root)),
        (&price, Fault::Replace("/accountProof", json!([]))),
        (&price, Fault::Replace("/codeHash", none)),
        (&price, Fault::Replace("/nonce", json!("0x7"))),
        (
            &empty,
            Fault::Replace("/storageProof/0/value", json!("0x1")),
        ),
        (
            &nobody,
            Fault::Replace("/codeHash", json!(B256::repeat_byte(0x11))),
        ),
    ];
    for (sources, lie) in lies {
        scene.node.spoil("eth_getProof", lie.clone());
        let error = scene.try_read(block, None, sources).await.unwrap_err();
        assert!(error.is_transient(), "another node may tell the truth");
        let SourceError::Contradiction { contradiction, .. } = error else {
            panic!("{lie:?}: {error}")
        };
        assert!(
            matches!(*contradiction, Contradiction::StateProof { .. }),
            "{lie:?}: {contradiction}"
        );
        scene.node.heal();
        scene.try_read(block, None, sources).await.unwrap();
    }
}

#[tokio::test]
async fn a_node_that_fails_is_an_error_and_no_reading() {
    let scene = Scene::new().await;
    let block = scene.reprice(5).await;
    let source = |function: &str, arguments: &[&str]| {
        scene.call_with(function, arguments, "", |call| {
            call.on_revert = OnRevert::Value(decimal("0").unwrap())
        })
    };
    let call = [source(CONVERT, &["1"])];
    let nothing = [source("raw(bytes answer) pure returns (uint256)", &["0x"])];
    let slot = [scene.slot("0", 0, 256, StorageField::Unsigned)];
    for (method, sources) in [
        ("eth_call", &call),
        ("eth_getCode", &nothing),
        ("eth_getProof", &slot),
    ] {
        for fault in [
            Fault::ErrorReply,
            Fault::Status(429),
            Fault::Status(500),
            Fault::EmptyBody,
            Fault::HalfBody,
            Fault::CutConnection,
        ] {
            scene.node.spoil(method, fault.clone());
            let error = scene
                .try_read(block, Some(scene.multicall), sources)
                .await
                .unwrap_err();
            assert!(
                error.is_transient() && error.to_string().contains(method),
                "{fault:?}: {error}"
            );
            scene.node.heal();
        }
        scene
            .try_read(block, Some(scene.multicall), sources)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn one_of_three_that_lies_about_state_is_outvoted_and_two_are_not_believed() {
    let scene = Scene::new().await;
    let price = scene.call_with(CONVERT, &[ONE], "assets", |call| call.decimals = 18);
    scene.reprice(400_000_000_000_000_000).await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(FaultyNode::start(scene.anvil.url()).await);
    }
    let lie = |part: u64| {
        let assets = U256::from(part * 100_000_000_000_000_000).abi_encode();
        Fault::Result(json!(Bytes::from(assets)))
    };
    let read = async || {
        let endpoints = nodes.iter().map(|node| EndpointSettings {
            max_calls_per_request: NonZeroU32::MIN,
            ..EndpointSettings::new(node.url())
        });
        let settings = ChainSettings {
            agreement: NonZeroU32::new(2).unwrap(),
            ..ChainSettings::new(CHAIN_ID, endpoints.collect(), Finality::Confirmations(0))
        };
        let reader = ChainReader::connect(settings, vec![price.clone()])
            .await
            .unwrap();
        let batch = reader.next(None, &[0]).await;
        (batch, reader.endpoints())
    };
    // As many as must agree are asked, and the third only where they do not: which of them lead is a matter of luck.
    let mut benched = BTreeSet::new();
    for (liar, lying) in nodes.iter().enumerate().cycle().take(30) {
        if benched.len() >= 2 {
            break;
        }
        lying.spoil("eth_call", lie(9));
        let (batch, endpoints) = read().await;
        let batch = batch.unwrap().unwrap();
        assert_eq!(batch.observations.last().unwrap().value, decimal("0.4"));
        for (node, report) in endpoints.into_iter().enumerate() {
            if let Standing::Benched { reason, .. } = report.standing {
                assert!(node == liar && reason.contains("is not what 2 others have"));
                benched.insert(node);
            }
        }
        lying.heal();
    }
    assert!(benched.len() >= 2, "{benched:?}");

    // Each says something else: nothing can be believed.
    nodes[0].spoil("eth_call", lie(9));
    nodes[1].spoil("eth_call", lie(8));
    let (batch, _) = read().await;
    let error = batch.unwrap_err();
    assert!(
        matches!(error, SourceError::Disagreement { .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
}
