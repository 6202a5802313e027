//! The parts of a request, with refusals that say what to write.

use core::str::FromStr;

use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use tocsin_domain::ids::RiskId;

use crate::problem::Problem;

/// The query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let AxumQuery(query) = AxumQuery::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}

/// The parts of the path that vary.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let AxumPath(path) = AxumPath::from_request_parts(parts, state).await?;
        Ok(Self(path))
    }
}

/// The type of the body, in lower case and without parameters; empty where none is said.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let said = headers.get(header::CONTENT_TYPE);
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// 32 bytes in hexadecimal digits; `noun` with its article.
pub(crate) fn id<T: FromStr>(text: &str, noun: &str) -> Result<T, Problem> {
    let is_whole = text.len() == 66 && text.starts_with("0x");
    let parsed = is_whole.then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is not {noun}: write its 32 bytes as 0x and 64 digits",
            shown(text)
        ))
    })
}

/// A determination's id: the risk, a dash, and the number of the loss event.
pub(crate) fn determination(text: &str) -> Result<(RiskId, u32), Problem> {
    let parsed = text.split_once('-').and_then(|(risk, ordinal)| {
        let risk = id(risk, "a risk id").ok()?;
        let ordinal: u32 = ordinal.parse().ok()?;
        Some((risk, ordinal))
    });
    parsed.ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is not a determination id: write the risk's 32 bytes as 0x and 64 digits, a dash, and the number of the loss event",
            shown(text)
        ))
    })
}

/// What a client sent, short enough to be said again.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(80)
        .collect::<String>()
        .escape_debug()
        .to_string()
}
