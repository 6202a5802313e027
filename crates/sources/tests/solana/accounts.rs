//! Accounts: what is seen of them, when, and what a cover makes of it.

use alloy::primitives::{U256, keccak256};
use serde_json::json;
use tocsin_domain::cover::{Cover, Input};
use tocsin_domain::coverage::Proof;
use tocsin_domain::eval::{InputObservation, Intake, Program, RiskState, Start, Truth};
use tocsin_domain::observation::{Provenance, Sequence};
use tocsin_domain::time::Timestamp;
use tocsin_sources::solana::SolanaSource;
use tocsin_sources::{BlockSource, SourceError};

use super::node::Node;
use super::setup::{POOL, all, block_of, connect, pool, stake_settings, told, values};

const NOON: i64 = 1_760_000_000;

#[tokio::test]
async fn a_fall_of_the_share_price_is_a_loss_under_the_cover_of_the_catalogue() {
    let node = Node::replay("share_price_fall").await;
    let reader = connect(&node, pool()).await.unwrap();
    let path = format!(
        "{}/../../config/covers/stake-pool-share-fall.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let (cover, _) = Cover::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let program = Program::compile(&cover);
    let mut state = RiskState::new(&program, Start::default());
    // The two fields are sources of their own.
    let mut intake = Intake::new(&program, &state, 2);
    let mut losses = Vec::new();
    let mut cursor = None;
    while let Some(batch) = reader.next(cursor.as_ref(), &all(&reader)).await.unwrap() {
        assert_eq!(
            batch.observations.len(),
            2,
            "both fields come with every look"
        );
        for (source, seen) in batch.observations.into_iter().enumerate() {
            let named = |input: &Input| input.metric == seen.metric;
            let observation = InputObservation {
                input: cover.inputs.iter().position(named).unwrap(),
                observed_at: seen.observed_at,
                sequence: seen.sequence,
                value: seen.value,
            };
            intake.observe(source, observation).unwrap();
            if let Some(next) = intake.reported(source, batch.watermark).unwrap() {
                let found = program.advance(&mut state, next.observations, next.watermark);
                losses.extend(found.unwrap());
            }
        }
        cursor = Some(batch.cursor);
    }
    let [loss] = losses.as_slice() else {
        panic!("one loss was expected: {losses:?}");
    };
    assert_eq!(loss.occurred_at, Timestamp(NOON + 86_460));
    assert_eq!(loss.confirmed_at, Timestamp(NOON + 87_360));
    // From 1,001 SOL for 900 tokens to 1,002 for 1,002.
    assert_eq!(
        loss.payout.as_ref().unwrap().to_string(),
        "0.100899100899100898"
    );
    assert!(matches!(program.truth(&state), Truth::True));
}

#[tokio::test]
async fn an_account_that_does_not_say_it_is_an_observation_without_value() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    let mut cursor = None;
    let mut seen = Vec::new();
    while let Some(batch) = reader.next(cursor.as_ref(), &all(&reader)).await.unwrap() {
        seen.push(values(&batch.observations));
        cursor = Some(batch.cursor);
    }
    assert_eq!(
        seen,
        [
            ["5", "4"], // as it should be
            ["-", "-"], // gone
            ["-", "-"], // cut short within the first of the two
            ["-", "-"], // of another program
            ["-", "-"], // of another kind
            ["6", "4"], // as it should be
        ]
    );
}

#[tokio::test]
async fn a_look_says_when_and_where_it_was() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    let batch = reader.next(None, &[0]).await.unwrap().unwrap();
    let [seen] = batch.observations.as_slice() else {
        panic!("one source was asked for: {:?}", batch.observations);
    };
    assert_eq!(seen.sequence, Sequence(U256::from(1000)));
    assert_eq!(seen.observed_at, Timestamp(NOON));
    assert_eq!(batch.cursor.number, 1000);
    assert_eq!(batch.cursor.timestamp, Timestamp(NOON));
    // Another block of the same second may follow.
    assert_eq!(batch.watermark, Timestamp(NOON - 1));
    let Provenance::Raw { hash } = seen.provenance else {
        panic!("{:?}", seen.provenance);
    };
    // The result as it was sent, without the number of the question around it.
    let path = format!(
        "{}/tests/solana/account_states.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let recording: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        hash,
        keccak256(recording["exchanges"][2]["result"].to_string())
    );
    let coverage = batch.coverage;
    assert_eq!((coverage.first, coverage.last), (1000, 1000));
    assert_eq!((coverage.proof, coverage.agreed), (Proof::Word, 1));
}

#[tokio::test]
async fn an_account_is_looked_at_once_in_each_stretch() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    let first = reader.next(None, &all(&reader)).await.unwrap().unwrap();
    let finalized = json!([{ "commitment": "finalized" }]);
    for slot in [1000, 1001, 1024] {
        node.answer("getSlot", &finalized, json!({ "result": slot }));
        node.asked();
        let again = reader.next(Some(&first.cursor), &all(&reader)).await;
        assert_eq!(again.unwrap(), None, "slot {slot}");
        assert_eq!(node.asked(), ["getSlot"]);
    }
    node.answer("getSlot", &finalized, json!({ "result": 1025 }));
    let next = reader.next(Some(&first.cursor), &all(&reader)).await;
    assert_eq!(next.unwrap().unwrap().cursor.number, 1025);
    assert_eq!(
        node.asked(),
        ["getSlot", "getMultipleAccounts", "getBlock", "getBlock"],
        "both fields are of one answer; its block, and whether the last one is still on the chain"
    );
}

