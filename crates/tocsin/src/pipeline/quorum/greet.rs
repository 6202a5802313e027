//! Who is there, asked where there is nothing to do: too few are told before a claim needs them.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use super::AttestTogether;
use crate::pipeline::{StageError, Turn};

/// How often the other attestors are greeted.
const GREET: Duration = Duration::from_secs(15);

impl AttestTogether {
    /// Finds out who is there, now and then.
    pub(super) async fn greet(&self) -> Result<Turn, StageError> {
        let greeted = *self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, threshold) = (
            Instant::now(),
            usize::from(self.node.seat()?.signers().threshold()),
        );
        let there = match greeted {
            Some((at, there)) if now.duration_since(at) < GREET && there >= threshold => there,
            _ => {
                let there = self.node.greet().await?;
                let mut greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
                *greeted = Some((now, there));
                there
            }
        };
        if there < threshold {
            return Err(StageError::Quorum(format!(
                "{there} attestor(s) answer, this one included, and {threshold} must sign; see /v1/quorum"
            )));
        }
        Ok(Turn::Idle)
    }
}
