//! What a stopped service has in its books, read through the store's own door, for comparing two runs.

use std::path::Path;

use tocsin::config::Config;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::observation::Observation;
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::{AttestationRecord, Attestations};
use tocsin_store::claim::Claims;
use tocsin_store::delivery::{Deliveries, DeliveryState};
use tocsin_store::step::Steps;
use tocsin_store_sqlite::SqliteStore;

/// Everything that was seen, decided and signed. Left out is only what tells how long it took: cursors, fees, and who of
/// several attempts was mined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ledger {
    /// What was seen.
    pub observations: Vec<Observation>,
    /// What was decided.
    pub determinations: Vec<Determination>,
    /// What follows for whom.
    pub claims: Vec<Claim>,
    /// What was signed, signatures included.
    pub attestations: Vec<AttestationRecord>,
    /// For each attestation, whether it has been delivered.
    pub delivered: Vec<bool>,
}

impl Ledger {
    /// Reads the books of the service that `config` describes.
    pub async fn read(config: &Path) -> Self {
        let config = Config::load(config).unwrap();
        let store = SqliteStore::open(&config.database).await.unwrap();
        let mut ledger = Self {
            observations: Vec::new(),
            determinations: Vec::new(),
            claims: Vec::new(),
            attestations: Vec::new(),
            delivered: Vec::new(),
        };
        for insured in &config.covers {
            let all = (Timestamp(0), Timestamp(i64::MAX));
            for risk in insured.risks.values() {
                let streams = insured.streams(risk);
                ledger
                    .observations
                    .extend(store.history(&streams, all.0, all.1).await.unwrap());
                ledger
                    .determinations
                    .extend(store.determinations_of(risk.id).await.unwrap());
            }
        }
        for policy in &config.policies {
            ledger
                .claims
                .extend(store.claims_of(policy.id).await.unwrap());
            ledger
                .attestations
                .extend(store.attestations_of(policy.id).await.unwrap());
        }
        for attestation in &ledger.attestations {
            let delivery = store.delivery(attestation.id).await.unwrap().unwrap();
            ledger
                .delivered
                .push(matches!(delivery.state, DeliveryState::Done { .. }));
        }
        store.close().await;
        ledger
    }
}
