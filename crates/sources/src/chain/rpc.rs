//! JSON-RPC over HTTP: one question, or several at once, and checked answers.
//!
//! alloy's own transport reads bodies of any length, and accepts an answer with another request's id; where an answer moves
//! money neither will do, so the exchange is here and only the types are alloy's.
//!
//! Promises: every answer is of a bounded size and is the answer to its question; the endpoint's limits are kept; a failure
//! that another try may mend is tried again a few times, after a rest; every other one is returned as it is.

mod batch;
mod exchange;
mod wire;

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use reqwest::{Client, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

pub(crate) use self::wire::NodeError;
use self::wire::Request;
use super::{Endpoint, EndpointSettings};
use crate::SourceError;
use crate::error::{Attempt, RequestFailure};
use crate::pace::Pace;

/// One endpoint.
pub(crate) struct Rpc {
    client: Client,
    url: Url,
    endpoint: Endpoint,
    timeout: Duration,
    next_id: AtomicU64,
    pace: Pace,
    in_flight: usize,
    /// How many calls go into a request: what is configured, until it turns out to be too many.
    batch: AtomicUsize,
    batch_max: AtomicUsize,
}

impl Rpc {
    /// An endpoint with the usual limits.
    pub(crate) fn to(url: &Url, timeout: Duration) -> Result<Self, SourceError> {
        Self::new(
            &EndpointSettings::new(url.clone()),
            Endpoint::from(url),
            timeout,
        )
    }

    pub(crate) fn new(
        settings: &EndpointSettings,
        endpoint: Endpoint,
        timeout: Duration,
    ) -> Result<Self, SourceError> {
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            .tcp_nodelay(true)
            // A redirect would send the question, and the key in its path, somewhere that nobody configured.
            .redirect(redirect::Policy::none())
            // Nor does an environment variable decide who sees it.
            .no_proxy()
            .build()
            .map_err(|source| SourceError::Client {
                endpoint: endpoint.clone(),
                source,
            })?;
        let at_most = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let calls = at_most(settings.max_calls_per_request.get());
        Ok(Self {
            client,
            url: settings.url.clone(),
            endpoint,
            timeout,
            next_id: AtomicU64::new(1),
            pace: Pace::new(settings.requests_per_second, settings.max_in_flight),
            in_flight: at_most(settings.max_in_flight.get()),
            batch: AtomicUsize::new(calls),
            batch_max: AtomicUsize::new(calls),
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Requests that may be under way at once.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether it asked to be left alone, or fails, and would turn a question away now.
    pub(crate) fn is_resting(&self) -> bool {
        self.pace.is_resting()
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
    pub(crate) async fn call<T: DeserializeOwned + Send + 'static>(
        &self,
        attempt: &Attempt,
        params: impl Serialize,
    ) -> Result<T, SourceError> {
        let id = self.ids(1);
        let request = question(attempt, id, params);
        self.exchange(1, &request, move |body| wire::result(body, id))
            .await
            .map_err(|failure| failed(attempt, failure))
    }

    /// Asks several questions of the same method in one request, which one node answers; one by one where the provider takes no
    /// batches.
    pub(crate) async fn call_all<T: DeserializeOwned + Send + 'static, const N: usize>(
        &self,
        attempt: &Attempt,
        params: [impl Serialize + Sync; N],
    ) -> Result<[T; N], SourceError> {
        let answers = self
            .split(attempt.method, &params, wire::all)
            .await
            .map_err(|(failure, _)| failed(attempt, failure))?;
        answers
            .try_into()
            .map_err(|_other_count: Vec<T>| failed(attempt, RequestFailure::ForeignId))
    }

    /// The first of as many ids that were not used before.
    fn ids(&self, count: u64) -> u64 {
        self.next_id.fetch_add(count, Ordering::Relaxed)
    }
}

fn question<P: Serialize>(attempt: &Attempt, id: u64, params: P) -> Request<P> {
    Request {
        jsonrpc: "2.0",
        id,
        method: attempt.method,
        params,
    }
}

pub(crate) fn failed(attempt: &Attempt, failure: RequestFailure) -> SourceError {
    SourceError::Request {
        attempt: attempt.clone(),
        failure: Box::new(failure),
    }
}
