//! The parts of a request, with refusals that say what to write.

use core::str::FromStr;

use alloy_primitives::Address;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use tocsin_domain::cover::Consumer;
use tocsin_domain::ids::RiskId;

use crate::limits::BODY_MAX;
use crate::problem::{Kind, Problem};

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

/// The whole body, as it came.
pub(crate) struct Whole(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let kind = Kind::TooLarge;
                let detail = format!("the body is too large: send at most {BODY_MAX} bytes");
                return Problem::Said { kind, detail };
            }
            Problem::BadRequest("the body broke off: send the request again".to_owned())
        })
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
    digits(text, noun, 32)
}

/// 20 bytes in hexadecimal digits, in whatever case.
pub(crate) fn address(text: &str) -> Result<Address, Problem> {
    digits(text, "an address", 20)
}

fn digits<T: FromStr>(text: &str, noun: &str, bytes: usize) -> Result<T, Problem> {
    let digits = bytes.saturating_mul(2);
    let is_whole = text.len() == digits.saturating_add(2) && text.starts_with("0x");
    let parsed = is_whole.then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is not {noun}: write its {bytes} bytes as 0x and {digits} digits",
            shown(text)
        ))
    })
}

/// A number in decimal digits and nothing else: a sign or a space makes it another text.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let decimal = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    decimal.then(|| text.parse().ok()).flatten()
}

/// A number that something stored may have: stores count up to 2⁶³ − 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Counted(pub(crate) u64);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if i64::try_from(number).is_err() {
            let limit = i64::MAX;
            return Err(D::Error::custom(format_args!(
                "{number} is larger than {limit}"
            )));
        }
        Ok(Self(number))
    }
}

/// An EVM account by its CAIP-10 name.
pub(crate) fn account(text: &str) -> Result<Consumer, Problem> {
    let parsed = text.strip_prefix("eip155:").and_then(|rest| {
        let (chain, contract) = rest.split_once(':')?;
        let chain_id = number(chain).filter(|_| !chain.starts_with('0'))?;
        let address = address(contract).ok()?;
        Some(Consumer { chain_id, address })
    });
    parsed.ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is not an EVM account: write its CAIP-10 name, as in eip155:1:0x8fff…",
            shown(text)
        ))
    })
}

/// A determination's id: the risk, a dash, and the number of the loss event.
pub(crate) fn determination(text: &str) -> Result<(RiskId, u32), Problem> {
    place(text, "a determination id", "the risk")
}

/// Something at a loss event: an id, a dash, and the number of the loss event; `whose` is the id's.
pub(crate) fn place<T: FromStr>(text: &str, noun: &str, whose: &str) -> Result<(T, u32), Problem> {
    let parsed = text.split_once('-').and_then(|(first, ordinal)| {
        let first = id(first, noun).ok()?;
        Some((first, number(ordinal)?))
    });
    parsed.ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is not {noun}: write {whose}'s 32 bytes as 0x and 64 digits, a dash, and the number of the loss event",
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
