//! Writing evidence bundles of a stopped service to files.

use std::path::{Path, PathBuf};

use tocsin_domain::cover::Cover;
use tocsin_domain::reasoning::sentences;
use tocsin_store::attestation::{AttestationRecord, Attestations};
use tocsin_store::claim::Claims;
use tocsin_store::policy::Policies;
use tocsin_store::{StoreError, evidence};
use tocsin_store_sqlite::SqliteStore;

use crate::config::{Config, ConfigError};

/// How many attestations are looked at.
const MOST: u32 = 1_000;

/// A written bundle.
#[derive(Debug)]
pub struct Exported {
    /// Where it is.
    pub path: PathBuf,
    /// Why the policy is paid.
    pub sentences: Vec<String>,
}

/// Why there are no bundles.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nothing was attested.
    #[error("the configuration has no [attestor], so there is no evidence of attestations")]
    NoAttestor,
}

/// Writes the bundle of every attestation into `folder`, newest first.
pub async fn export_all(config: &Path, folder: &Path) -> Result<Vec<Exported>, EvidenceError> {
    let config = Config::load(config)?;
    let attestor = config.attestor.as_ref().ok_or(EvidenceError::NoAttestor)?;
    let store = SqliteStore::open(&config.database).await?;
    let mut exported = Vec::new();
    for record in store.recent_attestations(MOST).await? {
        let bundle = evidence::bundle(&store, &record, attestor.domain).await?;
        let text =
            serde_json::to_string_pretty(&bundle).map_err(|source| EvidenceError::Write {
                path: folder.to_owned(),
                source: source.into(),
            })?;
        let path = folder.join(format!("{}.json", record.id));
        std::fs::write(&path, text).map_err(|source| EvidenceError::Write {
            path: path.clone(),
            source,
        })?;
        exported.push(Exported {
            path,
            sentences: explain(&store, &config, &record).await?,
        });
    }
    store.close().await;
    Ok(exported)
}

async fn explain(
    store: &SqliteStore,
    config: &Config,
    record: &AttestationRecord,
) -> Result<Vec<String>, EvidenceError> {
    let policy = store.policy(record.policy).await?;
    let determination = store.determination(record.risk, record.ordinal).await?;
    let claim = store
        .claims_of(record.policy)
        .await?
        .into_iter()
        .find(|claim| claim.ordinal == record.ordinal);
    let cover: Option<&Cover> = config
        .covers
        .iter()
        .map(|insured| &insured.cover)
        .find(|cover| {
            determination
                .as_ref()
                .is_some_and(|loss| loss.terms_hash == cover.terms_hash)
        });
    Ok(match (cover, policy, determination, claim) {
        (Some(cover), Some(policy), Some(loss), Some(claim)) => {
            sentences(cover, &policy, &loss, &claim)
        }
        _ => Vec::new(),
    })
}
