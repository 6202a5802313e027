//! What a quorum of independent attestors says of one loss event.
//!
//! Each attestor has seen the loss with its own sources and signs a *report*: its observations, and what follows from them
//! by the terms. [`fuse`](fn@fuse) re-executes every report and makes one determination of those that hold. Votes of a
//! quorum, in two steps, settle which reports are fused; a [`Certificate`] is the proof that a quorum voted.
//!
//! Everything here is a pure function of terms and reports: who asks whom, and when, is not this module's.

mod error;
mod event;
mod fuse;
mod message;
mod reexecute;
mod report;
mod same_loss;
mod union;
mod vote;
mod written;

pub use error::FuseError;
pub use event::Event;
pub(crate) use fuse::combine;
pub use fuse::{Fused, MAX_UNION_BYTES, Quorum, fuse};
pub use message::PeerMessage;
pub(crate) use reexecute::examine;
pub use reexecute::{Reported, reexecute};
pub use report::{MAX_REPORT_BYTES, ObservationReport, ReportError, SignedReport, reports_hash};
pub use same_loss::is_same_loss;
pub(crate) use union::Places;
pub use vote::{Certificate, CertificateError, EvidenceVote, Step};
