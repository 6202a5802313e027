//! Whether an endpoint is believed: trusted, left alone, or on probation.
//!
//! Promises: what an endpoint is left alone for is known as long as it is; one that comes back is asked, and compared with the
//! others, before it counts again.

use core::fmt;
use core::time::Duration;

use tokio::time::Instant;

use crate::chain::Endpoint;

/// Failures in a row that an endpoint is left alone for.
const STRIKES_MAX: u32 = 3;

/// How often the time on the bench doubles.
const DOUBLINGS_MAX: u32 = 6;

/// The same for an endpoint that is only out of reach: it, or the way to it, may be back any minute.
const DOUBLINGS_MAX_UNREACHABLE: u32 = 2;

/// What an endpoint did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offence {
    /// It did not answer, or not with an answer.
    Unreachable,
    /// Its answers contradicted themselves, or a proof.
    Lied,
    /// It was on another fork than the others.
    Forked,
}

/// Whether an endpoint counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It reads, and its word counts.
    Trusted,
    /// It is not asked.
    Benched {
        /// What it did.
        offence: Offence,
        /// What happened.
        reason: String,
        /// For how long it has not been asked.
        since: Duration,
        /// For how much longer.
        left: Duration,
    },
    /// It is asked to see whether it agrees with the others, and does not count.
    Probation {
        /// What it did before.
        offence: Offence,
        /// What happened then.
        reason: String,
        /// How often it has agreed since.
        agreed: u32,
        /// How often it must.
        needed: u32,
    },
    /// It is never asked again: it serves another chain.
    Refused {
        /// Which chain it serves, and what to do.
        reason: String,
    },
}

/// An endpoint, for health.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointReport {
    /// The endpoint, as it may be shown.
    pub endpoint: Endpoint,
    /// Its share of the reading.
    pub weight: u32,
    /// Whether it counts.
    pub standing: Standing,
    /// Whether it asked for a rest, or gets one for its failures.
    pub resting: bool,
    /// The newest block that is final there, as it said last; `None` before it did, or where none is.
    pub final_head: Option<u64>,
    /// By how many final blocks it is behind the one that is furthest.
    pub behind: u64,
    /// Its last trouble, also where it is over.
    pub last_trouble: Option<String>,
    /// How often it was in trouble since the start, by kind.
    pub troubles: Troubles,
}

/// How often an endpoint was in trouble, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Troubles {
    /// Requests that failed.
    pub failed: u64,
    /// Answers that could not be used, and were nobody's fault for sure.
    pub unusable: u64,
    /// It was benched for not answering.
    pub unreachable: u64,
    /// It was benched for a lie.
    pub lied: u64,
    /// It was benched for another chain than the others'.
    pub forked: u64,
}

#[derive(Clone)]
enum State {
    Trusted,
    Benched {
        offence: Offence,
        reason: String,
        since: Instant,
        until: Instant,
    },
    Probation {
        offence: Offence,
        reason: String,
        agreed: u32,
    },
    Refused {
        reason: String,
    },
}

/// What is known of an endpoint.
pub(crate) struct Health {
    state: State,
    /// Failures since its last success.
    strikes: u32,
    /// Since when it has not answered while others did.
    silent_since: Option<Instant>,
    /// How often it was benched since it was last trusted for good.
    benched: u32,
    pub(crate) final_head: Option<u64>,
    last_trouble: Option<String>,
    pub(crate) troubles: Troubles,
}

