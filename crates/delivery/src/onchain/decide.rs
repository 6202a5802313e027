//! The decision: what to do next about one delivery.
//!
//! A pure function of what is stored, what the chain says, and what this process has already handed to the node. It
//! promises, whatever crashes, reorganises or is done by others:
//!
//! - A delivery never gets a second nonce while a transaction with an earlier one of it could still be mined: a nonce
//!   is given up only when a final block has used it, or when nothing was ever signed with it and nothing ever will be.
//! - Every nonce that was taken is used in the end, if need be by a transaction that does nothing else, so that no
//!   delivery holds up those behind it.
//! - What was signed is broadcast again before anything new is signed.
//! - No nonce is let go before it is known which transaction used it, so that what was paid can be written down.
//! - Nothing ends (done or given up) but on final blocks.

use tocsin_domain::time::Timestamp;

use super::action::{Action, Order, Waiting};
use super::broadcast::Broadcast;
use super::fees::{Fees, Raise};
use super::policy::Policy;
use super::revert::{Outlook, Revert};
use super::view::{
    AttemptView, ChainView, Consumption, DeliveryView, Fate, HeldNonce, Prospect, Purpose, Pushed,
};

/// Says what to do next about `delivery`.
pub fn next_action(
    delivery: &DeliveryView,
    chain: &ChainView,
    policy: &Policy,
    now: Timestamp,
) -> Action {
    let Some(held) = &delivery.held else {
        return queued(delivery, chain, policy, now);
    };
    if chain.final_nonce > held.nonce {
        return spent(delivery, held, chain, policy, now);
    }
    match &chain.prospect {
        None => policy.wait(now, Waiting::NonceFinal { nonce: held.nonce }),
        Some(prospect) => Slot {
            delivery,
            held,
            chain,
            prospect,
            policy,
            now,
        }
        .next(),
    }
}

/// Whether the held nonce can still take a transaction, as far as the latest block goes.
pub(super) fn is_open(held: &HeldNonce, latest_nonce: u64, fates: &[Fate]) -> bool {
    latest_nonce <= held.nonce && !fates.iter().any(|fate| matches!(fate, Fate::Mined { .. }))
}

/// What a consumed claim means where no transaction of the delivery can be mined any more.
fn consumed(chain: &ChainView, policy: &Policy, now: Timestamp) -> Option<Action> {
    match chain.consumption {
        Consumption::Final { transaction, block } => Some(Action::Finish { transaction, block }),
        Consumption::Recent => Some(policy.wait(now, Waiting::ConsumptionFinal)),
        Consumption::None => None,
    }
}

/// It holds no nonce.
fn queued(delivery: &DeliveryView, chain: &ChainView, policy: &Policy, now: Timestamp) -> Action {
    if let Some(action) = consumed(chain, policy, now) {
        return action;
    }
    let Some(prospect) = &chain.prospect else {
        return policy.wait(now, Waiting::ConsumptionFinal);
    };
    match &prospect.call {
        Err(revert) => refused(delivery, revert, policy, now),
        Ok(_gas_limit) if !policy.fees.reaches(prospect.market) => {
            policy.wait(now, fee_cap(policy, prospect))
        }
        Ok(_gas_limit) => Action::TakeNonce {
            chain_nonce: chain.pending_nonce,
        },
    }
}

/// It holds no nonce, and the call would revert.
fn refused(delivery: &DeliveryView, revert: &Revert, policy: &Policy, now: Timestamp) -> Action {
    let reason = revert.reason.clone();
    let not_before = match revert.outlook {
        Outlook::Consumed => return policy.wait(now, Waiting::ConsumptionFinal),
        Outlook::Permanent => return Action::GiveUp { reason },
        Outlook::ClearsAt(instant) if instant > now => instant,
        Outlook::ClearsAt(_) | Outlook::MayClear | Outlook::ToPresent => {
            now + policy.back_off(delivery.failures)
        }
    };
    Action::PutBack {
        reason,
        not_before,
        release_nonce: false,
    }
}

/// A final block has used its nonce: none of its transactions can be mined any more, but for the one that was.
fn spent(
    delivery: &DeliveryView,
    held: &HeldNonce,
    chain: &ChainView,
    policy: &Policy,
    now: Timestamp,
) -> Action {
    let mined = held
        .attempts
        .iter()
        .zip(&chain.fates)
        .find_map(|(attempt, fate)| match *fate {
            Fate::Mined {
                success,
                is_final: true,
                ..
            } => Some((attempt.purpose, success, attempt.hash)),
            Fate::Mined { .. } | Fate::Pooled | Fate::Unknown => None,
        });
    // A transaction that is not seen may be one whose receipt is hidden.
    let unaccounted = mined.is_none() && chain.stranger.is_none() && !held.attempts.is_empty();
    if unaccounted {
        let nonce = held.nonce;
        return policy.wait(now, Waiting::Receipt { nonce });
    }
    if let Some(action) = consumed(chain, policy, now) {
        return action;
    }
    let reason = match mined {
        Some((Purpose::Claim, true, hash)) => {
            let reason = format!(
                "transaction {hash} succeeded but the verifier did not record the claim: the contract {} does not \
                 consume at the configured verifier, or the verifier's address in the delivery settings is wrong",
                delivery.consumer
            );
            return Action::GiveUp { reason };
        }
        Some((Purpose::Present, true, hash)) => {
            format!("the claim was presented by transaction {hash}, and is paid after its veto")
        }
        Some((Purpose::Claim | Purpose::Present, false, hash)) => {
            format!("transaction {hash} reverted")
        }
        Some((Purpose::Void, _, hash)) => {
            format!("the call would have reverted, so transaction {hash} only used its nonce")
        }
        None => format!(
            "nonce {} of {} was used by a transaction{} that is not this delivery's: use the submitter's key for \
             nothing else",
            held.nonce,
            held.sender,
            chain
                .stranger
                .map_or_else(String::new, |hash| format!(", {hash},"))
        ),
    };
    let not_before = now + policy.back_off(delivery.failures);
    Action::PutBack {
        reason,
        not_before,
        release_nonce: true,
    }
}

