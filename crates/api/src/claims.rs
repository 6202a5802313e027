//! Claims: who is paid, how much, and who is not, and why; and how far each has come.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{ClaimKey, PolicyId};
use tocsin_store::browse::{AttestationFilter, ClaimEntry, ClaimFilter, ClaimState};
use tocsin_store::{Store, StoreError};
use utoipa::ToSchema;

use crate::attestations::AttestationSummary;
use crate::extract::{Path, Query, address, id, place};
use crate::page;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::views::ClaimView;

/// Attestations of a claim that are shown: it is stated anew a few times at the most.
const STATEMENTS: u32 = 50;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimQuery {
    /// Those of this policy.
    policy: Option<String>,
    /// Those of policies that pay this address.
    holder: Option<String>,
    /// Those that have come so far, and no further.
    #[param(inline)]
    state: Option<ClaimStateView>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// How far a claim has come.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClaimStateView {
    /// It is not paid.
    Refused,
    /// It is to be attested.
    Waiting,
    /// It is attested, and not paid as far as a final block says.
    Attested,
    /// What was said of it is revoked, and nobody has allowed a corrected statement.
    Barred,
    /// It is paid, as a final block says.
    Paid,
}

impl From<ClaimState> for ClaimStateView {
    fn from(state: ClaimState) -> Self {
        match state {
            ClaimState::Refused => Self::Refused,
            ClaimState::Waiting => Self::Waiting,
            ClaimState::Attested => Self::Attested,
            ClaimState::Barred => Self::Barred,
            ClaimState::Paid => Self::Paid,
        }
    }
}

impl From<ClaimStateView> for ClaimState {
    fn from(state: ClaimStateView) -> Self {
        match state {
            ClaimStateView::Refused => Self::Refused,
            ClaimStateView::Waiting => Self::Waiting,
            ClaimStateView::Attested => Self::Attested,
            ClaimStateView::Barred => Self::Barred,
            ClaimStateView::Paid => Self::Paid,
        }
    }
}

/// A claim, and how far it has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimEntryView {
    /// The policy and the number of the loss event: `0x…-1`.
    id: String,
    state: ClaimStateView,
    #[serde(flatten)]
    claim: ClaimView,
}

impl From<&ClaimEntry> for ClaimEntryView {
    fn from(entry: &ClaimEntry) -> Self {
        Self {
            id: format!("{}-{}", entry.claim.policy, entry.claim.ordinal),
            state: entry.state.into(),
            claim: ClaimView::from(&entry.claim),
        }
    }
}

/// Claims, by policy and loss event.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimEntryList {
    claims: Vec<ClaimEntryView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// A claim with what was signed of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimDetail {
    #[serde(flatten)]
    entry: ClaimEntryView,
    /// What a contract pays once.
    #[schema(value_type = String)]
    claim_key: ClaimKey,
    /// The newest first.
    attestations: Vec<AttestationSummary>,
}

/// The claims of a policy, of a holder, in a state, or all, by policy and loss event.
#[utoipa::path(get, path = "/v1/claims", operation_id = "list_claims", tag = "claims", params(ClaimQuery), responses((status = 200, description = "A page of claims", body = ClaimEntryList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<ClaimQuery>,
) -> Result<Json<ClaimEntryList>, Problem> {
    let limit = page::limit(query.limit)?;
    let after: Option<(PolicyId, u32)> = page::after(query.cursor.as_deref())?;
    let policy = query.policy.as_deref();
    let filter = ClaimFilter {
        policy: policy.map(|text| id(text, "a policy id")).transpose()?,
        holder: query.holder.as_deref().map(address).transpose()?,
        state: query.state.map(ClaimState::from),
    };
    let found = api.store.browse_every_claim(filter, after, limit).await?;
    let next = page::next(&found, limit, |last| {
        (last.claim.policy, last.claim.ordinal)
    })?;
    let claims = found.iter().map(ClaimEntryView::from).collect();
    Ok(Json(ClaimEntryList { claims, next }))
}

/// One claim, by its id, or by the key under which it was attested.
#[utoipa::path(get, path = "/v1/claims/{claim}", operation_id = "get_claim", tag = "claims", params(("claim" = String, Path, description = "The policy id, a dash, and the number of the loss event; or the claim key: 0x and 64 digits")), responses((status = 200, description = "The claim", body = ClaimDetail), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
    Path(text): Path<String>,
) -> Result<Json<ClaimDetail>, Problem> {
    let store = &*api.store;
    let entry = if text.contains('-') {
        let (policy, ordinal) = place(&text, "a claim id", "the policy")?;
        let found = named(store, policy, ordinal).await?;
        found.ok_or_else(|| {
            Problem::NotFound(format!(
                "policy {policy} has no claim on loss event {ordinal}"
            ))
        })?
    } else {
        let key: ClaimKey = id(&text, "a claim id or key")?;
        let found = store.claim_of_key(key).await?;
        found.ok_or_else(|| Problem::NotFound(format!("nothing was attested under {key}")))?
    };
    let claim_key = key_of(store, &entry).await?;
    let filter = AttestationFilter::Policy(entry.claim.policy);
    let mut attestations = store.browse_attestations(filter, None, STATEMENTS).await?;
    attestations.retain(|record| record.ordinal == entry.claim.ordinal);
    Ok(Json(ClaimDetail {
        entry: ClaimEntryView::from(&entry),
        claim_key,
        attestations: attestations
            .into_iter()
            .map(AttestationSummary::from)
            .collect(),
    }))
}

async fn named(
    store: &dyn Store,
    policy: PolicyId,
    ordinal: u32,
) -> Result<Option<ClaimEntry>, StoreError> {
    let Some(before) = ordinal.checked_sub(1) else {
        return Ok(None);
    };
    let filter = ClaimFilter {
        policy: Some(policy),
        ..ClaimFilter::default()
    };
    let after = Some((policy, before));
    let found = store.browse_every_claim(filter, after, 1).await?.pop();
    Ok(found.filter(|entry| entry.claim.ordinal == ordinal))
}

async fn key_of(store: &dyn Store, entry: &ClaimEntry) -> Result<ClaimKey, StoreError> {
    let claim = &entry.claim;
    let missing = |noun| StoreError::Missing {
        noun,
        key: format!("{}-{}", claim.policy, claim.ordinal),
    };
    let policy = store.policy(claim.policy).await?;
    let policy = policy.ok_or_else(|| missing("policy of the claim"))?;
    let loss = store.determination(claim.risk, claim.ordinal).await?;
    let loss = loss.ok_or_else(|| missing("determination of the claim"))?;
    Ok(ClaimKey::derive(
        policy.consumer.address,
        policy.id,
        loss.terms_hash,
        loss.event_id,
    ))
}