/// For how long, and how it comes back.
#[derive(Clone, Copy)]
pub(crate) struct Discipline {
    pub(crate) bench: Duration,
    pub(crate) probation: u32,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Trusted,
            strikes: 0,
            silent_since: None,
            benched: 0,
            final_head: None,
            last_trouble: None,
            troubles: Troubles::default(),
        }
    }

    pub(crate) fn is_trusted(&self) -> bool {
        matches!(self.state, State::Trusted)
    }

    /// What it is on probation for, or may be from now on.
    pub(crate) fn probation(&self) -> Option<Offence> {
        match &self.state {
            State::Probation { offence, .. } => Some(*offence),
            State::Benched { offence, until, .. } if *until <= Instant::now() => Some(*offence),
            _ => None,
        }
    }

    pub(crate) fn is_benched(&self) -> bool {
        matches!(self.state, State::Benched { .. })
    }

    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused { .. })
    }

    /// Whether its time on the bench is over, so that it may be greeted.
    pub(crate) fn is_due(&self) -> bool {
        matches!(&self.state, State::Benched { until, .. } if *until <= Instant::now())
    }

    /// Whether something failed since the last success.
    pub(crate) fn is_shaky(&self) -> bool {
        self.strikes > 0
    }

    pub(crate) fn succeeded(&mut self) {
        self.strikes = 0;
    }

    /// It gave its final head.
    pub(crate) fn answered(&mut self, final_head: Option<u64>) {
        self.final_head = final_head;
        self.silent_since = None;
    }

    /// Others answered, it did not yet. Says for how long this has been so.
    pub(crate) fn is_late(&mut self) -> Duration {
        self.silent_since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Whether it was late the last time.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent_since.is_some()
    }

    /// Something failed; several times in a row bench it.
    pub(crate) fn failed(&mut self, reason: &str, rules: Discipline, endpoint: &Endpoint) {
        self.strikes = self.strikes.saturating_add(1);
        count(&mut self.troubles.failed);
        self.last_trouble = Some(reason.to_owned());
        let enough = match self.state {
            State::Trusted => self.strikes >= STRIKES_MAX,
            State::Probation { .. } => true,
            // Answers that were asked for before.
            State::Benched { .. } | State::Refused { .. } => false,
        };
        if enough {
            self.bench(Offence::Unreachable, reason, rules, endpoint);
        }
    }

    /// Notes a trouble that changes nothing.
    pub(crate) fn note(&mut self, reason: &str) {
        count(&mut self.troubles.unusable);
        self.last_trouble = Some(reason.to_owned());
    }

    pub(crate) fn bench(
        &mut self,
        offence: Offence,
        reason: &str,
        rules: Discipline,
        endpoint: &Endpoint,
    ) {
        // What it did worst is what it comes back for.
        let offence = match (&self.state, offence) {
            (State::Refused { .. }, _) => return,
            (
                State::Benched { offence: worse, .. } | State::Probation { offence: worse, .. },
                Offence::Unreachable,
            ) => *worse,
            _ => offence,
        };
        let doublings = match offence {
            Offence::Unreachable => DOUBLINGS_MAX_UNREACHABLE,
            Offence::Lied | Offence::Forked => DOUBLINGS_MAX,
        };
        count(match offence {
            Offence::Unreachable => &mut self.troubles.unreachable,
            Offence::Lied => &mut self.troubles.lied,
            Offence::Forked => &mut self.troubles.forked,
        });
        let longer = 1_u32 << self.benched.min(doublings);
        self.benched = self.benched.saturating_add(1);
        self.strikes = 0;
        self.silent_since = None;
        self.last_trouble = Some(reason.to_owned());
        let time = rules.bench.saturating_mul(longer);
        let since = Instant::now();
        tracing::warn!(%endpoint, ?offence, reason, seconds = time.as_secs(), "endpoint benched");
        self.state = State::Benched {
            offence,
            reason: reason.to_owned(),
            since,
            until: since + rand::random_range(time / 2..=time),
        };
    }

    /// It serves the right chain, and may show what it is worth.
    pub(crate) fn greeted(&mut self) {
        if let State::Benched {
            offence, reason, ..
        } = &self.state
        {
            self.state = State::Probation {
                offence: *offence,
                reason: reason.clone(),
                agreed: 0,
            };
        }
    }

    pub(crate) fn refuse(&mut self, reason: String, endpoint: &Endpoint) {
        tracing::error!(%endpoint, reason, "endpoint refused");
        self.state = State::Refused { reason };
    }

    /// It said the same as the others.
    pub(crate) fn agreed(&mut self, rules: Discipline, endpoint: &Endpoint) {
        if let State::Probation { agreed, .. } = &mut self.state {
            *agreed = agreed.saturating_add(1);
            if *agreed >= rules.probation {
                tracing::info!(%endpoint, "endpoint trusted again");
                self.state = State::Trusted;
            }
        } else {
            self.benched = 0;
        }
    }

    pub(crate) fn standing(&self, rules: Discipline) -> Standing {
        let now = Instant::now();
        match &self.state {
            State::Trusted => Standing::Trusted,
            State::Benched {
                offence,
                reason,
                since,
                until,
            } => Standing::Benched {
                offence: *offence,
                reason: reason.clone(),
                since: now.saturating_duration_since(*since),
                left: until.saturating_duration_since(now),
            },
            State::Probation {
                offence,
                reason,
                agreed,
            } => Standing::Probation {
                offence: *offence,
                reason: reason.clone(),
                agreed: *agreed,
                needed: rules.probation,
            },
            State::Refused { reason } => Standing::Refused {
                reason: reason.clone(),
            },
        }
    }

    pub(crate) fn last_trouble(&self) -> Option<&str> {
        self.last_trouble.as_deref()
    }
}

fn count(troubles: &mut u64) {
    *troubles = troubles.saturating_add(1);
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusted => f.write_str("trusted"),
            // Without the time that is left: what stays the same is told once.
            Self::Benched { reason, .. } => write!(f, "left alone for a while: {reason}"),
            Self::Probation {
                reason,
                agreed,
                needed,
                ..
            } => write!(f, "on probation ({agreed} of {needed} agreed): {reason}"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
        }
    }
}
