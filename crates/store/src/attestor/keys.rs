//! All keys of a domain together: in which epochs each is, what it was used for, and which lag behind.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tocsin_auth::{LifeCycle, State, UnixTime};
use tocsin_domain::attestation::Epoch;

use super::{AttestorBooks, Place, PlaceUse, shown};
use crate::StoreError;

/// The keys of one domain, as of one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttestorKeys {
    /// The epochs by number, with where their keys are in their life.
    pub epochs: Vec<(Epoch, LifeCycle)>,
    /// What keys were used for; who was never used is not there.
    pub uses: BTreeMap<Place, PlaceUse>,
}

/// A key in an epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyPlace {
    /// Where.
    pub place: Place,
    /// Where the epoch's keys are in their life.
    pub life: LifeCycle,
    /// What it was used for there.
    pub used: PlaceUse,
}

/// In what way a key lags behind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lag {
    /// Others have signed in the newest epoch that is active, and it is in nothing that is recorded of it.
    HasNotSigned,
    /// It has signed in an epoch after that began to retire.
    SignsUnderOld,
}

impl Lag {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HasNotSigned => "has_not_signed",
            Self::SignsUnderOld => "signs_under_old",
        }
    }
}

/// A key that lags behind a rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Laggard {
    /// Which.
    pub signer: Address,
    /// In which epoch.
    pub epoch: u32,
    /// In what way.
    pub lag: Lag,
}

impl AttestorKeys {
    /// What is recorded of the keys of a domain, as of `now`.
    pub async fn read(
        books: &(impl AttestorBooks + ?Sized),
        domain_separator: B256,
        now: UnixTime,
    ) -> Result<Self, StoreError> {
        let lives = books.epoch_lives(domain_separator).await?;
        let epochs = books.epochs(domain_separator).await?.into_iter();
        let epochs = epochs.map(|epoch| {
            let life = shown(&epoch, lives.get(&epoch.number()).copied(), now);
            (epoch, life)
        });
        Ok(Self {
            epochs: epochs.collect(),
            uses: books.attestor_uses(domain_separator).await?,
        })
    }

    /// Every key with its places, oldest epochs first.
    pub fn by_address(&self) -> BTreeMap<Address, Vec<KeyPlace>> {
        let mut keys: BTreeMap<Address, Vec<KeyPlace>> = BTreeMap::new();
        for (epoch, life) in &self.epochs {
            for (signer, at) in self.places(epoch, *life) {
                keys.entry(signer).or_default().push(at);
            }
        }
        keys
    }

    /// The epochs whose keys sign nothing new here: claims that wait under them keep them from being over.
    pub fn old(&self) -> impl Iterator<Item = &Epoch> {
        let is_old =
            |life: &LifeCycle| !matches!(life.state(), State::Pending | State::Active { .. });
        let old = self.epochs.iter().filter(move |(_, life)| is_old(life));
        old.map(|(epoch, _)| epoch)
    }

    /// The keys that lag behind.
    pub fn laggards(&self) -> Vec<Laggard> {
        let mut newest = self.epochs.iter().rev();
        let newest = newest.find(|(_, life)| matches!(life.state(), State::Active { .. }));
        let mut laggards = Vec::new();
        if let Some((epoch, life)) = newest {
            let places: Vec<_> = self.places(epoch, *life).collect();
            let has_signed = |at: &KeyPlace| at.used.signatures > 0;
            if places.iter().any(|(_, at)| has_signed(at)) {
                let idle = places.into_iter().filter(|(_, at)| !has_signed(at));
                laggards.extend(idle.map(|(signer, at)| at.lagging(signer, Lag::HasNotSigned)));
            }
        }
        for (epoch, life) in &self.epochs {
            let State::Retiring { since, .. } = life.state() else {
                continue;
            };
            let signs = |at: &KeyPlace| at.used.last_signed_at.is_some_and(|last| last.0 > since.0);
            let signing = self.places(epoch, *life).filter(|(_, at)| signs(at));
            laggards.extend(signing.map(|(signer, at)| at.lagging(signer, Lag::SignsUnderOld)));
        }
        laggards
    }

