//! The section about where claims are paid, and what that may cost.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tocsin_delivery::onchain::{BumpPermille, FeePolicy, Fees, OnchainSettings, Policy, Pricing};
use tocsin_domain::attestation::AttestationDomain;
use tocsin_domain::time::Seconds;
use url::Url;

use super::chain::http_address;
use super::key::KeySection;
use super::{FinalityText, finalized, poll_interval_ms, request_timeout_ms, span};
use crate::config::{Chain, ConfigError, DeliveryConfig, caip, invalid};

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
pub(in crate::config) struct DeliverySection {
    #[serde(default)]
    url: Option<String>,
    /// Several in the place of `url`.
    #[serde(default)]
    endpoints: Vec<String>,
    /// So many of them have to show the same final blocks before a delivery ends.
    #[serde(default)]
    agree: Option<usize>,
    #[serde(default = "finalized")]
    finality: FinalityText,
    signer: KeySection,
    max_fee_gwei: u64,
    #[serde(default)]
    fees: FeesSection,
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

/// How a first offer is made; `max_fee_gwei` caps each of them.
#[derive(Default, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum FeesSection {
    /// The tip that the node suggests.
    #[default]
    Node,
    /// The usual tip of the newest blocks.
    History { percentile: u8, blocks: u16 },
    /// Always the same.
    Fixed { fee_gwei: u64, tip_gwei: u64 },
    /// A gas price, for chains without EIP-1559 fees.
    Legacy {
        #[serde(default = "whole")]
        percent: u32,
    },
}

fn whole() -> u32 {
    100
}

fn log_range_blocks() -> u64 {
    2_000
}

fn bump_after() -> String {
    "90s".to_owned()
}

impl DeliverySection {
    /// The settlement chain with its secrets read; the endpoint defaults to the source chain's.
    pub(in crate::config) fn resolve(
        self,
        path: &Path,
        base: &Path,
        chain: &str,
        chains: &[Chain],
        domain: AttestationDomain,
    ) -> Result<DeliveryConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[delivery.\"{chain}\"]: {problem}"));
        let chain_id = caip::chain(chain).map_err(at)?;
        if self.url.is_some() && !self.endpoints.is_empty() {
            return Err(at("has both url and endpoints; keep one".to_owned()));
        }
        let own = self.url.iter().chain(&self.endpoints);
        let own = own.map(|text| http_address(base, "url", text).map_err(at));
        let mut urls: Vec<Url> = own.collect::<Result<_, _>>()?;
        if urls.is_empty() {
            urls.extend(source_endpoint(chains, chain_id));
        }
        if urls.is_empty() {
            return Err(at("needs a url".to_owned()));
        }
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
            // One alone is believed because there is no other.
            agree: self.agree.unwrap_or(urls.len().min(2)),
            urls,
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
                    pricing: self.fees.resolve(),
                },
                bump_after: span(&self.bump_after).map_err(at)?,
                resend_after: RESEND_AFTER,
                poll_every,
                back_off_at_most: BACK_OFF_AT_MOST,
            },
        };
        Ok(DeliveryConfig {
            settings,
            key: self.signer.submitter(base).map_err(at)?,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
        })
    }
}

impl FeesSection {
    fn resolve(self) -> Pricing {
        match self {
            Self::Node => Pricing::Node,
            Self::History { percentile, blocks } => Pricing::History { percentile, blocks },
            Self::Fixed { fee_gwei, tip_gwei } => Pricing::Fixed(Fees {
                max_fee_per_gas: u128::from(fee_gwei) * GWEI,
                max_priority_fee_per_gas: u128::from(tip_gwei) * GWEI,
            }),
            Self::Legacy { percent } => Pricing::Legacy { percent },
        }
    }
}

/// The first endpoint through which a chain is watched.
fn source_endpoint(chains: &[Chain], chain_id: u64) -> Option<Url> {
    let mut watched = chains.iter().filter_map(Chain::evm_settings);
    let settings = watched.find(|settings| settings.chain_id == chain_id)?;
    let endpoint = settings.endpoints.first()?;
    Some(endpoint.url.clone())
}
