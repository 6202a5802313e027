//! A place in an epoch: a key, and what it signs for.

use alloy::primitives::Address;
use tocsin_domain::attestation::{AttestationDomain, QuorumSignature, Signable, SignerSet};

use crate::{AttestError, Signer};

/// The epoch that signs now, and this node's place in it.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    pub(crate) domain: AttestationDomain,
    pub(crate) signers: &'a SignerSet,
    pub(crate) signer: &'a Signer,
    pub(crate) index: u8,
}

impl Seat<'_> {
    /// Where its signatures are valid.
    pub fn domain(&self) -> AttestationDomain {
        self.domain
    }

    /// The epoch's signers.
    pub fn signers(&self) -> &SignerSet {
        self.signers
    }

    /// The place of this node's key among them.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// The address of its key.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    pub(crate) async fn sign(
        &self,
        what: impl Into<Signable>,
    ) -> Result<QuorumSignature, AttestError> {
        self.signer.sign(what.into()).await
    }
}
