//! Attestors' keys: where each is in its life, what it was used for, and who and what lags behind.

mod laggards;

use std::collections::BTreeMap;

use alloy_primitives::Address;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_auth::{LifeCycle, State as KeyState, UnixTime};
use tocsin_store::attestor::{AttestorKeys, KeyPlace, overall};
use utoipa::ToSchema;

use self::laggards::LaggardsView;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;

/// What a key of this service is counted under that gave no signature. The other kinds are those of disagreements.
const COULD_NOT_SIGN: &str = "could-not-sign";

/// The keys that sign, or signed, in the epochs of one domain.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestorList {
    /// The EIP-712 domain separator.
    domain: String,
    attestors: Vec<AttestorView>,
    laggards: LaggardsView,
}

/// One key.
#[derive(Serialize, ToSchema)]
struct AttestorView {
    address: String,
    /// Where it is in its life: that of the epoch in which it can do most; where it can do nothing any more, of the newest.
    state: &'static str,
    /// The epochs that it is in, by number.
    epochs: Vec<PlaceView>,
    /// Signatures of it in what this service has recorded.
    signatures: u64,
    /// Unix seconds of the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_signed_at: Option<String>,
    /// How often it contradicted, refused or lied in the eyes of this service, by kind; of a key of this service, how often it
    /// `could-not-sign`.
    failures: BTreeMap<String, u64>,
}

/// A key in an epoch.
#[derive(Serialize, ToSchema)]
struct PlaceView {
    epoch: u32,
    /// Its place among the signers, from 0.
    index: u8,
    #[serde(flatten)]
    life: LifeView,
    signatures: u64,
    /// Claims that these are for: one signature of a batch is for many.
    claims: u64,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_signed_at: Option<String>,
}

/// Where a key is in its life. Times are unix seconds, as decimal text: they can be as late as the end of time.
#[derive(Serialize, ToSchema)]
pub(crate) struct LifeView {
    /// `pending`, `active`, `retiring`, `retired` or `revoked`.
    state: &'static str,
    /// Since when; absent where it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Of one that retires: from when on what it signed is not accepted any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl From<LifeCycle> for LifeView {
    fn from(life: LifeCycle) -> Self {
        let text = |time: UnixTime| Some(time.0.to_string());
        let (since, until) = match life.state() {
            KeyState::Pending => (None, None),
            KeyState::Active { since }
            | KeyState::Retired { since }
            | KeyState::Revoked { since } => (text(since), None),
            KeyState::Retiring { since, until } => (text(since), text(until)),
        };
        Self {
            state: life.state().name(),
            since,
            until,
        }
    }
}

/// The keys of attestors, with their states, their use, and what lags behind.
#[utoipa::path(get, path = "/v1/attestors", operation_id = "list_attestors", tag = "epochs", responses((status = 200, description = "The keys", body = AttestorList), (status = 404, description = "This service attests nothing", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn attestors(State(api): State<Served>) -> Result<Json<AttestorList>, Problem> {
    let Some(domain) = api.attestor else {
        return Err(Problem::NotFound("this service attests nothing".to_owned()));
    };
    let separator = domain.domain_separator();
    let known = AttestorKeys::read(&*api.store, separator, api.auth.now()).await?;
    let mut failures: BTreeMap<Address, BTreeMap<String, u64>> = BTreeMap::new();
    for (peer, kind, count) in api.store.count_disagreements().await? {
        if let Some(peer) = peer {
            failures.entry(peer).or_default().insert(kind, count);
        }
    }
    for (signer, failed) in api.store.signer_failures(separator).await? {
        let of_it = failures.entry(signer).or_default();
        of_it.insert(COULD_NOT_SIGN.to_owned(), failed.count);
    }
    let keys = known.by_address().into_iter();
    let attestors = keys.map(|(address, places)| {
        let failures = failures.remove(&address).unwrap_or_default();
        attestor(address, &places, failures)
    });
    Ok(Json(AttestorList {
        domain: separator.to_string(),
        attestors: attestors.collect(),
        laggards: LaggardsView::of(&*api.store, separator, &known).await?,
    }))
}

fn attestor(
    address: Address,
    places: &[KeyPlace],
    failures: BTreeMap<String, u64>,
) -> AttestorView {
    let signatures = places.iter().map(|at| at.used.signatures);
    let last = places.iter().filter_map(|at| at.used.last_signed_at).max();
    let epochs = places.iter().map(|at| PlaceView {
        epoch: at.place.epoch,
        index: at.place.index,
        life: LifeView::from(at.life),
        signatures: at.used.signatures,
        claims: at.used.claims,
        last_signed_at: at.used.last_signed_at.map(|at| at.0.to_string()),
    });
    AttestorView {
        address: format!("{address:#x}"),
        state: overall(places).map_or("retired", KeyState::name),
        epochs: epochs.collect(),
        signatures: signatures.fold(0, u64::saturating_add),
        last_signed_at: last.map(|at| at.0.to_string()),
        failures,
    }
}
