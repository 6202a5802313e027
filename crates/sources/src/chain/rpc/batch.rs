//! Many questions of one method, in requests of a bounded number of calls, several of which are under way at once.

use core::sync::atomic::Ordering;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::{self, NodeError, Request};
use super::{Rpc, failed};
use crate::SourceError;
use crate::error::RequestFailure;

/// Reads a body: the answers to as many questions, the first of which has this id.
pub(super) trait Read<T>:
    Fn(&[u8], u64, usize) -> Result<Vec<T>, RequestFailure> + Copy + Send + Sync + 'static
{
}

impl<T, R> Read<T> for R where
    R: Fn(&[u8], u64, usize) -> Result<Vec<T>, RequestFailure> + Copy + Send + Sync + 'static
{
}

impl Rpc {
    /// Asks all the questions, and gives the answers in their order; at most `most` go into a request. `about` says what
    /// an error about those at a range of positions was about.
    pub(crate) async fn call_each<T, P>(
        &self,
        method: &'static str,
        params: &[P],
        most: usize,
        about: impl Fn(core::ops::Range<usize>) -> String + Sync,
    ) -> Result<Vec<T>, SourceError>
    where
        T: DeserializeOwned + Send + 'static,
        P: Serialize + Sync,
    {
        self.read_each(method, params, most, about, wire::all).await
    }

    /// As [`Self::call_each`], but what a node says instead of a result may be an answer too: where `judge` makes one of it.
    pub(crate) async fn call_judged<T, E, P>(
        &self,
        method: &'static str,
        params: &[P],
        about: impl Fn(core::ops::Range<usize>) -> String + Sync,
        judge: fn(&NodeError) -> Option<E>,
    ) -> Result<Vec<Result<T, E>>, SourceError>
    where
        T: DeserializeOwned + Send + 'static,
        E: Send + 'static,
        P: Serialize + Sync,
    {
        let read = move |body: &[u8], first_id, count| wire::judged(body, first_id, count, judge);
        self.read_each(method, params, usize::MAX, about, read)
            .await
    }

    async fn read_each<T, P>(
        &self,
        method: &'static str,
        params: &[P],
        most: usize,
        about: impl Fn(core::ops::Range<usize>) -> String + Sync,
        read: impl Read<T>,
    ) -> Result<Vec<T>, SourceError>
    where
        T: Send + 'static,
        P: Serialize + Sync,
    {
        let size = self
            .batch
            .load(Ordering::Relaxed)
            .min(most)
            .min(params.len().div_ceil(self.in_flight))
            .max(1);
        let about = &about;
        // Collected first: a stream that holds the closure is not `Send` for every lifetime, as a task must be.
        let parts: Vec<_> = params
            .chunks(size)
            .enumerate()
            .map(|(part, params)| async move {
                let first = part * size;
                self.split(method, params, read)
                    .await
                    .map_err(|(failure, place)| {
                        let place = first + place.start..first + place.end;
                        failed(&self.attempt(method, about(place)), failure)
                    })
            })
            .collect();
        let answers: Vec<Vec<T>> = stream::iter(parts)
            .buffered(self.in_flight)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Asks in one request, or, where that is too many, in several. An error says about which questions it is.
    pub(super) async fn split<T, P>(
        &self,
        method: &'static str,
        params: &[P],
        read: impl Read<T>,
    ) -> Result<Vec<T>, (RequestFailure, core::ops::Range<usize>)>
    where
        T: Send + 'static,
        P: Serialize + Sync,
    {
        let mut answers = Vec::with_capacity(params.len());
        let mut size = params.len().min(self.batch.load(Ordering::Relaxed)).max(1);
        while answers.len() < params.len() {
            let start = answers.len();
            let end = params.len().min(start + size);
            match self.request_all(method, &params[start..end], read).await {
                Ok(more) => {
                    answers.extend(more);
                    if end - start == self.batch.load(Ordering::Relaxed) {
                        self.grow();
                    }
                }
                Err(failure) if end - start > 1 && is_of_the_size(&failure) => {
                    size = (end - start).div_ceil(2);
                    self.shrink(size, &failure);
                }
                Err(failure) => return Err((failure, start..end)),
            }
        }
        Ok(answers)
    }

    /// Asks all the questions in one request, which one node answers.
    async fn request_all<T: Send + 'static, P: Serialize>(
        &self,
        method: &'static str,
        params: &[P],
        read: impl Read<T>,
    ) -> Result<Vec<T>, RequestFailure> {
        let count = params.len();
        let calls = u32::try_from(count).unwrap_or(u32::MAX);
        let first_id = self.ids(u64::from(calls));
        let request = |(id, params)| Request {
            jsonrpc: "2.0",
            id,
            method,
            params,
        };
        if let [params] = params {
            let request = request((first_id, params));
            return self
                .exchange(calls, &request, move |body: &[u8]| {
                    read(body, first_id, count)
                })
                .await;
        }
        let requests: Vec<_> = (first_id..).zip(params).map(request).collect();
        self.exchange(calls, &requests, move |body: &[u8]| {
            read(body, first_id, count)
        })
        .await
    }

    fn grow(&self) {
        let most = self.batch_max.load(Ordering::Relaxed);
        let size = self.batch.load(Ordering::Relaxed);
        self.batch
            .store(most.min(size + size / 4 + 1), Ordering::Relaxed);
    }

    /// An endpoint that refuses so many calls refuses them the next time; an answer that was too large or too late may have
    /// been so for what it said.
    fn shrink(&self, size: usize, failure: &RequestFailure) {
        if matches!(
            failure,
            RequestFailure::Status { .. } | RequestFailure::BatchRefused { .. }
        ) {
            self.batch_max.fetch_min(size, Ordering::Relaxed);
        }
        self.batch.fetch_min(size, Ordering::Relaxed);
    }
}

/// Whether fewer calls in a request may succeed where these have failed.
fn is_of_the_size(failure: &RequestFailure) -> bool {
    match failure {
        RequestFailure::Status { status, .. } => (400..500).contains(status) && *status != 429,
        RequestFailure::BatchRefused { .. }
        | RequestFailure::TooLarge { .. }
        | RequestFailure::Timeout { .. } => true,
        _ => false,
    }
}
