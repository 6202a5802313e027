//! What an attestor may still say of an event, given what it has said: the rule that keeps a quorum from splitting.
//!
//! An event's reports are voted on in rounds that rise. Votes of a quorum for the same reports in the same round are a
//! certificate; who has seen one *locks* to it. Locks of a quorum are a decision, and only what is decided is signed.
//!
//! Two decisions are never about different reports, as long as two quorums always share an attestor that keeps this rule.
//! For let (r, h) be decided, and let (r', h') with r' > r be the first later certificate for something else. Some attestor
//! that keeps the rule took part in both. It locked to (r, h) before it voted in r', or else it would not have locked; so it
//! voted against its lock, which takes a certificate for h' of a round between r and r'; and there is none, since r' is
//! the first.

use tocsin_domain::ids::ReportsHash;

/// What one node has said of one event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ballot {
    /// Its newest vote.
    pub voted: Option<Voted>,
    /// The certificate of the highest round that it is locked to.
    pub locked: Option<Held>,
    /// The decision that it has seen.
    pub decided: Option<Held>,
}

/// A vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Voted {
    /// In which round, from 1.
    pub round: u32,
    /// For which reports.
    pub reports_hash: ReportsHash,
}

/// A certificate, or a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Of which round.
    pub round: u32,
    /// Of which reports.
    pub reports_hash: ReportsHash,
    /// The votes, as the JSON of a [`Certificate`](tocsin_domain::quorum::Certificate). Whoever journals it has verified it.
    pub certificate: Vec<u8>,
}

/// Something that a node says of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Saying {
    /// That these reports are good.
    Vote {
        /// The vote.
        vote: Voted,
        /// The round of a certificate for the same reports that came with the proposal.
        certified_in: Option<u32>,
    },
    /// That it has seen a certificate, and votes for nothing else unless it sees a higher one.
    Lock(Held),
    /// That a quorum is locked.
    Decision(Held),
}

/// What became of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// It is journaled.
    New,
    /// It was journaled before.
    Again,
    /// It contradicts what was said before: it must not be said.
    Refused(BallotRefusal),
}

/// Why something must not be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BallotRefusal {
    /// Rounds rise.
    #[error("it has taken part in round {0}, and rounds rise")]
    RoundOver(u32),
    /// One vote a round.
    #[error("it has voted for other reports in round {0}")]
    VotedOtherwise(u32),
    /// Locked to something else.
    #[error("it is locked to other reports since round {0}")]
    Locked(u32),
    /// Decided otherwise.
    #[error("a quorum has decided on other reports in round {0}")]
    Decided(u32),
}

impl Saying {
    /// The hash of the reports that it is about.
    pub fn reports_hash(&self) -> ReportsHash {
        match self {
            Self::Vote { vote, .. } => vote.reports_hash,
            Self::Lock(held) | Self::Decision(held) => held.reports_hash,
        }
    }
}

impl Ballot {
    /// Says something, if it may be said.
    pub fn say(&mut self, saying: &Saying) -> Said {
        match saying {
            Saying::Vote { vote, certified_in } => self.vote(*vote, *certified_in),
            Saying::Lock(held) => self.lock(held),
            Saying::Decision(held) => self.decide(held),
        }
    }

    /// The highest round that it has taken part in; 0 for none.
    pub fn round(&self) -> u32 {
        let voted = self.voted.map_or(0, |voted| voted.round);
        let locked = self.locked.as_ref().map_or(0, |locked| locked.round);
        voted.max(locked)
    }

    fn vote(&mut self, vote: Voted, certified_in: Option<u32>) -> Said {
        if let Err(refusal) = self.check_decided(vote.reports_hash) {
            return Said::Refused(refusal);
        }
        match self.voted {
            Some(voted) if voted == vote => return Said::Again,
            Some(voted) if voted.round == vote.round => {
                return Said::Refused(BallotRefusal::VotedOtherwise(voted.round));
            }
            _ => {}
        }
        if vote.round <= self.round() {
            return Said::Refused(BallotRefusal::RoundOver(self.round()));
        }
        if let Some(locked) = &self.locked
            && locked.reports_hash != vote.reports_hash
            && !certified_in.is_some_and(|round| locked.round < round && round < vote.round)
        {
            return Said::Refused(BallotRefusal::Locked(locked.round));
        }
        self.voted = Some(vote);
        Said::New
    }

    fn lock(&mut self, held: &Held) -> Said {
        if let Err(refusal) = self.check_decided(held.reports_hash) {
            return Said::Refused(refusal);
        }
        let same =
            |locked: &Held| (locked.round, locked.reports_hash) == (held.round, held.reports_hash);
        if self.locked.as_ref().is_some_and(same) {
            return Said::Again;
        }
        // A lock of a round that is over could complete a decision behind the back of a vote that was given since.
        if held.round < self.round() {
            return Said::Refused(BallotRefusal::RoundOver(self.round()));
        }
        if let Some(locked) = &self.locked
            && locked.round == held.round
        {
            return Said::Refused(BallotRefusal::Locked(locked.round));
        }
        self.locked = Some(held.clone());
        Said::New
    }

    fn decide(&mut self, held: &Held) -> Said {
        if let Err(refusal) = self.check_decided(held.reports_hash) {
            return Said::Refused(refusal);
        }
        if self.decided.is_some() {
            return Said::Again;
        }
        self.decided = Some(held.clone());
        Said::New
    }

    fn check_decided(&self, reports_hash: ReportsHash) -> Result<(), BallotRefusal> {
        match &self.decided {
            Some(decided) if decided.reports_hash != reports_hash => {
                Err(BallotRefusal::Decided(decided.round))
            }
            _ => Ok(()),
        }
    }
}
