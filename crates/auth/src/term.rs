//! The life of a key that somebody else decides: a registry says from when to when it signs, until when what it signed is
//! taken, and whether it is revoked. Nobody moves such a key here; its state is read off what is said of it, by the same
//! transitions that every other key has.
//!
//! What the registry cannot say is when this service began to sign with another key, or learned of a revocation. That is
//! remembered in the life as it was known before.

use crate::UnixTime;
use crate::life::{LifeCycle, State};

/// What a registry says of a key. Each end is the first instant at which it is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term {
    /// From when on it signs.
    pub from: UnixTime,
    /// From when on it signs nothing new.
    pub signs_until: UnixTime,
    /// From when on what it signed is not taken any more.
    pub accepted_until: UnixTime,
    /// Whether nothing that it ever signed is taken.
    pub revoked: bool,
}

impl Term {
    /// Where a key with these terms is in its life at `now`, if it was known to be at `known`; `is_succeeded`: another one
    /// signs in its place.
    ///
    /// While it could still sign, a key whose successor is gone signs again (rolled back). After that only what it signed is
    /// taken, and nothing brings it back. Terms that are written anew for later times begin a life anew.
    pub fn life(self, known: Option<LifeCycle>, is_succeeded: bool, now: UnixTime) -> LifeCycle {
        let end = self.accepted_until;
        let pending = LifeCycle::pending(end);
        let life = match known.map(LifeCycle::state) {
            Some(State::Retiring { since, .. }) => {
                LifeCycle::stored(State::Retiring { since, until: end }, end)
            }
            Some(State::Retired { .. }) if now < end && !self.revoked => pending,
            Some(state) => LifeCycle::stored(state, end),
            None => pending,
        };
        if self.revoked || matches!(life.state(), State::Revoked { .. }) {
            return life.revoke(now);
        }
        if now >= end {
            return life.pass(end, None).unwrap_or(life);
        }
        if now < self.from {
            return pending;
        }
        let begun = life.activate(self.from).unwrap_or(life);
        let signs = now < self.signs_until;
        match begun.state() {
            State::Active { .. } if !signs || is_succeeded => {
                let at = now.min(self.signs_until);
                begun.retire(at, end.since(at)).unwrap_or(begun)
            }
            State::Retiring { .. } if signs && !is_succeeded => {
                begun.roll_back(now).unwrap_or(begun)
            }
            _ => begun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Term = Term {
        from: UnixTime(100),
        signs_until: UnixTime(200),
        accepted_until: UnixTime(300),
        revoked: false,
    };

    fn state(known: Option<LifeCycle>, is_succeeded: bool, now: i64) -> State {
        TERM.life(known, is_succeeded, UnixTime(now)).state()
    }

    #[test]
    fn the_state_follows_from_the_terms_alone_where_nothing_is_known() {
        assert_eq!(state(None, false, 99), State::Pending);
        let active = State::Active {
            since: UnixTime(100),
        };
        assert_eq!(state(None, false, 100), active);
        assert_eq!(state(None, false, 199), active);
        let until = UnixTime(300);
        let since = UnixTime(200);
        assert_eq!(state(None, false, 200), State::Retiring { since, until });
        assert_eq!(state(None, false, 299), State::Retiring { since, until });
        assert_eq!(state(None, false, 300), State::Retired { since: until });
        assert_eq!(state(None, true, 99), State::Pending);
    }

    #[test]
    fn a_successor_retires_it_and_its_end_brings_it_back_while_it_could_sign() {
        let active = TERM.life(None, false, UnixTime(110));
        let retiring = TERM.life(Some(active), true, UnixTime(120));
        let (since, until) = (UnixTime(120), UnixTime(300));
        assert_eq!(retiring.state(), State::Retiring { since, until });
        assert!(retiring.verifies(UnixTime(150)) && !retiring.signs(UnixTime(150)));
        // It stays so, since when it was.
        assert_eq!(TERM.life(Some(retiring), true, UnixTime(190)), retiring);
        let back = TERM.life(Some(retiring), false, UnixTime(199));
        assert_eq!(
            back.state(),
            State::Active {
                since: UnixTime(199)
            }
        );
        // Too late: it signs nothing any more, whoever is gone.
        assert_eq!(TERM.life(Some(retiring), false, UnixTime(200)), retiring);
    }

    #[test]
    fn a_revocation_is_for_good_and_keeps_its_time() {
        let revoked = Term {
            revoked: true,
            ..TERM
        };
        for (known, now) in [
            (None, 50),
            (Some(TERM.life(None, false, UnixTime(120))), 150),
            (Some(TERM.life(None, false, UnixTime(250))), 260),
            (Some(TERM.life(None, false, UnixTime(300))), 310),
        ] {
            let life = revoked.life(known, false, UnixTime(now));
            let since = UnixTime(now);
            assert_eq!(life.state(), State::Revoked { since });
            assert_eq!(revoked.life(Some(life), false, UnixTime(999)), life);
            assert!(!life.verifies(UnixTime(now)) && !life.signs(UnixTime(now)));
        }
    }

    /// Whatever is known at whatever time, what signs and what is taken is what the registry says.
    #[test]
    fn it_never_says_more_than_the_registry() {
        let mut known = vec![None];
        for now in (50..350).step_by(7) {
            let now = UnixTime(now);
            let mut next = vec![None];
            for before in &known {
                for is_succeeded in [false, true] {
                    let life = TERM.life(*before, is_succeeded, now);
                    let signs = TERM.from <= now && now < TERM.signs_until;
                    let accepted = TERM.from <= now && now < TERM.accepted_until;
                    assert_eq!(
                        life.signs(now),
                        signs && !is_succeeded,
                        "{life:?} at {now:?}"
                    );
                    assert_eq!(life.verifies(now), accepted, "{life:?} at {now:?}");
                    if !next.contains(&Some(life)) {
                        next.push(Some(life));
                    }
                }
            }
            known = next;
        }
    }

    #[test]
    fn terms_written_anew_begin_anew() {
        let over = TERM.life(None, false, UnixTime(400));
        let longer = Term {
            signs_until: UnixTime(500),
            accepted_until: UnixTime(600),
            ..TERM
        };
        let life = longer.life(Some(over), false, UnixTime(401));
        assert!(life.signs(UnixTime(401)) && life.expires_at() == UnixTime(600));
    }
}
