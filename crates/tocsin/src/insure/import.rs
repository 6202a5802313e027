//! Importing rows: any number of them in one transaction, with a report of every one that cannot be taken.
//!
//! Guarantee: either all rows are in the books, each with its risk and with what is to be asked about it, or none is. The same
//! rows again change nothing. Memory is that of some thousand rows, however many there are.

use core::fmt;
use std::collections::BTreeSet;

use tocsin_domain::ids::RiskId;
use tocsin_store::Store;
use tocsin_store::answer::Written;
use tocsin_store::cover::RiskRecord;
use tocsin_store::import::{Batch, Batches, Clash, Imported, Next};

use super::insurer::{Insured, Insurer};
use super::row::{Column, Problem, Row};
use crate::pipeline::StageError;
use crate::pipeline::evaluate::Evaluator;

/// Rows that travel to the store at once.
const ROWS_PER_BATCH: usize = 2_000;

/// Bad rows that are described; those after them are counted.
const DESCRIBED_MAX: usize = 10_000;

/// A row and where it stands: a line of a file, or a place in a list.
pub type Numbered = (u64, Result<Row, Problem>);

/// A row that cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// Where it stands.
    pub line: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.problem)
    }
}

/// What became of an import.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Rows that were read.
    pub rows: u64,
    /// What the store did; nothing stays of an import with bad rows.
    pub imported: Imported,
    /// Rows that cannot be taken, in their order.
    pub bad: Vec<Bad>,
    /// Further ones, which are not described.
    pub more_bad: u64,
}

impl Outcome {
    fn refuse(&mut self, line: u64, problem: Problem) {
        if self.bad.len() < DESCRIBED_MAX {
            self.bad.push(Bad { line, problem });
        } else {
            self.more_bad = self.more_bad.saturating_add(1);
        }
    }
}

/// Takes rows into the books, all or none. Their covers must be stored.
pub async fn import(
    store: &dyn Store,
    insurer: Insurer<'_>,
    evaluator: &Evaluator,
    rows: impl Iterator<Item = Numbered> + Send,
) -> Result<Outcome, StageError> {
    take(store, insurer, evaluator, rows, None).await
}

/// The same for whoever asked under a key: the answer, and who asked, are stored with the policies, or nothing is.
pub async fn import_answered(
    store: &dyn Store,
    insurer: Insurer<'_>,
    evaluator: &Evaluator,
    rows: impl Iterator<Item = Numbered> + Send,
    written: Written,
) -> Result<Outcome, StageError> {
    take(store, insurer, evaluator, rows, Some(written)).await
}

async fn take(
    store: &dyn Store,
    insurer: Insurer<'_>,
    evaluator: &Evaluator,
    rows: impl Iterator<Item = Numbered> + Send,
    written: Option<Written>,
) -> Result<Outcome, StageError> {
    let mut reader = Reader {
        written,
        insurer,
        evaluator,
        rows,
        lines: Vec::new(),
        outcome: Outcome::default(),
        failure: None,
    };
    let imported = store.import(&mut reader).await;
    match (reader.failure, imported) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) => Err(StageError::Store(error)),
        (None, Ok(imported)) => {
            let mut outcome = reader.outcome;
            outcome.imported = imported;
            outcome.bad.sort_by_key(|bad| bad.line);
            Ok(outcome)
        }
    }
}

/// Reads rows to the end and says which of them cannot be taken, as far as that is known without the books.
pub fn check(insurer: Insurer<'_>, rows: impl Iterator<Item = Numbered>) -> Outcome {
    let mut outcome = Outcome::default();
    for (line, row) in rows {
        outcome.rows = outcome.rows.saturating_add(1);
        let insured = row.and_then(|row| insurer.insure(&row));
        let asked = insured.and_then(|insured| insurer.looks(&insured));
        if let Err(problem) = asked {
            outcome.refuse(line, problem);
        }
    }
    outcome
}

/// Makes batches of rows.
struct Reader<'a, I> {
    insurer: Insurer<'a>,
    evaluator: &'a Evaluator,
    rows: I,
    /// What is answered when all is well, and who asked.
    written: Option<Written>,
    /// Of the policies of the last batch.
    lines: Vec<u64>,
    outcome: Outcome,
    failure: Option<StageError>,
}

impl<I: Iterator<Item = Numbered> + Send> Batches for Reader<'_, I> {
    fn next(&mut self, clashes: &[Clash]) -> Next {
        for clash in clashes {
            let line = self.lines.get(clash.place).copied().unwrap_or_default();
            self.outcome.refuse(line, another(clash));
        }
        match self.batch() {
            Ok(batch) if batch.policies.is_empty() && self.is_good() => {
                let written = self.written.take().map(Box::new);
                written.map_or(Next::Keep, Next::KeepAnswered)
            }
            Ok(batch) if batch.policies.is_empty() => Next::Discard,
            Ok(batch) => Next::Add(batch),
            Err(failure) => {
                self.failure = Some(failure);
                Next::Discard
            }
        }
    }
}

impl<I: Iterator<Item = Numbered>> Reader<'_, I> {
    fn is_good(&self) -> bool {
        self.outcome.bad.is_empty()
    }

    /// The next rows that mean something; none at the end.
    fn batch(&mut self) -> Result<Batch, StageError> {
        self.lines.clear();
        let mut batch = Batch::default();
        let mut risks: BTreeSet<RiskId> = BTreeSet::new();
        while batch.policies.len() < ROWS_PER_BATCH {
            let Some((line, row)) = self.rows.next() else {
                break;
            };
            self.outcome.rows = self.outcome.rows.saturating_add(1);
            let insured = match row.and_then(|row| self.insurer.insure(&row)) {
                Ok(insured) => insured,
                Err(problem) => {
                    self.outcome.refuse(line, problem);
                    continue;
                }
            };
            let looks = match self.insurer.looks(&insured) {
                Ok(looks) => looks,
                Err(problem) => {
                    self.outcome.refuse(line, problem);
                    continue;
                }
            };
            if risks.insert(insured.risk.id) {
                batch.looks.extend(looks);
                batch.risks.push(self.record(&insured)?);
            }
            batch.policies.push(insured.policy);
            self.lines.push(line);
        }
        Ok(batch)
    }

    fn record(&self, insured: &Insured) -> Result<RiskRecord, StageError> {
        let cover = self.insurer.covers.get(insured.cover);
        Ok(RiskRecord {
            risk: insured.risk.clone(),
            streams: cover
                .map(|cover| cover.streams(&insured.risk))
                .unwrap_or_default(),
            initial_state: self.evaluator.initial_state(&insured.risk)?,
        })
    }
}

/// Another policy has the number.
fn another(clash: &Clash) -> Problem {
    let stored = &clash.stored;
    Problem::of(
        Column::Number,
        format!(
            "another policy has the number {} at eip155:{}:{} already (holder {}, sum insured {}, {} to {}, terms {})",
            stored.number,
            stored.consumer.chain_id,
            stored.consumer.address,
            stored.holder,
            stored.sum_insured,
            stored.inception,
            stored.expiry,
            stored.terms_hash
        ),
        "a policy never changes; give this one a number of its own, or make the row what the policy is",
    )
}
