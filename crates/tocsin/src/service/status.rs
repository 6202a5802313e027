//! What the process that fills a database says of itself to those that answer from it: a small file next to the database.
//!
//! It is written anew as a whole every few seconds, so that a reader never sees a part of one. What it says is what this process
//! knows and the database does not: for whom it signs, with which key its log is signed, and how chains, feeds and the other
//! attestors were doing when they were last seen. Nothing in it is secret, and nothing rests on it: without it, nothing is lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tocsin_api::chains::ChainStatus;
use tocsin_api::feeds::FeedStatus;
use tocsin_api::mirrors::Mirrors;
use tocsin_api::quorum::QuorumStatus;
use tocsin_domain::attestation::SigningDomain;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;

/// What is said.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    /// When.
    pub(super) at: Timestamp,
    /// The number of the process.
    pub(super) process: u32,
    pub(super) identity: Identity,
    pub(super) chains: BTreeMap<String, ChainStatus>,
    pub(super) feeds: BTreeMap<SourceId, FeedStatus>,
    pub(super) quorum: Option<QuorumStatus>,
}

/// Whose service it is: the same as long as its configuration is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Identity {
    /// What verifies the log.
    pub(super) log_key: String,
    /// For whom it signs.
    pub(super) attestor: Option<SigningDomain>,
    /// For whom it mirrors.
    pub(super) mirrors: Option<Mirrors>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// It cannot be written.
    #[error(
        "cannot write {}, in which other processes read how this one is doing: check its folder and the disk",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be read.
    #[error(
        "cannot read {}, in which `tocsin run` says how it is doing: give this user permission to read it",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It says something else.
    #[error(
        "{} is not what this version of `tocsin run` writes: let both be the same version",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The file of a database, whose name is without links.
pub(super) fn file_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".status");
    name.into()
}

impl Status {
    /// Puts it in the place of what was said before.
    pub(super) async fn write(&self, path: &Path) -> Result<(), StatusError> {
        let failed = |source| StatusError::Write {
            path: path.to_owned(),
            source,
        };
        let text = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        tokio::fs::write(&new, text).await.map_err(failed)?;
        tokio::fs::rename(&new, path).await.map_err(failed)
    }

    /// What was said last; `None` where nothing ever was.
    pub(super) async fn read(path: &Path) -> Result<Option<Self>, StatusError> {
        let text = match tokio::fs::read(path).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StatusError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let status = serde_json::from_slice(&text);
        status.map(Some).map_err(|source| StatusError::Content {
            path: path.to_owned(),
            source,
        })
    }
}
