//! Keys as they were read last, for a short while: so that most requests need no look into the database, and a revocation
//! counts soon all the same.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use tocsin_auth::KeyId;
use tocsin_auth::check::KnownKey;
use tocsin_store::credential::OwnerName;

use super::MOST_CACHED;

/// How many are kept. Ids come from strangers too.
const MOST: usize = 10_000;
/// How long it is believed that there is no such key: a new one is taken almost at once.
const ABSENT_FOR: Duration = Duration::from_secs(1);

/// A key and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) key: KnownKey,
    pub(super) client: OwnerName,
    /// Requests that were let through.
    pub(super) answered: Counter,
}

struct Entry {
    until: Instant,
    known: Option<Known>,
}

pub(super) struct Cache {
    cached_for: Duration,
    entries: Mutex<HashMap<KeyId, Entry>>,
}

impl Cache {
    /// Believes what it has read for so long, and never longer than [`MOST_CACHED`].
    pub(super) fn new(cached_for: Duration) -> Self {
        Self {
            cached_for: cached_for.min(MOST_CACHED),
            entries: Mutex::default(),
        }
    }

    /// What is known of a key; `None`: it has to be read.
    pub(super) fn get(&self, id: &KeyId) -> Option<Option<Known>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(id)?;
        (Instant::now() < entry.until).then(|| entry.known.clone())
    }

    /// Keeps what was read; `read_at` is when the reading began, so that a slow one does not make it younger.
    pub(super) fn put(&self, id: KeyId, known: Option<Known>, read_at: Instant) {
        let kept = match &known {
            Some(_) => self.cached_for,
            None => self.cached_for.min(ABSENT_FOR),
        };
        let Some(until) = read_at.checked_add(kept) else {
            return;
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            let now = Instant::now();
            entries.retain(|_, entry| now < entry.until);
        }
        if entries.len() < MOST {
            entries.insert(id, Entry { until, known });
        }
    }

    /// Forgets everything: a key was changed here.
    pub(super) fn clear(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use tocsin_auth::{Environment, LifeCycle, Scopes, UnixTime, VerifyingKey};

    use super::*;

    /// Whatever is configured, a revocation by another node counts after half a minute: no key is believed for longer, counted
    /// from the beginning of the reading.
    #[test]
    fn no_key_is_believed_for_longer_than_is_promised() {
        let id = KeyId::new(Environment::Test, [1; 16]);
        let now = UnixTime(1_800_000_000);
        let known = Known {
            key: KnownKey {
                id: id.clone(),
                verifying: VerifyingKey::hmac(&[1; 32]).unwrap(),
                life: LifeCycle::pending(now.plus(1)).activate(now).unwrap(),
                scopes: Scopes::default(),
            },
            client: "desk".parse().unwrap(),
            answered: Counter::default(),
        };
        let an_hour = Cache::new(Duration::from_secs(3_600));
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        for (read, is_known) in [(29, true), (30, false), (3_000, false)] {
            an_hour.put(id.clone(), Some(known.clone()), ago(read).unwrap());
            assert_eq!(an_hour.get(&id).is_some(), is_known, "{read} s ago");
        }
        an_hour.put(id.clone(), None, Instant::now());
        assert!(matches!(an_hour.get(&id), Some(None)));
        an_hour.put(id.clone(), None, ago(1).unwrap());
        assert!(an_hour.get(&id).is_none(), "a new key is taken soon");
    }
}
