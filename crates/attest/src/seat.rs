//! A place in an epoch: one key, and what it signs for.

use alloy::primitives::Address;
use tocsin_domain::attestation::{
    Epoch, QuorumSignature, Signable, SignatureSet, SignerSet, SigningDomain,
};

use crate::signer::Statement;
use crate::{AttestError, Signer};

/// One signer of one epoch of one verifier.
#[derive(Clone, Debug)]
pub struct Seat<'a> {
    pub(crate) domain: SigningDomain,
    pub(crate) epoch: Epoch,
    pub(crate) signer: &'a Signer,
    /// Of `signer` among the epoch's.
    pub(crate) index: u8,
}

impl<'a> Seat<'a> {
    /// Refuses a key that the epoch does not have.
    pub(crate) fn new(
        domain: SigningDomain,
        epoch: Epoch,
        signer: &'a Signer,
    ) -> Result<Self, AttestError> {
        let address = signer.address();
        let number = epoch.number();
        let index = epoch
            .signers
            .index_of(address)
            .ok_or(AttestError::NotASigner {
                address,
                epoch: number,
            })?;
        Ok(Self {
            domain,
            epoch,
            signer,
            index,
        })
    }

    /// Where its signatures are valid.
    pub fn domain(&self) -> SigningDomain {
        self.domain
    }

    /// The epoch that it signs for.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The epoch's signers.
    pub fn signers(&self) -> &SignerSet {
        &self.epoch.signers
    }

    /// The place of this node's key among them.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// The address of its key.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs what is journaled.
    pub(crate) async fn sign(
        &self,
        what: impl Into<Signable>,
    ) -> Result<QuorumSignature, AttestError> {
        self.signer.sign(what.into()).await
    }

    /// The same, for keys that sign nothing that they cannot show.
    pub(crate) async fn sign_statement(
        &self,
        statement: Statement<'_>,
    ) -> Result<QuorumSignature, AttestError> {
        self.signer.sign(statement).await
    }

    /// The same, where one signature is a quorum.
    pub(crate) async fn quorum(
        &self,
        statement: Statement<'_>,
    ) -> Result<SignatureSet, AttestError> {
        let what = statement.what();
        let signatures = SignatureSet::single(self.index, self.sign_statement(statement).await?);
        // A signer that errs (a fault, a wrong key behind an address) is found here, not by a reverting transaction.
        signatures
            .verify(what, self.signers())
            .map_err(|source| AttestError::SelfCheck {
                address: self.address(),
                source,
            })?;
        Ok(signatures)
    }
}
