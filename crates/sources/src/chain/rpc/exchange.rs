//! One HTTP exchange, within the endpoint's limits, tried again where that may help.

use core::time::Duration;

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;

use super::Rpc;
use super::wire::excerpt;
use crate::error::{RequestFailure, whole};
use crate::retry_after::retry_after;

/// The receipts of a full mainnet block are a few megabytes.
const RESPONSE_BYTES_MAX: usize = 32 << 20;

/// A larger answer takes longer to read than to hand to a thread that has nothing else to do.
const LARGE: usize = 32 << 10;

/// How often a request is sent, if nothing but the transport fails.
const ATTEMPTS: u32 = 3;

/// What a failure means for the next request.
enum Next {
    /// It may be sent after a rest, as long as the endpoint asks for.
    Again(Option<Duration>),
    /// The endpoint needs a rest, and this request is no use.
    Rest,
    /// Nothing: the endpoint answered.
    Nothing,
}

impl Rpc {
    /// Sends a request of this many calls and reads its answer with `read`.
    pub(super) async fn exchange<T: Send + 'static>(
        &self,
        calls: u32,
        request: &impl Serialize,
        read: impl Fn(&[u8]) -> Result<T, RequestFailure> + Clone + Send + 'static,
    ) -> Result<T, RequestFailure> {
        let body = serde_json::to_vec(request)
            .map(Bytes::from)
            .map_err(RequestFailure::Encode)?;
        let mut sent = 0;
        loop {
            let permit = self.pace.enter(calls).await?;
            let answer = self.post(body.clone()).await;
            drop(permit);
            let answer = match answer {
                Ok(body) => read_aside(body, read.clone()).await,
                Err(failure) => Err(failure),
            };
            let failure = match answer {
                Ok(result) => {
                    self.pace.answered();
                    return Ok(result);
                }
                Err(failure) => failure,
            };
            sent += 1;
            match next(&failure) {
                Next::Again(asked) => {
                    self.pace.failed(asked, whole(&failure));
                    if sent == ATTEMPTS {
                        return Err(failure);
                    }
                }
                Next::Rest => {
                    self.pace.failed(None, whole(&failure));
                    return Err(failure);
                }
                Next::Nothing => {
                    self.pace.answered();
                    return Err(failure);
                }
            }
        }
    }

    async fn post(&self, body: Bytes) -> Result<Vec<u8>, RequestFailure> {
        let mut response = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| self.broken(error))?;
        let expected = response.content_length().unwrap_or(0);
        let expected = usize::try_from(expected).map_or(RESPONSE_BYTES_MAX, |expected| {
            expected.min(RESPONSE_BYTES_MAX)
        });
        let mut body = Vec::with_capacity(expected);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
                return Err(RequestFailure::TooLarge {
                    limit_bytes: RESPONSE_BYTES_MAX,
                });
            }
            body.extend_from_slice(&chunk);
        }
        if !response.status().is_success() {
            return Err(RequestFailure::Status {
                status: response.status().as_u16(),
                body: excerpt(&String::from_utf8_lossy(&body)),
                retry_after: retry_after(response.headers()),
            });
        }
        if body.is_empty() {
            return Err(RequestFailure::Empty);
        }
        Ok(body)
    }

    fn broken(&self, error: reqwest::Error) -> RequestFailure {
        if error.is_timeout() {
            RequestFailure::Timeout {
                limit_ms: self.timeout.as_millis(),
            }
        } else {
            // The address may carry a key.
            RequestFailure::Connection(error.without_url())
        }
    }
}

/// Reads a body. Reading and hashing the answers is most of the work of a backfill: large ones are read side by side, and do
/// not keep other tasks from running.
async fn read_aside<T: Send + 'static>(
    body: Vec<u8>,
    read: impl Fn(&[u8]) -> Result<T, RequestFailure> + Send + 'static,
) -> Result<T, RequestFailure> {
    if body.len() < LARGE {
        return read(&body);
    }
    match tokio::task::spawn_blocking(move || read(&body)).await {
        Ok(answer) => answer,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being stopped, and this task with it.
            Err(_cancelled) => core::future::pending().await,
        },
    }
}

fn next(failure: &RequestFailure) -> Next {
    match failure {
        RequestFailure::Status {
            status: 429 | 503,
            retry_after,
            ..
        } => Next::Again(*retry_after),
        RequestFailure::Status {
            status: 500..=599, ..
        }
        | RequestFailure::Connection(_)
        | RequestFailure::Empty => Next::Again(None),
        RequestFailure::Node { code, message } | RequestFailure::BatchRefused { code, message }
            if is_throttling(*code, message) =>
        {
            Next::Again(None)
        }
        RequestFailure::Timeout { .. } => Next::Rest,
        _ => Next::Nothing,
    }
}

/// Providers say in an answer, too, that they were asked too often; the codes differ, and some are those of other errors.
fn is_throttling(code: i64, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    code == 429
        || [
            "rate limit",
            "too many requests",
            "compute units",
            "throughput",
        ]
        .iter()
        .any(|words| message.contains(words))
}
