//! Log: every decision becomes a leaf of the eligibility log, and the log's newest state is signed.
//!
//! Guarantee: leaves follow each other in the order in which the store was told of decisions, whatever was restarted. A
//! claim is attested only after its leaf is in. A crash between appending and signing leaves a tree that the next turn
//! signs. Nothing is appended to a tree that does not begin with what was signed last, or signed: then the log is held, and
//! nothing is attested, until a person has looked. What contradicts a leaf becomes none; everything else goes on.

use std::sync::Arc;

use tocsin_domain::cover::Cover;
use tocsin_domain::lang::ir::{Expr, ExprKind};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;
use tocsin_log::{Checkpoint, SigningKey};
use tocsin_store::Store;
use tocsin_store::log::{Appending, Slack, Stands, StoredCheckpoint, Tree, begins_with};
use tokio::sync::Mutex;

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, Work};
use crate::anchor::{Anchor, ExamineError, Found, examine};

/// How many leaves one turn appends.
const LEAVES_PER_TURN: u32 = 4_096;

/// How many doubts are counted; one of them is told.
const DOUBTS: u32 = 1_000;

/// Appends to the log.
pub struct Logger {
    key: Arc<SigningKey>,
    anchor: Anchor,
    coverage_every: Seconds,
    evaluator: Arc<Evaluator>,
    next: Bell,
    /// One turn at a time changes it.
    known: Mutex<Known>,
}

/// What this process knows of the log.
#[derive(Default)]
struct Known {
    /// The tree as it was left; nobody else appends.
    tree: Option<Tree>,
    /// What was signed last.
    signed: Option<Checkpoint>,
    /// Why the log is held, as the database says; before that was looked at, unknown.
    held: Option<Option<String>>,
}

impl Logger {
    /// Signs with `key`, keeps what it signed last in `anchor`, says how far sources were read every `coverage_every`, and rings `next`
    /// when there are new leaves.
    pub fn new(
        key: Arc<SigningKey>,
        anchor: Anchor,
        coverage_every: Seconds,
        evaluator: Arc<Evaluator>,
        next: Bell,
    ) -> Self {
        Self {
            key,
            anchor,
            coverage_every,
            evaluator,
            next,
            known: Mutex::default(),
        }
    }

