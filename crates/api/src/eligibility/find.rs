//! `GET /v1/eligibility`: the chain of reasons of one policy, of every policy on a risk, or of every policy of a holder.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::PolicyId;
use tocsin_store::Store;
use tocsin_store::browse::PolicyFilter;
use utoipa::ToSchema;

use super::chain::LoggedChain;
use super::{logged, of};
use crate::extract::{Query, address, id};
use crate::kept::{Kept, Question};
use crate::page;
use crate::problem::{Problem, ProblemDetails};

/// How many policies one answer is about.
const LISTED: u32 = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    policy: Option<String>,
    risk: Option<String>,
    holder: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Chains of reasons, by policy.
#[derive(Serialize, ToSchema)]
pub(crate) struct EligibilityList {
    eligibility: Vec<LoggedChain>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// By policy, by risk or by holder, with what the eligibility log says and proves.
#[utoipa::path(get, path = "/v1/eligibility", operation_id = "find_eligibility", tag = "eligibility", params(("policy" = Option<String>, Query, description = "A policy id"), ("risk" = Option<String>, Query, description = "A risk id: every policy on it"), ("holder" = Option<String>, Query, description = "An address: every policy that pays it"), ("cursor" = Option<String>, Query, description = "`next` of the page before")), responses((status = 200, description = "The chains of reasons, with leaves of the log and their proofs", body = EligibilityList), (status = 404, description = "There is no such policy", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn find(
    State(kept): State<Kept>,
    RawQuery(query): RawQuery,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let question = Question::Query(query.unwrap_or_default());
    kept.answer(question, || found(&kept, asked)).await
}

async fn found(kept: &Kept, asked: Asked) -> Result<EligibilityList, Problem> {
    let store = kept.store();
    let after: Option<PolicyId> = page::after(asked.cursor.as_deref())?;
    let (ids, next) = match (&asked.policy, &asked.risk, &asked.holder) {
        (Some(policy), None, None) => (vec![id(policy, "a policy id")?], None),
        (None, Some(risk), None) => {
            let filter = PolicyFilter {
                risk: Some(id(risk, "a risk id")?),
                holder: None,
            };
            listed(store, filter, after).await?
        }
        (None, None, Some(holder)) => {
            let holder = address(holder)?;
            let filter = PolicyFilter {
                risk: None,
                holder: Some(holder),
            };
            listed(store, filter, after).await?
        }
        _ => {
            return Err(Problem::BadRequest(
                "write one of policy=, risk= and holder=".to_owned(),
            ));
        }
    };
    let mut reasons = Vec::with_capacity(ids.len());
    for id in &ids {
        let chain = of(kept, *id).await?;
        reasons.push(LoggedChain {
            outcome: logged::outcome(store, chain.policy.id).await?,
            log: logged::about(store, chain.policy.id, chain.policy.risk).await?,
            chain,
        });
    }
    Ok(EligibilityList {
        eligibility: reasons,
        next: next.as_ref().map(page::cursor).transpose()?,
    })
}

/// The next policies, and the last of them where there are more.
async fn listed(
    store: &dyn Store,
    filter: PolicyFilter,
    after: Option<PolicyId>,
) -> Result<(Vec<PolicyId>, Option<PolicyId>), Problem> {
    let more = LISTED.saturating_add(1);
    let policies = store.browse_policies(filter, after, more).await?;
    let ids = policies.iter().map(|policy| policy.id);
    let ids: Vec<PolicyId> = ids.take(LISTED.try_into().unwrap_or(usize::MAX)).collect();
    let next = ids.last().copied().filter(|_| ids.len() < policies.len());
    Ok((ids, next))
}