    fn places(&self, epoch: &Epoch, life: LifeCycle) -> impl Iterator<Item = (Address, KeyPlace)> {
        let number = epoch.number();
        let signers = (0..).zip(epoch.signers.signers());
        signers.map(move |(index, signer)| {
            let place = Place {
                epoch: number,
                index,
            };
            let used = self.uses.get(&place).copied().unwrap_or_default();
            (*signer, KeyPlace { place, life, used })
        })
    }
}

impl KeyPlace {
    fn lagging(self, signer: Address, lag: Lag) -> Laggard {
        Laggard {
            signer,
            epoch: self.place.epoch,
            lag,
        }
    }
}

/// The state of a key that is in several epochs: of that in which it can do most; where it can do nothing any more, of the newest.
pub fn overall(places: &[KeyPlace]) -> Option<State> {
    let rank = |life: LifeCycle| match life.state() {
        State::Active { .. } => 3,
        State::Retiring { .. } => 2,
        State::Pending => 1,
        State::Retired { .. } | State::Revoked { .. } => 0,
    };
    let best = places
        .iter()
        .max_by_key(|at| (rank(at.life), at.place.epoch));
    best.map(|at| at.life.state())
}

#[cfg(test)]
mod tests {
    use tocsin_domain::attestation::SignerSet;
    use tocsin_domain::time::Timestamp;

    use super::*;
    use crate::attestor::life;

    const ONE: Address = Address::with_last_byte(1);
    const TWO: Address = Address::with_last_byte(2);
    const THREE: Address = Address::with_last_byte(3);

    fn epoch(number: u32, signers: &[Address], active_from: u64) -> Epoch {
        Epoch {
            signers: SignerSet::new(number, 1, signers.to_vec()).unwrap(),
            active_from,
            sign_until: 199,
            accept_until: 299,
            revoked: false,
        }
    }

    fn used(epoch: u32, index: u8, last: i64) -> (Place, PlaceUse) {
        let used = PlaceUse {
            signatures: 2,
            claims: 5,
            last_signed_at: Some(Timestamp(last)),
        };
        (Place { epoch, index }, used)
    }

    /// Epoch 2 serves since 50.
    fn keys(uses: &[(Place, PlaceUse)]) -> AttestorKeys {
        let both = [epoch(1, &[ONE, TWO], 0), epoch(2, &[TWO, THREE], 50)];
        let lives = both.map(|epoch| {
            let life = life(&epoch, None, Some(2), UnixTime(50));
            (epoch, life)
        });
        AttestorKeys {
            epochs: lives.into(),
            uses: uses.iter().copied().collect(),
        }
    }

    #[test]
    fn a_key_is_in_the_state_of_its_best_epoch() {
        let keys = keys(&[used(1, 1, 30)]);
        let by_address = keys.by_address();
        let state = |who| overall(&by_address[&who]).unwrap().name();
        assert_eq!(
            [state(ONE), state(TWO), state(THREE)],
            ["retiring", "active", "active"]
        );
        assert_eq!(by_address[&TWO].len(), 2);
        assert_eq!(by_address[&TWO][0].used.claims, 5);
        assert_eq!(by_address[&TWO][1].used, PlaceUse::default());
        assert_eq!(keys.old().map(Epoch::number).collect::<Vec<_>>(), [1]);
        assert_eq!(overall(&[]), None);
    }

    #[test]
    fn who_has_not_signed_lags_once_others_have() {
        assert_eq!(keys(&[used(1, 0, 30)]).laggards(), []);
        let lagging = Laggard {
            signer: THREE,
            epoch: 2,
            lag: Lag::HasNotSigned,
        };
        assert_eq!(keys(&[used(2, 0, 60)]).laggards(), [lagging]);
        assert_eq!(keys(&[used(2, 0, 60), used(2, 1, 60)]).laggards(), []);
    }

    #[test]
    fn who_still_signs_under_the_old_epoch_lags() {
        let lagging = Laggard {
            signer: ONE,
            epoch: 1,
            lag: Lag::SignsUnderOld,
        };
        assert_eq!(keys(&[used(1, 0, 50)]).laggards(), []);
        assert_eq!(keys(&[used(1, 0, 51)]).laggards(), [lagging]);
    }
}
