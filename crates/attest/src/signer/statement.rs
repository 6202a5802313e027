//! What a key is asked to sign: a digest, and what it is the digest of, for keys that show people what they sign.

use tocsin_domain::attestation::{AttestationBatch, ClaimAttestation, Signable, SigningDomain};

/// A statement of the closed set that keys sign.
#[derive(Debug)]
pub struct Statement<'a> {
    what: Signable,
    content: Option<Content<'a>>,
}

/// A statement as a device hashes it itself: the domain, and the struct.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// One claim.
    Claim(SigningDomain, &'a ClaimAttestation),
    /// A batch of them.
    Batch(SigningDomain, &'a AttestationBatch),
}

impl<'a> Statement<'a> {
    pub(crate) fn with_content(what: impl Into<Signable>, content: Content<'a>) -> Self {
        Self {
            what: what.into(),
            content: Some(content),
        }
    }

    /// What it is, by its digest.
    pub fn what(&self) -> Signable {
        self.what
    }

    /// What it says; `None` for a statement of which a key sees the digest only.
    pub fn content(&self) -> Option<Content<'a>> {
        self.content
    }
}

impl From<Signable> for Statement<'_> {
    fn from(what: Signable) -> Self {
        Self {
            what,
            content: None,
        }
    }
}
