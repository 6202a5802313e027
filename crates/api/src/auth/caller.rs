//! `/v1/caller`: who the service takes a caller for. A client tries its signatures here: the write changes nothing.

use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Caller;
use crate::problem::{Kind, Problem};

/// Whose key signed the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallerAnswer {
    client: String,
    key: String,
    /// What the key may do.
    scopes: Vec<&'static str>,
    /// dev, test or prod.
    environment: &'static str,
}

/// Says who has asked.
#[utoipa::path(get, path = "/v1/caller", tag = "keys", responses((status = 200, body = CallerAnswer)))]
pub(crate) async fn caller(
    caller: Option<Extension<Caller>>,
) -> Result<Json<CallerAnswer>, Problem> {
    answer(caller)
}

/// Says who has written, and does nothing.
#[utoipa::path(post, path = "/v1/caller", tag = "keys", request_body = serde_json::Value, responses((status = 200, body = CallerAnswer)))]
pub(crate) async fn try_write(
    caller: Option<Extension<Caller>>,
) -> Result<Json<CallerAnswer>, Problem> {
    answer(caller)
}

/// Where anybody may write, nobody is asked for a signature, and there may be nobody to name.
fn answer(caller: Option<Extension<Caller>>) -> Result<Json<CallerAnswer>, Problem> {
    let Some(Extension(caller)) = caller else {
        return Err(Problem::Said {
            kind: Kind::Unauthenticated,
            detail: "the service lets anybody write ([api] open_writes) and reads no signatures: there is no caller to name"
                .to_owned(),
        });
    };
    Ok(Json(CallerAnswer {
        client: caller.client.to_string(),
        key: caller.key.to_string(),
        scopes: caller.scopes.iter().map(tocsin_auth::Scope::name).collect(),
        environment: caller.environment.name(),
    }))
}
