//! The epochs of a programme off-chain: no contract announces them, so whoever runs its attestors writes them down.
//!
//! Promise: at every instant between the first epoch's beginning and the last one's end somebody may sign, unless an epoch is
//! revoked.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_domain::attestation::{Epoch, SignerSet};
use tocsin_domain::time::Timestamp;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EpochSection {
    number: u32,
    #[serde(default)]
    threshold: Option<u8>,
    signers: Vec<Address>,
    /// Without bounds, where they are not said.
    #[serde(default)]
    active_from: Option<String>,
    #[serde(default)]
    sign_until: Option<String>,
    #[serde(default)]
    accept_until: Option<String>,
    #[serde(default)]
    revoked: bool,
}

impl EpochSection {
    fn resolve(self) -> Result<Epoch, String> {
        let number = self.number;
        let at = |problem: String| format!("epoch {number}: {problem}");
        let time = |key: &str, text: Option<String>, otherwise: u64| -> Result<u64, String> {
            let Some(text) = text else {
                return Ok(otherwise);
            };
            let time = Timestamp::parse(&text).map_err(|error| at(format!("{key}: {error}")))?;
            time.to_u64()
                .ok_or_else(|| at(format!("{key}: {text} is before 1970")))
        };
        let epoch = Epoch {
            active_from: time("active_from", self.active_from, 0)?,
            sign_until: time("sign_until", self.sign_until, u64::MAX)?,
            accept_until: time("accept_until", self.accept_until, u64::MAX)?,
            revoked: self.revoked,
            signers: signer_set(number, self.threshold, self.signers).map_err(at)?,
        };
        if epoch.active_from > epoch.sign_until || epoch.sign_until > epoch.accept_until {
            return Err(at(
                "its times are out of order: it begins at active_from, signs until sign_until, and is accepted until \
                 accept_until"
                    .to_owned(),
            ));
        }
        Ok(epoch)
    }
}

/// The signers of an epoch; two thirds and one, where no threshold is said.
pub(super) fn signer_set(
    number: u32,
    threshold: Option<u8>,
    signers: Vec<Address>,
) -> Result<SignerSet, String> {
    // A count that does not fit is refused below, by its real number.
    let count = u8::try_from(signers.len()).unwrap_or(u8::MAX);
    let threshold = threshold.unwrap_or_else(|| SignerSet::default_threshold(count));
    SignerSet::new(number, threshold, signers).map_err(|error| error.to_string())
}

/// All of them, which leave no gap.
pub(super) fn resolve(sections: Vec<EpochSection>) -> Result<Vec<Epoch>, String> {
    let epochs = sections.into_iter().map(EpochSection::resolve);
    let epochs = epochs.collect::<Result<Vec<_>, _>>()?;
    let mut numbers = BTreeSet::new();
    if let Some(twice) = epochs.iter().find(|epoch| !numbers.insert(epoch.number())) {
        return Err(format!("epoch {} is there twice", twice.number()));
    }
    let mut standing: Vec<&Epoch> = epochs.iter().filter(|epoch| !epoch.revoked).collect();
    standing.sort_by_key(|epoch| epoch.active_from);
    let mut signed_until: Option<u64> = None;
    for epoch in standing {
        if let Some(end) = signed_until
            && epoch.active_from > end.saturating_add(1)
        {
            return Err(format!(
                "nobody signs between {} and {}, where epoch {} begins: let the epoch before it sign longer, or this one begin \
                 earlier",
                shown(end),
                shown(epoch.active_from),
                epoch.number()
            ));
        }
        signed_until = signed_until.max(Some(epoch.sign_until));
    }
    Ok(epochs)
}

fn shown(seconds: u64) -> String {
    i64::try_from(seconds).map_or_else(
        |_| "the end of time".to_owned(),
        |seconds| Timestamp(seconds).to_string(),
    )
}
