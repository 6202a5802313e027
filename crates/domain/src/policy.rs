//! Policies: one holder's insurance on a risk.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use crate::cover::Consumer;
use crate::ids::{PolicyId, RiskId, TermsHash};
use crate::time::Timestamp;

/// One holder's insurance on a risk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Derived from the consumer and the number.
    pub id: PolicyId,
    /// The number that the consumer gave it.
    pub number: U256,
    /// The contract that holds the money and pays.
    pub consumer: Consumer,
    /// The terms it was bought under.
    pub terms_hash: TermsHash,
    /// What it insures.
    pub risk: RiskId,
    /// Who is paid.
    pub holder: Address,
    /// In the smallest unit of the consumer's token.
    pub sum_insured: U256,
    /// Cover begins.
    pub inception: Timestamp,
    /// Cover ends.
    pub expiry: Timestamp,
}
