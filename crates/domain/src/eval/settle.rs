//! Losses that wait for their payout to settle: it is the largest fraction of the time until then.

use super::outcome::{LossEvent, Unknown};
use crate::decimal::Decimal;

/// Takes the fraction of a later instant into the payout of a loss: one that is out of range stays, any other known one
/// counts if it is the largest, and without one the reason of the confirmation remains.
pub(super) fn settle_towards(loss: &mut LossEvent, fraction: &Result<Decimal, Unknown>) {
    let replaces = match (&loss.payout, fraction) {
        (Err(Unknown::PayoutOutOfRange { .. }), _) => false,
        (_, Err(Unknown::PayoutOutOfRange { .. })) => true,
        (Ok(largest), Ok(fraction)) => fraction > largest,
        (Err(_), Ok(_)) => true,
        (_, Err(_)) => false,
    };
    if replaces {
        loss.payout.clone_from(fraction);
    }
}
