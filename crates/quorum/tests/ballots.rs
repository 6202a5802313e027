//! However hostile proposers and attestors interleave what they say, no two decisions on one event differ, and so nobody
//! signs two contents for one claim.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use proptest::prelude::*;
use tocsin_domain::ids::ReportsHash;
use tocsin_store::quorum::{Ballot, Held, Said, Saying, Voted};

const HONEST: usize = 3;
/// Votes for everything, always, and counts in every quorum.
const LIARS: usize = 1;
const THRESHOLD: usize = 3;

/// What some proposer does next.
#[derive(Clone, Debug)]
enum Move {
    /// Proposes reports in a round to some, with the newest certificate for them below that round, or without. The vote is
    /// lost where the voter dies after it has journaled it.
    Propose {
        to: usize,
        round: u32,
        reports: u8,
        justified: bool,
        lost: bool,
    },
    /// Shows somebody a certificate that exists, old or new.
    Certify { to: usize, which: usize, lost: bool },
    /// Shows somebody a decision that exists.
    Decide { to: usize, which: usize },
}

/// Low ones, which meet, and some of the highest that time has allowed.
fn rounds() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 1..6_u32, 1 => 4_000_000_000..4_000_000_003_u32]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let to = 0..HONEST;
    let one = prop_oneof![
        6 => (to.clone(), rounds(), 0..3_u8, any::<bool>(), prop::bool::weighted(0.1)).prop_map(|(to, round, reports, justified, lost)| Move::Propose { to, round, reports, justified, lost }),
        5 => (to.clone(), any::<usize>(), prop::bool::weighted(0.1)).prop_map(|(to, which, lost)| Move::Certify { to, which, lost }),
        1 => (to, any::<usize>()).prop_map(|(to, which)| Move::Decide { to, which }),
    ];
    prop::collection::vec(one, 0..160)
}

/// What has been said, by everybody.
#[derive(Default)]
struct World {
    ballots: Vec<Ballot>,
    votes: BTreeMap<(u32, u8), BTreeSet<usize>>,
    locks: BTreeMap<(u32, u8), BTreeSet<usize>>,
    signed: Vec<BTreeSet<u8>>,
}

impl World {
    fn new() -> Self {
        Self {
            ballots: vec![Ballot::default(); HONEST],
            signed: vec![BTreeSet::new(); HONEST],
            ..Self::default()
        }
    }

    fn quorums(said: &BTreeMap<(u32, u8), BTreeSet<usize>>) -> Vec<(u32, u8)> {
        let enough = said.iter().filter(|(_, by)| by.len() + LIARS >= THRESHOLD);
        enough.map(|(what, _)| *what).collect()
    }

    fn step(&mut self, step: &Move) {
        match *step {
            Move::Propose {
                to,
                round,
                reports,
                justified,
                lost,
            } => {
                let certified = Self::quorums(&self.votes);
                let certified = certified
                    .iter()
                    .filter(|(of, what)| *what == reports && *of < round);
                let certified_in = certified.map(|(of, _)| *of).max().filter(|_| justified);
                let vote = Voted {
                    round,
                    reports_hash: hash(reports),
                };
                if self.say(to, &Saying::Vote { vote, certified_in }) && !lost {
                    self.votes.entry((round, reports)).or_default().insert(to);
                }
            }
            Move::Certify { to, which, lost } => {
                let certified = Self::quorums(&self.votes);
                let Some(&(round, reports)) = pick(&certified, which) else {
                    return;
                };
                if self.say(to, &Saying::Lock(held(round, reports))) && !lost {
                    self.locks.entry((round, reports)).or_default().insert(to);
                }
            }
            Move::Decide { to, which } => {
                let decided = Self::quorums(&self.locks);
                let Some(&(round, reports)) = pick(&decided, which) else {
                    return;
                };
                // What is decided is signed.
                if self.say(to, &Saying::Decision(held(round, reports))) {
                    self.signed[to].insert(reports);
                }
            }
        }
    }

    fn say(&mut self, who: usize, saying: &Saying) -> bool {
        !matches!(self.ballots[who].say(saying), Said::Refused(_))
    }
}

fn pick<T>(from: &[T], which: usize) -> Option<&T> {
    from.get(which.checked_rem(from.len())?)
}

fn hash(reports: u8) -> ReportsHash {
    ReportsHash(B256::repeat_byte(reports + 1))
}

fn held(round: u32, reports: u8) -> Held {
    Held {
        round,
        reports_hash: hash(reports),
        certificate: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_two_decisions(steps in moves()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            let decided: BTreeSet<u8> = World::quorums(&world.locks).iter().map(|(_, reports)| *reports).collect();
            prop_assert!(decided.len() <= 1, "{decided:?}");
        }
        let signed: BTreeSet<u8> = world.signed.iter().flatten().copied().collect();
        prop_assert!(signed.len() <= 1, "{signed:?}");
    }

    /// From wherever hostile proposers have left the attestors, an honest one that hears a quorum finishes: the fourth is the
    /// liar, and says nothing any more.
    #[test]
    fn an_honest_proposer_finishes(steps in moves()) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        let highest = |ballot: &Ballot| ballot.locked.clone();
        let locked = world.ballots.iter().filter_map(highest).max_by_key(|held| held.round);
        let decided = world.ballots.iter().find_map(|ballot| ballot.decided.clone());
        let round = world.ballots.iter().map(Ballot::round).max().unwrap() + 1;
        let bound = decided.or(locked);
        let reports_hash = bound.as_ref().map_or(hash(9), |held| held.reports_hash);
        let certified_in = bound.map(|held| held.round);
        for ballot in &mut world.ballots {
            let vote = Saying::Vote { vote: Voted { round, reports_hash }, certified_in };
            prop_assert_eq!(ballot.say(&vote), Said::New);
        }
        let held = Held { round, reports_hash, certificate: Vec::new() };
        for ballot in &mut world.ballots {
            prop_assert_eq!(ballot.say(&Saying::Lock(held.clone())), Said::New);
            prop_assert!(!matches!(ballot.say(&Saying::Decision(held.clone())), Said::Refused(_)));
        }
    }
}
