//! The section about who may call.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;
use tocsin_api::auth::{AuthSettings, MOST_CACHED};
use tocsin_auth::Environment;
use tocsin_auth::check::Windows;
use tocsin_auth::seal::{MasterKey, Seal};

use super::{some_time, span};
use crate::config::{ConfigError, invalid, secret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AuthSection {
    /// `dev`, `test` or `prod`: keys of another environment are refused.
    environment: Environment,
    /// The names under which clients reach the service: signatures for others are refused. In production there is one at least.
    #[serde(default)]
    authorities: Vec<String>,
    /// By how much the clocks of clients may differ: 30 to 120 seconds.
    #[serde(default)]
    clock_skew: Option<String>,
    /// What seals the secrets in the database: 64 hexadecimal digits, as `file:PATH` or `${NAME}`.
    #[serde(default)]
    master_key: Option<String>,
    /// Those before it, until every secret is sealed anew.
    #[serde(default)]
    old_master_keys: Vec<String>,
    /// How long a key that was read is taken for granted, and so how late a revocation by another process may be: at most 30
    /// seconds.
    #[serde(default)]
    keys_read_every: Option<String>,
    /// Requests of each key, on average.
    #[serde(default)]
    requests_per_second: Option<NonZeroU32>,
    /// Requests of each key at once.
    #[serde(default)]
    burst: Option<NonZeroU32>,
}

impl AuthSection {
    /// The settings with their secrets read.
    pub(in crate::config) fn resolve(
        self,
        path: &Path,
        base: &Path,
    ) -> Result<AuthSettings, ConfigError> {
        let at = |problem: String| invalid(path, format!("[auth]: {problem}"));
        let mut settings = AuthSettings {
            environment: self.environment,
            ..AuthSettings::default()
        };
        let names = self.authorities.iter().map(|name| {
            let read = name.parse();
            read.map_err(|problem| at(format!("`authorities`: `{name}`: {problem}")))
        });
        settings.authorities = names.collect::<Result<_, _>>()?;
        if settings.authorities.is_empty() && self.environment == Environment::Prod {
            return Err(at(
                "in production, `authorities` has the names under which clients reach this service, as [\"api.example.com\"]: a request that was signed for another host is refused"
                    .to_owned(),
            ));
        }
        if let Some(text) = &self.clock_skew {
            let skew = span(text).map_err(|problem| at(format!("`clock_skew`: {problem}")))?;
            let windows = Windows::with_skew(skew.0);
            settings.windows = windows.map_err(|problem| at(format!("`clock_skew`: {problem}")))?;
        }
        let old = self.old_master_keys.iter();
        let old = old
            .map(|reference| master_key(base, reference))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| at(format!("`old_master_keys`: {problem}")))?;
        settings.seal = match &self.master_key {
            Some(reference) => {
                let current = master_key(base, reference)
                    .map_err(|problem| at(format!("`master_key`: {problem}")))?;
                Some(Seal::new(current, old))
            }
            None if old.is_empty() => None,
            None => {
                return Err(at(
                    "`old_master_keys` without a `master_key`: write the current one as well"
                        .to_owned(),
                ));
            }
        };
        if let Some(text) = &self.keys_read_every {
            let seconds = some_time("keys_read_every", text).map_err(at)?;
            let every = u64::try_from(seconds.0).map(Duration::from_secs);
            settings.cached_for = every
                .ok()
                .filter(|every| *every <= MOST_CACHED)
                .ok_or_else(|| {
                    at(format!(
                        "`keys_read_every`: `{text}` is more than 30 seconds"
                    ))
                })?;
        }
        if let Some(rate) = self.requests_per_second {
            settings.per_second = rate.get();
        }
        if let Some(burst) = self.burst {
            settings.burst = burst.get();
        }
        Ok(settings)
    }
}

fn master_key(base: &Path, reference: &str) -> Result<MasterKey, String> {
    let text = secret::read(base, reference)?;
    // What is wrong with it must not quote it.
    let bytes = alloy::hex::decode(text.expose_secret()).map_err(|_digits| {
        "a master key is 64 hexadecimal digits: make one with `openssl rand -hex 32`".to_owned()
    })?;
    MasterKey::new(&bytes).map_err(|error| error.to_string())
}
