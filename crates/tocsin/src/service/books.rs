//! Policies that clients send, into the books: read in the same way as files of them, and taken up by the stages, which find
//! their work in the store.

use std::sync::Arc;

use async_trait::async_trait;
use tocsin_api::books::{Asked, Books, Flaw, NewPolicy, PoliciesTaken, Untaken};
use tocsin_store::Store;
use tocsin_store::answer::Answer;

use crate::clock::Clock;
use crate::config::{Feeds, InsuredCover};
use crate::insure::{Insurer, Problem, Row, import};
use crate::pipeline::StageError;
use crate::pipeline::bell::Bell;
use crate::pipeline::evaluate::Evaluator;

/// What was made.
const CREATED: u16 = 201;

/// What reads policies of clients.
pub(super) struct ClientBooks {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) evaluator: Arc<Evaluator>,
    pub(super) covers: Vec<InsuredCover>,
    pub(super) feeds: Feeds,
    pub(super) settlement: Option<u64>,
    /// Rung when a policy may have a claim on what was determined before.
    pub(super) claim: Bell,
}

#[async_trait]
impl Books for ClientBooks {
    async fn take(&self, policies: Vec<NewPolicy>, asked: Asked) -> Result<Answer, Untaken> {
        let now = self.clock.now();
        let insurer = Insurer {
            now,
            covers: &self.covers,
            feeds: &self.feeds,
            settlement: self.settlement,
        };
        let rows: Vec<Row> = policies.into_iter().map(row).collect();
        let mut ids = Vec::with_capacity(rows.len());
        let mut flaws = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            match insurer.insure(row) {
                Ok(insured) => ids.push(insured.policy.id),
                Err(problem) => flaws.push(flaw(place.to_string(), problem)),
            }
        }
        if !flaws.is_empty() {
            return Err(Untaken::Flawed(flaws));
        }
        let body = serde_json::to_vec(&PoliciesTaken { policies: ids })
            .map_err(|error| Untaken::Failed(error.to_string()))?;
        let answer = Answer {
            caller: asked.caller,
            key: asked.key,
            request: asked.request,
            status: CREATED,
            body,
            at: now,
        };
        let numbered = (0_u64..).zip(rows.into_iter().map(Ok));
        let taken = import::import_answered(
            &*self.store,
            insurer,
            &self.evaluator,
            numbered,
            answer.clone(),
        )
        .await;
        let outcome = taken.map_err(|error| match error {
            StageError::Store(error) => Untaken::Store(error),
            other => Untaken::Failed(crate::report::chain(&other)),
        })?;
        if !outcome.bad.is_empty() {
            let bad = outcome.bad.into_iter();
            let flaws = bad
                .map(|bad| flaw(bad.line.to_string(), bad.problem))
                .collect();
            return Err(Untaken::Flawed(flaws));
        }
        tracing::info!(
            policies = outcome.imported.policies,
            risks = outcome.imported.risks,
            "policies taken from a client"
        );
        self.claim.ring();
        Ok(answer)
    }
}

fn row(policy: NewPolicy) -> Row {
    Row {
        number: policy.number,
        cover: policy.cover,
        terms_hash: policy.terms_hash,
        consumer: policy.consumer,
        holder: policy.holder,
        sum_insured: policy.sum_insured,
        inception: policy.inception,
        expiry: policy.expiry,
        subject: policy.subject,
    }
}

fn flaw(place: String, problem: Problem) -> Flaw {
    let pointer = match problem.column {
        Some(column) => format!("/{place}/{column}"),
        None => format!("/{place}"),
    };
    Flaw {
        pointer: Some(pointer),
        line: None,
        column: None,
        detail: problem.reason,
        help: Some(problem.remedy),
    }
}
