//! Leaving a provider alone that fails and fails.
//!
//! After so many failures in a row nothing is sent for a while; then one request shows whether it is back. If it is not, the
//! while doubles, up to the longest.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::feed::BreakerState;
use crate::feed::definition::Limits;

pub(crate) struct Breaker {
    failures_max: u32,
    rest: Duration,
    longest: Duration,
    /// How long the one request may take before another may be sent.
    probe: Duration,
    state: Mutex<State>,
}

struct State {
    failures: u32,
    /// Nothing is sent before; `None` while it is closed.
    open_until: Option<Instant>,
    /// Whether a request is out to see whether it is back.
    probing: bool,
    rest: Duration,
    after: String,
}

impl Breaker {
    pub(crate) fn new(limits: &Limits) -> Self {
        let span =
            |seconds: tocsin_domain::time::Seconds| Duration::from_secs(seconds.0.unsigned_abs());
        let rest = span(limits.rest);
        Self {
            failures_max: limits.breaker.get(),
            rest,
            longest: span(limits.longest_rest).max(rest),
            probe: limits.timeout.saturating_mul(2),
            state: Mutex::new(State {
                failures: 0,
                open_until: None,
                probing: false,
                rest,
                after: String::new(),
            }),
        }
    }

    /// Whether a request may be sent now; if not, why.
    pub(crate) fn enter(&self) -> Result<(), String> {
        let mut state = self.state();
        let now = Instant::now();
        match state.open_until {
            None => Ok(()),
            Some(until) if until > now => Err(format!(
                "it failed {} times in a row and is left alone for a while, the last time because: {}",
                state.failures, state.after
            )),
            Some(_) => {
                // If the request is given up, the next may be sent when this time is over.
                state.open_until = Some(now + self.probe);
                state.probing = true;
                Ok(())
            }
        }
    }

    /// It answered.
    pub(crate) fn succeeded(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.open_until = None;
        state.probing = false;
        state.rest = self.rest;
    }

    /// It did not.
    pub(crate) fn failed(&self, reason: String) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.after = reason;
        let was_open = state.open_until.is_some();
        if state.failures < self.failures_max || (was_open && !state.probing) {
            return;
        }
        if was_open {
            state.rest = state.rest.saturating_mul(2).min(self.longest);
        }
        state.probing = false;
        state.open_until = Some(Instant::now() + rand::random_range(state.rest / 2..=state.rest));
    }

    pub(crate) fn report(&self) -> BreakerState {
        let state = self.state();
        match state.open_until {
            None => BreakerState::Closed,
            Some(until) if until > Instant::now() && !state.probing => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment after the other without a way out between: a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let table: toml::Table = "[limits]\nbreaker = 2\nrest = '10s'\nlongest_rest = '30s'"
            .parse()
            .unwrap();
        let top = crate::feed::section::Section::new(&table, "", &["limits"]).unwrap();
        Breaker::new(&Limits::read(&top).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_one_request_probes() {
        let breaker = breaker();
        breaker.failed("once".to_owned());
        breaker.succeeded();
        breaker.failed("once".to_owned());
        assert_eq!(breaker.enter(), Ok(()));
        breaker.failed("twice".to_owned());
        assert_eq!(breaker.report(), BreakerState::Open);
        let refused = breaker.enter().unwrap_err();
        assert!(refused.ends_with("because: twice"), "{refused}");
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(breaker.enter(), Ok(()));
        assert_eq!(breaker.report(), BreakerState::HalfOpen);
        assert!(breaker.enter().is_err(), "one request is enough to see");
        breaker.failed("still".to_owned());
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(
            breaker.enter().is_err(),
            "at least half of the doubled rest"
        );
        tokio::time::sleep(Duration::from_secs(12)).await;
        assert_eq!(breaker.enter(), Ok(()));
        breaker.succeeded();
        assert_eq!(breaker.report(), BreakerState::Closed);
        assert_eq!(breaker.enter(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_does_not_block_it_for_ever() {
        let breaker = breaker();
        breaker.failed("a".to_owned());
        breaker.failed("b".to_owned());
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(breaker.enter(), Ok(()));
        tokio::time::sleep(Duration::from_secs(21)).await;
        assert_eq!(breaker.enter(), Ok(()));
    }
}
