//! Receipts of real mainnet blocks hash to the roots in their headers, and of nothing else.
//!
//! The blocks are reference data that is kept beside the repository (`../shared/data`, or `$TOCSIN_SHARED`).

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::*;

/// The lines of a file of the reference data; `None` where there is none, which is a failure in CI.
fn reference(file: &str) -> Option<Vec<Value>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where reference data lies is no configuration of the product"
    )]
    let (folder, ci) = (std::env::var_os("TOCSIN_SHARED"), std::env::var_os("CI"));
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let path = folder
        .map_or_else(beside, PathBuf::from)
        .join("ethereum-blocks-17173049")
        .join(file);
    if !path.exists() {
        assert!(
            ci.is_none(),
            "the reference data is missing: {}",
            path.display()
        );
        return None;
    }
    let text = std::fs::read_to_string(path).unwrap();
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

fn hex(number: &Value) -> Value {
    json!(format!("{:#x}", number.as_u64().unwrap()))
}

/// The receipts of a block as `eth_getBlockReceipts` answers them.
fn answer(block: &Value, transactions: &[Value], logs: &[Value]) -> Value {
    let receipts = transactions
        .iter()
        .filter(|transaction| transaction["block_hash"] == block["hash"]);
    let receipts = receipts.map(|transaction| {
        let logs = logs
            .iter()
            .filter(|log| log["transaction_hash"] == transaction["hash"]);
        let logs: Vec<Value> = logs
            .map(|log| {
                json!({
                    "address": log["address"],
                    "topics": log["topics"],
                    "data": log["data"],
                    "blockHash": log["block_hash"],
                    "blockNumber": hex(&log["block_number"]),
                    "transactionHash": log["transaction_hash"],
                    "transactionIndex": hex(&log["transaction_index"]),
                    "logIndex": hex(&log["log_index"]),
                    "removed": false,
                })
            })
            .collect();
        json!({
            "type": hex(&transaction["transaction_type"]),
            "status": hex(&transaction["receipt_status"]),
            "cumulativeGasUsed": hex(&transaction["receipt_cumulative_gas_used"]),
            "logs": logs,
            "transactionHash": transaction["hash"],
        })
    });
    receipts.collect()
}

fn read(answer: &Value, root: B256, bloom: &Bloom) -> Result<Vec<Log>, Contradiction> {
    logs(serde_json::from_value(answer.clone()).unwrap(), root, bloom).map(|proven| proven.logs)
}

#[test]
fn the_logs_of_real_blocks_are_proven_and_any_change_of_them_is_noticed() {
    let Some(blocks) = reference("expected_blocks.json") else {
        return;
    };
    let transactions = reference("expected_transactions.json").unwrap();
    let all_logs = reference("expected_logs.json").unwrap();
    for block in &blocks {
        let root: B256 = serde_json::from_value(block["receipts_root"].clone()).unwrap();
        let bloom: Bloom = serde_json::from_value(block["logs_bloom"].clone()).unwrap();
        let honest = answer(block, &transactions, &all_logs);
        let expected: Vec<&Value> = all_logs
            .iter()
            .filter(|log| log["block_hash"] == block["hash"])
            .collect();
        let found = read(&honest, root, &bloom).unwrap();
        assert!(found.len() > 200 && found.len() == expected.len());
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(json!(index), expected["log_index"]);
            assert_eq!(json!(found.address), expected["address"]);
            assert_eq!(json!(found.data.topics()), expected["topics"]);
            assert_eq!(json!(found.data.data), expected["data"]);
        }

        let first_with_logs = |receipts: &mut Value| -> usize {
            let receipts = receipts.as_array().unwrap();
            receipts
                .iter()
                .position(|receipt| receipt["logs"] != json!([]))
                .unwrap()
        };
        let lies: [fn(&mut Map<String, Value>); 4] = [
            |receipt| drop(receipt["logs"].as_array_mut().unwrap().pop()),
            |receipt| receipt["logs"][0]["data"] = json!("0x01"),
            |receipt| receipt["status"] = json!("0x0"),
            |receipt| receipt["type"] = json!("0x1"),
        ];
        for lie in lies {
            let mut changed = honest.clone();
            let place = first_with_logs(&mut changed);
            lie(changed[place].as_object_mut().unwrap());
            let caught = read(&changed, root, &bloom).unwrap_err();
            assert!(matches!(caught, Contradiction::ReceiptsRoot { header, .. } if header == root));
        }
        let mut short = honest.clone();
        short.as_array_mut().unwrap().pop();
        assert!(read(&short, root, &bloom).is_err());
    }
}

#[test]
fn a_block_with_a_foreign_type_of_transaction_is_held_against_its_bloom_filter() {
    let receipt = json!({"type": "0x7e", "status": "0x1", "cumulativeGasUsed": "0x1", "logs": []});
    assert_eq!(
        read(&json!([receipt]), B256::ZERO, &Bloom::ZERO),
        Ok(Vec::new())
    );
    let receipt = json!({"type": "0x2", "status": "0x1", "cumulativeGasUsed": "0x1", "logs": []});
    assert!(read(&json!([receipt]), B256::ZERO, &Bloom::ZERO).is_err());

    let Some(blocks) = reference("expected_blocks.json") else {
        return;
    };
    let transactions = reference("expected_transactions.json").unwrap();
    let all_logs = reference("expected_logs.json").unwrap();
    let bloom: Bloom = serde_json::from_value(blocks[0]["logs_bloom"].clone()).unwrap();
    let mut honest = answer(&blocks[0], &transactions, &all_logs);
    honest[0]["type"] = json!("0x7e");
    assert!(read(&honest, B256::ZERO, &bloom).is_ok());
    for receipt in honest.as_array_mut().unwrap().iter_mut().take(120) {
        receipt["logs"] = json!([]);
    }
    assert_eq!(
        read(&honest, B256::ZERO, &bloom),
        Err(Contradiction::LogsBloom)
    );
}

#[test]
fn a_block_without_receipts_has_the_root_of_nothing() {
    let nothing = alloy::consensus::EMPTY_ROOT_HASH;
    assert_eq!(read(&json!([]), nothing, &Bloom::ZERO), Ok(Vec::new()));
    assert!(read(&json!([]), B256::ZERO, &Bloom::ZERO).is_err());
}
