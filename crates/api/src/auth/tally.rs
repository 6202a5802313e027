//! What came of requests, until it is written down: so that a flood of refused ones costs no write each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tocsin_auth::{Failure, KeyId, UnixTime};
use tocsin_store::credential::Uses;

/// How many networks of a key are told at once.
const MOST_NETWORKS: usize = 16;

#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<Option<KeyId>, Counted>>);

#[derive(Default)]
struct Counted {
    answered: u64,
    failures: BTreeMap<Failure, u64>,
    networks: BTreeSet<String>,
    /// Whose network is in there: mostly the next one's too.
    last: Option<IpAddr>,
}

impl Tally {
    /// A request of this key is answered.
    pub(super) fn answered(&self, key: &KeyId, peer: Option<IpAddr>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counts.entry(Some(key.clone())).or_default();
        counted.answered = counted.answered.saturating_add(1);
        if let Some(peer) = peer
            && counted.last != Some(peer)
            && counted.networks.len() < MOST_NETWORKS
        {
            counted.networks.insert(network(peer));
            counted.last = Some(peer);
        }
    }

    /// A request was refused. `key` is one that is known.
    pub(super) fn refused(&self, key: Option<&KeyId>, failure: Failure) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counts.entry(key.cloned()).or_default();
        let count = counted.failures.entry(failure).or_default();
        *count = count.saturating_add(1);
    }

    /// Takes out what was counted.
    pub(super) fn drain(&self, at: UnixTime) -> Vec<Uses> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = core::mem::take(&mut *counts);
        let uses = taken.into_iter().map(|(key, counted)| Uses {
            key,
            answered: counted.answered,
            failures: counted.failures,
            networks: counted.networks.into_iter().collect(),
            at,
        });
        uses.collect()
    }

    /// Puts back what could not be written down.
    pub(super) fn put_back(&self, uses: Vec<Uses>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for used in uses {
            let counted = counts.entry(used.key).or_default();
            counted.answered = counted.answered.saturating_add(used.answered);
            for (kind, count) in used.failures {
                let sum = counted.failures.entry(kind).or_default();
                *sum = sum.saturating_add(count);
            }
            counted.networks.extend(used.networks);
        }
    }
}

/// The network that an address is in, as far as one customer has it: 24 bits of IPv4, 48 of IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}
