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
        let waiting = clock.clone();
        let woken = async {
            waiting.reaches(Timestamp(200)).await;
            waiting.now()
        };
        let set = async {
            for early in [199, 150] {
                clock.advance_to(Timestamp(early));
                tokio::task::yield_now().await;
            }
            clock.advance_to(Timestamp(250));
        };
        // Whoever is woken too early says so by the time that it reads.
        let (woken, ()) = tokio::join!(woken, set);
        assert_eq!(woken, Timestamp(250));
    }

    #[tokio::test]
    async fn the_machines_clock_has_reached_the_past() {
        SystemClock.reaches(Timestamp(0)).await;
        SystemClock.reaches(SystemClock.now()).await;
    }
}
