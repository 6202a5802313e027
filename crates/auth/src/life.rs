//! The life of a key: pending, active, retiring, retired; revoked from any of them. Every transition consumes the state it
//! starts from and says why it is refused. Keys of clients and secrets of webhooks live by it, and those of attestors.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::UnixTime;

/// A day, in seconds.
pub const DAY: i64 = 86_400;
/// How long a key is good if nothing else is said.
pub const LIFETIME: i64 = 90 * DAY;
/// How long an old key is taken beside the new one if nothing else is said.
pub const OVERLAP: i64 = 14 * DAY;
/// A retiring key that nobody has used for so long is not needed any more.
pub const IDLE: i64 = DAY;
/// How long before its end somebody is warned of a key that signs.
pub const NOTICE: i64 = 14 * DAY;

/// Where a key is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Made, and not taken yet.
    Pending,
    /// Taken.
    Active {
        /// Since when.
        since: UnixTime,
    },
    /// Taken beside its successor, for a while.
    Retiring {
        /// Since when.
        since: UnixTime,
        /// Until when.
        until: UnixTime,
    },
    /// Not taken any more.
    Retired {
        /// Since when.
        since: UnixTime,
    },
    /// Not taken any more, since somebody else may have it.
    Revoked {
        /// Since when.
        since: UnixTime,
    },
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active { .. } => "active",
            Self::Retiring { .. } => "retiring",
            Self::Retired { .. } => "retired",
            Self::Revoked { .. } => "revoked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key's state, and the end that was set when it was made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LifeCycle {
    #[serde(flatten)]
    state: State,
    expires_at: UnixTime,
}

/// A transition that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a key that is {from} cannot {attempt}")]
pub struct NoTransition {
    from: &'static str,
    attempt: &'static str,
}

impl LifeCycle {
    /// A key that is made now and waits to be activated.
    pub fn pending(expires_at: UnixTime) -> Self {
        Self {
            state: State::Pending,
            expires_at,
        }
    }

    /// A key as it is stored.
    pub fn stored(state: State, expires_at: UnixTime) -> Self {
        Self { state, expires_at }
    }

    /// Where it is.
    pub fn state(self) -> State {
        self.state
    }

    /// When it ends at the latest.
    pub fn expires_at(self) -> UnixTime {
        self.expires_at
    }

    /// Whether its signatures are taken at `now`: also where nobody has recorded yet that a deadline has passed.
    pub fn verifies(self, now: UnixTime) -> bool {
        now < self.expires_at
            && match self.state {
                State::Active { .. } => true,
                State::Retiring { until, .. } => now < until,
                State::Pending | State::Retired { .. } | State::Revoked { .. } => false,
            }
    }

    /// Whether new things are signed with it: a retiring key is taken, but not used where there is another.
    pub fn signs(self, now: UnixTime) -> bool {
        matches!(self.state, State::Active { .. }) && now < self.expires_at
    }

    /// Pending to active.
    pub fn activate(self, now: UnixTime) -> Result<Self, NoTransition> {
        match self.state {
            State::Pending if now < self.expires_at => Ok(self.to(State::Active { since: now })),
            _ => Err(self.cannot("become active")),
        }
    }

    /// Active to retiring, for `overlap` seconds; or retiring for less long than before, and never longer.
    pub fn retire(self, now: UnixTime, overlap: i64) -> Result<Self, NoTransition> {
        match self.state {
            State::Active { .. } if overlap > 0 => Ok(self.to(State::Retiring {
                since: now,
                until: now.plus(overlap),
            })),
            State::Retiring { since, until } if overlap > 0 && now.plus(overlap) < until => {
                Ok(self.to(State::Retiring {
                    since,
                    until: now.plus(overlap),
                }))
            }
            State::Active { .. } | State::Retiring { .. } if overlap == 0 => {
                Ok(self.to(State::Retired { since: now }))
            }
            _ => Err(self.cannot("retire")),
        }
    }

    /// Retiring back to active: its successor does not do.
    pub fn roll_back(self, now: UnixTime) -> Result<Self, NoTransition> {
        match self.state {
            State::Retiring { until, .. } if now < until && now < self.expires_at => {
                Ok(self.to(State::Active { since: now }))
            }
            _ => Err(self.cannot("be rolled back")),
        }
    }

    /// Revoked, at once and for good. Revoking again changes nothing.
    #[must_use]
    pub fn revoke(self, now: UnixTime) -> Self {
        match self.state {
            State::Revoked { .. } => self,
            _ => self.to(State::Revoked { since: now }),
        }
    }

    /// What passing time makes of it: retired at its deadline, at its end, or once it is retiring and idle. `None`: nothing.
    pub fn pass(self, now: UnixTime, last_used: Option<UnixTime>) -> Option<Self> {
        let over = match self.state {
            State::Pending | State::Active { .. } => now >= self.expires_at,
            State::Retiring { since, until } => {
                let quiet_since = last_used.map_or(since, |used| used.max(since));
                now >= until || now >= self.expires_at || now.since(quiet_since) >= IDLE
            }
            State::Retired { .. } | State::Revoked { .. } => false,
        };
        over.then(|| self.to(State::Retired { since: now }))
    }

    fn to(self, state: State) -> Self {
        Self { state, ..self }
    }

    fn cannot(self, attempt: &'static str) -> NoTransition {
        NoTransition {
            from: self.state.name(),
            attempt,
        }
    }
}
