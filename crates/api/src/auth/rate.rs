//! How often each key may ask: a bucket of tokens that fills evenly. Only keys whose signature was verified have one, so there
//! are never more buckets than keys.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tocsin_auth::KeyId;

/// Tokens are counted in thousandths, so that slow rates fill without rounding.
const TOKEN: u64 = 1_000;

pub(super) struct Rates {
    per_second: u64,
    burst: u64,
    buckets: Mutex<HashMap<KeyId, Bucket>>,
}

struct Bucket {
    level: u64,
    at: Instant,
}

impl Rates {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: u64::from(per_second),
            burst: u64::from(burst).saturating_mul(TOKEN),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&self, key: &KeyId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(key) {
            let level = self.burst;
            buckets.insert(key.clone(), Bucket { level, at: now });
        }
        let Some(bucket) = buckets.get_mut(key) else {
            return false;
        };
        let millis = now.saturating_duration_since(bucket.at).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        // A token a second is a thousandth a millisecond.
        let filled = millis.saturating_mul(self.per_second);
        if filled > 0 {
            bucket.level = bucket.level.saturating_add(filled).min(self.burst);
            bucket.at = now;
        }
        match bucket.level.checked_sub(TOKEN) {
            Some(rest) => {
                bucket.level = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tocsin_auth::Environment;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let rates = Rates::new(2, 5);
        let key = KeyId::new(Environment::Dev, [1; 16]);
        let begun = Instant::now();
        let taken = |millis: u64, tries: usize| {
            let at = begun + Duration::from_millis(millis);
            (0..tries).filter(|_| rates.take(&key, at)).count()
        };
        assert_eq!(taken(0, 20), 5);
        assert_eq!(taken(400, 20), 0);
        assert_eq!(taken(1_000, 20), 2);
        assert_eq!(taken(900_000, 20), 5);
        let other = KeyId::new(Environment::Dev, [2; 16]);
        assert!(rates.take(&other, begun));
    }
}
