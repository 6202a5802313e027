//! From the reports of a quorum to one determination.

use crate::attestation::{AttestationDomain, SignerSet};
use crate::cover::Cover;
use crate::determination::Determination;
use crate::observation::Observation;
use crate::quorum::{Event, SignedReport};
use crate::time::Timestamp;

/// Who can report, and where their signatures are valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quorum<'a> {
    /// For which verifier.
    pub domain: &'a AttestationDomain,
    /// The signers of the reports' epoch.
    pub signers: &'a SignerSet,
}

/// What the reports amount to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fused {
    /// What follows for the loss event.
    pub determination: Determination,
    /// Its evidence: what all have seen, each observation once, in the order of the reports.
    pub observations: Vec<Observation>,
    /// When the loss event before it was confirmed; `None` for the first.
    pub previous: Option<Timestamp>,
    /// The reports, in the order of their signers' indices.
    pub reports: Vec<SignedReport>,
}

/// Why reports do not make a determination.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FuseError {
    /// Not a quorum's.
    #[error("{given} report(s) where the epoch demands {threshold}")]
    TooFew {
        /// How many there are.
        given: usize,
        /// How many there must be.
        threshold: u8,
    },
}

/// One determination of `event` out of the reports of a quorum, given in any order.
pub fn fuse(
    _cover: &Cover,
    _event: &Event,
    reports: &[SignedReport],
    quorum: Quorum<'_>,
) -> Result<Fused, FuseError> {
    Err(FuseError::TooFew {
        given: reports.len(),
        threshold: quorum.signers.threshold(),
    })
}
