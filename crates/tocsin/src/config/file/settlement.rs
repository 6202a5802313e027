//! The section about who signs.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_domain::attestation::{AttestationDomain, SignerSet};

use super::key::KeySection;
use super::span;
use crate::config::{AttestorConfig, ConfigError, caip, invalid};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AttestorSection {
    verifier: String,
    epoch: u32,
    threshold: u8,
    signers: Vec<Address>,
    signer: KeySection,
    hold: String,
    valid_for: String,
    /// From how many claims at once on they are signed as one batch; never, where it is not said.
    #[serde(default)]
    batch_from: Option<NonZeroUsize>,
    /// Contracts whose attestations are fetched and used by others: nothing is submitted for them.
    #[serde(default)]
    fetched_by: BTreeSet<Address>,
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
            batch_from: self.batch_from,
            fetched_by: self.fetched_by,
        })
    }
}
