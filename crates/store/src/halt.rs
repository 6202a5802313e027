//! Halts: a chain took back a block that counted as final, or says otherwise when it is read again, so nothing that rests on
//! its sources may be believed until a person has looked.
//!
//! While a source is halted, no step moves it, no claim on a risk that listens to it is handed out for attestation, and
//! nothing is reserved for one. What was signed before goes on: its attestation is recorded and its delivery is carried
//! out, because whoever holds a signature can deliver it anyway.

use core::fmt;

use alloy_primitives::B256;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// Why sources were halted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Halt {
    /// The chain, by its CAIP-2 identifier.
    pub chain: String,
    /// The block at which it contradicts what was read; everything before it does not.
    pub number: u64,
    /// How.
    pub cause: Cause,
    /// Who said so, as it may be shown.
    pub endpoint: String,
    /// When it was noticed.
    pub since: Timestamp,
}

/// How a chain contradicts what was read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Another block is in the place of one that was final.
    TookBack {
        /// The hash that was read, as final.
        ours: B256,
        /// The hash that the chain has now.
        theirs: B256,
    },
    /// Read again, a part of it says something else; what, in words.
    SaysOtherwise(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TookBack { ours, theirs } => {
                write!(
                    f,
                    "took back a final block ({ours} was read, {theirs} is there now)"
                )
            }
            Self::SaysOtherwise(how) => write!(f, "says otherwise when it is read again ({how})"),
        }
    }
}

/// A source that is halted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Halted {
    /// The source.
    pub source: SourceId,
    /// Why.
    pub halt: Halt,
}

/// Halts.
#[async_trait]
pub trait Halts: Send + Sync {
    /// Halts sources, whether they were read already or not. One that is halted already stays so for its first reason.
    async fn halt(&self, sources: &[SourceId], halt: &Halt) -> Result<(), StoreError>;

    /// Every halted source, by name.
    async fn halts(&self) -> Result<Vec<Halted>, StoreError>;

    /// Lets sources go on; one that is not halted is no error. [`StoreError::Refused`], for all of them, while an unwinding
    /// kept a claim on a risk that listens to one of them and nobody has acknowledged it
    /// ([`crate::unwind::Unwinds::acknowledge`]).
    async fn clear_halt(&self, sources: &[SourceId]) -> Result<(), StoreError>;
}
