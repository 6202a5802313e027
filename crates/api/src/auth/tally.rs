//! What came of requests, until it is written down: so that a flood of refused ones costs no write each.
//!
//! Each sum of refusals that is written down is a leaf of the log for ever, and anybody can be refused under the name of any key.
//! So a first refusal is told at once, and further ones of its kind, of the same key, are summed up for some minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tocsin_auth::{Failure, KeyId, UnixTime};
use tocsin_store::credential::Uses;

/// How many networks of a key are told at once.
const MOST_NETWORKS: usize = 16;

/// For how long refusals of one kind, of one key, are summed up after some were told.
const SUMMED_FOR: i64 = 600;

#[derive(Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    counted: BTreeMap<Option<KeyId>, Counted>,
    /// When refusals were told last. There are as many as known keys and kinds.
    told: BTreeMap<(Option<KeyId>, Failure), UnixTime>,
}

#[derive(Default)]
struct Counted {
    answered: u64,
    failures: BTreeMap<Failure, u64>,
    networks: BTreeSet<String>,
    /// Whose network is in there: mostly the next one's too.
    last: Option<IpAddr>,
}

impl Counted {
    fn is_nothing(&self) -> bool {
        self.answered == 0 && self.failures.is_empty() && self.networks.is_empty()
    }
}

impl Tally {
    /// A request of this key is answered.
    pub(super) fn answered(&self, key: &KeyId, peer: Option<IpAddr>) {
        let mut counts = self.counts();
        let counted = counts.counted.entry(Some(key.clone())).or_default();
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
        let mut counts = self.counts();
        let counted = counts.counted.entry(key.cloned()).or_default();
        let count = counted.failures.entry(failure).or_default();
        *count = count.saturating_add(1);
    }

    /// Takes out what was counted, but for refusals of which some were told lately.
    pub(super) fn drain(&self, at: UnixTime) -> Vec<Uses> {
        self.take(at, |told| at.since(told) >= SUMMED_FOR)
    }

    /// Takes out everything.
    pub(super) fn drain_all(&self, at: UnixTime) -> Vec<Uses> {
        self.take(at, |_told| true)
    }

    fn take(&self, at: UnixTime, is_due: impl Fn(UnixTime) -> bool) -> Vec<Uses> {
        let mut counts = self.counts();
        let Counts { counted, told } = &mut *counts;
        let mut uses = Vec::new();
        for (key, all) in core::mem::take(counted) {
            let (mut due, mut waiting) = (all, Counted::default());
            for (kind, count) in core::mem::take(&mut due.failures) {
                let name = (key.clone(), kind);
                if told.get(&name).is_none_or(|told| is_due(*told)) {
                    told.insert(name, at);
                    due.failures.insert(kind, count);
                } else {
                    waiting.failures.insert(kind, count);
                }
            }
            if !waiting.is_nothing() {
                counted.insert(key.clone(), waiting);
            }
            if !due.is_nothing() {
                uses.push(Uses {
                    key,
                    answered: due.answered,
                    failures: due.failures,
                    networks: due.networks.into_iter().collect(),
                    at,
                });
            }
        }
        uses
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts back what could not be written down.
    pub(super) fn put_back(&self, uses: Vec<Uses>) {
        let mut counts = self.counts();
        let Counts { counted, told } = &mut *counts;
        for used in uses {
            for kind in used.failures.keys() {
                told.remove(&(used.key.clone(), *kind));
            }
            let counted = counted.entry(used.key).or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_told_at_once_and_then_summed_up() {
        let tally = Tally::default();
        let told = |at: i64| -> Vec<u64> {
            let uses = tally.drain(UnixTime(at));
            let failures = uses
                .into_iter()
                .flat_map(|used| used.failures.into_values());
            failures.collect()
        };
        tally.refused(None, Failure::Malformed);
        assert_eq!(told(0), [1]);
        for at in [10, 20, 590] {
            tally.refused(None, Failure::Malformed);
            tally.refused(None, Failure::Malformed);
            assert_eq!(told(at), Vec::<u64>::new());
        }
        // Of another kind.
        tally.refused(None, Failure::Stale);
        assert_eq!(told(595), [1]);
        assert_eq!(told(600), [6]);
        // What could not be written down is told as soon as it can be.
        tally.refused(None, Failure::Malformed);
        let left = tally.drain_all(UnixTime(601));
        assert_eq!(left.len(), 1);
        tally.put_back(left);
        assert_eq!(told(602), [1]);
    }
}
