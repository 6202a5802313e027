//! Covers and policies that clients send, into the books: read in the same way as files of them, and taken up by the stages,
//! which find their work in the store.

mod declare;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use tocsin_api::books::{Asked, Books, Flaw, NewCover, NewPolicy, PoliciesTaken, Untaken};
use tocsin_domain::ids::PolicyId;
use tocsin_domain::policy::Policy;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::Store;
use tocsin_store::answer::{Answer, Written};
use tocsin_store::log::AuditEntry;
use tokio::sync::Mutex;
use tracing::Instrument;

use crate::clock::Clock;
use crate::config::Origin;
use crate::insure::catalogue::Catalogue;
use crate::insure::{Column, Insurer, Problem, Row, import};
use crate::pipeline::StageError;
use crate::pipeline::bell::Bell;
use crate::pipeline::evaluate::Evaluator;

/// What was made.
const CREATED: u16 = 201;

/// What takes covers and policies of clients.
pub(super) struct ClientBooks {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) evaluator: Arc<Evaluator>,
    pub(super) catalogue: Arc<Catalogue>,
    /// Whether others evaluate the same covers, and have to begin at the same instant.
    pub(super) in_quorum: bool,
    pub(super) declaring: Mutex<()>,
    pub(super) settlement: Option<u64>,
    /// How long after its inception a policy may still come.
    pub(super) late: Seconds,
    /// Rung when a policy may have a claim on what was determined before.
    pub(super) claim: Bell,
}

#[async_trait]
impl Books for ClientBooks {
    async fn declare(self: Arc<Self>, cover: NewCover, asked: Asked) -> Result<Answer, Untaken> {
        let declare = async move { self.bring_into_force(cover, asked).await };
        // A client that hangs up must not leave a cover in the books that this process does not know of.
        #[expect(
            clippy::disallowed_methods,
            reason = "awaited below; it ends by itself, and what it has not committed has not happened"
        )]
        let declared = tokio::spawn(declare.in_current_span()).await;
        declared.unwrap_or_else(|stopped| Err(Untaken::Failed(stopped.to_string())))
    }

    fn check(&self, cover: &NewCover) -> Result<Vec<Flaw>, Vec<Flaw>> {
        // From when on it will be evaluated does not matter to what it listens to.
        let now = self.clock.now();
        let insured = self.fitted(cover, now, Origin::Declared(now));
        let insured = insured.map_err(|flaw| vec![flaw])?;
        Ok(self.impatience(cover, &insured))
    }

    async fn take(&self, policies: Vec<NewPolicy>, asked: Asked) -> Result<Answer, Untaken> {
        let now = self.clock.now();
        let covers = self.catalogue.covers();
        let insurer = Insurer {
            now,
            covers: &covers,
            feeds: self.catalogue.offers().feeds(),
            settlement: self.settlement,
        };
        let rows: Vec<Row> = policies.into_iter().map(row).collect();
        let mut ids = Vec::with_capacity(rows.len());
        let mut flaws = Vec::new();
        let mut late = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            match insurer.insure(row) {
                Ok(insured) => {
                    ids.push(insured.policy.id);
                    if insured.policy.inception + self.late < now {
                        late.push((place, insured.policy));
                    }
                }
                Err(problem) => flaws.push(flaw(place.to_string(), problem)),
            }
        }
        flaws.extend(self.too_late(late, now).await?);
        if !flaws.is_empty() {
            return Err(Untaken::Flawed(flaws));
        }
        let audit = AuditEntry {
            at: now,
            action: "policies-taken".to_owned(),
            actor: Some(asked.caller.clone()),
            subject: asked.request.to_string(),
            detail: serde_json::json!({ "policies": ids.len(), "first": ids.first() }),
        };
        let answer = answer(asked, CREATED, &PoliciesTaken { policies: ids }, now)?;
        let written = Written {
            answer: answer.clone(),
            audit,
        };
        let numbered = (0_u64..).zip(rows.into_iter().map(Ok));
        let taken =
            import::import_answered(&*self.store, insurer, &self.evaluator, numbered, written)
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

impl ClientBooks {
    /// Who takes a policy after its inception may know what has happened since: it is refused, unless it is in the books
    /// already, as when it is sent again.
    async fn too_late(
        &self,
        late: Vec<(usize, Policy)>,
        now: Timestamp,
    ) -> Result<Vec<Flaw>, Untaken> {
        let ids: Vec<PolicyId> = late.iter().map(|(_, policy)| policy.id).collect();
        let known = self.store.policies(&ids).await.map_err(Untaken::Store)?;
        let new = late
            .into_iter()
            .filter(|(_, policy)| !known.contains_key(&policy.id));
        let flaws = new.map(|(place, policy)| Flaw {
            pointer: Some(format!("/{place}/{}", Column::Inception)),
            line: None,
            column: None,
            detail: format!(
                "{} is before now, {now}: whoever insures what has begun may know of the loss",
                policy.inception
            ),
            help: Some(
                "send a policy before it begins; the operator can let it come a little later (late_policies of [api])"
                    .to_owned(),
            ),
        });
        Ok(flaws.collect())
    }
}

/// What is said of a write, now and when it is repeated.
fn answer(
    asked: Asked,
    status: u16,
    said: &impl Serialize,
    at: Timestamp,
) -> Result<Answer, Untaken> {
    Ok(Answer {
        caller: asked.caller,
        key: asked.key,
        request: asked.request,
        status,
        body: serde_json::to_vec(said).map_err(|error| Untaken::Failed(error.to_string()))?,
        at,
    })
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
