//! Which nonces are taken, in memory: ordered by the span of time in which they end, so that what is old goes at once.
//!
//! It is as much as the table holds: at most [`MOST_NONCES`](tocsin_store::credential::MOST_NONCES) of a key that are still
//! good, and those of the last span.

use std::collections::{BTreeMap, HashMap};

use tocsin_auth::nonce::NonceHash;
use tocsin_auth::{KeyId, UnixTime};

/// Seconds.
const SPAN: i64 = 32;

/// The nonces of a key, and until when each is kept.
type OfKey = HashMap<NonceHash, UnixTime>;

#[derive(Debug, Default)]
pub(super) struct Known {
    spans: BTreeMap<i64, Span>,
}

#[derive(Debug)]
struct Span {
    /// Until when the last of them is kept.
    last: UnixTime,
    keys: HashMap<KeyId, OfKey>,
}

impl Known {
    pub(super) fn add(
        &mut self,
        key: &KeyId,
        nonces: impl IntoIterator<Item = NonceHash>,
        keep_until: UnixTime,
    ) {
        let span = self.spans.entry(keep_until.0.div_euclid(SPAN));
        let span = span.or_insert_with(|| Span {
            last: keep_until,
            keys: HashMap::new(),
        });
        span.last = span.last.max(keep_until);
        let taken = nonces.into_iter().map(|nonce| (nonce, keep_until));
        match span.keys.get_mut(key) {
            Some(of_key) => of_key.extend(taken),
            None => {
                span.keys.insert(key.clone(), taken.collect());
            }
        }
    }

    /// Whether it was taken, and is still kept.
    pub(super) fn has(&self, key: &KeyId, nonce: &NonceHash, now: UnixTime) -> bool {
        self.of(key)
            .any(|taken| taken.get(nonce).is_some_and(|until| now <= *until))
    }

    /// How many there are of a key.
    pub(super) fn count(&self, key: &KeyId) -> usize {
        self.of(key).map(HashMap::len).sum()
    }

    fn of(&self, key: &KeyId) -> impl Iterator<Item = &OfKey> {
        self.spans.values().filter_map(|span| span.keys.get(key))
    }

    /// Forgets the spans that are over; gives until when the last of them was kept.
    pub(super) fn forget(&mut self, now: UnixTime) -> Option<UnixTime> {
        let current = now.0.div_euclid(SPAN);
        let mut last = None;
        while let Some(first) = self.spans.first_entry() {
            if *first.key() >= current {
                break;
            }
            last = last.max(Some(first.remove().last));
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use tocsin_auth::Environment;

    use super::*;

    #[test]
    fn each_is_kept_to_the_second_and_forgotten_with_its_span() {
        let key = KeyId::new(Environment::Test, [1; 16]);
        let other = KeyId::new(Environment::Test, [2; 16]);
        let nonce = |number| NonceHash([number; 32]);
        let mut known = Known::default();
        known.add(&key, [nonce(1), nonce(2)], UnixTime(SPAN));
        known.add(&key, [nonce(3)], UnixTime(2 * SPAN));
        assert!(known.has(&key, &nonce(1), UnixTime(SPAN)));
        assert!(!known.has(&key, &nonce(1), UnixTime(SPAN + 1)));
        assert!(!known.has(&other, &nonce(1), UnixTime(0)));
        assert_eq!((known.count(&key), known.count(&other)), (3, 0));
        assert_eq!(known.forget(UnixTime(2 * SPAN - 1)), None);
        assert_eq!(known.count(&key), 3);
        assert_eq!(known.forget(UnixTime(2 * SPAN)), Some(UnixTime(SPAN)));
        assert_eq!(known.count(&key), 1);
        assert_eq!(known.forget(UnixTime(9 * SPAN)), Some(UnixTime(2 * SPAN)));
        assert!(known.spans.is_empty());
    }
}
