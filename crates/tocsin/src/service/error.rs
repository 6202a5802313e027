//! Why the service did not start, or stopped: the whole list.

use std::net::SocketAddr;
use std::path::PathBuf;

use tocsin_attest::AttestError;
use tocsin_delivery::DeliveryError;
use tocsin_domain::attestation::SigningDomain;
use tocsin_quorum::NodeError;
use tocsin_sources::SourceError;
use tocsin_store::StoreError;

use super::status::StatusError;
use crate::insure::catalogue::CatalogueError;
use crate::insure::csv::CsvError;
use crate::log_key::LogKeyError;
use crate::pipeline::StageError;
use crate::supervisor::TaskFailure;

/// Why the service did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source chain.
    #[error("cannot watch {chain}; check [chains.\"{chain}\"] and the endpoints that it names")]
    Source {
        /// The chain.
        chain: String,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// The other attestors.
    #[error(transparent)]
    Quorum(#[from] NodeError),
    /// The attestation key.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// An epoch of a programme off-chain that the configuration forgets.
    #[error(
        "epoch {number} of {domain} was configured, is still accepted, and is not in the configuration any more: write it into \
         [[attestor.epochs]], with the end that it has (`sign_until`, `accept_until`), or with `revoked = true`"
    )]
    ForgottenEpoch {
        /// Its number.
        number: u32,
        /// The programme.
        domain: SigningDomain,
    },
    /// A settlement chain.
    #[error(
        "cannot deliver to eip155:{chain_id}; check [delivery.\"eip155:{chain_id}\"] and what it names"
    )]
    Delivery {
        /// The chain.
        chain_id: u64,
        /// Why.
        #[source]
        source: DeliveryError,
    },
    /// Webhooks.
    #[error("cannot send webhooks; check [webhooks]")]
    Webhooks(#[source] DeliveryError),
    /// A cover.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The key of the eligibility log.
    #[error(transparent)]
    LogKey(#[from] LogKeyError),
    /// A cover that a client declared.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A file of policies.
    #[error(transparent)]
    Policies(#[from] CsvError),
    /// How a service is doing, for or from another process.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// Nobody fills the database that is to be served.
    #[error(
        "cannot serve the database {}: no `tocsin run` of this version has ever filled it; start one first, and leave it running",
        database.display()
    )]
    NeverFilled {
        /// The database.
        database: PathBuf,
    },
    /// An address to listen on.
    #[error("cannot listen on {address}: choose another [{section}] listen")]
    Listen {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The signals of the operating system.
    #[error("cannot listen for the signals that end the service")]
    Signals(#[source] std::io::Error),
    /// A part of the service ended.
    #[error(transparent)]
    Task(#[from] TaskFailure),
}
