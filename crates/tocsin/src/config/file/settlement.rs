//! The section about who signs.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use alloy::primitives::{Address, B256};
use serde::Deserialize;
use tocsin_attest::KeySettings;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::attestation::off_chain::OffChainDomain;
use tocsin_domain::attestation::{AttestationDomain, SignerSet, SigningDomain};

use super::key::KeySection;
use super::span;
use crate::config::{AttestorConfig, ConfigError, caip, invalid};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AttestorSection {
    /// One of these two: the contract that takes what is signed, or the id of a programme that settles off-chain.
    #[serde(default)]
    verifier: Option<String>,
    #[serde(default)]
    programme: Option<B256>,
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
    /// Mirrors for readers of the Ethereum Attestation Service; none, where it is not said.
    #[serde(default)]
    eas: Option<EasSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EasSection {
    /// CAIP-10.
    contract: String,
    /// What its `version()` says.
    version: String,
}

impl EasSection {
    fn resolve(self, keys: &[KeySettings]) -> Result<EasContract, String> {
        if keys
            .iter()
            .any(|key| matches!(key, KeySettings::Ledger { .. }))
        {
            return Err(
                "`eas` needs keys that sign by themselves: a Ledger shows claims and batches only, and mirrors are neither"
                    .to_owned(),
            );
        }
        if self.version.trim().is_empty() {
            return Err(
                "`eas` version is empty: write what the contract's version() says".to_owned(),
            );
        }
        let account = caip::account(&self.contract)?;
        Ok(EasContract {
            chain_id: account.chain_id,
            address: account.address,
            version: self.version,
        })
    }
}

fn domain(verifier: Option<&str>, programme: Option<B256>) -> Result<SigningDomain, String> {
    match (verifier, programme) {
        (Some(account), None) => {
            let verifier = caip::account(account)?;
            Ok(SigningDomain::Verifier(AttestationDomain {
                chain_id: verifier.chain_id,
                verifier: verifier.address,
            }))
        }
        (None, Some(B256::ZERO)) => Err(
            "`programme` is zero: choose 32 random bytes once, and tell them to whoever pays".to_owned(),
        ),
        (None, Some(programme)) => Ok(SigningDomain::OffChain(OffChainDomain { programme })),
        (None, None) | (Some(_), Some(_)) => Err(
            "needs either a `verifier`, the contract that takes what is signed, or a `programme`, the id of one that settles \
             off-chain"
                .to_owned(),
        ),
    }
}

impl AttestorSection {
    /// The attestor with its secrets read.
    pub(in crate::config) fn resolve(
        self,
        path: &Path,
        base: &Path,
    ) -> Result<AttestorConfig, ConfigError> {
        let at = |problem: String| invalid(path, format!("[attestor]: {problem}"));
        let domain = domain(self.verifier.as_deref(), self.programme).map_err(at)?;
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
        if domain.programme().is_some() && signers.is_none() {
            return Err(at(
                "`programme` needs `epoch` and `signers`: off-chain there is no contract to ask for them".to_owned(),
            ));
        }
        let keys = self.signer.into_iter().chain(self.keys);
        let keys: Vec<_> = keys
            .map(|key| key.attestor(base).map_err(at))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(at(
                "needs a key: write `signer = { … }`, or [[attestor.keys]]".to_owned(),
            ));
        }
        let eas = self.eas.map(|eas| eas.resolve(&keys)).transpose();
        Ok(AttestorConfig {
            eas: eas.map_err(at)?,
            domain,
            signers,
            keys,
            hold: span(&self.hold).map_err(at)?,
            valid_for: span(&self.valid_for).map_err(at)?,
            batch_from: self.batch_from,
            fetched_by: self.fetched_by,
        })
    }
}
