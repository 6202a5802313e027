//! The readers and sources of the tests.

use std::time::Duration;

use serde_json::{Value, json};
use tocsin_domain::observation::Observation;
use tocsin_sources::solana::stake_pool::{self, StakePoolField};
use tocsin_sources::solana::{
    AccountSettings, Field, FieldType, ProgramEventSettings, SolanaReader, SolanaSettings,
    SolanaSource,
};
use tocsin_sources::{BlockSource, SourceError};

use super::node::Node;

pub(crate) const MAINNET: &str = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
pub(crate) const POOL: &str = "Jito4APyf642JPZPx3hGc6WWJ8zPKtRbRs4P815Awbb";
pub(crate) const PROGRAM: &str = "H8N9bJgycsg2qWFiG2BGzn53ow3KpusUc6rKZSie6osS";
/// The beginning of the SHA-256 of `event:Loss`.
pub(crate) const LOSS: [u8; 8] = [10, 60, 119, 80, 71, 43, 131, 163];

pub(crate) fn settings(node: &Node) -> SolanaSettings {
    SolanaSettings {
        chain: MAINNET.parse().unwrap(),
        url: node.url(),
        request_timeout: Duration::from_secs(5),
        max_blocks_per_batch: 8.try_into().unwrap(),
        account_every_slots: 25.try_into().unwrap(),
        poll_interval: Duration::from_millis(1),
    }
}

/// The stake of the pool.
pub(crate) fn stake_settings() -> AccountSettings {
    let (chain, pool) = (MAINNET.parse().unwrap(), POOL.parse().unwrap());
    StakePoolField::TotalLamports.of(&chain, pool, stake_pool::PROGRAM)
}

/// What the share price needs.
pub(crate) fn pool() -> Vec<SolanaSource> {
    let (chain, pool) = (MAINNET.parse().unwrap(), POOL.parse().unwrap());
    let supply = StakePoolField::PoolTokenSupply { decimals: 9 };
    [StakePoolField::TotalLamports, supply]
        .map(|field| SolanaSource::account(field.of(&chain, pool, stake_pool::PROGRAM)).unwrap())
        .into()
}

pub(crate) fn loss(from_slot: u64) -> SolanaSource {
    SolanaSource::event(ProgramEventSettings {
        source: format!("event:{MAINNET}:{PROGRAM}#Loss").as_str().into(),
        program: PROGRAM.parse().unwrap(),
        discriminator: LOSS,
        field: Field {
            offset: 8,
            ty: FieldType::U64,
            decimals: 6,
        },
        subject: format!("{MAINNET}:{PROGRAM}").as_str().into(),
        metric: "loss".into(),
        from_slot,
    })
    .unwrap()
}

pub(crate) async fn connect(
    node: &Node,
    sources: Vec<SolanaSource>,
) -> Result<SolanaReader, SourceError> {
    SolanaReader::connect(settings(node), sources).await
}

/// Every source of a reader.
pub(crate) fn all(reader: &SolanaReader) -> Vec<usize> {
    (0..reader.watched().len()).collect()
}

/// What `getBlock` is asked with.
pub(crate) fn block_of(slot: u64, details: &str) -> Value {
    json!([slot, {
        "commitment": "finalized",
        "encoding": "json",
        "transactionDetails": details,
        "maxSupportedTransactionVersion": 0,
        "rewards": false,
    }])
}

/// Values as text, `-` where there is none.
pub(crate) fn values(observations: &[Observation]) -> Vec<String> {
    observations
        .iter()
        .map(|seen| match &seen.value {
            Some(tocsin_domain::value::Value::Decimal(value)) => value.to_string(),
            Some(other) => format!("{other:?}"),
            None => "-".to_owned(),
        })
        .collect()
}

/// An error and what it stems from, in one line.
pub(crate) fn told(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut source = core::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
