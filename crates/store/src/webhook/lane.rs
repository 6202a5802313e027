//! Lanes: how far an endpoint has been told, and what went wrong on the way.

use core::fmt;

use tocsin_domain::time::Timestamp;

use super::EndpointId;
use crate::answer::Answer;
use crate::event::Seq;

/// Which lane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LaneId(pub u64);

/// What is answered to whoever has asked for a lane.
pub type AnswerOf<'a> = &'a (dyn Fn(LaneId) -> Answer + Sync);

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A range of events to be told once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replay {
    /// It begins after this one.
    pub after: Seq,
    /// It ends with this one.
    pub until: Seq,
    /// Only those that became dead letters.
    pub only_dead: bool,
}

/// How far an endpoint has been told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lane {
    /// Its number.
    pub id: LaneId,
    /// Whose.
    pub endpoint: EndpointId,
    /// The range that is told once more, of which `after` is where it began; `None` for the live lane.
    pub replay: Option<Replay>,
    /// The last event that it is done with.
    pub cursor: Seq,
    /// What keeps it from the next one.
    pub trouble: Option<Trouble>,
    /// So many events became dead letters, one after the other, since the endpoint last took one.
    pub dead_in_a_row: u32,
}

/// An event that an endpoint has not taken yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Which event.
    pub seq: Seq,
    /// How often it was tried.
    pub attempts: u32,
    /// When it failed first.
    pub since: Timestamp,
    /// When it is tried again.
    pub next_at: Timestamp,
    /// Why it failed last.
    pub reason: String,
}

/// How far a lane has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// Which lane.
    pub lane: LaneId,
    /// Whose.
    pub endpoint: EndpointId,
    /// The last event that it is done with.
    pub cursor: Seq,
    /// What keeps it from the next one.
    pub trouble: Option<Trouble>,
    /// Dead letters in a row.
    pub dead_in_a_row: u32,
    /// What happened on the way, in order.
    pub records: Vec<Record>,
    /// Dead letters that the endpoint has taken after all.
    pub revived: Vec<Seq>,
    /// New dead letters.
    pub dead: Vec<DeadLetter>,
    /// Why the endpoint is told nothing more, and since when.
    pub disabled: Option<(Timestamp, String)>,
}

/// Which record; later ones have greater numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordId(pub u64);

/// What happened at an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// It took some events, one after the other.
    Delivered {
        /// The first.
        first: Seq,
        /// The last.
        last: Seq,
        /// How many; those between that it does not want are not counted.
        count: u64,
        /// When it took the last.
        at: Timestamp,
        /// Whether that was a replay.
        replayed: bool,
    },
    /// It failed to take one.
    Failed {
        /// Which event.
        seq: Seq,
        /// How often it was tried by then.
        attempt: u32,
        /// When.
        at: Timestamp,
        /// The HTTP status of the answer, if there was one.
        status: Option<u16>,
        /// What went wrong.
        reason: String,
        /// Whether that was a replay.
        replayed: bool,
    },
}

/// An event that an endpoint failed to take as often as it was to be tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// Which event.
    pub seq: Seq,
    /// What kind.
    pub kind: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is dead.
    pub at: Timestamp,
    /// Why it failed last.
    pub reason: String,
}

/// What waits for an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// Events that the live lane has not come to; some of them it may not want.
    pub waiting: u64,
    /// When the oldest of them happened.
    pub oldest_at: Option<Timestamp>,
    /// Dead letters.
    pub dead: u64,
    /// Events that were forgotten before the lane came to them, while the endpoint was told nothing.
    pub missed: u64,
}
