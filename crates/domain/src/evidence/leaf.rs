//! One observation as a leaf of the evidence tree.

use alloy_primitives::{B256, I256, U256, keccak256};
use alloy_sol_types::{SolValue, sol};

use crate::decimal::SCALE;
use crate::observation::{Observation, Provenance};
use crate::time::Timestamp;
use crate::value::Value;

sol! {
    /// The fields of a leaf, in the order in which they are encoded.
    #[derive(Debug, PartialEq, Eq)]
    struct EvidenceLeaf {
        uint32 index;
        bytes32 source;
        bytes32 subject;
        bytes32 metric;
        int256 value;
        // Seconds; the 64 bits of an instant before 1970 are its two's complement.
        uint64 observedAt;
        uint256 sequence;
        uint64 chainId;
        uint64 block;
        bytes32 blockHash;
        bytes32 rawHash;
    }
}

impl EvidenceLeaf {
    /// The leaf of the `index`-th observation of the evidence, counted from 0. An observation that is not from a chain
    /// has zeros for the chain's fields.
    pub fn of(index: u32, observation: &Observation) -> Self {
        let (chain_id, block, block_hash, raw_hash) = match observation.provenance {
            Provenance::Chain(place) => (
                place.chain_id,
                place.block,
                place.block_hash,
                place.raw_hash,
            ),
            Provenance::Raw { hash } => (0, 0, B256::ZERO, hash),
        };
        Self {
            index,
            source: keccak256(observation.source.as_str()),
            subject: keccak256(observation.subject.as_str()),
            metric: keccak256(observation.metric.as_str()),
            value: value_units(observation.value.as_ref()),
            observedAt: observation.observed_at.0.cast_unsigned(),
            sequence: observation.sequence.0,
            chainId: chain_id,
            block,
            blockHash: block_hash,
            rawHash: raw_hash,
        }
    }

    /// keccak(keccak(abi.encode(fields))): hashed twice, so that no inner node of a tree can pass for a leaf.
    pub fn hash(&self) -> B256 {
        keccak256(keccak256(self.abi_encode()))
    }
}

/// A value as int256: decimals in 18-decimal units, seconds × 10¹⁸ for durations and instants, 0 or 10¹⁸ for truth
/// values, keccak-256 for text, int256's minimum (which no decimal has) for a missing value.
pub fn value_units(value: Option<&Value>) -> I256 {
    match value {
        None => I256::MIN,
        Some(Value::Decimal(decimal)) => decimal.units(),
        Some(Value::Duration(duration)) => whole_units(duration.0),
        Some(Value::Time(Timestamp(seconds))) => whole_units(*seconds),
        Some(Value::Bool(truth)) => whole_units(i64::from(*truth)),
        Some(Value::Text(text)) => I256::from_raw(U256::from_be_bytes(keccak256(text).0)),
    }
}

fn whole_units(seconds: i64) -> I256 {
    // |i64| · 10¹⁸ < 2¹²⁴.
    let magnitude = U256::from(seconds.unsigned_abs()).wrapping_mul(U256::from(SCALE));
    let units = I256::from_raw(magnitude);
    if seconds < 0 {
        units.wrapping_neg()
    } else {
        units
    }
}
