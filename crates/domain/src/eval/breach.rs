//! One `holds` at one instant: a pure step from where the breach stood to where it stands.

use super::program::HoldsSpec;
use super::scalar::Known;
use super::state::Breach;
use crate::lang::ir::Confirm;
use crate::time::Timestamp;

/// What an instant says about a breach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) condition: Known<bool>,
    pub(super) recover: Known<bool>,
    /// An input of the condition or the recovery reports a value.
    pub(super) reported: bool,
    /// Enough observations were counted before this instant.
    pub(super) enough_before: bool,
    /// … and with it.
    pub(super) enough: bool,
}

impl HoldsSpec {
    /// Where `breach` stands after the instant.
    #[inline]
    pub(super) fn step(&self, breach: Breach, moment: Moment) -> Breach {
        match breach {
            Breach::Idle | Breach::Unsure => self.idle(moment),
            // Without a known recovery nothing is known, not even that there is no breach.
            Breach::Gap { .. } if moment.recover.is_err() => breach,
            Breach::Gap { .. } => self.idle(moment),
            Breach::Open { since } => self.open(since, moment),
            // A recovered price is no breach, so this is idle without asking the condition.
            Breach::Met { .. } if moment.recover == Ok(true) => Breach::Idle,
            Breach::Met { .. } => breach,
        }
    }

    fn idle(&self, moment: Moment) -> Breach {
        match (moment.condition, moment.recover) {
            (Ok(false), _) | (_, Ok(true)) => Breach::Idle,
            (Ok(true), Ok(false)) => self.open(moment.now, moment),
            (Ok(true), Err(_)) => Breach::Gap { since: moment.now },
            (Err(_), _) => Breach::Unsure,
        }
    }

    fn open(&self, since: Timestamp, moment: Moment) -> Breach {
        let now = moment.now;
        let deadline = since + self.window;
        let in_time = now < deadline || (now == deadline && !self.at_least);
        // Too few observations by the deadline: the breach can recover until there are enough.
        let enough_in_time = if now <= deadline {
            moment.enough
        } else {
            moment.enough_before
        };
        if in_time || !enough_in_time {
            match moment.recover {
                Ok(true) => return Breach::Idle,
                Err(_) => return Breach::Gap { since: now },
                Ok(false) => {}
            }
        }
        let confirmed = match self.confirm {
            Confirm::Time => now >= deadline,
            Confirm::Observation => now > deadline && moment.reported,
        };
        if confirmed && moment.enough {
            Breach::Met { since }
        } else {
            Breach::Open { since }
        }
    }
}
