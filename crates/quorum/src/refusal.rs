//! Why an attestor does not do what another asks: a word that does not change, for counting, and a sentence for people.

use core::fmt;

use serde::{Deserialize, Serialize};
use tocsin_attest::AttestError;
use tocsin_store::StoreError;
use tocsin_store::quorum::BallotRefusal;

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The kind.
    pub reason: Reason,
    /// What exactly.
    pub detail: String,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// The kinds of refusals and disagreements.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $word)] $name),+
        }

        impl Reason {
            /// The word for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

reasons! {
    /// A header of the envelope is missing or cannot be read.
    Unsigned = "unsigned",
    /// The sender is no attestor of the epoch.
    Stranger = "stranger",
    /// For somebody else, or the answer to another request.
    Misaddressed = "misaddressed",
    /// Sent too long ago, or in the future.
    Stale = "stale",
    /// The sender has not signed this.
    Forged = "forged",
    /// More bytes than are read.
    TooLarge = "too-large",
    /// More requests at once than are worked on.
    Busy = "busy",
    /// It does not fit into one answer any more.
    AskAgain = "ask-again",
    /// The body is not what it should be.
    Unreadable = "unreadable",
    /// No answer came, or none that counts.
    Unreachable = "unreachable",
    /// It was reached, and had not finished in time.
    Slow = "slow",
    /// Another epoch signs now.
    OtherEpoch = "other-epoch",
    /// This node has not determined such an event.
    NotDetermined = "not-determined",
    /// This node has found that it cannot be said.
    Inconclusive = "inconclusive",
    /// The proposal leaves out this node's report, or changes it.
    ReportLeftOut = "report-left-out",
    /// A report is not valid, or does not yield the loss event.
    BadReports = "bad-reports",
    /// Votes that are no certificate, or of something else.
    BadCertificate = "bad-certificate",
    /// A vote or a share that its sender has not signed.
    BadSignature = "bad-signature",
    /// A round of somebody else's, or of a time that is yet to come.
    OutOfTurn = "out-of-turn",
    /// A statement of the claim was signed a moment ago.
    SaidBefore = "said-before",
    /// Rounds rise.
    RoundOver = "round-over",
    /// One vote a round.
    VotedOtherwise = "voted-otherwise",
    /// Locked to other reports.
    Locked = "locked",
    /// A quorum decided otherwise.
    DecidedOtherwise = "decided-otherwise",
    /// This node has no such policy, or its claim does not pay.
    NotEligible = "not-eligible",
    /// Times that this node would not sign at.
    Times = "times",
    /// This node would sign something else.
    OtherPayload = "other-payload",
    /// The claim's key is held by another content.
    OtherContent = "other-content",
    /// What was said of the claim is revoked.
    Revoked = "revoked",
    /// This node has reported another loss than the quorum settled on.
    OtherLoss = "other-loss",
    /// What it rests on is halted.
    Halted = "halted",
    /// Something inside the attestor that says so failed; a later attempt may succeed.
    Failed = "failed",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Refusal {
    /// Of a kind, with a sentence.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl From<BallotRefusal> for Refusal {
    fn from(refusal: BallotRefusal) -> Self {
        let reason = match refusal {
            BallotRefusal::RoundOver(_) => Reason::RoundOver,
            BallotRefusal::VotedOtherwise(_) => Reason::VotedOtherwise,
            BallotRefusal::Locked(_) => Reason::Locked,
            BallotRefusal::Decided(_) => Reason::DecidedOtherwise,
        };
        Self::new(reason, refusal.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Halted { .. } => Self::new(Reason::Halted, error.to_string()),
            // What broke inside is for this node's operator, not for others.
            _ => failed("its books could not be read or written", &error),
        }
    }
}

impl From<AttestError> for Refusal {
    fn from(error: AttestError) -> Self {
        match &error {
            AttestError::Conflict { .. } => {
                tracing::error!(%error, "another attestor asks for what contradicts what was reserved");
                Self::new(Reason::OtherContent, error.to_string())
            }
            AttestError::Revoked { .. } => Self::new(Reason::Revoked, error.to_string()),
            AttestError::ReserveBatch {
                source: StoreError::Halted { .. },
                ..
            } => Self::new(Reason::Halted, error.to_string()),
            AttestError::NoSeat { .. }
            | AttestError::NotASigner { .. }
            | AttestError::UnknownEpoch { .. }
            | AttestError::OutsideEpoch { .. } => Self::new(Reason::OtherEpoch, error.to_string()),
            AttestError::JournalVotes { .. } | AttestError::ReserveBatch { .. } => {
                failed("its books could not be read or written", &error)
            }
            AttestError::DamagedReservation { .. } => failed("its books are damaged", &error),
            _ => failed("its key did not sign", &error),
        }
    }
}

/// Whoever is told learns which part of the node that says so has failed, and nothing of its inside.
fn failed(what: &str, error: &dyn core::error::Error) -> Refusal {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(": ");
        said.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(error = %said, "this node has failed in its own part of a quorum: {what}");
    Refusal::new(
        Reason::Failed,
        format!("{what}; its operator finds the reason in the log"),
    )
}
