//! The one place that reads the wall clock, and the clocks that stand in for it.
//!
//! Evaluation never sees a clock (it uses observed time); this one dates determinations and signatures, and paces
//! deliveries.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tocsin_domain::time::Timestamp;
use tokio::sync::watch;

/// Says what time it is.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, in whole seconds.
    fn now(&self) -> Timestamp;

    /// Returns when it is `at` or later.
    async fn reaches(&self, at: Timestamp);
}

/// The machine's clock may be set meanwhile: it is looked at again at the least after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

/// A clock that somebody sets: a demonstration follows a chain that lives in the past with it.
#[derive(Clone, Debug)]
pub struct SetClock(Arc<watch::Sender<Timestamp>>);

#[async_trait]
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

    async fn reaches(&self, at: Timestamp) {
        loop {
            match u64::try_from(at.since(self.now()).0) {
                Ok(0) | Err(_) => return,
                Ok(seconds) => {
                    tokio::time::sleep(LOOK_AGAIN.min(Duration::from_secs(seconds))).await;
                }
            }
        }
    }
}

impl SetClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(now)))
    }

    /// Moves it forward to `now`; it never goes back.
    pub fn advance_to(&self, now: Timestamp) {
        self.0.send_if_modified(|time| {
            let later = now > *time;
            if later {
                *time = now;
            }
            later
        });
    }
}

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn reaches(&self, at: Timestamp) {
        let mut time = self.0.subscribe();
        // Its only error is that nobody can set it any more, and this is a clock that can.
        let _reached = time.wait_for(|now| *now >= at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_set_clock_wakes_who_waits_for_its_time() {
        let clock = SetClock::new(Timestamp(100));
        clock.reaches(Timestamp(100)).await;
        let woken = async {
            clock.reaches(Timestamp(200)).await;
            clock.now()
        };
        let setting = async {
            for now in [199, 150, 250] {
                tokio::task::yield_now().await;
                clock.advance_to(Timestamp(now));
            }
        };
        // Nobody is woken before the time: it reads 250, and never 199.
        let (woken_at, ()) = tokio::join!(woken, setting);
        assert_eq!(woken_at, Timestamp(250));
    }

    #[tokio::test]
    async fn the_machines_clock_has_reached_the_past() {
        SystemClock.reaches(Timestamp(0)).await;
        SystemClock.reaches(SystemClock.now()).await;
    }
}
