//! What accounts said as of one slot.

use std::collections::BTreeSet;

use alloy::primitives::U256;
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::node::{Account, Accounts};
use super::source::{Kind, Seen};
use super::{AccountSettings, Pubkey, SolanaSource};

/// The accounts that these sources read, each one once.
pub(crate) fn wanted(sources: &[&SolanaSource]) -> Vec<Pubkey> {
    let accounts: BTreeSet<Pubkey> = sources
        .iter()
        .filter_map(|source| match &source.kind {
            Kind::Account(settings) => Some(settings.account),
            Kind::Event(_) => None,
        })
        .collect();
    accounts.into_iter().collect()
}

/// One observation for each source that reads an account, in their order. An account that is missing, belongs to another
/// program or has other data than expected is an observation without value: the chain spoke, and not of this.
pub(crate) fn observe(
    sources: &[&SolanaSource],
    asked: &[Pubkey],
    read: &Accounts,
    time: Timestamp,
) -> Vec<Observation> {
    let seen = Seen {
        observed_at: time,
        sequence: Sequence(U256::from(read.slot)),
        hash: read.hash,
    };
    let mut observations = Vec::new();
    for source in sources {
        let Kind::Account(settings) = &source.kind else {
            continue;
        };
        if read.slot < settings.from_slot {
            continue;
        }
        let account = asked
            .iter()
            .zip(&read.accounts)
            .find_map(|(name, account)| (*name == settings.account).then_some(account.as_ref()));
        observations.push(source.observe(seen, value(settings, account.flatten())));
    }
    observations
}

fn value(settings: &AccountSettings, account: Option<&Account>) -> Result<Value, &'static str> {
    let account = account.ok_or("the account does not exist")?;
    if account.owner != settings.owner.to_string() {
        return Err("the account belongs to another program");
    }
    if !account.data.starts_with(&settings.begins_with) {
        return Err("the account's data begins otherwise");
    }
    settings.field.read(&account.data)
}
