//! Attestors' keys: where each epoch of them is in its life, what was said of it ahead of time, and what the keys were used for.
//!
//! A registry decides about these keys ([`Epoch`]); the states here follow from it. What is kept is what it cannot say: since
//! when, and that somebody was told. Each change, and each notice, is a leaf of the log (`attestor.state`, `attestor.ending`
//! and so on), and thereby an event, in the transaction that records it.

mod keys;

use core::fmt;
use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use serde_json::Value;
use tocsin_auth::{LifeCycle, State, Term, UnixTime};
use tocsin_domain::attestation::{Epoch, EpochNotice};
use tocsin_domain::time::Timestamp;

pub use self::keys::{AttestorKeys, KeyPlace, Lag, Laggard, overall};
use crate::StoreError;
use crate::epoch::Epochs;
use crate::renewal::Renewals;

/// What an epoch says of the life of its keys.
pub fn term(epoch: &Epoch) -> Term {
    // The last instant is the registry's word; ours is the first one after it. What is beyond all times is the last of them.
    let after = |last: u64| UnixTime(i64::try_from(last).unwrap_or(i64::MAX)).plus(1);
    Term {
        from: UnixTime(i64::try_from(epoch.active_from).unwrap_or(i64::MAX)),
        signs_until: after(epoch.sign_until),
        accepted_until: after(epoch.accept_until),
        revoked: epoch.revoked,
    }
}

/// Where the keys of an epoch are in their life at `now`. They have a successor where this service signs in a newer epoch,
/// `serving`: one that is announced and not used, kept for the worst, retires nobody.
pub fn life(
    epoch: &Epoch,
    known: Option<LifeCycle>,
    serving: Option<u32>,
    now: UnixTime,
) -> LifeCycle {
    let is_succeeded = serving.is_some_and(|serving| serving > epoch.number());
    term(epoch).life(known, is_succeeded, now)
}

/// The same for who only reads what is recorded, and does not know which epoch serves: whether it has a successor is as it was
/// recorded last. Nobody is shown as good because the record is late.
pub fn shown(epoch: &Epoch, known: Option<LifeCycle>, now: UnixTime) -> LifeCycle {
    let is_succeeded = known.is_some_and(|known| matches!(known.state(), State::Retiring { .. }));
    term(epoch).life(known, is_succeeded, now)
}

/// The keys of an epoch come to be in another state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpochMove {
    /// Which epoch.
    pub epoch: u32,
    /// Its signers.
    pub signers: Vec<Address>,
    /// As it was read; `None` where it was not known.
    pub from: Option<LifeCycle>,
    /// As it is now.
    pub to: LifeCycle,
}

/// Something is said of an epoch ahead of time.
#[derive(Clone, PartialEq, Debug)]
pub struct NewNotice {
    /// Which epoch.
    pub epoch: u32,
    /// What.
    pub notice: EpochNotice,
    /// More of it: a short object.
    pub detail: Value,
}

/// What happens to attestors' keys in one step.
#[derive(Clone, PartialEq, Debug)]
pub struct AttestorChange {
    /// Where they sign.
    pub domain_separator: B256,
    /// When.
    pub at: Timestamp,
    /// What moves.
    pub moves: Vec<EpochMove>,
    /// What is said. What was said before is left out.
    pub notices: Vec<NewNotice>,
    /// Keys of this node that could not sign, and how often since that was recorded last.
    pub failures: Vec<(Address, u64)>,
}

/// One signer of an epoch, by its index there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The epoch.
    pub epoch: u32,
    /// The index.
    pub index: u8,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signer {} of epoch {}", self.index, self.epoch)
    }
}

/// What a key was used for, by the statements that this service has recorded: of a quorum, those whose signatures were enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlaceUse {
    /// Signatures.
    pub signatures: u64,
    /// Claims that these are for: of a batch, many.
    pub claims: u64,
    /// When the last one was made.
    pub last_signed_at: Option<Timestamp>,
}

/// How often a key of this node could not sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignerFailures {
    /// How often.
    pub count: u64,
    /// When that was recorded last.
    pub last_at: Timestamp,
}

