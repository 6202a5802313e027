//! One column at a time: how a number, a hash, an instant, a value or a reason is written, and how it is read back.

use core::fmt;

use alloy_primitives::{Address, B256, U256, hex};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tocsin_domain::observation::ChainPosition;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;

/// An unsigned number as SQLite's signed one.
pub(crate) fn signed(
    noun: &'static str,
    key: impl fmt::Display,
    number: u64,
) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_too_large| {
        Flaw(format!(
            "{number} is larger than the {} that SQLite can store",
            i64::MAX
        ))
        .refused(noun, key)
    })
}

/// A number that is never negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(column: &str, number: i64) -> Result<T, Flaw> {
    T::try_from(number).map_err(|_out_of_range| Flaw(format!("{column} {number} is out of range")))
}

/// 32 bytes.
pub(crate) fn word(column: &str, bytes: &[u8]) -> Result<B256, Flaw> {
    sized(column, bytes).map(B256::new)
}

/// 20 bytes.
pub(crate) fn address(column: &str, bytes: &[u8]) -> Result<Address, Flaw> {
    sized(column, bytes).map(Address::new)
}

/// 32 bytes, big-endian.
pub(crate) fn number(column: &str, bytes: &[u8]) -> Result<U256, Flaw> {
    sized(column, bytes).map(U256::from_be_bytes::<32>)
}

/// 16 bytes, big-endian.
pub(crate) fn wei(column: &str, bytes: &[u8]) -> Result<u128, Flaw> {
    sized(column, bytes).map(u128::from_be_bytes)
}

fn sized<const N: usize>(column: &str, bytes: &[u8]) -> Result<[u8; N], Flaw> {
    bytes
        .try_into()
        .map_err(|_other_length| Flaw(format!("{column} has {} bytes instead of {N}", bytes.len())))
}

/// A column that must not be null here.
pub(crate) fn present<T>(column: &str, cell: Option<T>) -> Result<T, Flaw> {
    cell.ok_or_else(|| Flaw(format!("{column} is missing")))
}

/// A reason, as JSON.
pub(crate) fn to_json<T: Serialize>(
    noun: &'static str,
    key: impl fmt::Display,
    value: &T,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| Flaw(error.to_string()).refused(noun, key))
}

/// A reason, from JSON.
pub(crate) fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, Flaw> {
    serde_json::from_str(text)
        .map_err(|error| Flaw(format!("{column} `{text}` cannot be read: {error}")))
}

/// Bytes for a row that travels as JSON; SQL reads them with `unhex`.
pub(crate) fn hexed(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

/// 256-bit numbers order as their bytes do.
pub(crate) fn hexed_number(number: U256) -> String {
    hex::encode(number.to_be_bytes::<32>())
}

/// The two columns of a value: the name of its type and its text.
pub(crate) fn value_cells(value: &Value) -> (&'static str, String) {
    match value {
        Value::Decimal(decimal) => ("decimal", decimal.to_string()),
        Value::Duration(Seconds(seconds)) => ("duration", seconds.to_string()),
        Value::Bool(truth) => ("bool", truth.to_string()),
        Value::Text(text) => ("text", text.clone()),
        Value::Time(Timestamp(seconds)) => ("time", seconds.to_string()),
    }
}

/// The value of two columns.
pub(crate) fn value(kind: Option<String>, text: Option<String>) -> Result<Option<Value>, Flaw> {
    let (kind, text) = match (kind, text) {
        (None, None) => return Ok(None),
        (Some(kind), Some(text)) => (kind, text),
        (Some(_), None) | (None, Some(_)) => {
            return Err(Flaw("value and its kind must be there together".to_owned()));
        }
    };
    let unreadable = |why: &dyn fmt::Display| Flaw(format!("value `{text}` is no {kind}: {why}"));
    let value = match kind.as_str() {
        "decimal" => Value::Decimal(text.parse().map_err(|why| unreadable(&why))?),
        "duration" => Value::Duration(Seconds(text.parse().map_err(|why| unreadable(&why))?)),
        "bool" => Value::Bool(text.parse().map_err(|why| unreadable(&why))?),
        "time" => Value::Time(Timestamp(text.parse().map_err(|why| unreadable(&why))?)),
        "text" => Value::Text(text),
        _ => return Err(Flaw(format!("there is no kind of value `{kind}`"))),
    };
    Ok(Some(value))
}

/// The five columns of a place on a chain, as they are read.
pub(crate) struct PositionCells {
    pub(crate) chain_id: Option<i64>,
    pub(crate) block: Option<i64>,
    pub(crate) block_hash: Option<Vec<u8>>,
    pub(crate) log_index: Option<i64>,
    pub(crate) raw_hash: B256,
}

/// A place on a chain; `None` where there is no chain.
pub(crate) fn position(cells: PositionCells) -> Result<Option<ChainPosition>, Flaw> {
    let PositionCells {
        chain_id,
        block,
        block_hash,
        log_index,
        raw_hash,
    } = cells;
    if chain_id.is_none() && block.is_none() && block_hash.is_none() && log_index.is_none() {
        return Ok(None);
    }
    Ok(Some(ChainPosition {
        chain_id: unsigned("chain_id", present("chain_id", chain_id)?)?,
        block: unsigned("block", present("block", block)?)?,
        block_hash: word("block_hash", &present("block_hash", block_hash)?)?,
        log_index: log_index
            .map(|index| unsigned("log_index", index))
            .transpose()?,
        raw_hash,
    }))
}

/// The five columns of a place on a chain, as they are written.
#[derive(Default)]
pub(crate) struct WrittenPosition {
    pub(crate) chain_id: Option<i64>,
    pub(crate) block: Option<i64>,
    pub(crate) block_hash: Option<String>,
    pub(crate) log_index: Option<i64>,
}

impl WrittenPosition {
    pub(crate) fn of(
        noun: &'static str,
        key: impl fmt::Display,
        position: &ChainPosition,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            chain_id: Some(signed(noun, &key, position.chain_id)?),
            block: Some(signed(noun, &key, position.block)?),
            block_hash: Some(hexed(position.block_hash)),
            log_index: position
                .log_index
                .map(|index| signed(noun, &key, index))
                .transpose()?,
        })
    }
}
