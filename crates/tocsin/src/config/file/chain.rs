//! The sections about source chains and the endpoints that they are read through.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::time::Duration;

use alloy::primitives::Address;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tocsin_sources::chain::{ChainSettings, EndpointSettings, LogProof};
use tocsin_sources::solana::SolanaSettings;
use url::Url;

use super::{
    FinalityText, finalized, milliseconds, poll_interval_ms, refused, request_timeout_ms, some_time,
};
use crate::config::{Chain, Network, caip, secret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvmSection {
    /// The only endpoint, or else `endpoints`.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    endpoints: Vec<EndpointSection>,
    /// So many endpoints must say the same before it counts.
    #[serde(default = "one")]
    agreement: NonZeroU32,
    #[serde(default)]
    proof: ProofText,
    #[serde(default = "finalized")]
    finality: FinalityText,
    strictly_rising_timestamps: bool,
    #[serde(default = "poll_interval_ms")]
    poll_interval_ms: u64,
    #[serde(default = "request_timeout_ms")]
    request_timeout_ms: u64,
    /// At most this many blocks are read at once.
    #[serde(default)]
    max_blocks_per_step: Option<NonZeroU32>,
    /// A step ends with the block that brings it to this many logs.
    #[serde(default)]
    max_logs_per_step: Option<NonZeroU32>,
    #[serde(default = "stalled_after")]
    stalled_after: String,
    /// How long a bad endpoint is left alone the first time.
    #[serde(default)]
    bench: Option<String>,
    /// How often it must agree with the others then, before it counts again.
    #[serde(default)]
    probation: Option<NonZeroU32>,
    /// Where Multicall3 is.
    #[serde(default)]
    multicall: Option<Address>,
    /// Whether blocks that are not final are looked at, for warnings.
    #[serde(default)]
    warnings: bool,
    /// How often a part that was read is read again through another endpoint.
    #[serde(default)]
    recheck_every: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SolanaSection {
    url: String,
    #[serde(default = "poll_interval_ms")]
    poll_interval_ms: u64,
    #[serde(default = "request_timeout_ms")]
    request_timeout_ms: u64,
    #[serde(default = "max_solana_blocks_per_step")]
    max_blocks_per_step: NonZeroU32,
    /// Accounts are looked at once in each stretch of this many slots.
    #[serde(default = "account_every_slots")]
    account_every_slots: NonZeroU64,
    #[serde(default = "stalled_after")]
    stalled_after: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointSection {
    url: String,
    #[serde(default)]
    websocket: Option<String>,
    /// Its share of the reading; 0 only checks the others.
    #[serde(default)]
    weight: Option<u32>,
    #[serde(default)]
    requests_per_second: Option<NonZeroU32>,
    #[serde(default)]
    max_in_flight: Option<NonZeroU32>,
    /// 1 where the provider takes no JSON-RPC batches.
    #[serde(default)]
    max_calls_per_request: Option<NonZeroU32>,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
enum ProofText {
    #[default]
    Receipts,
    Bloom,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn stalled_after() -> String {
    "1h".to_owned()
}

// A block of mainnet is some megabytes of JSON.
fn max_solana_blocks_per_step() -> NonZeroU32 {
    const { NonZeroU32::new(16).unwrap() }
}

// A minute.
fn account_every_slots() -> NonZeroU64 {
    const { NonZeroU64::new(150).unwrap() }
}

/// The chain with this name, without sources yet. Its name says what kind of chain it is, and so which keys it has.
pub(super) fn resolve(base: &Path, name: &str, section: &toml::Table) -> Result<Chain, String> {
    if name.starts_with("solana:") {
        read::<SolanaSection>(section)?.resolve(base, name)
    } else {
        let chain_id = caip::chain(name)?;
        read::<EvmSection>(section)?.resolve(base, name, chain_id)
    }
}

fn read<T: DeserializeOwned>(section: &toml::Table) -> Result<T, String> {
    T::deserialize(toml::Value::Table(section.clone())).map_err(|error| refused(&error))
}

impl SolanaSection {
    fn resolve(&self, base: &Path, name: &str) -> Result<Chain, String> {
        let poll_interval = milliseconds("poll_interval_ms", self.poll_interval_ms)?;
        Ok(Chain {
            name: name.to_owned(),
            network: Network::Solana {
                settings: SolanaSettings {
                    chain: name.parse().map_err(|error| format!("{error}"))?,
                    url: address(base, "url", &self.url, HTTP)?,
                    request_timeout: milliseconds("request_timeout_ms", self.request_timeout_ms)?,
                    max_blocks_per_batch: self.max_blocks_per_step,
                    account_every_slots: self.account_every_slots,
                    poll_interval,
                },
                sources: Vec::new(),
            },
            poll_interval,
            stalled_after: some_time("stalled_after", &self.stalled_after)?,
        })
    }
}

impl EvmSection {
    fn resolve(&self, base: &Path, name: &str, chain_id: u64) -> Result<Chain, String> {
        let endpoints = match (&self.url, self.endpoints.as_slice()) {
            (Some(url), []) => vec![EndpointSettings::new(address(base, "url", url, HTTP)?)],
            (None, [_, ..]) => self
                .endpoints
                .iter()
                .map(|endpoint| endpoint.resolve(base))
                .collect::<Result<_, _>>()?,
            (None, []) => {
                return Err("needs a `url`, or `endpoints` to be read through".to_owned());
            }
            (Some(_), [_, ..]) => {
                return Err("has a `url` and `endpoints`: write one of them".to_owned());
            }
        };
        // What agrees with itself shows nothing.
        for (place, endpoint) in endpoints.iter().enumerate() {
            if endpoints
                .iter()
                .take(place)
                .any(|other| other.url == endpoint.url)
            {
                return Err(format!(
                    "endpoint {} has the address of an earlier one: write each address once",
                    place + 1
                ));
            }
        }
        let several = usize::try_from(self.agreement.get()).unwrap_or(usize::MAX);
        if endpoints.len() < several {
            return Err(format!(
                "`agreement` is {several}, and the number of `endpoints` is {}: name more of them, or demand less",
                endpoints.len()
            ));
        }
        if self.recheck_every.is_some() && endpoints.len() <= several {
            return Err(format!(
                "`recheck_every` reads again through an endpoint that had no say, and all of them have (`agreement` is \
                 {several}): name another one (`weight = 0` if it is not to read), or remove the key"
            ));
        }
        let mut settings = ChainSettings::new(chain_id, endpoints, self.finality.resolve());
        settings.agreement = self.agreement;
        settings.proof = match self.proof {
            ProofText::Receipts => LogProof::Receipts,
            ProofText::Bloom => LogProof::Bloom,
        };
        settings.strictly_rising_timestamps = self.strictly_rising_timestamps;
        settings.request_timeout = milliseconds("request_timeout_ms", self.request_timeout_ms)?;
        settings.multicall = self.multicall;
        if let Some(text) = &self.bench {
            settings.bench = Duration::from_secs(some_time("bench", text)?.0.unsigned_abs());
        }
        if let Some(answers) = self.probation {
            settings.probation = answers;
        }
        if let Some(most) = self.max_blocks_per_step {
            settings.max_blocks_per_batch = most;
        }
        if let Some(most) = self.max_logs_per_step {
            settings.max_logs_per_batch = most;
        }
        Ok(Chain {
            name: name.to_owned(),
            network: Network::Evm {
                settings,
                instant: self.finality.is_instant(),
                warnings: self.warnings,
                recheck_every: self
                    .recheck_every
                    .as_deref()
                    .map(|text| some_time("recheck_every", text))
                    .transpose()?
                    .map(|every| Duration::from_secs(every.0.unsigned_abs())),
                sources: Vec::new(),
            },
            poll_interval: milliseconds("poll_interval_ms", self.poll_interval_ms)?,
            stalled_after: some_time("stalled_after", &self.stalled_after)?,
        })
    }
}

impl EndpointSection {
    fn resolve(&self, base: &Path) -> Result<EndpointSettings, String> {
        let mut settings = EndpointSettings::new(address(base, "url", &self.url, HTTP)?);
        settings.ws = self
            .websocket
            .as_deref()
            .map(|text| address(base, "websocket", text, WEBSOCKET))
            .transpose()?;
        if let Some(weight) = self.weight {
            settings.weight = weight;
        }
        if let Some(rate) = self.requests_per_second {
            settings.requests_per_second = rate;
        }
        if let Some(most) = self.max_in_flight {
            settings.max_in_flight = most;
        }
        if let Some(most) = self.max_calls_per_request {
            settings.max_calls_per_request = most;
        }
        Ok(settings)
    }
}

const HTTP: [&str; 2] = ["https", "http"];
const WEBSOCKET: [&str; 2] = ["wss", "ws"];

/// An address of HTTP, or where it is kept.
pub(super) fn http_address(base: &Path, key: &str, text: &str) -> Result<Url, String> {
    address(base, key, text, HTTP)
}

/// An address, or where it is kept, since many carry a key. No message shows one.
fn address(base: &Path, key: &str, text: &str, schemes: [&str; 2]) -> Result<Url, String> {
    let kept = if text.starts_with("file:") || text.starts_with("${") {
        Some(secret::read(base, text).map_err(|problem| format!("`{key}`: {problem}"))?)
    } else if text.contains("${") {
        return Err(format!(
            "`{key}` has a ${{NAME}} within it: keep the whole address in the variable, and write \"${{NAME}}\" alone"
        ));
    } else {
        None
    };
    let from = if kept.is_some() {
        format!("what {text} holds")
    } else {
        "what is written there".to_owned()
    };
    let text = kept
        .as_ref()
        .map_or(text, |kept| kept.expose_secret().trim());
    let [secure, plain] = schemes;
    text.parse::<Url>()
        .ok()
        .filter(|url| schemes.contains(&url.scheme()) && url.has_host())
        .ok_or_else(|| {
            format!("`{key}`: {from} is no address of an endpoint, which begins with {secure}:// or {plain}://")
        })
}
