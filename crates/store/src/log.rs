//! The eligibility log: every decision becomes a leaf of one Merkle tree, in the order in which it was made.
//!
//! A change of a table that holds decisions queues a fact in its own transaction; nothing is lost, whoever appends and
//! whenever. Appending takes what is queued, makes leaves of it and grows the tree in one transaction. A claim whose leaf is
//! not in, or says something else than the books, is not attested ([`Log::logged`]). A fact that contradicts a leaf is no
//! leaf but a doubt ([`Log::doubts`]).

mod lasting;
mod proof;
mod shown;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tocsin_domain::claim::Claim;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_log::{Hash, MAX_ENTRY_BYTES, TileId};

pub use self::lasting::{contradiction, is_gone, is_groundless, lasts};
pub use self::proof::{begins_with, decision, prove};
use crate::StoreError;
use crate::check::Flaw;

/// The form of entries.
const VERSION: u8 = 1;

/// What a leaf says. Its entry in the log is this as RFC 8785 JSON.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fact {
    /// The form: 1.
    pub v: u8,
    /// What kind of decision: `determination`, `claim`, `attestation`, and so on (docs/log.md).
    pub kind: String,
    /// What it is about: an id as 0x and hex digits, or the name of a source.
    pub subject: String,
    /// Which of them: the number of the loss event, of the epoch, of the block; otherwise 0.
    pub ordinal: u64,
    /// When it became a leaf.
    pub logged_at: i64,
    /// What was decided.
    pub body: Value,
}

impl Fact {
    /// What `kind` says of a subject.
    pub fn new(
        kind: &str,
        subject: impl Into<String>,
        ordinal: u64,
        logged_at: Timestamp,
        body: Value,
    ) -> Self {
        Self {
            v: VERSION,
            kind: kind.to_owned(),
            subject: subject.into(),
            ordinal,
            logged_at: logged_at.0,
            body,
        }
    }

    /// As its leaf shows it: hashes stand for what is nobody else's business, and for what is too long.
    pub fn shown(self) -> Self {
        shown::shown(self)
    }

    /// The bytes whose hash is the leaf.
    pub fn entry(&self) -> Result<String, StoreError> {
        let entry = serde_jcs::to_string(self)
            .map_err(|error| Flaw(error.to_string()).refused("leaf", &self.subject))?;
        if entry.len() > MAX_ENTRY_BYTES {
            let flaw = Flaw(format!(
                "its {} bytes are more than the {MAX_ENTRY_BYTES} that an entry of a log can have",
                entry.len()
            ));
            return Err(flaw.refused("leaf", &self.subject));
        }
        Ok(entry)
    }
}

/// A leaf of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// Its place, from 0.
    pub index: u64,
    /// The kind of its fact.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Which of them.
    pub ordinal: u64,
    /// The bytes whose hash it is.
    pub entry: String,
}

/// What appending is told.
#[derive(Clone, Copy, Debug)]
pub struct Appending<'a> {
    /// When.
    pub now: Timestamp,
    /// At most so many leaves.
    pub limit: u32,
    /// How long after the last leaf about a source the next one says how far it was read.
    pub coverage_every: Seconds,
    /// What the terms of policies ask for, before it is said how one ended.
    pub slack: &'a [Slack],
}

/// What has to be seen before it can be said how a policy on these terms ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slack {
    /// The terms.
    pub terms: TermsHash,
    /// How long after the end of a policy a loss within it can still be confirmed.
    pub beyond: Seconds,
    /// How values of its inputs stand, in their order.
    pub inputs: Vec<Stands>,
}

/// How long what an input said is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stands {
    /// It says what happened: as long as it says nothing, nothing did.
    Happens,
    /// A value holds until the next one; where there is a limit, until it is older than that.
    Holds(Option<Seconds>),
}

/// The tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tree {
    /// How many leaves it has.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// What appending did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// How many leaves came to it.
    pub leaves: u64,
    /// The tree with them.
    pub tree: Tree,
    /// Whether there is more to append at once.
    pub more: bool,
}

/// A signed state of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCheckpoint {
    /// How many leaves.
    pub size: u64,
    /// The signed note.
    pub note: String,
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// Something that was to become a leaf and cannot: somebody has changed the books, or put it there by hand. Nothing is attested
/// for its subject until a person has looked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// What kind of fact.
    pub kind: String,
    /// About what.
    pub subject: String,
    /// Which of them.
    pub ordinal: u64,
    /// Why it is no leaf.
    pub reason: String,
    /// When it was found.
    pub found_at: Timestamp,
}

/// Under which name and key a log is signed, and since when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// What verifies its states, as `name+hash+base64`.
    pub verifier: String,
    /// How many leaves there were when it began.
    pub size: u64,
    /// When that was.
    pub begun_at: Timestamp,
}

