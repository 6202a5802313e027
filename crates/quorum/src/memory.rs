//! What was worked out and may be asked for again, within a bound of bytes. Forgetting something costs its time again, and
//! nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most bytes that one memory keeps, by what its contents are said to weigh.
const MOST_BYTES: usize = 64 << 20;

/// A memory.
#[derive(Debug)]
pub(crate) struct Memory<K, V>(Mutex<Kept<K, V>>);

#[derive(Debug)]
struct Kept<K, V> {
    values: BTreeMap<K, (V, usize)>,
    /// Oldest first.
    order: VecDeque<K>,
    bytes: usize,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            values: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }))
    }
}

impl<K: Ord + Clone, V: Clone> Memory<K, V> {
    /// What is remembered under this key.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let kept = self.kept();
        kept.values.get(key).map(|(value, _)| value.clone())
    }

    /// Remembers, and forgets the oldest where that is too much. What is too much alone is not remembered.
    pub(crate) fn put(&self, key: K, value: V, bytes: usize) {
        let mut kept = self.kept();
        kept.forget(&key);
        if bytes > MOST_BYTES {
            return;
        }
        while kept.bytes.saturating_add(bytes) > MOST_BYTES {
            let Some(oldest) = kept.order.front().cloned() else {
                break;
            };
            kept.forget(&oldest);
        }
        kept.bytes = kept.bytes.saturating_add(bytes);
        kept.order.push_back(key.clone());
        kept.values.insert(key, (value, bytes));
    }

    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        // Held for a few accesses that do not panic: a poisoned one is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord, V> Kept<K, V> {
    fn forget(&mut self, key: &K) {
        if let Some((_, bytes)) = self.values.remove(key) {
            self.bytes = self.bytes.saturating_sub(bytes);
            self.order.retain(|other| other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_a_bound_in_bytes() {
        let memory = Memory::default();
        let third = MOST_BYTES / 3;
        for number in 0..10 {
            memory.put(number, "large", third);
        }
        let kept = |memory: &Memory<i32, &str>| {
            let kept = (0..20).filter(|number| memory.get(number).is_some());
            kept.collect::<Vec<_>>()
        };
        assert_eq!(kept(&memory), [7, 8, 9]);
        // The same again takes no more room, and is the youngest now.
        memory.put(7, "large", third);
        assert_eq!(kept(&memory), [7, 8, 9]);
        memory.put(10, "too large", MOST_BYTES + 1);
        assert_eq!(kept(&memory), [7, 8, 9]);
        memory.put(11, "two", 2 * third);
        assert_eq!(kept(&memory), [7, 11]);
    }
}
