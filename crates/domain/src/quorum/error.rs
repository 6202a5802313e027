//! Why reports do not make a determination.

use alloy_primitives::Address;

use crate::ids::EventKey;

/// Why reports do not make a determination. What is one attestor's fault names it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FuseError {
    /// Not a quorum's.
    #[error("there are {given} report(s) where the epoch demands {threshold}")]
    TooFew {
        /// How many there are.
        given: usize,
        /// How many there must be.
        threshold: u8,
    },
    /// More than 2³² − 1 observations.
    #[error("the reports hold more observations than an attestation can count")]
    TooMuchEvidence,
    /// More than can be kept, told and verified as one piece of evidence.
    #[error(
        "the observations of all reports together have more than {most} bytes, which is the most that one attestation rests on"
    )]
    TooManyBytes {
        /// The most that there may be.
        most: usize,
    },
    /// The event is none of these terms.
    #[error("the event is none of these terms: {reason}")]
    NoSuchEvent {
        /// Why not.
        reason: &'static str,
    },
    /// Nobody can have made this signature.
    #[error("a report's signature is not a point of the curve: nobody made it")]
    NoPoint,
    /// A stranger's, or changed since it was signed.
    #[error(
        "a report is signed by {signer:#x}, which is no signer of epoch {epoch}, or was changed since it was signed"
    )]
    NotASigner {
        /// Who signed, if this is what was signed.
        signer: Address,
        /// The epoch.
        epoch: u32,
    },
    /// Two reports of one attestor.
    #[error("{attestor:#x} has reported twice")]
    Twice {
        /// Who.
        attestor: Address,
    },
    /// Signed for another signer set.
    #[error(
        "the report of {attestor:#x} is of epoch {report}, the signers are those of epoch {signers}"
    )]
    OtherEpoch {
        /// Whose.
        attestor: Address,
        /// The report's.
        report: u32,
        /// The signers'.
        signers: u32,
    },
    /// About another loss event.
    #[error("the report of {attestor:#x} is about the event {report}, not about {event}")]
    OtherEvent {
        /// Whose.
        attestor: Address,
        /// What it is about.
        report: EventKey,
        /// What it should be about.
        event: EventKey,
    },
    /// The observations are not the signed ones.
    #[error(
        "the observations with the report of {attestor:#x} are not those that it signed: they were changed on the way"
    )]
    OtherObservations {
        /// Whose.
        attestor: Address,
    },
    /// The times contradict each other.
    #[error(
        "the times in the report of {attestor:#x} are out of order: 1970, evidenceFrom, occurredAt, confirmedAt, settledAt, determinedAt, the year 9999; only a later loss event has one before it"
    )]
    Times {
        /// Whose.
        attestor: Address,
    },
    /// The observations do not show the loss.
    #[error("the report of {attestor:#x} does not show this loss: {reason}")]
    NotShown {
        /// Whose.
        attestor: Address,
        /// Why not.
        reason: String,
    },
    /// The observations leave open how much is paid.
    #[error("the observations of {attestor:#x} leave open how much is paid")]
    Inconclusive {
        /// Whose.
        attestor: Address,
    },
    /// The observations show the loss, and not as the report says.
    #[error(
        "the report of {attestor:#x} has another `{field}` than follows from its own observations"
    )]
    OtherValue {
        /// Whose.
        attestor: Address,
        /// The field of the signed type.
        field: &'static str,
    },
}

impl FuseError {
    /// Whose report is at fault, where it is one attestor's.
    pub fn attestor(&self) -> Option<Address> {
        match *self {
            Self::TooFew { .. }
            | Self::TooMuchEvidence
            | Self::TooManyBytes { .. }
            | Self::NoSuchEvent { .. }
            | Self::NoPoint
            | Self::NotASigner { .. } => None,
            Self::Twice { attestor }
            | Self::OtherEpoch { attestor, .. }
            | Self::OtherEvent { attestor, .. }
            | Self::OtherObservations { attestor }
            | Self::Times { attestor }
            | Self::NotShown { attestor, .. }
            | Self::Inconclusive { attestor }
            | Self::OtherValue { attestor, .. } => Some(attestor),
        }
    }
}
