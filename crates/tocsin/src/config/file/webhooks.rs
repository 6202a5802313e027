//! The section about webhooks: where they may go, how patient they are.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tocsin_api::auth::AuthSettings;
use tocsin_delivery::webhook::SenderSettings;
use tocsin_delivery::webhook::guard::Allowed;
use tocsin_delivery::webhook::schedule::Schedule;

use super::{milliseconds, some_time};
use crate::config::{ConfigError, WebhooksConfig, invalid};
use crate::pipeline::webhooks::keyring::Keyring;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WebhooksSection {
    /// Ranges of addresses beyond the public internet.
    #[serde(default)]
    allow: Vec<ipnet::IpNet>,
    #[serde(default)]
    plain_http: bool,
    #[serde(default = "max_endpoints")]
    max_endpoints: u32,
    /// How long events are kept.
    #[serde(default = "keep")]
    keep: String,
    /// Waits between attempts.
    #[serde(default)]
    retries: Option<Vec<String>>,
    #[serde(default = "connect_timeout_ms")]
    connect_timeout_ms: u64,
    #[serde(default = "total_timeout_ms")]
    total_timeout_ms: u64,
}

fn max_endpoints() -> u32 {
    64
}

fn keep() -> String {
    "30d".to_owned()
}

fn connect_timeout_ms() -> u64 {
    5_000
}

fn total_timeout_ms() -> u64 {
    20_000
}

/// Every endpoint may have two tasks and two connections.
const MOST_ENDPOINTS: u32 = 1_000;

impl WebhooksSection {
    pub(in crate::config) fn resolve(
        self,
        path: &Path,
        auth: &AuthSettings,
    ) -> Result<WebhooksConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[webhooks] {problem}"));
        let Some(seal) = &auth.seal else {
            return Err(at(
                "needs [auth] master_key, which seals the secrets of endpoints: make one with `openssl rand -hex 32`"
                    .to_owned(),
            ));
        };
        if self.max_endpoints > MOST_ENDPOINTS {
            return Err(at(format!(
                "max_endpoints is {}: write at most {MOST_ENDPOINTS}",
                self.max_endpoints
            )));
        }
        let schedule = match &self.retries {
            None => Schedule::default(),
            Some(waits) => {
                let waits = waits.iter().map(|wait| some_time("retries", wait));
                Schedule::new(waits.collect::<Result<_, _>>().map_err(at)?)
            }
        };
        let timeout =
            |key, count| -> Result<Duration, ConfigError> { milliseconds(key, count).map_err(at) };
        Ok(WebhooksConfig {
            keys: Keyring::new(seal.clone(), auth.environment),
            sender: SenderSettings {
                allowed: Allowed::new(self.allow),
                plain_http: self.plain_http,
                connect_timeout: timeout("connect_timeout_ms", self.connect_timeout_ms)?,
                total_timeout: timeout("total_timeout_ms", self.total_timeout_ms)?,
            },
            schedule,
            max_endpoints: self.max_endpoints,
            keep: some_time("keep", &self.keep).map_err(at)?,
        })
    }
}
