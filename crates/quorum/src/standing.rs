//! How the quorum is doing, as this node sees it: for people, and for readiness. Nothing is decided by it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::Address;
use tocsin_domain::ids::EventKey;
use tocsin_domain::time::Timestamp;

/// How many rounds are remembered.
const ROUNDS: usize = 50;

/// What is known of the other attestors and of rounds; shared.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    peers: BTreeMap<Address, PeerStanding>,
    rounds: VecDeque<RoundStanding>,
}

/// Another attestor.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerStanding {
    /// When its last answer came, to whatever.
    pub answered_at: Option<Timestamp>,
    /// When it last asked something.
    pub asked_at: Option<Timestamp>,
    /// Its last failure to answer; none since it has answered again.
    pub trouble: Option<String>,
}

/// A round that this node proposed or took part in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundStanding {
    /// About what.
    pub event: EventKey,
    /// Which.
    pub round: u32,
    /// Who proposed.
    pub proposer: Address,
    /// How far it came: `voted`, `locked`, `decided`, `signed`, or why not.
    pub stage: String,
    /// When.
    pub at: Timestamp,
}

impl Standing {
    /// Announces the peers.
    pub(crate) fn expect(&self, peers: impl Iterator<Item = Address>) {
        let mut state = self.state();
        for peer in peers {
            state.peers.entry(peer).or_default();
        }
    }

    /// A peer has answered, or not.
    pub(crate) fn answered(&self, peer: Address, trouble: Option<String>, at: Timestamp) {
        let mut state = self.state();
        let standing = state.peers.entry(peer).or_default();
        if trouble.is_none() {
            standing.answered_at = Some(at);
        }
        standing.trouble = trouble;
    }

    /// A peer has asked something.
    pub(crate) fn asked(&self, peer: Address, at: Timestamp) {
        self.state().peers.entry(peer).or_default().asked_at = Some(at);
    }

    /// A round has come so far.
    pub(crate) fn round(&self, seen: RoundStanding) {
        let mut state = self.state();
        let same = |known: &&mut RoundStanding| {
            (known.event, known.round, known.proposer) == (seen.event, seen.round, seen.proposer)
        };
        if let Some(known) = state.rounds.iter_mut().find(same) {
            *known = seen;
            return;
        }
        state.rounds.push_front(seen);
        state.rounds.truncate(ROUNDS);
    }

    /// The other attestors.
    pub fn peers(&self) -> BTreeMap<Address, PeerStanding> {
        self.state().peers.clone()
    }

    /// The last rounds, newest first.
    pub fn rounds(&self) -> Vec<RoundStanding> {
        self.state().rounds.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Held for a few map accesses that do not panic: a poisoned one is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