    /// Before anything else runs: whether the log can go on. If not it is held from here on.
    pub async fn look(&self, store: &dyn Store, now: Timestamp) -> Result<(), StageError> {
        let mut known = self.known.lock().await;
        match self.examine(&mut known, store, now).await {
            // The stage says so in each turn.
            Ok(()) | Err(StageError::LogHeld(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the tree is the one that was left, or begins with what was signed.
    async fn examine(
        &self,
        known: &mut Known,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<(), StageError> {
        let tree = match store.tree().await {
            Ok(tree) => tree,
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => {
                return self
                    .hold(known, store, now, crate::report::chain(&error))
                    .await;
            }
        };
        if known.tree == Some(tree) && matches!(known.held, Some(None)) {
            return Ok(());
        }
        let found = match examine(&self.anchor, self.key.verifier(), store, tree).await {
            Ok(found) => found,
            Err(ExamineError::Store(error)) if error.is_transient() => return Err(error.into()),
            Err(error) => Found::Held(crate::report::chain(&error)),
        };
        match found {
            Found::Held(reason) => self.hold(known, store, now, reason).await,
            Found::Sound(signed) => {
                if known.held != Some(None) {
                    store.hold(None, now).await?;
                }
                *known = Known {
                    tree: Some(tree),
                    signed,
                    held: Some(None),
                };
                Ok(())
            }
        }
    }

    async fn hold(
        &self,
        known: &mut Known,
        store: &dyn Store,
        now: Timestamp,
        reason: String,
    ) -> Result<(), StageError> {
        if known.held.as_ref() != Some(&Some(reason.clone())) {
            tracing::error!(%reason, "ALARM: the eligibility log is held: nothing is attested");
            store.hold(Some(&reason), now).await?;
            known.held = Some(Some(reason.clone()));
        }
        known.tree = None;
        Err(StageError::LogHeld(reason))
    }

    async fn sign(&self, known: &mut Known, stage: &Stage, tree: Tree) -> Result<(), StageError> {
        let before = known.signed.as_ref();
        if before.is_some_and(|signed| (signed.size, signed.root) == (tree.size, tree.root)) {
            // Also where a crash kept it from the database.
            let stored = stage.store.checkpoint().await?;
            if stored.is_some_and(|stored| stored.size == tree.size) {
                return Ok(());
            }
        }
        if let Some(signed) = before
            && !begins_with(&*stage.store, (signed.size, signed.root), tree).await?
        {
            let reason = format!(
                "the {} leaves of the database do not begin with the {} that this process has signed: its history was rewritten",
                tree.size, signed.size
            );
            let (store, now) = (&*stage.store, stage.clock.now());
            return self.hold(known, store, now, reason).await;
        }
        let checkpoint = Checkpoint {
            origin: self.key.verifier().name().to_string(),
            size: tree.size,
            root: tree.root,
        };
        let stored = StoredCheckpoint {
            size: tree.size,
            note: checkpoint.sign(&self.key)?,
            signed_at: stage.clock.now(),
        };
        // Nobody sees a state that is not kept outside the database.
        let (anchor, note) = (self.anchor.clone(), stored.note.clone());
        let written = tokio::task::spawn_blocking(move || anchor.write(&note)).await;
        written.map_err(|error| StageError::LogHeld(error.to_string()))??;
        stage.store.put_checkpoint(&stored).await?;
        known.signed = Some(checkpoint);
        Ok(())
    }
}

impl Work for Logger {
    fn name(&self) -> &str {
        "log"
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let terms = self.evaluator.covers();
        let slack: Vec<Slack> = terms.iter().map(|terms| slack(&terms.cover)).collect();
        let appending = Appending {
            now: stage.clock.now(),
            limit: LEAVES_PER_TURN,
            coverage_every: self.coverage_every,
            slack: &slack,
        };
        let mut known = self.known.lock().await;
        self.examine(&mut known, &*stage.store, appending.now)
            .await?;
        let appended = match stage.store.append(&appending).await {
            Ok(appended) => appended,
            Err(error) if error.is_transient() => return Err(error.into()),
            // Nothing new is attested meanwhile; whatever does not wait for a leaf goes on.
            Err(error) => return Err(StageError::LogStopped(error)),
        };
        known.tree = Some(appended.tree);
        if appended.leaves > 0 {
            self.next.ring();
        }
        if appended.more {
            return Ok(Turn::Worked);
        }
        self.sign(&mut known, stage, appended.tree).await?;
        in_doubt(&*stage.store).await?;
        Ok(Turn::Idle)
    }
}

/// What could not become a leaf is told as long as nobody has settled it.
async fn in_doubt(store: &dyn Store) -> Result<(), StageError> {
    let doubts = store.doubts(DOUBTS).await?;
    let Some(first) = doubts.first() else {
        return Ok(());
    };
    Err(StageError::InDoubt {
        first: Box::new(first.clone()),
        others: doubts.len().saturating_sub(1),
    })
}

/// How long after a loss the terms can still make it count: what every breach must last, and how long the payout is
/// looked for, one after the other; and how long what its inputs say is known.
fn slack(cover: &Cover) -> Slack {
    let settle = cover.payout.settle.map_or(0, |settle| settle.0);
    let stands = cover.inputs.iter().map(|input| match input.ty {
        Type::Event => Stands::Happens,
        Type::Decimal | Type::Duration | Type::Bool | Type::Text | Type::Time => {
            Stands::Holds(input.max_age)
        }
    });
    Slack {
        terms: cover.terms_hash,
        beyond: Seconds(settle.saturating_add(breaches(&cover.trigger.when))),
        inputs: stands.collect(),
    }
}

fn breaches(expr: &Expr) -> i64 {
    let own = match &expr.kind {
        ExprKind::Holds(holds) => holds.window.0,
        _ => 0,
    };
    let parts = expr.children().into_iter().map(breaches);
    parts.fold(own, i64::saturating_add)
}
