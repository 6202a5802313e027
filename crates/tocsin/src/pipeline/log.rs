//! Log: every decision becomes a leaf of the eligibility log, and the log's newest state is signed.
//!
//! Guarantee: leaves follow each other in the order in which the store was told of decisions, whatever was restarted. A
//! claim is attested only after its leaf is in. A crash between appending and signing leaves a tree that the next turn
//! signs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tocsin_domain::cover::Cover;
use tocsin_domain::lang::ir::{Expr, ExprKind};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Type;
use tocsin_log::{Checkpoint, SigningKey};
use tocsin_store::log::{Appending, Slack, Stands, StoredCheckpoint, Tree};

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, Work};
use crate::log_seen::Seen;

/// How many leaves one turn appends.
const LEAVES_PER_TURN: u32 = 4_096;

/// No tree has so many leaves: nothing is signed yet.
const UNSIGNED: u64 = u64::MAX;

/// Appends to the log.
pub struct Logger {
    key: Arc<SigningKey>,
    seen: Seen,
    coverage_every: Seconds,
    evaluator: Arc<Evaluator>,
    next: Bell,
    /// How many leaves the state has that was signed last.
    signed: AtomicU64,
}

impl Logger {
    /// Signs with `key`, writes what it signs into `seen` first, says how far sources were read every `coverage_every`, and rings `next` when there are new leaves.
    pub fn new(
        key: Arc<SigningKey>,
        seen: Seen,
        coverage_every: Seconds,
        evaluator: Arc<Evaluator>,
        next: Bell,
    ) -> Self {
        Self {
            key,
            seen,
            coverage_every,
            evaluator,
            next,
            signed: AtomicU64::new(UNSIGNED),
        }
    }

    async fn sign(&self, stage: &Stage, tree: Tree) -> Result<(), StageError> {
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
        self.seen.write(&stored.note).await?;
        stage.store.put_checkpoint(&stored).await?;
        self.signed.store(tree.size, Ordering::Relaxed);
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
        let appended = stage.store.append(&appending).await?;
        if appended.leaves > 0 {
            self.next.ring();
        }
        if appended.more {
            return Ok(Turn::Worked);
        }
        if self.signed.load(Ordering::Relaxed) != appended.tree.size {
            self.sign(stage, appended.tree).await?;
        }
        Ok(Turn::Idle)
    }
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
