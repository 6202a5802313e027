//! The configuration file as it is written, and its way into settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_delivery::onchain::{BumpPermille, FeePolicy, OnchainSettings, Policy};
use tocsin_domain::attestation::{AttestationDomain, SignerSet};
use tocsin_domain::cover::Finality;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Seconds;
use tocsin_sources::chain::{ChainSettings, EndpointSettings};
use url::Url;

use super::source::{Problem, Source, SourceSection};
use super::{AttestorConfig, Chain, ConfigError, DeliveryConfig, KeyConfig, caip, invalid, secret};

const GWEI: u128 = 1_000_000_000;

/// Many pools drop transactions that tip nothing.
const MIN_TIP: u128 = GWEI / 100;

/// State moves between estimate and inclusion; a claim is a few storage writes.
const GAS_MARGIN_PERCENT: u32 = 25;

/// A transaction that left the pool is offered again after this.
const RESEND_AFTER: Seconds = Seconds(30);

/// A delivery that is refused again and again is still tried this often.
const BACK_OFF_AT_MOST: Seconds = Seconds(3_600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) database: String,
    #[serde(default)]
    pub(super) api: Option<ApiSection>,
    #[serde(default)]
    chains: BTreeMap<String, ChainSection>,
    #[serde(default)]
    sources: BTreeMap<String, SourceSection>,
    #[serde(default)]
    pub(super) covers: Vec<CoverEntry>,
    #[serde(default)]
    pub(super) policies: Vec<String>,
    #[serde(default)]
    pub(super) attestor: Option<AttestorSection>,
    #[serde(default)]
    pub(super) delivery: BTreeMap<String, DeliverySection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiSection {
    pub(super) listen: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverEntry {
    pub(super) file: String,
    pub(super) evaluate_from: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainSection {
    url: Url,
    #[serde(default = "finalized")]
    finality: FinalityText,
    strictly_rising_timestamps: bool,
    #[serde(default = "poll_interval_ms")]
    poll_interval_ms: u64,
    #[serde(default = "request_timeout_ms")]
    request_timeout_ms: u64,
    #[serde(default = "max_blocks_per_step")]
    max_blocks_per_step: NonZeroU32,
    #[serde(default = "stalled_after")]
    stalled_after: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum FinalityText {
    Tag(FinalityTag),
    Confirmations(u64),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum FinalityTag {
    Finalized,
    Safe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttestorSection {
    verifier: String,
    epoch: u32,
    threshold: u8,
    signers: Vec<Address>,
    signer: KeySection,
    hold: String,
    valid_for: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliverySection {
    #[serde(default)]
    url: Option<Url>,
    #[serde(default = "finalized")]
    finality: FinalityText,
    signer: KeySection,
    max_fee_gwei: u64,
    #[serde(default = "bump_after")]
    bump_after: String,
    #[serde(default)]
    verifier_block: u64,
    #[serde(default = "log_range_blocks")]
    log_range_blocks: u64,
    #[serde(default = "poll_interval_ms")]
    poll_interval_ms: u64,
    #[serde(default = "request_timeout_ms")]
    request_timeout_ms: u64,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum KeySection {
    Keystore { path: String, password: String },
    Raw { key: String },
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

fn max_blocks_per_step() -> NonZeroU32 {
    const { NonZeroU32::new(64).unwrap() }
}

fn log_range_blocks() -> u64 {
    2_000
}

fn stalled_after() -> String {
    "1h".to_owned()
}

fn bump_after() -> String {
    "90s".to_owned()
}

impl FinalityText {
    fn resolve(self) -> Finality {
        match self {
            Self::Tag(FinalityTag::Finalized) => Finality::Finalized,
            Self::Tag(FinalityTag::Safe) => Finality::Safe,
            Self::Confirmations(blocks) => Finality::Confirmations(blocks),
        }
    }
}

impl ConfigFile {
    /// The chains with their sources.
    pub(super) fn chains(&self, path: &Path) -> Result<Vec<Chain>, ConfigError> {
        let mut chains = BTreeMap::new();
        for (name, section) in &self.chains {
            let chain_id = caip::chain(name)
                .map_err(|problem| invalid(path, format!("[chains]: {problem}")))?;
            chains.insert(
                chain_id,
                Chain {
                    settings: ChainSettings {
                        strictly_rising_timestamps: section.strictly_rising_timestamps,
                        request_timeout: Duration::from_millis(section.request_timeout_ms),
                        max_blocks_per_batch: section.max_blocks_per_step,
                        ..ChainSettings::new(
                            chain_id,
                            vec![EndpointSettings::new(section.url.clone())],
                            section.finality.resolve(),
                        )
                    },
                    poll_interval: Duration::from_millis(section.poll_interval_ms),
                    stalled_after: span(&section.stalled_after).map_err(|problem| {
                        invalid(path, format!("[chains.\"{name}\"]: {problem}"))
                    })?,
                    sources: Vec::new(),
                    state: Vec::new(),
                },
            );
        }
        for (id, section) in &self.sources {
            let at = |problem: String| invalid(path, format!("[sources.\"{id}\"]: {problem}"));
            let contract = caip::source_contract(id).map_err(at)?;
            let Some(chain) = chains.get_mut(&contract.chain_id) else {
                return Err(at(format!(
                    "there is no [chains.\"eip155:{}\"]",
                    contract.chain_id
                )));
            };
            match section.resolve(id, contract.address) {
                Ok(Source::Event(event)) => chain.sources.push(event),
                Ok(Source::State(state)) => chain.state.push(state),
                Err(Problem::Here(problem)) => return Err(at(problem)),
                Err(Problem::Named(error)) => return Err(invalid(path, error.to_string())),
            }
        }
        Ok(chains.into_values().collect())
    }
}

impl ConfigFile {
    /// How often sources speak at the least, where that is said.
    pub(super) fn heartbeats(
        &self,
        path: &Path,
    ) -> Result<BTreeMap<SourceId, Seconds>, ConfigError> {
        let mut heartbeats = BTreeMap::new();
        for (id, section) in &self.sources {
            if let Some(text) = &section.heartbeat {
                let heartbeat = span(text).map_err(|problem| {
                    invalid(path, format!("[sources.\"{id}\"] heartbeat: {problem}"))
                })?;
                heartbeats.insert(SourceId(id.clone()), heartbeat);
            }
        }
        Ok(heartbeats)
    }
}

impl AttestorSection {
    /// The attestor with its secrets read.
    pub(super) fn resolve(self, path: &Path, base: &Path) -> Result<AttestorConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[attestor]: {problem}"));
        let verifier = caip::account(&self.verifier).map_err(at)?;
        Ok(AttestorConfig {
            domain: AttestationDomain {
                chain_id: verifier.chain_id,
                verifier: verifier.address,
            },
            signers: SignerSet::new(self.epoch, self.threshold, self.signers)
                .map_err(|error| at(error.to_string()))?,
            key: self.signer.resolve(base).map_err(at)?,
            hold: span(&self.hold).map_err(at)?,
            valid_for: span(&self.valid_for).map_err(at)?,
        })
    }
}

impl DeliverySection {
    /// The settlement chain with its secrets read; the endpoint defaults to the source chain's.
    pub(super) fn resolve(
        self,
        path: &Path,
        base: &Path,
        chain: &str,
        chains: &[Chain],
        domain: AttestationDomain,
    ) -> Result<DeliveryConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[delivery.\"{chain}\"]: {problem}"));
        let chain_id = caip::chain(chain).map_err(at)?;
        let url = self
            .url
            .or_else(|| {
                chains
                    .iter()
                    .find(|chain| chain.settings.chain_id == chain_id)
                    .and_then(|chain| chain.settings.endpoints.first())
                    .map(|endpoint| endpoint.url.clone())
            })
            .ok_or_else(|| at("needs a url".to_owned()))?;
        if chain_id != domain.chain_id {
            return Err(at(format!(
                "the attestor's verifier is on eip155:{}: claims are paid there only",
                domain.chain_id
            )));
        }
        let poll_every =
            Seconds(i64::try_from(self.poll_interval_ms.div_ceil(1000)).unwrap_or(i64::MAX));
        let settings = OnchainSettings {
            chain_id,
            url,
            verifier: domain.verifier,
            verifier_block: self.verifier_block,
            finality: self.finality.resolve(),
            request_timeout: Duration::from_millis(self.request_timeout_ms),
            log_range_blocks: self.log_range_blocks,
            gas_margin_percent: GAS_MARGIN_PERCENT,
            policy: Policy {
                fees: FeePolicy {
                    max_fee_cap: u128::from(self.max_fee_gwei) * GWEI,
                    min_tip: MIN_TIP,
                    bump: BumpPermille::LEAST,
                },
                bump_after: span(&self.bump_after).map_err(at)?,
                resend_after: RESEND_AFTER,
                poll_every,
                back_off_at_most: BACK_OFF_AT_MOST,
            },
        };
        Ok(DeliveryConfig {
            settings,
            key: self.signer.resolve(base).map_err(at)?,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
        })
    }
}

impl KeySection {
    fn resolve(self, base: &Path) -> Result<KeyConfig, String> {
        Ok(match self {
            Self::Keystore { path, password } => KeyConfig::Keystore {
                path: base.join(path),
                password: secret::read(base, &password)?,
            },
            Self::Raw { key } => KeyConfig::Raw {
                key: secret::read(base, &key)?,
            },
        })
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
