//! The sections about who signs, and where claims are paid.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_delivery::onchain::{BumpPermille, FeePolicy, OnchainSettings, Policy};
use tocsin_domain::attestation::{AttestationDomain, SignerSet};
use tocsin_domain::time::Seconds;

use super::chain::http_address;
use super::key::KeySection;
use super::{FinalityText, finalized, poll_interval_ms, request_timeout_ms, span};
use crate::config::{AttestorConfig, Chain, ConfigError, DeliveryConfig, KeyConfig, caip, invalid};

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
pub(in crate::config) struct AttestorSection {
    verifier: String,
    /// These three together; without them the verifier is asked, through [delivery].
    #[serde(default)]
    epoch: Option<u32>,
    #[serde(default)]
    threshold: Option<u8>,
    #[serde(default)]
    signers: Option<Vec<Address>>,
    #[serde(default)]
    signer: Option<KeySection>,
    /// Further keys: the next epoch's before a rotation, the last one's after it.
    #[serde(default)]
    keys: Vec<KeySection>,
    hold: String,
    valid_for: String,
    /// From how many claims at once on they are signed as one batch; never, where it is not said.
    #[serde(default)]
    batch_from: Option<NonZeroUsize>,
    /// Contracts whose attestations are fetched and used by others: nothing is submitted for them.
    #[serde(default)]
    fetched_by: BTreeSet<Address>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct DeliverySection {
    #[serde(default)]
    url: Option<String>,
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

fn log_range_blocks() -> u64 {
    2_000
}

fn bump_after() -> String {
    "90s".to_owned()
}

impl AttestorSection {
    /// The attestor with its secrets read.
    pub(in crate::config) fn resolve(
        self,
        path: &Path,
        base: &Path,
    ) -> Result<AttestorConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[attestor]: {problem}"));
        let verifier = caip::account(&self.verifier).map_err(at)?;
        let signers = match (self.epoch, self.threshold, self.signers) {
            (None, None, None) => None,
            (Some(epoch), threshold, Some(signers)) => {
                // A count that does not fit is refused below, by its real number.
                let count = u8::try_from(signers.len()).unwrap_or(u8::MAX);
                let threshold = threshold.unwrap_or_else(|| SignerSet::default_threshold(count));
                let set = SignerSet::new(epoch, threshold, signers);
                Some(set.map_err(|error| at(error.to_string()))?)
            }
            _ => {
                return Err(at(
                    "`epoch` and `signers` come together: write both (with a `threshold`, or two thirds of the signers and \
                     one count), or neither, and the verifier is asked"
                        .to_owned(),
                ));
            }
        };
        let keys = self.signer.into_iter().chain(self.keys);
        let keys: Vec<KeyConfig> = keys
            .map(|key| key.resolve(base).map_err(at))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(at(
                "needs a key: write `signer = { … }`, or [[attestor.keys]]".to_owned(),
            ));
        }
        Ok(AttestorConfig {
            domain: AttestationDomain {
                chain_id: verifier.chain_id,
                verifier: verifier.address,
            },
            signers,
            keys,
            hold: span(&self.hold).map_err(at)?,
            valid_for: span(&self.valid_for).map_err(at)?,
            batch_from: self.batch_from,
            fetched_by: self.fetched_by,
        })
    }
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
        let own = self
            .url
            .map(|text| http_address(base, "url", &text).map_err(at))
            .transpose()?;
        let url = own
            .or_else(|| {
                chains
                    .iter()
                    .filter_map(Chain::evm_settings)
                    .find(|settings| settings.chain_id == chain_id)
                    .and_then(|settings| settings.endpoints.first())
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