/// The life of attestors' keys, and their use.
#[async_trait]
pub trait Attestors: Send + Sync {
    /// Where the keys of each epoch of a domain are, as recorded last.
    async fn epoch_lives(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<u32, LifeCycle>, StoreError>;

    /// Records where keys are, and what was said; queues a leaf for each signer that moves, and for each notice that was not
    /// given before. [`StoreError::Stale`] where an epoch is not as it was read, and then nothing is recorded. Gives the
    /// notices that are new.
    async fn change_attestors(
        &self,
        change: &AttestorChange,
    ) -> Result<Vec<(u32, EpochNotice)>, StoreError>;

    /// What was said of epochs of a domain, and when.
    async fn epoch_notices(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<(u32, EpochNotice), Timestamp>, StoreError>;

    /// What the keys of a domain were used for. Who was never used is not there.
    async fn attestor_uses(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<Place, PlaceUse>, StoreError>;

    /// Which keys of this node could not sign.
    async fn signer_failures(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<Address, SignerFailures>, StoreError>;
}

/// What is needed to report on attestors' keys: the epochs, their life, and what waits under them.
pub trait AttestorBooks: Epochs + Attestors + Renewals {}

impl<T: Epochs + Attestors + Renewals + ?Sized> AttestorBooks for T {}

#[cfg(test)]
mod tests {
    use tocsin_domain::attestation::SignerSet;

    use super::*;

    fn epoch(number: u32, active_from: u64, sign_until: u64, accept_until: u64) -> Epoch {
        Epoch {
            signers: SignerSet::new(number, 1, vec![Address::with_last_byte(1)]).unwrap(),
            active_from,
            sign_until,
            accept_until,
            revoked: false,
        }
    }

    /// At every instant the state says what the epoch says.
    #[test]
    fn states_agree_with_what_the_verifier_takes() {
        let epoch = epoch(3, 100, 199, 299);
        for now in [0, 99, 100, 150, 199, 200, 299, 300] {
            for serving in [None, Some(2), Some(3), Some(4)] {
                let at = UnixTime(i64::try_from(now).unwrap());
                let life = life(&epoch, None, serving, at);
                let is_succeeded = serving == Some(4);
                assert_eq!(
                    life.signs(at),
                    epoch.signs_at(now) && !is_succeeded,
                    "{now}"
                );
                let begun = now >= epoch.active_from;
                assert_eq!(
                    life.verifies(at),
                    begun && epoch.is_accepted_at(now),
                    "{now}"
                );
            }
        }
    }

    #[test]
    fn an_epoch_without_bounds_stays_active() {
        let signers = SignerSet::new(1, 1, vec![Address::with_last_byte(1)]).unwrap();
        let unbounded = Epoch::unbounded(signers);
        let life = life(&unbounded, None, Some(1), UnixTime(1_700_000_000));
        assert!(matches!(life.state(), State::Active { .. }));
        assert_eq!(life.expires_at(), UnixTime(i64::MAX));
    }

    #[test]
    fn who_reads_a_late_record_sees_ends_and_revocations_and_keeps_the_successor() {
        let epoch = epoch(1, 0, 199, 299);
        let retiring = life(&epoch, None, Some(2), UnixTime(50));
        assert_eq!(shown(&epoch, Some(retiring), UnixTime(60)), retiring);
        let over = shown(&epoch, Some(retiring), UnixTime(300));
        assert_eq!(over.state().name(), "retired");
        let revoked = Epoch {
            revoked: true,
            ..epoch
        };
        let life = shown(&revoked, Some(retiring), UnixTime(60));
        assert!(!life.verifies(UnixTime(60)));
    }

    #[test]
    fn one_that_is_kept_for_the_worst_retires_nobody_and_takes_over() {
        let (one, reserve) = (epoch(1, 0, 199, 299), epoch(2, 0, 199, 299));
        let now = UnixTime(50);
        // This node has no key in the reserve: both may sign, and the first one does.
        for epoch in [&one, &reserve] {
            let life = life(epoch, None, Some(1), now);
            assert!(life.signs(now), "{epoch:?}");
        }
        let revoked = Epoch {
            revoked: true,
            ..one
        };
        assert_eq!(life(&revoked, None, Some(2), now).state().name(), "revoked");
        assert!(life(&reserve, None, Some(2), now).signs(now));
    }
}
