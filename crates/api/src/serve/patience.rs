//! The timer of one connection, which hyper asks for a deadline before every request.
//!
//! The runtime keeps its timers under one lock, and nearly every deadline here is given up before it comes. So one timer stays
//! armed with the first of them, and is moved on to the deadline of the day only when it has run out: once in a while, not with
//! every request.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

type Armed = Pin<Box<tokio::time::Sleep>>;

/// The timer of a connection.
#[derive(Default)]
pub(super) struct Patience {
    /// Armed, while no deadline has it.
    resting: Arc<Mutex<Option<Armed>>>,
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let resting = self.resting.lock();
        let resting = resting.unwrap_or_else(PoisonError::into_inner).take();
        // A deadline that was given up was an earlier one: what is armed runs out before this one.
        let armed = resting.unwrap_or_else(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        Box::pin(Deadline {
            deadline: deadline.into(),
            armed: Some(armed),
            resting: Arc::clone(&self.resting),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// Over at its instant.
struct Deadline {
    deadline: tokio::time::Instant,
    armed: Option<Armed>,
    resting: Arc<Mutex<Option<Armed>>>,
}

impl Sleep for Deadline {}

impl Future for Deadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let Some(armed) = &mut self.armed else {
            return Poll::Ready(());
        };
        loop {
            ready!(armed.as_mut().poll(context));
            if armed.deadline() >= deadline {
                return Poll::Ready(());
            }
            armed.as_mut().reset(deadline);
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        *resting = self.armed.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_over_at_its_time_whatever_was_given_up_before() {
        let patience = Patience::default();
        let begun = tokio::time::Instant::now();
        for _ in 0..9 {
            let mut given_up = patience.sleep(Duration::from_secs(15));
            let short = tokio::time::timeout(Duration::from_secs(2), given_up.as_mut()).await;
            assert!(short.is_err());
        }
        assert_eq!(begun.elapsed(), Duration::from_secs(18));
        patience.sleep(Duration::from_secs(15)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(33));
        // What has run out is armed anew.
        patience.sleep(Duration::from_secs(15)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(48));
    }
}