#[tokio::test]
async fn nothing_goes_back_to_what_a_node_saw_earlier() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    let first = reader.next(None, &all(&reader)).await.unwrap().unwrap();
    let second = reader.next(Some(&first.cursor), &all(&reader)).await;
    let cursor = second.unwrap().unwrap().cursor;

    // Behind an address that is several nodes, one may be at the old slot, and another answer for the account.
    let finalized = json!([{ "commitment": "finalized" }]);
    node.answer("getSlot", &finalized, json!({ "result": 1001 }));
    let error = reader.next(Some(&cursor), &all(&reader)).await.unwrap_err();
    assert!(matches!(
        error,
        SourceError::Lagging {
            final_head: Some(1001),
            cursor: 1025,
            ..
        }
    ));
    node.answer("getSlot", &finalized, json!({ "result": 1050 }));
    let accounts = json!([[POOL], { "commitment": "finalized", "encoding": "base64" }]);
    node.answer(
        "getMultipleAccounts",
        &accounts,
        json!({ "result": { "context": { "slot": 1024 }, "value": [null] } }),
    );
    let error = reader.next(Some(&cursor), &all(&reader)).await.unwrap_err();
    assert!(matches!(
        error,
        SourceError::Lagging {
            final_head: Some(1024),
            cursor: 1025,
            ..
        }
    ));
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_final_block_that_is_another_now_stops_the_reading() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    let first = reader.next(None, &all(&reader)).await.unwrap().unwrap();
    node.change("getBlock", &block_of(1000, "none"), |exchange| {
        exchange["result"]["blockhash"] = json!("GK2roxExEfr56acJoT65pJXHtx22CDEYemzAgmSu8wx6");
    });
    let error = reader
        .next(Some(&first.cursor), &all(&reader))
        .await
        .unwrap_err();
    assert!(
        matches!(error, SourceError::ForkBelowFinality { number: 1000, .. }),
        "{error}"
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_slot_whose_block_the_node_lacks_is_not_taken() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    for (code, transient) in [
        (-32004, true),
        (-32007, true),
        (-32009, true),
        (-32014, true),
        (-32001, false),
    ] {
        let error = json!({ "error": { "code": code, "message": "…" } });
        node.answer("getBlock", &block_of(1000, "none"), error);
        node.answer(
            "getSlot",
            &json!([{ "commitment": "finalized" }]),
            json!({ "result": 1000 }),
        );
        let accounts = json!([[POOL], { "commitment": "finalized", "encoding": "base64" }]);
        let answer = json!({ "result": { "context": { "slot": 1000 }, "value": [null] } });
        node.answer("getMultipleAccounts", &accounts, answer);
        let error = reader.next(None, &all(&reader)).await.unwrap_err();
        assert!(matches!(error, SourceError::MissingSlot { .. }), "{error}");
        assert_eq!(error.is_transient(), transient, "{code}: {error}");
    }
}

#[tokio::test]
async fn answers_that_are_not_of_these_accounts_are_refused() {
    let node = Node::replay("account_states").await;
    let reader = connect(&node, pool()).await.unwrap();
    let accounts = json!([[POOL], { "commitment": "finalized", "encoding": "base64" }]);
    let account = |data| json!({ "owner": POOL, "lamports": 1, "data": data });
    for (value, says) in [
        (json!([]), "it has 0"),
        (json!([null, null]), "it has 2"),
        (
            json!([account(json!(["AA", "base58"]))]),
            "data in \"base58\"",
        ),
        (json!([account(json!(["AA=A", "base64"]))]), "no base64"),
    ] {
        let answer = json!({ "result": { "context": { "slot": 1000 }, "value": value } });
        node.answer("getMultipleAccounts", &accounts, answer);
        let error = reader.next(None, &all(&reader)).await.unwrap_err();
        assert!(told(&error).contains(says), "{}", told(&error));
    }
}

#[tokio::test]
async fn settings_without_meaning_are_refused() {
    let node = Node::replay("account_states").await;
    let refusal = |change: fn(&mut tocsin_sources::solana::AccountSettings)| {
        let mut settings = stake_settings();
        change(&mut settings);
        told(&SolanaSource::account(settings).unwrap_err())
    };
    assert!(refusal(|settings| settings.field.decimals = 39).contains("at most 38"));
    assert!(refusal(|settings| settings.field.offset = usize::MAX).contains("bytes"));
    assert!(refusal(|settings| settings.begins_with = vec![0; 259]).contains("`begins_with`"));
    assert!(
        refusal(|settings| settings.field.ty = tocsin_sources::solana::FieldType::Pubkey)
            .contains("no integer")
    );

    let mut twice = pool();
    twice.push(twice[0].clone());
    for (sources, says) in [(vec![], "no source to read"), (twice, "configured twice")] {
        let error = connect(&node, sources).await.err().unwrap();
        assert!(told(&error).contains(says), "{}", told(&error));
    }
    assert!(
        node.asked().is_empty(),
        "nothing is asked before the settings are checked"
    );
}