/// A held nonce that is still to be used, and everything that bears on how.
struct Slot<'a> {
    delivery: &'a DeliveryView,
    held: &'a HeldNonce,
    chain: &'a ChainView,
    prospect: &'a Prospect,
    policy: &'a Policy,
    now: Timestamp,
}

impl Slot<'_> {
    fn next(&self) -> Action {
        let Some(newest) = self.held.attempts.last() else {
            return self.first();
        };
        match self.chain.pushed {
            None => Action::Broadcast { hash: newest.hash },
            Some(pushed) if self.is_stuck(&pushed) => self.replace(newest, &pushed),
            Some(pushed) => self.keep(newest, &pushed),
        }
    }

    /// The first transaction of the nonce.
    fn first(&self) -> Action {
        let Self {
            held,
            prospect,
            policy,
            now,
            ..
        } = *self;
        if self.is_foreign() {
            // Nothing was signed with it, and without its key nothing ever will be.
            return Action::PutBack {
                reason: format!(
                    "nonce {} belongs to {}, whose key is not configured",
                    held.nonce, held.sender
                ),
                not_before: now + policy.back_off(self.delivery.failures),
                release_nonce: true,
            };
        }
        if policy.fees.reaches(prospect.market) {
            self.order(policy.fees.initial(prospect.market))
        } else {
            policy.wait(now, fee_cap(policy, prospect))
        }
    }

    /// A dearer transaction in the place of `newest`; or, where none can be made, care for what there is.
    fn replace(&self, newest: &AttemptView, pushed: &Pushed) -> Action {
        let Self {
            held,
            prospect,
            policy,
            ..
        } = *self;
        let waiting = if self.is_foreign() {
            Waiting::OtherSigner {
                holder: held.sender,
                nonce: held.nonce,
            }
        } else {
            match policy.fees.bumped(newest.fees, prospect.market) {
                Raise::To(fees) if self.is_due(pushed) => return self.order(fees),
                Raise::To(_) => Waiting::Rebroadcast { hash: newest.hash },
                Raise::AboveCap => fee_cap(policy, prospect),
            }
        };
        match self.keep(newest, pushed) {
            Action::Wait { until, .. } => Action::Wait { until, waiting },
            broadcast => broadcast,
        }
    }

    /// The call, if it would succeed, else a transaction that only uses the nonce.
    fn order(&self, fees: Fees) -> Action {
        let (purpose, gas_limit) = match (&self.prospect.call, self.chain.consumption) {
            (Ok(gas_limit), Consumption::None) => (self.prospect.purpose, *gas_limit),
            (Ok(_) | Err(_), _) => (Purpose::Void, self.prospect.void_gas_limit),
        };
        Action::Sign(Order {
            purpose,
            nonce: self.held.nonce,
            fees,
            gas_limit,
        })
    }

    /// Sees that the node has the newest attempt.
    fn keep(&self, newest: &AttemptView, pushed: &Pushed) -> Action {
        let Self {
            held,
            chain,
            policy,
            now,
            ..
        } = *self;
        let hash = newest.hash;
        if chain.fates.last() != Some(&Fate::Pooled) {
            return if self.is_due(pushed) {
                Action::Broadcast { hash }
            } else {
                policy.wait(now, Waiting::Rebroadcast { hash })
            };
        }
        let waiting = if self.is_next() {
            Waiting::Inclusion { hash }
        } else {
            Waiting::EarlierNonce {
                next: chain.latest_nonce,
                held: held.nonce,
            }
        };
        policy.wait(now, waiting)
    }

    /// Whether the newest attempt has had its chance: it is next in line, and it was refused as too cheap or has been
    /// with the node for long while blocks came.
    fn is_stuck(&self, pushed: &Pushed) -> bool {
        let Self {
            chain, policy, now, ..
        } = *self;
        let old =
            now >= pushed.first_at + policy.bump_after && chain.latest_block > pushed.first_block;
        self.is_next()
            && match (chain.fates.last(), pushed.last) {
                (Some(Fate::Pooled), _) => old,
                (_, Some(Broadcast::Underpriced)) => true,
                (_, Some(Broadcast::Accepted | Broadcast::AlreadyKnown)) => old,
                // Nothing says that a higher fee would help.
                (_, Some(Broadcast::NonceUsed) | None) => false,
            }
    }

    /// Refusals come at once; this keeps them from driving the fees up at the speed of the network.
    fn is_due(&self, pushed: &Pushed) -> bool {
        self.now >= pushed.last_at + self.policy.resend_after
    }

    fn is_next(&self) -> bool {
        self.held.nonce <= self.chain.latest_nonce
    }

    fn is_foreign(&self) -> bool {
        self.held.sender != self.chain.signer
    }
}

fn fee_cap(policy: &Policy, prospect: &Prospect) -> Waiting {
    Waiting::FeeCap {
        cap: policy.fees.max_fee_cap,
        base_fee: prospect.market.base_fee,
    }
}
