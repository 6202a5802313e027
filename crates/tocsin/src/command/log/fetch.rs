//! Where an audit reads a log: a database of its own, or what a service shows.

use std::time::Duration;

use tocsin_log::audit::Files;
use tocsin_log::{Hash, TILE_WIDTH, TilePath, write_bundle};
use tocsin_store::StoreError;
use tocsin_store::log::Log;
use url::Url;

/// No file of a log is longer: a bundle of 256 entries of 64 KiB.
const MAX_BYTES: u64 = 17 << 20;

const PATIENCE: Duration = Duration::from_secs(30);

/// Why a file of a log is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database does not have it.
    #[error("the database does not hold it: rows of the log are missing")]
    Missing,
    /// Not a path.
    #[error(transparent)]
    Path(#[from] tocsin_log::LogError),
    /// Not an address.
    #[error("it has no address")]
    Address(#[from] url::ParseError),
    /// The service.
    #[error("the service cannot be asked")]
    Http(#[from] reqwest::Error),
    /// It answers otherwise.
    #[error("the service answers with {0}")]
    Status(reqwest::StatusCode),
    /// It sends too much.
    #[error("the service sends more than {MAX_BYTES} bytes")]
    Long,
}

/// A log that is read from its database.
pub(super) struct Stored<'a, S>(pub(super) &'a S);

impl<S: Log> Files for Stored<'_, S> {
    type Error = FetchError;

    async fn read(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        if path == "checkpoint" {
            let stored = self.0.checkpoint().await?.ok_or(FetchError::Missing)?;
            return Ok(stored.note.into_bytes());
        }
        match path.parse()? {
            TilePath::Hashes { id, width } => {
                let mut bytes = self.0.tile(id).await?.ok_or(FetchError::Missing)?;
                let hashes = usize::try_from(width).unwrap_or(usize::MAX);
                bytes.truncate(hashes.saturating_mul(Hash::BYTES));
                Ok(bytes)
            }
            TilePath::Entries { index, width } => {
                let first = index.saturating_mul(TILE_WIDTH);
                let limit = u32::try_from(width).unwrap_or(u32::MAX);
                let leaves = self.0.leaves(first, limit).await?;
                if leaves
                    .iter()
                    .map(|leaf| leaf.index)
                    .ne(first..first.saturating_add(width))
                {
                    return Err(FetchError::Missing);
                }
                Ok(write_bundle(
                    leaves.iter().map(|leaf| leaf.entry.as_bytes()),
                )?)
            }
        }
    }
}

/// A log that a service shows.
pub(super) struct Shown {
    base: Url,
    client: reqwest::Client,
}

impl Shown {
    /// Below this address, as in `https://oracle.example/v1/log/`.
    pub(super) fn new(mut base: Url) -> Result<Self, FetchError> {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { base, client })
    }
}

impl Files for Shown {
    type Error = FetchError;

    async fn read(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        let mut response = self.client.get(self.base.join(path)?).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if u64::try_from(body.len()).is_ok_and(|length| length > MAX_BYTES) {
                return Err(FetchError::Long);
            }
        }
        Ok(body)
    }
}
