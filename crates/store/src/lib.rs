//! What Tocsin remembers: one narrow trait per noun, and one method is one transaction.
//!
//! The store is the queue between the stages. A stage asks for unfinished work, and writes its result together with what
//! comes next; whatever is not committed has not happened. Every method promises: on `Ok` the whole effect is durable,
//! on `Err` there is none.

pub mod answer;
pub mod attestation;
pub mod attestor;
pub mod backlog;
pub mod browse;
pub mod check;
pub mod claim;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod cover;
pub mod coverage;
pub mod credential;
pub mod declaration;
pub mod delivery;
pub mod epoch;
pub mod error;
pub mod event;
pub mod evidence;
pub mod grounds;
pub mod halt;
pub mod import;
pub mod log;
pub mod look;
pub mod mirror;
pub mod policy;
pub mod quorum;
pub mod renewal;
pub mod response;
pub mod revocation;
pub mod spread;
pub mod step;
pub mod unwind;
pub mod version;
pub mod warning;
pub mod webhook;

pub use error::StoreError;

/// All of a backend; what the pipeline is given.
pub trait Store:
    cover::Covers
    + declaration::Declarations
    + browse::Browse
    + answer::Answers
    + policy::Policies
    + import::Imports
    + look::Looks
    + response::Archive
    + step::Steps
    + coverage::Coverages
    + halt::Halts
    + unwind::Unwinds
    + warning::Warnings
    + claim::Claims
    + epoch::Epochs
    + attestor::Attestors
    + revocation::Standings
    + renewal::Renewals
    + attestation::Reservations
    + attestation::Attestations
    + mirror::Mirrors
    + delivery::Deliveries
    + quorum::Quorums
    + event::Events
    + webhook::Webhooks
    + grounds::Groundwork
    + log::Log
    + log::Audit
    + credential::KeyBooks
    + backlog::Backlogs
    + version::Versions
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: cover::Covers
        + declaration::Declarations
        + browse::Browse
        + answer::Answers
        + policy::Policies
        + import::Imports
        + look::Looks
        + response::Archive
        + step::Steps
        + coverage::Coverages
        + halt::Halts
        + unwind::Unwinds
        + warning::Warnings
        + claim::Claims
        + epoch::Epochs
        + attestor::Attestors
        + revocation::Standings
        + renewal::Renewals
        + attestation::Reservations
        + attestation::Attestations
        + mirror::Mirrors
        + mirror::Mirrors
        + delivery::Deliveries
        + quorum::Quorums
        + event::Events
        + webhook::Webhooks
        + grounds::Groundwork
        + log::Log
        + log::Audit
        + credential::KeyBooks
        + backlog::Backlogs
        + version::Versions
        + Send
        + Sync
{
}