/// A row and the log say different things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Discrepancy {
    /// Two leaves about one subject contradict each other.
    Contradicts {
        /// The later leaf.
        index: u64,
        /// The one before it.
        earlier: u64,
        /// What kind of fact.
        kind: String,
        /// About what.
        subject: String,
        /// Which of them.
        ordinal: u64,
    },
    /// What waits for its leaf is not what Tocsin would have put there.
    Forged {
        /// What kind of fact.
        kind: String,
        /// About what.
        subject: String,
        /// Which of them.
        ordinal: u64,
    },
    /// A claim counts as attested, and there is no attestation of it.
    Unattested {
        /// The policy.
        subject: String,
        /// Which of its claims.
        ordinal: u64,
    },
    /// A rule of the schema that queues facts, or a view that they are made by, is other than Tocsin made it.
    Schema {
        /// Which.
        name: String,
    },
    /// The newest leaf about a row is another than the row makes.
    Differs {
        /// The newest leaf.
        index: u64,
        /// What kind of row.
        kind: String,
        /// Which.
        subject: String,
        /// Which of them.
        ordinal: u64,
    },
    /// A row that has no leaf, and waits for none.
    NoLeaf {
        /// What kind of row.
        kind: String,
        /// Which.
        subject: String,
        /// Which of them.
        ordinal: u64,
    },
    /// The newest leaf says that something is, and there is no such row.
    NoRow {
        /// The leaf.
        index: u64,
        /// What kind of row.
        kind: String,
        /// Which.
        subject: String,
        /// Which of them.
        ordinal: u64,
    },
    /// The columns of a leaf are other than its entry says.
    Misfiled {
        /// The leaf.
        index: u64,
    },
    /// The coverage of a source, or the look at a subject, does not hold what a leaf says was read.
    Uncovered {
        /// The leaf.
        index: u64,
        /// The source, of a polled one with the subject before it.
        source: String,
    },
}

/// The log.
#[async_trait]
pub trait Log: Send + Sync {
    /// Makes leaves of what waits, all or nothing: what is queued, in its order; then attestations; then, where it is time,
    /// how far sources were read and how policies ended. What a determination or a risk says is read from its rows.
    async fn append(&self, appending: &Appending<'_>) -> Result<Appended, StoreError>;

    /// The tree as it is.
    async fn tree(&self) -> Result<Tree, StoreError>;

    /// Leaves from `first` on, at most `limit`.
    async fn leaves(&self, first: u64, limit: u32) -> Result<Vec<Leaf>, StoreError>;

    /// The newest leaves about a subject first, of one kind or of all, at most `limit`.
    async fn leaves_about(
        &self,
        subject: &str,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Leaf>, StoreError>;

    /// The hashes of a tile as it is stored: of the tree as it is, or of a later one.
    async fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Records a signed state. One of the same size stays.
    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError>;

    /// The newest signed state.
    async fn checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError>;

    /// The first signed state that has the leaf at this place.
    async fn checkpoint_with(&self, index: u64) -> Result<Option<StoredCheckpoint>, StoreError>;

    /// Those of these claims that are in the log: the newest leaf about each says what it says, the leaves of its policy and
    /// of its loss event say what their rows say, and nothing of them is in doubt. None while the log is held.
    async fn logged(&self, claims: Vec<Claim>) -> Result<Vec<Claim>, StoreError>;

    /// Makes the fact of every row anew and compares it with its newest leaf, and the leaves about one subject with each
    /// other; returns at most `limit` differences.
    async fn compare(&self, limit: u32) -> Result<Vec<Discrepancy>, StoreError>;

    /// What could not become a leaf, at most `limit`.
    async fn doubts(&self, limit: u32) -> Result<Vec<Doubt>, StoreError>;

    /// Ends the doubts about subjects whose rows say again what their leaves say, or were rightly there and are gone; an
    /// entry of the audit says which. Returns those that remain.
    async fn settle_doubts(&self, now: Timestamp) -> Result<Vec<Doubt>, StoreError>;

    /// Holds the log for this reason, or lets it go on. While it is held no claim is in it ([`Self::logged`]), no claim key is
    /// reserved and nothing is said in a quorum, so that nothing is signed by who may have forgotten what was.
    async fn hold(&self, reason: Option<&str>, now: Timestamp) -> Result<(), StoreError>;

    /// Under which name and key the log is signed; `None` where it was never signed.
    async fn origin(&self) -> Result<Option<Origin>, StoreError>;

    /// Records that the log is signed by this key from here on, and queues the fact that says so where another one was before;
    /// `told` is what it says. The log is not held any more.
    async fn begin_origin(
        &self,
        verifier: &str,
        told: Option<&Value>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Something that an administrator did, or that was refused at the door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What, as `key-issued` or `authentication-failed`.
    pub action: String,
    /// By whom, where that is known.
    pub actor: Option<String>,
    /// To what.
    pub subject: String,
    /// More of it, without secrets; a short object.
    pub detail: Value,
}

impl AuditEntry {
    /// What its leaf says.
    pub fn body(&self) -> Value {
        serde_json::json!({
            "at": self.at.0,
            "action": self.action,
            "actor": self.actor,
            "detail": self.detail,
        })
    }
}

/// What becomes a leaf without a row of its own.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Queues entries for the log, all or none; their leaves are of the kind `audit`. [`StoreError::Refused`] where one
    /// is too long for a leaf.
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError>;
}
