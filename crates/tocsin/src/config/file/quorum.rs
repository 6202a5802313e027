//! The section about the other attestors.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_domain::time::Seconds;
use tocsin_quorum::{MOST_BYTES, Settings};
use url::Url;

use super::chain::http_address;
use super::{milliseconds, some_time};
use crate::config::{AttestorConfig, ConfigError, QuorumConfig, invalid};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct QuorumSection {
    listen: SocketAddr,
    /// By the addresses of their keys.
    peers: BTreeMap<Address, PeerSection>,
    /// How much later than the one before it each attestor proposes.
    #[serde(default = "takeover")]
    takeover: String,
    /// How much later than the one before it each attestor submits.
    #[serde(default = "deliver_after")]
    deliver_after: String,
    #[serde(default = "clock_tolerance")]
    clock_tolerance: String,
    #[serde(default = "patience_ms")]
    patience_ms: u64,
    #[serde(default = "super::request_timeout_ms")]
    request_timeout_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerSection {
    url: String,
}

fn takeover() -> String {
    "20s".to_owned()
}

fn deliver_after() -> String {
    "3min".to_owned()
}

fn clock_tolerance() -> String {
    "30s".to_owned()
}

fn patience_ms() -> u64 {
    1_000
}

impl QuorumSection {
    /// The others, and how this node gets on with them.
    pub(in crate::config) fn resolve(
        self,
        path: &Path,
        base: &Path,
        attestor: Option<&AttestorConfig>,
    ) -> Result<QuorumConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[quorum]: {problem}"));
        let attestor = attestor.ok_or_else(|| {
            at("needs an [attestor]: without one there is nothing to attest together".to_owned())
        })?;
        let mut named = attestor.epochs.iter().map(|epoch| &epoch.signers);
        if let Some(signers) =
            named.find(|signers| usize::from(signers.threshold()) * 2 <= signers.signers().len())
        {
            return Err(at(format!(
                "a threshold of {} of {} lets two halves decide differently: more than half have to sign, and two thirds and \
                 one if one of them may lie",
                signers.threshold(),
                signers.signers().len()
            )));
        }
        let mut peers = BTreeMap::new();
        for (address, peer) in self.peers {
            let at = |problem: String| {
                invalid(path, format!("[quorum.peers.\"{address:#x}\"]: {problem}"))
            };
            let url = http_address(base, "url", &peer.url).map_err(at)?;
            check_place(&url).map_err(at)?;
            peers.insert(address, url);
        }
        if peers.is_empty() {
            return Err(at(
                "names no [quorum.peers.\"0x…\"]: leave [quorum] out to attest alone".to_owned(),
            ));
        }
        let takeover: Seconds = some_time("takeover", &self.takeover).map_err(at)?;
        Ok(QuorumConfig {
            listen: self.listen,
            deliver_after: some_time("deliver_after", &self.deliver_after).map_err(at)?,
            settings: Settings {
                peers,
                hold: attestor.hold,
                valid_for: attestor.valid_for,
                request_timeout: milliseconds("request_timeout_ms", self.request_timeout_ms)
                    .map_err(at)?,
                patience: milliseconds("patience_ms", self.patience_ms).map_err(at)?,
                takeover: std::time::Duration::from_secs(takeover.0.unsigned_abs()),
                clock_tolerance: some_time("clock_tolerance", &self.clock_tolerance).map_err(at)?,
                most_bytes: MOST_BYTES,
            },
        })
    }
}

/// What is asked for is signed, with its path.
fn check_place(url: &Url) -> Result<(), String> {
    if url.path() == "/" && url.query().is_none() {
        Ok(())
    } else {
        Err("`url` is where the node is, without a path: \"https://host:port/\"".to_owned())
    }
}
