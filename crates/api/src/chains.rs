//! How the chains and their endpoints are doing, as their observers last saw them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tocsin_domain::observation::SourceId;
use utoipa::ToSchema;

/// Shared by the observers, which write their own chain, and the API, which reads all.
#[derive(Clone, Debug, Default)]
pub struct Chains(Arc<RwLock<BTreeMap<String, ChainStatus>>>);

/// A chain as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChainStatus {
    /// The endpoints it is read through.
    pub endpoints: Vec<EndpointStatus>,
    /// The sources that are read from it.
    #[schema(value_type = Vec<String>)]
    pub sources: Vec<SourceId>,
}

/// An endpoint as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct EndpointStatus {
    /// Its address without what is secret in it.
    pub endpoint: String,
    /// `trusted`, `benched`, `probation` or `refused`.
    pub standing: String,
    /// Why it is not trusted.
    pub reason: Option<String>,
    /// Whether it asked for a rest, or gets one for its failures.
    pub resting: bool,
    /// The newest final block that it knows.
    pub final_head: Option<u64>,
    /// By how many final blocks it is behind the one that is furthest.
    pub behind: u64,
    /// Its last trouble, also where it is over.
    pub last_trouble: Option<String>,
    /// How often it was in trouble since the start, by kind.
    pub troubles: BTreeMap<String, u64>,
}

impl Chains {
    /// What is known of a chain now.
    pub fn report(&self, chain: &str, status: ChainStatus) {
        // The lock is held for a map access only, and nothing in there panics: a poisoned one is still good.
        let mut chains = self.0.write().unwrap_or_else(PoisonError::into_inner);
        chains.insert(chain.to_owned(), status);
    }

    /// What another process knows of all of them.
    pub fn replace(&self, chains: BTreeMap<String, ChainStatus>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = chains;
    }

    /// Every chain that was reported.
    pub fn all(&self) -> BTreeMap<String, ChainStatus> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
