//! "Am I eligible, why, and when do I get paid": the whole chain of reasons of one policy.

pub(crate) mod chain;
pub(crate) mod find;
pub(crate) mod kept;
mod logged;
mod outlook;

use std::collections::BTreeMap;

use axum::Extension;
use axum::response::Response;
use tocsin_domain::cover::Cover;
use tocsin_domain::ids::{PolicyId, TermsHash};
use tocsin_domain::reasoning::sentences;
use tocsin_domain::risk::Stream;
use tocsin_store::{Store, StoreError};

use self::chain::{Chain, ClaimReasons, Stopped};
use self::kept::Kept;
use crate::epochs;
use crate::extract::{Path, id};
use crate::problem::{Problem, ProblemDetails};
use crate::views::record::{ClaimRecord, DeterminationRecord, PolicyRecord};

/// Why a policy is paid, or is not, or is not yet: the whole chain of reasons, in structured form and in sentences.
#[utoipa::path(get, path = "/v1/policies/{policy}/eligibility", operation_id = "get_eligibility", tag = "eligibility", params(("policy" = String, Path, description = "The policy id: 0x and 64 digits")), responses((status = 200, description = "The chain of reasons", body = Chain), (status = 404, description = "There is no such policy", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn policy(
    Extension(kept): Extension<Kept>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let policy: PolicyId = id(&text, "a policy id")?;
    kept.answer(policy.to_string(), of(&kept, policy)).await
}

/// Everything that was decided about the policy, in structured form and in sentences.
pub(crate) async fn of(kept: &Kept, id: PolicyId) -> Result<Chain, Problem> {
    let store = kept.store();
    let policy = store
        .policy(id)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("there is no policy {id}")))?;
    let cover = kept.cover(policy.terms_hash).await?;
    let mut claims = Vec::new();
    for claim in store.claims_of(id).await? {
        let determination = store.determination(claim.risk, claim.ordinal).await?;
        let why = determination
            .as_ref()
            .map(|loss| sentences(&cover, &policy, loss, &claim));
        let shown = determination
            .as_ref()
            .map(|loss| DeterminationRecord::of(&cover, loss));
        claims.push(ClaimReasons {
            claim: ClaimRecord::from(&claim),
            determination: shown,
            sentences: why,
        });
    }
    let (mut attestations, mut stopped) = (Vec::new(), Vec::new());
    for record in store.attestations_of(id).await? {
        attestations.push(record.id);
        let standing = epochs::standing(store, &record).await?;
        if standing.held || standing.revoked {
            stopped.push(Stopped {
                attestation: record.id,
                standing,
            });
        }
    }
    let risk = store.risk(policy.risk).await?;
    let streams = risk.map(|risk| risk.streams).unwrap_or_default();
    let seen_until = seen_until(store, &streams).await?;
    let determined = store.determinations_of(policy.risk).await?.len();
    let state = if claims.len() < determined {
        "a loss event has been determined, and the claim on it is about to be decided"
    } else if determined > 0 {
        "every loss event so far has been decided"
    } else if seen_until.values().any(Option::is_none) {
        "not known: some of its sources have not been read yet"
    } else {
        "no loss event has been determined in what was seen up to the times in `seen_until`"
    };
    let outlook = match determined {
        0 => Some(outlook::of(store, &cover, &streams).await?),
        _ => None,
    };
    Ok(Chain {
        policy: PolicyRecord::from(&policy),
        state,
        seen_until,
        outlook,
        claims,
        attestations,
        stopped,
    })
}

/// How far each source of the policy's risk has been read; beyond, nothing is known.
async fn seen_until(
    store: &dyn Store,
    streams: &[Stream],
) -> Result<BTreeMap<String, Option<String>>, StoreError> {
    let mut seen = BTreeMap::new();
    for stream in streams {
        let until = match store.look(&stream.source, &stream.subject).await? {
            // A polled source is known subject by subject.
            Some(look) => look.watermark,
            None => {
                let progress = store.progress(&stream.source).await?;
                progress.map(|progress| progress.watermark)
            }
        };
        seen.insert(
            stream.source.to_string(),
            until.map(|until| until.to_string()),
        );
    }
    Ok(seen)
}

/// A stored cover.
pub(crate) async fn cover(store: &dyn Store, terms: TermsHash) -> Result<Cover, Problem> {
    let invalid = |reason: String| {
        Problem::Store(StoreError::InvalidRow {
            noun: "cover",
            key: terms.to_string(),
            reason,
        })
    };
    let record = store
        .cover(terms)
        .await?
        .ok_or_else(|| invalid("it is not stored".to_owned()))?;
    Cover::from_terms(&record.canonical_terms).map_err(|diagnostics| {
        invalid(
            diagnostics
                .first()
                .map_or_else(String::new, ToString::to_string),
        )
    })
}
