//! How fast an endpoint may be asked: calls a second, requests at once, and rests after failures or when it asks for them.
//!
//! Promises: on average over a second, no more calls than configured; during a rest nothing is sent, and a caller that
//! would have to wait long is told so at once, so that it can ask elsewhere.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::error::RequestFailure;

/// A caller waits out a rest of up to this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The rest after a first failure; it doubles with every further one.
const FIRST_REST: Duration = Duration::from_millis(50);

/// The longest rest that failures bring.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// The longest rest that an endpoint can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Permits of an endpoint, a node's or a feed's.
pub(crate) struct Pace {
    in_flight: Semaphore,
    per_call: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the next call is due; up to a second before now where nothing was asked for a while.
    due: Instant,
    rest_until: Instant,
    failures: u32,
    /// What was wrong the last time.
    after: String,
}

impl Pace {
    pub(crate) fn new(requests_per_second: NonZeroU32, max_in_flight: NonZeroU32) -> Self {
        let permits = usize::try_from(max_in_flight.get()).map_or(Semaphore::MAX_PERMITS, |most| {
            most.min(Semaphore::MAX_PERMITS)
        });
        let now = Instant::now();
        Self {
            in_flight: Semaphore::new(permits),
            per_call: Duration::from_secs(1) / requests_per_second.get(),
            state: Mutex::new(State {
                due: now,
                rest_until: now,
                failures: 0,
                after: String::new(),
            }),
        }
    }

    /// Waits until this many calls may be sent in one request; the request is under way while the permit is held.
    pub(crate) async fn enter(&self, calls: u32) -> Result<SemaphorePermit<'_>, RequestFailure> {
        let permit = self
            .in_flight
            .acquire()
            .await
            .map_err(RequestFailure::Closed)?;
        let start = {
            let mut state = self.state();
            let now = Instant::now();
            let rest = state.rest_until.saturating_duration_since(now);
            if rest > PATIENCE {
                return Err(RequestFailure::Resting {
                    after: state.after.clone(),
                });
            }
            let earliest = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
            let slot = state.due.max(earliest);
            state.due = slot + self.per_call.saturating_mul(calls);
            slot.max(state.rest_until)
        };
        sleep_until(start).await;
        Ok(permit)
    }

    /// A request was answered.
    pub(crate) fn answered(&self) {
        self.state().failures = 0;
    }

    /// A request failed, for this reason; `asked` is for how long the endpoint wants to be left alone.
    pub(crate) fn failed(&self, asked: Option<Duration>, reason: String) {
        let mut state = self.state();
        state.after = reason;
        let now = Instant::now();
        // Requests that fail together are one failure.
        if state.rest_until <= now {
            state.failures = state.failures.saturating_add(1);
            let rest = FIRST_REST
                .saturating_mul(1 << state.failures.saturating_sub(1).min(16))
                .min(LONGEST_REST);
            state.rest_until = now + rand::random_range(rest / 2..=rest);
        }
        if let Some(asked) = asked {
            state.rest_until = state.rest_until.max(now + asked.min(LONGEST_ASKED));
        }
    }

    /// Whether a caller would be turned away now.
    pub(crate) fn is_resting(&self) -> bool {
        self.state().rest_until > Instant::now() + PATIENCE
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment: a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
