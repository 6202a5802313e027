//! How much of this node each of the others can have at once. Whoever asks for more waits, and is turned away when it has
//! waited as long as a request may take; no attestor takes the place of another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::Address;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::{Reason, Refusal};

/// The most requests of one attestor that are worked on at once, bodies that are still coming included.
const EACH: usize = 2;

/// The gate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// By the addresses of attestors, never of strangers.
    each: Mutex<BTreeMap<Address, Arc<Semaphore>>>,
}

/// As long as this is kept, its holder is inside.
#[derive(Debug)]
pub(crate) struct Pass(
    #[expect(dead_code, reason = "what matters is when it is dropped")] OwnedSemaphorePermit,
);

impl Gate {
    /// Lets `attestor` in, who has proved to be one.
    pub(crate) async fn enter(
        &self,
        attestor: Address,
        patience: Duration,
    ) -> Result<Pass, Refusal> {
        let turn = self.turnstile(attestor).acquire_owned();
        if let Ok(Ok(permit)) = tokio::time::timeout(patience, turn).await {
            return Ok(Pass(permit));
        }
        // It is never closed, so time is up.
        Err(Refusal::new(
            Reason::Busy,
            "it works on as many requests of yours as it can; ask again",
        ))
    }

    fn turnstile(&self, attestor: Address) -> Arc<Semaphore> {
        // Held for a map access that does not panic: a poisoned one is still good.
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let turnstile = each
            .entry(attestor)
            .or_insert_with(|| Arc::new(Semaphore::new(EACH)));
        Arc::clone(turnstile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_keeps_the_others_out() {
        let gate = Gate::default();
        let patience = Duration::from_millis(20);
        let greedy = Address::repeat_byte(1);
        let first = gate.enter(greedy, patience).await.unwrap();
        let _second = gate.enter(greedy, patience).await.unwrap();
        let refused = gate.enter(greedy, patience).await.unwrap_err();
        assert_eq!(refused.reason, Reason::Busy);
        gate.enter(Address::repeat_byte(2), patience).await.unwrap();
        drop(first);
        gate.enter(greedy, patience).await.unwrap();
    }
}
