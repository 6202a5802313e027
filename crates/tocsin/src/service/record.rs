//! What the configuration insures, into the books: covers, risks, what is to be asked of feeds, and policies.

use tocsin_domain::risk::Risk;
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tocsin_store::cover::{CoverRecord, RiskRecord};
use tocsin_store::look::NewLook;

use super::ServiceError;
use crate::config::{Config, InsuredCover};
use crate::insure::{csv, import};
use crate::pipeline::StageError;
use crate::pipeline::evaluate::Evaluator;

/// Makes everything known to the store that the configuration names. Terms and policies that changed are refused there.
pub async fn record(
    store: &dyn Store,
    evaluator: &Evaluator,
    config: &Config,
    now: Timestamp,
) -> Result<(), ServiceError> {
    for insured in &config.covers {
        store
            .add_cover(&terms(insured), &risks(insured, evaluator)?)
            .await?;
    }
    let looks = looks(config, now);
    if !looks.is_empty() {
        store.add_looks(&looks).await?;
    }
    store.add_policies(&config.policies).await?;
    for path in &config.policy_files {
        let outcome =
            import::import(store, config.insurer(now), evaluator, csv::open(path)?).await?;
        let outcome = csv::taken(path, outcome)?;
        tracing::info!(
            file = %path.display(),
            rows = outcome.rows,
            new_policies = outcome.imported.policies,
            new_risks = outcome.imported.risks,
            "policies read"
        );
    }
    Ok(())
}

pub(super) fn terms(insured: &InsuredCover) -> CoverRecord {
    let cover = &insured.cover;
    CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name.clone(),
        version: cover.version,
        canonical_terms: cover.canonical_terms.clone(),
    }
}

/// The risks that are known without policies.
pub(super) fn risks(
    insured: &InsuredCover,
    evaluator: &Evaluator,
) -> Result<Vec<RiskRecord>, StageError> {
    let record = |risk: &Risk| {
        Ok(RiskRecord {
            risk: risk.clone(),
            streams: insured.streams(risk),
            initial_state: evaluator.initial_state(risk)?,
        })
    };
    insured.risks.values().map(record).collect()
}

/// What is to be asked of feeds for the risks that the configuration knows.
fn looks(config: &Config, now: Timestamp) -> Vec<NewLook> {
    let covers = config.covers.iter();
    let mut looks: Vec<NewLook> = covers
        .flat_map(|insured| insured.looks(&config.feeds, now))
        .collect();
    looks.sort();
    looks.dedup();
    looks
}
