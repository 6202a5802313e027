//! How many blocks a batch has: few at first, more while all goes well, fewer where a batch is heavy or fails.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

/// The first batch, so that the first thing that goes wrong is small.
const FIRST: u64 = 64;

/// A batch that takes longer is made smaller, one that takes less than half of it may grow.
const ENOUGH: Duration = Duration::from_secs(4);

/// The size of the next batch.
pub(crate) struct BatchSize {
    blocks: AtomicU64,
    most: u64,
}

/// How a batch went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Went {
    /// It ended before its last block, because it had too many logs.
    Cut,
    /// It could not be read.
    Failed,
    /// It was read whole in this time; `full` if nothing but the size limited it.
    Well {
        /// Whether there were more blocks to read.
        full: bool,
        /// How long it took.
        took: Duration,
    },
}

impl BatchSize {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            blocks: AtomicU64::new(FIRST.min(most)),
            most,
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    pub(crate) fn learn(&self, went: Went) {
        let now = self.get();
        let next = match went {
            Went::Cut | Went::Failed => now / 2,
            Went::Well { took, .. } if took > ENOUGH => now / 2,
            Went::Well { full: true, took } if took < ENOUGH / 2 => now * 2,
            Went::Well { .. } => now,
        };
        self.blocks
            .store(next.clamp(1, self.most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_to_the_limit_and_shrink_to_one_block() {
        let size = BatchSize::new(1_000);
        let quick = |full| Went::Well {
            full,
            took: Duration::from_millis(1),
        };
        size.learn(quick(false));
        assert_eq!(size.get(), FIRST);
        for _ in 0..10 {
            size.learn(quick(true));
        }
        assert_eq!(size.get(), 1_000);
        size.learn(Went::Cut);
        assert_eq!(size.get(), 500);
        size.learn(Went::Well {
            full: true,
            took: Duration::from_secs(9),
        });
        assert_eq!(size.get(), 250);
        for _ in 0..10 {
            size.learn(Went::Failed);
        }
        assert_eq!(size.get(), 1);
    }
}
