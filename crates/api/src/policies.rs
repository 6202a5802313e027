//! Policies: by id, by the number at their contract, by holder, by risk.

pub(crate) mod take;

use alloy_primitives::U256;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_store::browse::PolicyFilter;
use utoipa::ToSchema;

use crate::Api;
use crate::extract::{Path, Query, account, address, id, number, shown};
use crate::page;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::views::PolicyView;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyQuery {
    /// The contract that pays, by CAIP-10 (`eip155:1:0x…`); together with `number`.
    consumer: Option<String>,
    /// The number that the consumer gave it, decimal; together with `consumer`.
    number: Option<String>,
    /// Who is paid: an address.
    holder: Option<String>,
    /// What is insured: a risk id.
    risk: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Policies, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyList {
    policies: Vec<PolicyView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// The policies of a holder, on a risk, with a number at a contract, or all.
#[utoipa::path(get, path = "/v1/policies", operation_id = "list_policies", tag = "policies", params(PolicyQuery), responses((status = 200, description = "A page of policies", body = PolicyList), (status = 404, description = "The contract has no policy with the number", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<PolicyQuery>,
) -> Result<Json<PolicyList>, Problem> {
    let limit = page::limit(query.limit)?;
    let after: Option<PolicyId> = page::after(query.cursor.as_deref())?;
    if query.consumer.is_some() || query.number.is_some() {
        let policies = vec![numbered(&api, &query).await?];
        return Ok(Json(PolicyList {
            policies,
            next: None,
        }));
    }
    let holder = query.holder.as_deref().map(address).transpose()?;
    let risk = query.risk.as_deref();
    let risk: Option<RiskId> = risk.map(|text| id(text, "a risk id")).transpose()?;
    let filter = PolicyFilter { holder, risk };
    let found = api.store.browse_policies(filter, after, limit).await?;
    let policies: Vec<PolicyView> = found.into_iter().map(PolicyView::from).collect();
    let next = page::next(&policies, limit, |last| last.id)?;
    Ok(Json(PolicyList { policies, next }))
}

/// One policy.
#[utoipa::path(get, path = "/v1/policies/{policy}", operation_id = "get_policy", tag = "policies", params(("policy" = String, Path, description = "The policy id: 0x and 64 digits")), responses((status = 200, description = "The policy", body = PolicyView), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
    Path(policy): Path<String>,
) -> Result<Json<PolicyView>, Problem> {
    let policy: PolicyId = id(&policy, "a policy id")?;
    let found = api.store.policy(policy).await?;
    let policy = found.ok_or_else(|| Problem::NotFound(format!("there is no policy {policy}")))?;
    Ok(Json(policy.into()))
}

async fn numbered(api: &Api, query: &PolicyQuery) -> Result<PolicyView, Problem> {
    let (Some(consumer), Some(digits)) = (&query.consumer, &query.number) else {
        let half = "consumer and number go together: write both, or none";
        return Err(Problem::BadRequest(half.to_owned()));
    };
    let account = account(consumer)?;
    let parsed = number::<U256>(digits).ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is no policy number: write it in decimal digits",
            shown(digits)
        ))
    })?;
    let id = PolicyId::derive(account.chain_id, account.address, parsed);
    let policy = api.store.policy(id).await?.ok_or_else(|| {
        Problem::NotFound(format!(
            "there is no policy {parsed} with {}",
            shown(consumer)
        ))
    })?;
    Ok(policy.into())
}
