//! The blocks: their hashes are kept, everything else follows from their number.

use std::collections::HashMap;
use std::thread;
use std::time::Instant;

use alloy::consensus::Header;
use alloy::primitives::{B64, B256, U256, keccak256};
use serde_json::{Value, json};

use super::body::Body;
use super::text::{Blank, Place, Text};

/// The time of block 0, unix seconds; every block is one second after its parent.
pub const GENESIS_TIME: u64 = 1_600_000_000;

/// How many bodies there are.
const BODIES: u64 = 2_048;

/// What is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// How many blocks there are, when all have come.
    pub blocks: u64,
    /// How many there are at the start.
    pub at_start: u64,
    /// One more comes in so many milliseconds; `None` for no more.
    pub every_ms: Option<u64>,
    /// `eth_getLogs` refuses to give more logs than this at once.
    pub logs_max: usize,
}

impl Plan {
    /// All of these blocks at once, and no more logs in an answer than most providers give.
    pub fn finished(blocks: u64) -> Self {
        Self {
            blocks,
            at_start: blocks,
            every_ms: None,
            logs_max: 10_000,
        }
    }
}

/// A chain.
#[derive(Debug)]
pub(super) struct Chain {
    plan: Plan,
    begun: Instant,
    bodies: Vec<(Body, Text)>,
    hashes: Vec<B256>,
    numbers: HashMap<B256, u64>,
}

impl Chain {
    pub(super) fn new(plan: Plan) -> Self {
        let (even, odd) = thread::scope(|scope| {
            let half =
                |first: u64| move || (first..BODIES).step_by(2).map(body).collect::<Vec<_>>();
            let odd = scope.spawn(half(1));
            (half(0)(), odd.join().expect("bodies"))
        });
        let bodies: Vec<(Body, Text)> = even
            .into_iter()
            .zip(odd)
            .flat_map(|(even, odd)| [even, odd])
            .collect();
        let mut hashes = Vec::new();
        let mut parent = B256::ZERO;
        for number in 0..plan.blocks {
            let (body, _) = &bodies[nth(number % BODIES)];
            parent = header(number, parent, body).hash_slow();
            hashes.push(parent);
        }
        Self {
            plan,
            begun: Instant::now(),
            bodies,
            numbers: hashes.iter().copied().zip(0..).collect(),
            hashes,
        }
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The newest block's number.
    pub(super) fn head(&self) -> u64 {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).expect("a while");
        let come = self.plan.every_ms.map_or(0, |every_ms| elapsed / every_ms);
        let there = self
            .plan
            .at_start
            .saturating_add(come)
            .min(self.plan.blocks);
        there.saturating_sub(1)
    }

    pub(super) fn number_of(&self, hash: &B256) -> Option<u64> {
        self.numbers.get(hash).copied()
    }

    /// A block's place, its body, and its header as JSON; `None` where there is no such block yet.
    pub(super) fn block(&self, number: u64) -> Option<(Place, &Body, &Text)> {
        if number > self.head() {
            return None;
        }
        let place = Place {
            number,
            hash: *self.hashes.get(nth(number))?,
            parent: number
                .checked_sub(1)
                .map_or(B256::ZERO, |parent| self.hashes[nth(parent)]),
            timestamp: GENESIS_TIME + number,
        };
        let (body, text) = &self.bodies[nth(number % BODIES)];
        Some((place, body, text))
    }
}

fn nth(number: u64) -> usize {
    usize::try_from(number).expect("a block in memory")
}

fn body(number: u64) -> (Body, Text) {
    let body = Body::new(number);
    let header = header(0, B256::ZERO, &body);
    let text = Text::of(&header_json(&header));
    (body, text)
}

fn header(number: u64, parent_hash: B256, body: &Body) -> Header {
    Header {
        parent_hash,
        state_root: keccak256("state"),
        transactions_root: keccak256("transactions"),
        receipts_root: body.receipts_root,
        logs_bloom: body.logs_bloom,
        difficulty: U256::ZERO,
        number,
        gas_limit: 36_000_000,
        gas_used: body.gas_used,
        timestamp: GENESIS_TIME + number,
        extra_data: b"replayed".into(),
        mix_hash: keccak256("randao"),
        nonce: B64::ZERO,
        base_fee_per_gas: Some(1_000_000_000),
        withdrawals_root: Some(keccak256("withdrawals")),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(keccak256("beacon")),
        requests_hash: Some(keccak256("requests")),
        ..Header::default()
    }
}

/// The block as `eth_getBlockByNumber` gives it without the transactions' bodies.
fn header_json(header: &Header) -> Value {
    let mut block = json!(header);
    block["hash"] = json!(Blank::BlockHash.mark());
    block["parentHash"] = json!(Blank::ParentHash.mark());
    block["number"] = json!(Blank::BlockNumber.mark());
    block["timestamp"] = json!(Blank::Timestamp.mark());
    block["size"] = json!("0x4f2");
    block["uncles"] = json!([]);
    block["withdrawals"] = json!([]);
    block["transactions"] = (0..5)
        .map(|index| json!(Blank::Transaction(index).mark()))
        .collect();
    block
}
