//! Why a demonstration stopped.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::ConfigError;
use crate::service::ServiceError;

/// Why a demonstration stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// anvil.
    #[error(
        "cannot start the anvil at {path}: install it with `npm install @foundry-rs/anvil-linux-amd64`, or name it with \
         --anvil",
        path = path.display()
    )]
    Anvil {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// anvil said nothing useful.
    #[error("anvil did not start: {0}")]
    AnvilSilent(String),
    /// The chain refused something.
    #[error("the demonstration's chain failed to {attempt}: {reason}")]
    Chain {
        /// What was attempted.
        attempt: &'static str,
        /// What it said.
        reason: String,
    },
    /// Files.
    #[error("cannot write {path}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder with something else in it.
    #[error(
        "{path} is not empty and no demonstration's: name a new folder with --output",
        path = path.display()
    )]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
    /// Output.
    #[error("cannot print")]
    Print(#[from] std::io::Error),
    /// A key.
    #[error(transparent)]
    Key(#[from] tocsin_attest::AttestError),
    /// The files that the demonstration wrote.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The service.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Evidence.
    #[error(transparent)]
    Evidence(#[from] crate::command::evidence::EvidenceError),
    /// It stopped, without an error.
    #[error("the service ended before the demonstration did")]
    ServiceEnded,
    /// Nothing came.
    #[error("the holder was not paid within {} s: read the log above", .0.as_secs())]
    NotPaid(Duration),
    /// The bundle does not hold.
    #[error("the evidence bundle does not verify")]
    NotVerified,
    /// The recorded flights.
    #[error("cannot read the recorded flights")]
    Flights(#[from] super::storm::slice::SliceError),
    /// The store.
    #[error(transparent)]
    Store(#[from] tocsin_store::StoreError),
    /// The policies.
    #[error("cannot take the policies: {0}")]
    Policies(crate::report::Report),
    /// The service's own API.
    #[error("cannot ask the service's API for {path}: {reason}")]
    Api {
        /// What.
        path: String,
        /// Why.
        reason: String,
    },
    /// The service does not keep up.
    #[error("the service was still busy with {doing} after {} s: read the log above", .after.as_secs())]
    Busy {
        /// What it was doing.
        doing: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
}
