//! Keys of writes: a write that is repeated with its key gets the first answer, and has no second effect.

use alloy_primitives::B256;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tocsin_domain::time::Timestamp;
use tocsin_store::answer::Answer;
use tocsin_store::{Store, StoreError};

use crate::auth::Caller;
use crate::problem::{Kind, Problem};

/// Characters of a key at the most.
const KEY_MAX: usize = 255;

/// What is asked, and under which key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Who asks.
    pub caller: String,
    /// The key.
    pub key: String,
    /// The hash of what is asked.
    pub request: B256,
}

impl Asked {
    /// The key of a request for `what` with `body`.
    pub(crate) fn of(
        caller: Option<&Caller>,
        headers: &HeaderMap,
        what: &str,
        body: &[u8],
    ) -> Result<Self, Problem> {
        let missing = || Problem::Said {
            kind: Kind::IdempotencyMissing,
            detail: format!(
                "send the header Idempotency-Key with 1 to {KEY_MAX} visible characters, new for every write"
            ),
        };
        let mut keys = headers.get_all("idempotency-key").iter();
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return Err(missing());
        };
        let is_key = |key: &str| {
            (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let key = key.to_str().ok().filter(|key| is_key(key));
        let mut hash = Sha256::new();
        hash.update(what);
        hash.update([0]);
        hash.update(
            headers
                .get(header::CONTENT_TYPE)
                .map_or(&[][..], HeaderValue::as_bytes),
        );
        hash.update([0]);
        hash.update(body);
        Ok(Self {
            caller: caller.map_or_else(|| "anybody".to_owned(), |caller| caller.client.to_string()),
            key: key.ok_or_else(missing)?.to_owned(),
            request: B256::from_slice(&hash.finalize()),
        })
    }

    /// The answer, as it is kept.
    pub(crate) fn with(&self, status: StatusCode, body: Vec<u8>, at: Timestamp) -> Answer {
        Answer {
            caller: self.caller.clone(),
            key: self.key.clone(),
            request: self.request,
            status: status.as_u16(),
            body,
            at,
        }
    }

    /// Somebody sent the same at the same time, and came first; or the store failed.
    pub(crate) async fn after(
        &self,
        error: StoreError,
        store: &dyn Store,
    ) -> Result<Response, Problem> {
        let StoreError::Conflict { noun: "answer", .. } = error else {
            return Err(Problem::Store(error));
        };
        let answered = self.answered(store).await?;
        answered.ok_or_else(|| Problem::Later {
            kind: Kind::InProgress,
            detail: "the same request is being worked on".to_owned(),
            seconds: 1,
        })
    }

    /// The answer that was given already.
    pub(crate) async fn answered(&self, store: &dyn Store) -> Result<Option<Response>, Problem> {
        let Some(answer) = store.answer(&self.caller, &self.key).await? else {
            return Ok(None);
        };
        if answer.request != self.request {
            return Err(Problem::Said {
                kind: Kind::IdempotencyReused,
                detail: "this Idempotency-Key was sent with another request: make a new one"
                    .to_owned(),
            });
        }
        written(answer).map(Some)
    }
}

/// An answer as it is sent, for the first time or again.
pub(crate) fn written(answer: Answer) -> Result<Response, Problem> {
    let status =
        StatusCode::from_u16(answer.status).map_err(|error| Problem::Failed(error.to_string()))?;
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, headers, Body::from(answer.body)).into_response())
}
