//! How the parts of the service are doing, with reasons, for whoever decides whether to rely on it.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::served::Served;

/// Whether the service can be relied on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    /// Every part that is not well, with its reason.
    reasons: BTreeMap<String, String>,
}

/// Whether every part of the service is well; otherwise, which is not and why.
#[utoipa::path(get, path = "/health/ready", operation_id = "get_readiness", tag = "health", responses((status = 200, description = "It is", body = Readiness), (status = 503, description = "It is not, for these reasons", body = Readiness)))]
pub(crate) async fn ready(State(api): State<Served>) -> (StatusCode, Json<Readiness>) {
    let reasons = api.health.not_ready();
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Readiness { ready, reasons }))
}

/// Whether the process answers.
#[utoipa::path(get, path = "/health/live", operation_id = "get_liveness", tag = "health", responses((status = 200, description = "It does", body = String)))]
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// Shared by all parts; each reports under its own name.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<RwLock<BTreeMap<String, Condition>>>);

/// How a part is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// It has not yet said anything.
    Starting,
    /// Its last turn succeeded.
    Well,
    /// Its last turn failed, for this reason.
    Unwell(String),
}

impl Health {
    /// Announces a part; the service is not ready until it is well.
    pub fn expect(&self, name: &str) {
        self.set(name, Condition::Starting);
    }

    /// A part's last turn succeeded.
    pub fn well(&self, name: &str) {
        self.set(name, Condition::Well);
    }

    /// A part's last turn failed.
    pub fn unwell(&self, name: &str, reason: String) {
        self.set(name, Condition::Unwell(reason));
    }

    /// Every part that is not well, with its reason; empty means ready.
    pub fn not_ready(&self) -> BTreeMap<String, String> {
        self.read()
            .iter()
            .filter_map(|(name, condition)| match condition {
                Condition::Well => None,
                Condition::Starting => Some((name.clone(), "is starting".to_owned())),
                Condition::Unwell(reason) => Some((name.clone(), reason.clone())),
            })
            .collect()
    }

    fn set(&self, name: &str, condition: Condition) {
        // The lock is held for a map access only, and nothing in there panics: a poisoned one is still good.
        let mut conditions = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if conditions.get(name) != Some(&condition) {
            conditions.insert(name.to_owned(), condition);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Condition>> {
        self.0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_every_announced_part_is_well() {
        let health = Health::default();
        health.expect("observe");
        health.expect("claim");
        assert_eq!(health.not_ready().len(), 2);
        health.well("observe");
        health.unwell("claim", "the database is busy".to_owned());
        assert_eq!(
            health.not_ready(),
            BTreeMap::from([("claim".to_owned(), "the database is busy".to_owned())])
        );
        health.well("claim");
        assert!(health.not_ready().is_empty());
    }
}
