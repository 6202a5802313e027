//! What the blocks are made of: logs, their bloom filter and receipts root, and their JSON but for the block's own fields.

use alloy::consensus::proofs::calculate_receipt_root;
use alloy::consensus::{Eip658Value, Receipt, ReceiptEnvelope};
use alloy::primitives::{
    Address, B256, Bloom, Log, LogData, U256, address, b256, keccak256, logs_bloom,
};
use serde_json::{Value, json};

use super::text::{Blank, Text};

/// The token that is transferred.
pub const TOKEN: Address = address!("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");

/// The feed that gives answers.
pub const FEED: Address = address!("0x8fffffd4afb6115b954bd326cbe7b4ba576818f6");

/// `Transfer(address,address,uint256)`
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// `AnswerUpdated(int256,uint256,uint256)`
const ANSWER_UPDATED: B256 =
    b256!("0x0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f");

const TRANSACTIONS: usize = 5;
const LOGS_PER_TRANSACTION: usize = 2;

/// How many logs a block has.
pub const LOGS_PER_BLOCK: u64 = 10;

/// What a transfer costs.
const GAS: u64 = 51_200;

/// The logs of some blocks.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) logs_bloom: Bloom,
    pub(super) receipts_root: B256,
    pub(super) gas_used: u64,
    pub(super) logs: Vec<LogText>,
    pub(super) receipts: Vec<Text>,
}

/// A log as JSON, and what it is found by.
#[derive(Debug)]
pub(super) struct LogText {
    pub(super) address: Address,
    pub(super) topic: B256,
    pub(super) text: Text,
}

impl Body {
    /// The body with this number, always the same.
    pub(super) fn new(number: u64) -> Self {
        let logs: Vec<Log> = (0..LOGS_PER_BLOCK)
            .map(|index| log(number, index))
            .collect();
        let gas_used = GAS * u64::try_from(TRANSACTIONS).expect("a few");
        let receipts: Vec<ReceiptEnvelope> = logs
            .chunks(LOGS_PER_TRANSACTION)
            .zip(1..)
            .map(|(logs, nth)| ReceiptEnvelope::Eip1559(receipt(logs, nth).with_bloom()))
            .collect();
        let json: Vec<Value> = (0..)
            .zip(&logs)
            .map(|(index, log)| log_json(index, log))
            .collect();
        Self {
            logs_bloom: logs_bloom(&logs),
            receipts_root: calculate_receipt_root(&receipts),
            gas_used,
            receipts: (0..)
                .zip(json.chunks(LOGS_PER_TRANSACTION).zip(&receipts))
                .map(|(index, (logs, receipt))| Text::of(&receipt_json(index, logs, receipt)))
                .collect(),
            logs: logs
                .iter()
                .zip(&json)
                .map(|(log, json)| LogText {
                    address: log.address,
                    topic: log.topics()[0],
                    text: Text::of(json),
                })
                .collect(),
        }
    }
}

fn log(body: u64, index: u64) -> Log {
    let chance = keccak256([body.to_be_bytes(), index.to_be_bytes()].concat());
    let word = U256::from_be_bytes(chance.0);
    let account =
        |salt: u64| Address::from_word(keccak256((word + U256::from(salt)).to_be_bytes::<32>()));
    let (address, topics, data) = if index % 5 == 4 {
        let answer = U256::from(99_000_000) + word % U256::from(2_000_000);
        let round = U256::from(body * LOGS_PER_BLOCK + index);
        (
            FEED,
            vec![ANSWER_UPDATED, answer.into(), round.into()],
            U256::from(1_700_000_000 + body),
        )
    } else {
        let (from, to) = (account(1).into_word(), account(2).into_word());
        (
            TOKEN,
            vec![TRANSFER, from, to],
            word % U256::from(1_000_000_000_000_u64),
        )
    };
    Log {
        address,
        data: LogData::new_unchecked(topics, data.to_be_bytes::<32>().into()),
    }
}

fn receipt(logs: &[Log], nth: u64) -> Receipt {
    Receipt {
        status: Eip658Value::Eip658(true),
        cumulative_gas_used: nth * GAS,
        logs: logs.to_vec(),
    }
}

fn log_json(index: usize, log: &Log) -> Value {
    let transaction = index / LOGS_PER_TRANSACTION;
    json!({
        "address": log.address,
        "topics": log.topics(),
        "data": log.data.data,
        "blockHash": Blank::BlockHash.mark(),
        "blockNumber": Blank::BlockNumber.mark(),
        "blockTimestamp": Blank::Timestamp.mark(),
        "transactionHash": Blank::Transaction(transaction).mark(),
        "transactionIndex": format!("{transaction:#x}"),
        "logIndex": format!("{index:#x}"),
        "removed": false,
    })
}

fn receipt_json(transaction: usize, logs: &[Value], receipt: &ReceiptEnvelope) -> Value {
    json!({
        "type": "0x2",
        "status": "0x1",
        "cumulativeGasUsed": format!("{:#x}", receipt.cumulative_gas_used()),
        "logs": logs,
        "logsBloom": receipt.logs_bloom(),
        "transactionHash": Blank::Transaction(transaction).mark(),
        "transactionIndex": format!("{transaction:#x}"),
        "blockHash": Blank::BlockHash.mark(),
        "blockNumber": Blank::BlockNumber.mark(),
        "gasUsed": format!("{GAS:#x}"),
        "effectiveGasPrice": "0x3b9aca00",
        "from": FEED,
        "to": TOKEN,
        "contractAddress": null,
    })
}
