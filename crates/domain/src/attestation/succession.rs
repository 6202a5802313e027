//! Who signs after whom: until when somebody signs, and what should be said before an epoch ends.

use core::fmt;

use alloy_primitives::Address;

use crate::attestation::Epoch;

/// What is said of an epoch once, ahead of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EpochNotice {
    /// It will soon sign nothing new.
    Ending,
    /// It will soon sign nothing new, and nobody signs after it.
    Unsucceeded,
    /// What it signed will soon not be accepted any more, and claims still wait under it.
    Lagging,
}

impl EpochNotice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ending, Self::Unsucceeded, Self::Lagging];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ending => "ending",
            Self::Unsucceeded => "unsucceeded",
            Self::Lagging => "lagging",
        }
    }

    /// The notice of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }
}

impl fmt::Display for EpochNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first instant after `now` at which nobody signs; `now` itself where nobody does now.
pub fn signs_until(epochs: &[Epoch], now: u64) -> u64 {
    let mut until = now;
    while let Some(later) = epochs
        .iter()
        .filter(|epoch| epoch.signs_at(until))
        .map(|epoch| epoch.sign_until.saturating_add(1))
        .max()
        .filter(|later| *later > until)
    {
        until = later;
    }
    until
}

/// The newest epoch that signs on when this one has ended.
pub fn successor<'a>(epochs: &'a [Epoch], of: &Epoch) -> Option<&'a Epoch> {
    let after = of.sign_until.checked_add(1)?;
    let later = epochs.iter().filter(|epoch| epoch.signs_at(after));
    later.max_by_key(|epoch| epoch.number())
}

/// The signers of an epoch who can sign nothing once it has ended: none of the others that sign then, or later, has them.
pub fn leaving(epochs: &[Epoch], of: &Epoch) -> Vec<Address> {
    let lasts = |epoch: &&Epoch| !epoch.revoked && epoch.sign_until > of.sign_until;
    let stays = |signer: &Address| {
        let mut later = epochs.iter().filter(lasts);
        later.any(|epoch| epoch.signers.index_of(*signer).is_some())
    };
    let signers = of.signers.signers().iter().copied();
    signers.filter(|signer| !stays(signer)).collect()
}

/// What is to be said at `now`, so many seconds ahead; `waiting` has the number of claims that wait under an epoch.
pub fn notices(
    epochs: &[Epoch],
    now: u64,
    ahead: u64,
    waiting: impl Fn(u32) -> u64,
) -> Vec<(u32, EpochNotice)> {
    let is_near = |end: u64| end.saturating_sub(now) < ahead;
    let mut said = Vec::new();
    for epoch in epochs.iter().filter(|epoch| !epoch.revoked) {
        let number = epoch.number();
        if epoch.signs_at(now) && is_near(epoch.sign_until) {
            said.push((number, EpochNotice::Ending));
            if successor(epochs, epoch).is_none() {
                said.push((number, EpochNotice::Unsucceeded));
            }
        }
        let is_over = epoch.sign_until < now && epoch.is_accepted_at(now);
        if is_over && is_near(epoch.accept_until) && waiting(number) > 0 {
            said.push((number, EpochNotice::Lagging));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attestation::SignerSet;

    fn epoch(number: u32, signer: u8, active_from: u64, sign_until: u64) -> Epoch {
        Epoch {
            signers: SignerSet::new(number, 1, vec![Address::with_last_byte(signer)]).unwrap(),
            active_from,
            sign_until,
            accept_until: sign_until.saturating_add(100),
            revoked: false,
        }
    }

    #[test]
    fn a_gap_ends_the_time_in_which_somebody_signs() {
        let mut epochs = vec![epoch(1, 1, 0, 99), epoch(2, 1, 50, 199)];
        epochs.push(epoch(3, 1, 201, 299));
        assert_eq!(signs_until(&epochs, 10), 200);
        assert_eq!(signs_until(&epochs, 200), 200);
        epochs.push(epoch(4, 1, 200, 200));
        assert_eq!(signs_until(&epochs, 10), 300);
        epochs[1].revoked = true;
        assert_eq!(signs_until(&epochs, 10), 100);
        epochs.push(epoch(5, 1, 0, u64::MAX));
        assert_eq!(signs_until(&epochs, 10), u64::MAX);
    }

    #[test]
    fn the_end_of_an_epoch_is_said_ahead_and_that_nobody_follows() {
        use EpochNotice::{Ending, Unsucceeded};
        let mut epochs = vec![epoch(1, 1, 0, 100)];
        let at = |epochs: &[Epoch], now| notices(epochs, now, 20, |_| 0);
        assert_eq!(at(&epochs, 80), []);
        assert_eq!(at(&epochs, 81), [(1, Ending), (1, Unsucceeded)]);
        epochs.push(epoch(2, 2, 101, 200));
        assert_eq!(at(&epochs, 81), [(1, Ending)]);
        // A second of nobody, or a successor that is revoked, is no succession.
        epochs[1].active_from = 102;
        assert_eq!(at(&epochs, 81), [(1, Ending), (1, Unsucceeded)]);
        epochs[1].active_from = 90;
        epochs[1].revoked = true;
        assert_eq!(at(&epochs, 95), [(1, Ending), (1, Unsucceeded)]);
        epochs[0].revoked = true;
        assert_eq!(at(&epochs, 95), []);
    }

    #[test]
    fn claims_that_wait_under_what_is_soon_not_accepted_are_said() {
        let epochs = [epoch(1, 1, 0, 100), epoch(2, 2, 50, u64::MAX)];
        let at = |now, waiting| notices(&epochs, now, 20, |epoch| waiting * u64::from(epoch == 1));
        assert_eq!(at(180, 7), []);
        assert_eq!(at(181, 0), []);
        assert_eq!(at(200, 7), [(1, EpochNotice::Lagging)]);
        // Nobody can do anything about it any more but attest them anew.
        assert_eq!(at(201, 7), []);
    }

    #[test]
    fn who_is_in_no_later_epoch_leaves() {
        let one = epoch(1, 1, 0, 100);
        let leaves = |epochs: &[Epoch]| leaving(epochs, &epochs[0]);
        assert_eq!(
            leaves(std::slice::from_ref(&one)),
            [Address::with_last_byte(1)]
        );
        assert_eq!(
            leaves(&[one.clone(), epoch(2, 1, 150, 200)]),
            [] as [Address; 0]
        );
        let other = epoch(2, 2, 50, 200);
        assert_eq!(leaves(&[one, other]), [Address::with_last_byte(1)]);
    }
}
