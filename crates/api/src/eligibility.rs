//! "Am I eligible, why, and when do I get paid": the whole chain of reasons of one policy.

pub(crate) mod chain;
pub(crate) mod find;
mod logged;
mod outlook;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use tocsin_domain::cover::Cover;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::reasoning::sentences;
use tocsin_store::StoreError;
use tocsin_store::grounds::{Attested, Grounds, Heard};

use self::chain::{Chain, ClaimReasons, Stopped};

use crate::epochs::StandingView;
use crate::extract::{Path, id};
use crate::kept::{Kept, Question};
use crate::problem::{Problem, ProblemDetails};
use crate::views::record::{ClaimRecord, DeterminationRecord, PolicyRecord};

/// Why a policy is paid, or is not, or is not yet: the whole chain of reasons, in structured form and in sentences.
#[utoipa::path(get, path = "/v1/policies/{policy}/eligibility", operation_id = "get_eligibility", tag = "eligibility", params(("policy" = String, Path, description = "The policy id: 0x and 64 digits")), responses((status = 200, description = "The chain of reasons", body = Chain), (status = 404, description = "There is no such policy", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn policy(
    State(kept): State<Kept>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let policy: PolicyId = id(&text, "a policy id")?;
    kept.answer(Question::Policy(policy), || of(&kept, policy))
        .await
}

/// Everything that was decided about the policy, in structured form and in sentences.
pub(crate) async fn of(kept: &Kept, id: PolicyId) -> Result<Chain, Problem> {
    let grounds = kept.store().grounds(id).await?;
    let grounds = grounds.ok_or_else(|| Problem::NotFound(format!("there is no policy {id}")))?;
    let cover = kept.cover(grounds.policy.terms_hash).await?;
    Ok(follow(&cover, &grounds)?)
}

/// What follows from the grounds.
fn follow(cover: &Cover, grounds: &Grounds) -> Result<Chain, StoreError> {
    let claims = grounds.claims.iter().map(|claim| {
        let mut losses = grounds.determinations.iter();
        let loss = losses.find(|loss| loss.risk == claim.risk && loss.ordinal == claim.ordinal);
        ClaimReasons {
            claim: ClaimRecord::from(claim),
            determination: loss.map(|loss| DeterminationRecord::of(cover, loss)),
            sentences: loss.map(|loss| sentences(cover, &grounds.policy, loss, claim)),
        }
    });
    let mut stopped = Vec::new();
    for Attested { record, standing } in &grounds.attestations {
        let standing = StandingView::of(record, *standing)?;
        if standing.held || standing.revoked {
            stopped.push(Stopped {
                attestation: record.id,
                standing,
            });
        }
    }
    let seen_until = seen_until(&grounds.inputs);
    let determined = grounds.determinations.len();
    let state = if grounds.claims.len() < determined {
        "a loss event has been determined, and the claim on it is about to be decided"
    } else if determined > 0 {
        "every loss event so far has been decided"
    } else if seen_until.values().any(Option::is_none) {
        "not known: some of its sources have not been read yet"
    } else {
        "no loss event has been determined in what was seen up to the times in `seen_until`"
    };
    let attestations = grounds.attestations.iter();
    Ok(Chain {
        policy: PolicyRecord::from(&grounds.policy),
        state,
        seen_until,
        outlook: (determined == 0).then(|| outlook::of(cover, &grounds.inputs)),
        claims: claims.collect(),
        attestations: attestations.map(|attested| attested.record.id).collect(),
        stopped,
    })
}

/// How far each source of the policy's risk has been read; beyond, nothing is known.
fn seen_until(inputs: &[Heard]) -> BTreeMap<String, Option<String>> {
    let seen = inputs.iter().map(|heard| {
        let until = match &heard.look {
            // A polled source is known subject by subject.
            Some(look) => look.watermark,
            None => heard.watermark,
        };
        let until = until.map(|until| until.to_string());
        (heard.stream.source.to_string(), until)
    });
    seen.collect()
}
