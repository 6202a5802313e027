//! A block may be announced before the same node answers questions about it.
//!
//! Promises: after an announcement that nothing new was found for, the chain is looked at again soon, a few times, and not at all
//! where something was found or where an announced block is not final anyway.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use tocsin_domain::cover::Finality;

/// How often an announced block is looked for again.
const LOOKS: u32 = 4;

/// Before the first further look; twice as long before every next one.
const FIRST: Duration = Duration::from_millis(10);

/// What is left of looking for an announced block.
#[derive(Debug)]
pub(crate) struct SecondLook {
    left: AtomicU32,
    looks: u32,
}

impl SecondLook {
    pub(crate) fn new(finality: Finality) -> Self {
        let looks = match finality {
            Finality::Confirmations(_) => LOOKS,
            // Finality comes once in many blocks, and is waited for in minutes.
            Finality::Finalized | Finality::Safe => 0,
        };
        Self {
            left: AtomicU32::new(0),
            looks,
        }
    }

    /// A block was announced.
    pub(crate) fn announced(&self) {
        self.left.store(self.looks, Ordering::Relaxed);
    }

    /// Something new was read.
    pub(crate) fn found(&self) {
        self.left.store(0, Ordering::Relaxed);
    }

    /// How long to wait before the next look, if there is one.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let left = self.left.load(Ordering::Relaxed);
        let done = self.looks.saturating_sub(left);
        (left > 0).then(|| FIRST * (1 << done))
    }

    /// A look is begun.
    pub(crate) fn looked(&self) {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_block_is_looked_for_a_few_times_until_it_is_found() {
        let look = SecondLook::new(Finality::Confirmations(0));
        assert_eq!(look.wait(), None);
        look.announced();
        for ms in [10, 20, 40, 80] {
            assert_eq!(look.wait(), Some(Duration::from_millis(ms)));
            look.looked();
        }
        assert_eq!(look.wait(), None);
        look.announced();
        look.found();
        assert_eq!(look.wait(), None);
    }

    #[test]
    fn a_block_that_is_not_final_yet_is_not_looked_for() {
        let look = SecondLook::new(Finality::Finalized);
        look.announced();
        assert_eq!(look.wait(), None);
    }
}
