//! Who may sign in an epoch, and how many must.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use crate::attestation::json::{canonical_address, decimal_text};

/// The most signers that an epoch can have (the verifier counts them in 8 bits).
pub const MAX_SIGNERS: usize = 255;

/// The signers of one epoch, as the verifier knows them: in ascending order of their addresses, a signer's place being
/// its index in a signature bitmap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "WrittenSignerSet", into = "WrittenSignerSet")]
pub struct SignerSet {
    epoch: u32,
    threshold: u8,
    signers: Vec<Address>,
    /// Bit i where signer i is a contract.
    contracts: U256,
}

/// Why a list of addresses is no signer set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignerSetError {
    /// Epochs are numbered from 1.
    #[error(
        "epoch 0 does not exist: epochs are numbered from 1, in the order that the verifier announced them"
    )]
    NoEpoch,
    /// More than the verifier can count.
    #[error("{0} signers are more than the {MAX_SIGNERS} that a verifier can have")]
    TooMany(usize),
    /// A threshold that cannot be met, or of nobody.
    #[error(
        "a threshold of {threshold} of {signers} signers cannot be: it lies between 1 and the number of signers"
    )]
    Threshold {
        /// How many must sign.
        threshold: u8,
        /// How many there are.
        signers: usize,
    },
    /// Not in the verifier's order; this also finds repeats and the zero address.
    #[error(
        "signer {index} (counted from 0) is out of order: list the signers by ascending address, each once"
    )]
    NotAscending {
        /// Its place in the list.
        index: usize,
    },
    /// A contract that is no signer.
    #[error("the bitmap of contracts names signers beyond the {signers} of the set")]
    ContractsOutOfRange {
        /// How many there are.
        signers: usize,
    },
    /// A written list of contracts that is not the signers' order, or is empty.
    #[error(
        "the contracts among the signers are listed in the signers' order, each once; leave the list away where there \
         are none"
    )]
    ContractsNotInOrder,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignerSet {
    #[serde(with = "decimal_text")]
    epoch: u32,
    #[serde(with = "decimal_text")]
    threshold: u8,
    addresses: Vec<WrittenAddress>,
    /// Those of them that are contracts; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contracts: Option<Vec<WrittenAddress>>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct WrittenAddress(#[serde(with = "canonical_address")] Address);

impl SignerSet {
    /// A set that a verifier would announce, of signers that all sign with keys.
    pub fn new(epoch: u32, threshold: u8, signers: Vec<Address>) -> Result<Self, SignerSetError> {
        if epoch == 0 {
            return Err(SignerSetError::NoEpoch);
        }
        if signers.len() > MAX_SIGNERS {
            return Err(SignerSetError::TooMany(signers.len()));
        }
        if threshold == 0 || usize::from(threshold) > signers.len() {
            return Err(SignerSetError::Threshold {
                threshold,
                signers: signers.len(),
            });
        }
        let mut previous = Address::ZERO;
        for (index, &signer) in signers.iter().enumerate() {
            if signer <= previous {
                return Err(SignerSetError::NotAscending { index });
            }
            previous = signer;
        }
        Ok(Self {
            epoch,
            threshold,
            signers,
            contracts: U256::ZERO,
        })
    }

    /// How many of `signers` sign where nothing else is said: two thirds, rounded down, and one.
    pub fn default_threshold(signers: u8) -> u8 {
        // Two thirds of 255 and one fit.
        u8::try_from(u16::from(signers) * 2 / 3 + 1).unwrap_or(u8::MAX)
    }

    /// The same signers, of which those whose bit is set are contracts that vote by ERC-1271. A signer is what it was
    /// announced as, whatever is or is not at its address.
    pub fn with_contracts(mut self, contracts: U256) -> Result<Self, SignerSetError> {
        if contracts.bit_len() > self.signers.len() {
            return Err(SignerSetError::ContractsOutOfRange {
                signers: self.signers.len(),
            });
        }
        self.contracts = contracts;
        Ok(self)
    }

    /// Bit i is set where signer i is a contract, as the verifier announces it.
    pub fn contracts(&self) -> U256 {
        self.contracts
    }

    /// Whether the signer with this index is a contract.
    pub fn is_contract(&self, index: u8) -> bool {
        self.contracts.bit(usize::from(index))
    }

    /// The epoch's number, from 1.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How many signatures make a quorum.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The signers in the order of their indices.
    pub fn signers(&self) -> &[Address] {
        &self.signers
    }

    /// The signers that are contracts, in the order of their indices.
    pub fn contract_addresses(&self) -> impl Iterator<Item = Address> {
        let with_index = self.signers.iter().enumerate();
        with_index.filter_map(|(index, &signer)| self.contracts.bit(index).then_some(signer))
    }

    /// The index of `signer` in a signature bitmap.
    pub fn index_of(&self, signer: Address) -> Option<u8> {
        // At most 255 signers, so every index fits.
        self.signers
            .binary_search(&signer)
            .ok()
            .and_then(|index| u8::try_from(index).ok())
    }
}

impl TryFrom<WrittenSignerSet> for SignerSet {
    type Error = SignerSetError;

    fn try_from(written: WrittenSignerSet) -> Result<Self, SignerSetError> {
        let plain = |list: Vec<WrittenAddress>| list.into_iter().map(|address| address.0).collect();
        let set = Self::new(written.epoch, written.threshold, plain(written.addresses))?;
        let Some(contracts) = written.contracts else {
            return Ok(set);
        };
        let listed: Vec<Address> = plain(contracts);
        let bits = listed
            .iter()
            .filter_map(|&contract| set.index_of(contract))
            .fold(U256::ZERO, |bits, index| {
                bits | (U256::ONE << usize::from(index))
            });
        let set = set.with_contracts(bits)?;
        // Found again in this order, so listed in it, each once, and no stranger.
        if listed.is_empty() || !set.contract_addresses().eq(listed) {
            return Err(SignerSetError::ContractsNotInOrder);
        }
        Ok(set)
    }
}

impl From<SignerSet> for WrittenSignerSet {
    fn from(set: SignerSet) -> Self {
        let contracts: Vec<_> = set.contract_addresses().map(WrittenAddress).collect();
        Self {
            epoch: set.epoch,
            threshold: set.threshold,
            contracts: (!contracts.is_empty()).then_some(contracts),
            addresses: set.signers.into_iter().map(WrittenAddress).collect(),
        }
    }
}
