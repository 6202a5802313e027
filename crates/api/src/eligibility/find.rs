//! `GET /v1/eligibility`: the chain of reasons of one policy, or of every policy on a risk.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tocsin_domain::ids::{PolicyId, RiskId};

use super::{logged, of};
use crate::Api;
use crate::problem::{Problem, ProblemDetails};

/// How many policies one answer is about.
const LISTED: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    policy: Option<String>,
    risk: Option<String>,
    /// The last policy of the answer before.
    after: Option<String>,
}

/// By policy or by risk, with what the eligibility log says and proves.
#[utoipa::path(get, path = "/v1/eligibility", operation_id = "find_eligibility", tag = "eligibility", params(("policy" = Option<String>, Query, description = "A policy id"), ("risk" = Option<String>, Query, description = "A risk id: every policy on it"), ("after" = Option<String>, Query, description = "The policy that the answer before gave as `next`")), responses((status = 200, description = "The chains of reasons, with leaves of the log and their proofs", body = Object), (status = 404, description = "There is no such policy", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn find(
    State(api): State<Api>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    let store = &*api.store;
    let after: Option<PolicyId> = asked.after.as_deref().map(id).transpose()?;
    let (mut found, more) = match (&asked.policy, &asked.risk) {
        (Some(policy), None) => (vec![id(policy)?], false),
        (None, Some(risk)) => {
            let risk: RiskId = risk.parse().map_err(|_not_hex| unreadable(risk))?;
            let policies = store.policies_on(risk).await?;
            let ids = policies.into_iter().map(|policy| policy.id);
            let mut ids: Vec<PolicyId> = ids
                .filter(|id| after.is_none_or(|after| *id > after))
                .collect();
            let more = ids.len() > LISTED;
            ids.truncate(LISTED);
            (ids, more)
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::BadRequest(
                "write one of policy= and risk=, each with the 32 bytes of an id as 0x and 64 digits".to_owned(),
            ));
        }
    };
    let mut reasons = Vec::with_capacity(found.len());
    for id in &found {
        let mut chain = of(store, *id).await?;
        if let Some(policy) = store.policy(*id).await? {
            chain["outcome"] = json!(logged::outcome(store, &policy).await?);
            chain["log"] = logged::about(store, &policy).await?;
        }
        reasons.push(chain);
    }
    let next = if more { found.pop() } else { None };
    Ok(Json(json!({ "eligibility": reasons, "next": next })))
}

fn id(text: &str) -> Result<PolicyId, Problem> {
    text.parse().map_err(|_not_hex| unreadable(text))
}

fn unreadable(text: &str) -> Problem {
    Problem::BadRequest(format!(
        "`{text}` is not an id: write its 32 bytes as 0x and 64 digits"
    ))
}
