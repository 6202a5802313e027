//! The four columns of a life cycle, of whatever key.

use tocsin_auth::{LifeCycle, State, UnixTime};
use tocsin_store::check::Flaw;

use crate::column::present;

/// A life as it is written.
pub(crate) struct LifeCells {
    pub(crate) state: &'static str,
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
    pub(crate) expires_at: i64,
}

impl LifeCells {
    pub(crate) fn of(life: LifeCycle) -> Self {
        let (since, until) = match life.state() {
            State::Pending => (None, None),
            State::Active { since } | State::Retired { since } | State::Revoked { since } => {
                (Some(since.0), None)
            }
            State::Retiring { since, until } => (Some(since.0), Some(until.0)),
        };
        Self {
            state: life.state().name(),
            since,
            until,
            expires_at: life.expires_at().0,
        }
    }
}

/// A life as it is read.
pub(crate) fn life(
    state: &str,
    since: Option<i64>,
    until: Option<i64>,
    expires_at: i64,
) -> Result<LifeCycle, Flaw> {
    let since = || present("since", since).map(UnixTime);
    let state = match state {
        "pending" => State::Pending,
        "active" => State::Active { since: since()? },
        "retiring" => State::Retiring {
            since: since()?,
            until: UnixTime(present("until", until)?),
        },
        "retired" => State::Retired { since: since()? },
        "revoked" => State::Revoked { since: since()? },
        other => return Err(Flaw(format!("there is no state `{other}`"))),
    };
    Ok(LifeCycle::stored(state, UnixTime(expires_at)))
}
