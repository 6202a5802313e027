//! The one place that reads the wall clock, and the clocks that stand in for it.
//!
//! Evaluation never sees a clock (it uses observed time); this one dates determinations and signatures, and paces
//! deliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tocsin_domain::time::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// Now, in whole seconds.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

/// A clock that somebody sets: a demonstration follows a chain that lives in the past with it.
#[derive(Clone, Debug)]
pub struct SetClock(Arc<AtomicI64>);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one home of the wall clock"
        )]
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // A machine that thinks it is before 1970 signs nothing that a contract would take; 0 says so plainly.
        Timestamp(since.map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        }))
    }
}

impl SetClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.0)))
    }

    /// Moves it forward to `now`; it never goes back.
    pub fn advance_to(&self, now: Timestamp) {
        self.0.fetch_max(now.0, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}
