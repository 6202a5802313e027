//! JSON-RPC over HTTP, one question and one checked answer at a time.
//!
//! alloy's own transport reads bodies of any length, and accepts an answer with another request's id; where an answer moves
//! money neither will do, so the exchange is here and only the types are alloy's. Nothing is retried.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use alloy::rpc::json_rpc::{Id, Response, ResponsePayload};
use reqwest::{Client, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::{ChainSettings, Endpoint};
use crate::SourceError;
use crate::error::{Attempt, RequestFailure};

/// The receipts of a full mainnet block are a few megabytes.
const RESPONSE_BYTES_MAX: usize = 32 << 20;

/// How much of a bad answer is shown.
const EXCERPT_CHARS_MAX: usize = 200;

/// A node.
pub(crate) struct Rpc {
    client: Client,
    url: Url,
    endpoint: Endpoint,
    timeout: Duration,
    next_id: AtomicU64,
}

/// An answer whose payload nobody has judged yet.
pub(crate) type Answer = Response<Box<RawValue>, Value>;

#[derive(Serialize)]
struct Request<P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'static str,
    params: P,
}

impl Rpc {
    pub(crate) fn new(settings: &ChainSettings) -> Result<Self, SourceError> {
        let endpoint = Endpoint::from(&settings.url);
        let client = Client::builder()
            .timeout(settings.request_timeout)
            .connect_timeout(settings.request_timeout)
            // A redirect would send the question, and the key in its path, somewhere that nobody configured.
            .redirect(redirect::Policy::none())
            // Nor does an environment variable decide who sees it.
            .no_proxy()
            .build()
            .map_err(|source| SourceError::Client {
                endpoint: endpoint.clone(),
                source,
            })?;
        Ok(Self {
            client,
            url: settings.url.clone(),
            endpoint,
            timeout: settings.request_timeout,
            next_id: AtomicU64::new(1),
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What an error about this question says was attempted.
    pub(crate) fn attempt(&self, method: &'static str, about: impl Into<String>) -> Attempt {
        Attempt {
            method,
            about: about.into(),
            endpoint: self.endpoint.clone(),
        }
    }

    /// Asks one question.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        attempt: &Attempt,
        params: impl Serialize,
    ) -> Result<T, SourceError> {
        let request = self.request(attempt, params);
        async {
            let body = self.exchange(&request).await?;
            let response: Answer = parse_body(&body)?;
            if response.id != Id::Number(request.id) {
                return Err(RequestFailure::ForeignId);
            }
            result_of(response)
        }
        .await
        .map_err(|failure| failed(attempt, failure))
    }

    /// Asks several questions of the same method in one request, which one node answers.
    pub(crate) async fn call_all<T: DeserializeOwned, const N: usize>(
        &self,
        attempt: &Attempt,
        params: [impl Serialize; N],
    ) -> Result<[T; N], SourceError> {
        let answers = self.call_each(attempt, params.into()).await?;
        async {
            let results: Vec<T> = answers
                .into_iter()
                .map(result_of)
                .collect::<Result<_, _>>()?;
            results
                .try_into()
                .map_err(|_other_count: Vec<T>| RequestFailure::ForeignId)
        }
        .await
        .map_err(|failure| failed(attempt, failure))
    }

    /// Asks several questions of the same method in one request. The answers come in the order of the questions; each may be
    /// an error of its own.
    pub(crate) async fn call_each(
        &self,
        attempt: &Attempt,
        params: Vec<impl Serialize>,
    ) -> Result<Vec<Answer>, SourceError> {
        let requests: Vec<_> = params
            .into_iter()
            .map(|params| self.request(attempt, params))
            .collect();
        async {
            let body = self.exchange(&requests).await?;
            let mut answers: Vec<Answer> = parse_body(&body)?;
            // The order of the answers is the server's choice.
            answers.sort_by_key(|answer| match answer.id {
                Id::Number(id) => id,
                _ => u64::MAX,
            });
            let asked = requests.iter().map(|request| Id::Number(request.id));
            if !asked.eq(answers.iter().map(|answer| answer.id.clone())) {
                return Err(RequestFailure::ForeignId);
            }
            Ok(answers)
        }
        .await
        .map_err(|failure| failed(attempt, failure))
    }

    fn request<P>(&self, attempt: &Attempt, params: P) -> Request<P> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        Request {
            jsonrpc: "2.0",
            id,
            method: attempt.method,
            params,
        }
    }

    async fn exchange(&self, request: &impl Serialize) -> Result<Vec<u8>, RequestFailure> {
        let body = serde_json::to_vec(request).map_err(RequestFailure::Encode)?;
        let mut response = self
            .client
            .post(self.url.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| self.broken(error))?;
        let mut body = Vec::new();
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

/// An error about the answer to `attempt`.
pub(crate) fn failed(attempt: &Attempt, failure: RequestFailure) -> SourceError {
    SourceError::Request {
        attempt: attempt.clone(),
        failure: Box::new(failure),
    }
}

fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestFailure> {
    serde_json::from_slice(body).map_err(|source| RequestFailure::Malformed {
        body: excerpt(&String::from_utf8_lossy(body)),
        source,
    })
}

/// The result of an answer that must have one.
pub(crate) fn result_of<T: DeserializeOwned>(response: Answer) -> Result<T, RequestFailure> {
    match response.payload {
        ResponsePayload::Success(result) => {
            serde_json::from_str(result.get()).map_err(|source| RequestFailure::Shape {
                result: excerpt(result.get()),
                source,
            })
        }
        ResponsePayload::Failure(error) => Err(RequestFailure::Node {
            code: error.code,
            message: excerpt(&error.message),
        }),
    }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
