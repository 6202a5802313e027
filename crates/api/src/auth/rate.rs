//! How often each key may ask. Only keys whose signature was verified have a bucket, so there are never more buckets than keys.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tocsin_auth::KeyId;

use crate::bucket::{Bucket, Pace};

pub(super) struct Rates {
    pace: Pace,
    buckets: Mutex<HashMap<KeyId, Bucket>>,
}

impl Rates {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            pace: Pace::new(per_second, burst),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&self, key: &KeyId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = || Bucket::full(self.pace, now);
        let bucket = buckets.entry(key.clone()).or_insert_with(full);
        bucket.take(self.pace, now)
    }
}

#[cfg(test)]
mod tests {
    use tocsin_auth::Environment;

    use super::*;

    #[test]
    fn each_key_has_its_own() {
        let rates = Rates::new(1, 2);
        let (one, other) = ([1; 16], [2; 16]);
        let now = Instant::now();
        let take = |key: [u8; 16]| rates.take(&KeyId::new(Environment::Dev, key), now);
        assert!(take(one) && take(one) && !take(one));
        assert!(take(other));
    }
}
