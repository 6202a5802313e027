//! The configuration file as it is written, and its way into settings.

mod auth;
mod chain;
mod delivery;
mod epochs;
mod feed;
mod key;
mod log;
mod quorum;
mod settlement;
mod source;
mod telemetry;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tocsin_domain::cover::Finality;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Seconds;

use self::auth::AuthSection;
use self::delivery::DeliverySection;
use self::log::LogSection;
use self::quorum::QuorumSection;
use self::settlement::AttestorSection;
use self::source::{Resolved, SourceSection};
use self::telemetry::TelemetrySection;
use self::webhooks::WebhooksSection;
use super::{ApiConfig, Chain, ConfigError, Feeds, Network, invalid, read, secret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) database: String,
    #[serde(default)]
    pub(super) api: Option<ApiSection>,
    #[serde(default)]
    pub(super) auth: Option<AuthSection>,
    #[serde(default)]
    chains: BTreeMap<String, toml::Table>,
    #[serde(default)]
    sources: BTreeMap<String, SourceSection>,
    #[serde(default)]
    feeds: BTreeMap<String, toml::Table>,
    #[serde(default)]
    pub(super) covers: Vec<CoverEntry>,
    #[serde(default)]
    pub(super) policies: Vec<String>,
    #[serde(default)]
    pub(super) attestor: Option<AttestorSection>,
    #[serde(default)]
    pub(super) quorum: Option<QuorumSection>,
    #[serde(default)]
    pub(super) webhooks: Option<WebhooksSection>,
    #[serde(default)]
    pub(super) log: LogSection,
    #[serde(default)]
    pub(super) delivery: BTreeMap<String, DeliverySection>,
    #[serde(default)]
    pub(super) telemetry: TelemetrySection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiSection {
    pub(super) listen: SocketAddr,
    /// Whether anybody may read how sources, feeds, attestors and deliveries are doing; otherwise, whoever has a key.
    #[serde(default = "yes")]
    pub(super) open_reads: bool,
    /// Whether anybody may write: for a developer's machine.
    #[serde(default)]
    pub(super) open_writes: bool,
    /// Requests a second of each address.
    #[serde(default)]
    pub(super) requests_per_second: Option<NonZeroU32>,
    /// How long after its inception a policy may still come; not at all where nothing is said.
    #[serde(default)]
    pub(super) late_policies: Option<String>,
}

impl ApiSection {
    /// What is so where nothing is said.
    pub(super) fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            open_reads: yes(),
            open_writes: false,
            requests_per_second: None,
            late_policies: None,
        }
    }

    pub(super) fn resolve(self, path: &Path) -> Result<ApiConfig, ConfigError> {
        if self.open_writes && !self.listen.ip().is_loopback() {
            return Err(invalid(
                path,
                format!(
                    "[api] open_writes lets anybody who reaches {} write: listen on a loopback address, or leave it out",
                    self.listen
                ),
            ));
        }
        let late = self.late_policies.as_deref().map(span).transpose();
        let late =
            late.map_err(|problem| invalid(path, format!("[api] late_policies: {problem}")))?;
        Ok(ApiConfig {
            late_policies: late.unwrap_or(Seconds(0)),
            listen: self.listen,
            requests_per_second: self.requests_per_second.map(NonZeroU32::get),
            open_reads: self.open_reads,
            open_writes: self.open_writes,
        })
    }
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverEntry {
    pub(super) file: String,
    pub(super) evaluate_from: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(
    untagged,
    expecting = "finality is \"finalized\", \"safe\", a number of confirmations, or \"instant\""
)]
enum FinalityText {
    Tag(FinalityTag),
    Confirmations(u64),
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum FinalityTag {
    Finalized,
    Safe,
    /// Every block is final as soon as it is there.
    Instant,
}

fn finalized() -> FinalityText {
    FinalityText::Tag(FinalityTag::Finalized)
}

fn poll_interval_ms() -> u64 {
    1_000
}

fn request_timeout_ms() -> u64 {
    10_000
}

impl FinalityText {
    fn resolve(self) -> Finality {
        match self {
            Self::Tag(FinalityTag::Finalized) => Finality::Finalized,
            Self::Tag(FinalityTag::Safe) => Finality::Safe,
            Self::Tag(FinalityTag::Instant) => Finality::Confirmations(0),
            Self::Confirmations(blocks) => Finality::Confirmations(blocks),
        }
    }

