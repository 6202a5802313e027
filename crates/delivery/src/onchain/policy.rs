//! How patient deliveries are, and what they may cost.

use tocsin_domain::time::{Seconds, Timestamp};

use super::action::{Action, Waiting};
use super::fees::FeePolicy;

/// Fees and waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// What transactions may cost.
    pub fees: FeePolicy,
    /// A transaction that has been in the pool for this long, while blocks came, is replaced by a dearer one.
    pub bump_after: Seconds,
    /// A transaction that is not in the pool is broadcast again this often.
    pub resend_after: Seconds,
    /// While nothing can be done, the chain is looked at this often; also the first back-off.
    pub poll_every: Seconds,
    /// Back-off doubles up to this.
    pub back_off_at_most: Seconds,
}

impl Policy {
    /// The pause before a delivery that was put back `failures` times is tried again.
    pub fn back_off(&self, failures: u32) -> Seconds {
        let doubled = self.poll_every.0.saturating_mul(1_i64 << failures.min(30));
        Seconds(doubled.min(self.back_off_at_most.0))
    }

    pub(super) fn wait(&self, now: Timestamp, waiting: Waiting) -> Action {
        Action::Wait {
            until: now + self.poll_every,
            waiting,
        }
    }
}
