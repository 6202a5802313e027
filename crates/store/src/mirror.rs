//! Mirrors: attestations in the form of the Ethereum Attestation Service.

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use tocsin_domain::attestation::QuorumSignature;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::attestation::AttestationRecord;

/// A signed mirror. What it says follows from the attestation and the contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorRecord {
    /// Of which attestation.
    pub attestation: AttestationId,
    /// For which contract of the service.
    pub contract: EasContract,
    /// By whom.
    pub signer: Address,
    /// By that key.
    pub signature: QuorumSignature,
    /// When it was signed.
    pub mirrored_at: Timestamp,
}

/// An attestation without a mirror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmirrored {
    /// Its place in the order in which attestations were recorded.
    pub position: u64,
    /// The attestation.
    pub attestation: AttestationRecord,
}

/// Mirrors, one for each attestation and contract of the service.
#[async_trait]
pub trait Mirrors: Send + Sync {
    /// The attestations of these epochs in a domain that have no mirror for the contract, after a position, in the order of
    /// positions. One that is known to be revoked gets none any more.
    async fn unmirrored(
        &self,
        domain_separator: B256,
        contract: &EasContract,
        epochs: &[u32],
        after: u64,
        limit: u32,
    ) -> Result<Vec<Unmirrored>, StoreError>;

    /// Records mirrors, all or none. Where there is one already it stays: a key may sign the same in two ways.
    /// [`StoreError::Missing`] without its attestation.
    async fn add_mirrors(&self, mirrors: &[MirrorRecord]) -> Result<(), StoreError>;

    /// The mirror of an attestation for a contract.
    async fn mirror(
        &self,
        attestation: AttestationId,
        contract: &EasContract,
    ) -> Result<Option<MirrorRecord>, StoreError>;
}