    /// Whether the operator says that no block is ever taken back.
    fn is_instant(self) -> bool {
        matches!(self, Self::Tag(FinalityTag::Instant))
    }
}

impl ConfigFile {
    /// The file as it is written.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(&read(path)?)
            .map_err(|error| invalid(path, secret::redacted(error.to_string().trim_end())))
    }

    /// The chains with their sources.
    pub(super) fn chains(&self, path: &Path, base: &Path) -> Result<Vec<Chain>, ConfigError> {
        let mut chains = BTreeMap::new();
        for (name, section) in &self.chains {
            let at = |problem: String| invalid(path, format!("[chains.\"{name}\"]: {problem}"));
            let chain = chain::resolve(base, name, section).map_err(at)?;
            chains.insert(name.as_str(), chain);
        }
        for (id, section) in &self.sources {
            let at = |problem: String| invalid(path, format!("[sources.\"{id}\"]: {problem}"));
            let source = section.resolve(id).map_err(at)?;
            let name = source.chain();
            let missing = || at(format!("there is no [chains.\"{name}\"]"));
            let chain = chains.get_mut(name.as_str()).ok_or_else(missing)?;
            match (&mut chain.network, source) {
                (Network::Evm { sources, .. }, Resolved::Evm(_, source)) => sources.push(*source),
                (Network::Solana { sources, .. }, Resolved::Solana(_, source)) => {
                    sources.push(source);
                }
                // A chain's name says what kind of chain it is.
                (Network::Evm { .. }, Resolved::Solana(..))
                | (Network::Solana { .. }, Resolved::Evm(..)) => return Err(missing()),
            }
        }
        Ok(chains.into_values().collect())
    }

    /// The feeds that are polled.
    pub(super) fn feeds(&self, path: &Path, base: &Path) -> Result<Feeds, ConfigError> {
        self.feeds
            .iter()
            .map(|(id, section)| {
                feed::resolve(base, id, section)
                    .map_err(|problem| invalid(path, format!("[feeds.\"{id}\"]: {problem}")))
            })
            .collect()
    }

    /// How often sources speak at the least, where that is said.
    pub(super) fn heartbeats(
        &self,
        path: &Path,
    ) -> Result<BTreeMap<SourceId, Seconds>, ConfigError> {
        let mut heartbeats = BTreeMap::new();
        for (id, section) in &self.sources {
            if let Some(text) = section.heartbeat() {
                let heartbeat = span(text).map_err(|problem| {
                    invalid(path, format!("[sources.\"{id}\"] heartbeat: {problem}"))
                })?;
                heartbeats.insert(SourceId::from(id.clone()), heartbeat);
            }
        }
        Ok(heartbeats)
    }
}

/// What is wrong with a section, and at which key.
fn refused(error: &toml::de::Error) -> String {
    let said = error.to_string();
    secret::redacted(&said.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A span of at least a second: nothing can be done every 0 seconds.
fn some_time(key: &str, text: &str) -> Result<Seconds, String> {
    match span(text) {
        Ok(Seconds(0)) => Err(format!(
            "`{key}` is no time at all: write a span, as in \"10min\""
        )),
        Ok(seconds) => Ok(seconds),
        Err(problem) => Err(format!("`{key}`: {problem}")),
    }
}

/// Milliseconds, at least one.
fn milliseconds(key: &str, count: u64) -> Result<Duration, String> {
    match count {
        0 => Err(format!("`{key}` is 0: write how many milliseconds")),
        _ => Ok(Duration::from_millis(count)),
    }
}

/// A span that is not negative.
fn span(text: &str) -> Result<Seconds, String> {
    let seconds: Seconds = text.parse().map_err(|error| format!("{error}"))?;
    if seconds.0 < 0 {
        return Err(format!("`{text}` is negative"));
    }
    Ok(seconds)
}
