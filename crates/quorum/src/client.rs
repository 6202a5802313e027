//! Asking other attestors: signed questions, and answers that count only if they are signed too.

use alloy_primitives::{Address, B256};
use axum::http::HeaderMap;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use tocsin_attest::Seat;
use tokio::time::Instant;

use crate::envelope::{self, Envelope, Expected};
use crate::message::Answer;
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// The most bytes that are read of the answer of somebody who does not answer properly.
const MAX_EXCUSE: usize = 4_096;

/// What attestors have answered, each by its index; also those that have refused, or not answered.
pub(crate) struct Answers<T>(pub(crate) Vec<(u8, Address, Result<T, Refusal>)>);

impl<T> Answers<T> {
    /// Those that have answered what was asked.
    pub(crate) fn good(&self) -> impl Iterator<Item = (u8, Address, &T)> {
        self.0
            .iter()
            .filter_map(|(index, peer, answer)| Some((*index, *peer, answer.as_ref().ok()?)))
    }
}

/// An answer about several things, of which some may be refused.
pub(crate) trait Parted {
    /// Whether it gives the one at this place: only then does it count towards a quorum.
    fn gives(&self, place: usize) -> bool;
}

impl<T> Parted for Vec<Result<T, Refusal>> {
    fn gives(&self, place: usize) -> bool {
        self.get(place).is_some_and(Result::is_ok)
    }
}

impl<T: Parted> Answers<T> {
    /// Whether `more` further answers would be a quorum's for something that has none yet.
    pub(crate) fn could_use(&self, more: usize, places: usize, threshold: usize) -> bool {
        (0..places).any(|place| {
            let giving = self.good().filter(|(_, _, answer)| answer.gives(place));
            let given = giving.count();
            given < threshold && given.saturating_add(more) >= threshold
        })
    }

    /// How many have been reached and not finished in time.
    pub(crate) fn slow(&self) -> usize {
        let slow = |answer: &Result<T, Refusal>| matches!(answer, Err(refusal) if refusal.reason == Reason::Slow);
        self.0.iter().filter(|(_, _, answer)| slow(answer)).count()
    }
}

/// What everybody is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Where.
    pub(crate) path: &'static str,
    /// The request.
    pub(crate) body: &'a [u8],
    /// How many things it is about.
    pub(crate) places: usize,
}

impl Node {
    /// Asks every attestor of the epoch, this one included (`own`), and checks what each answers as it comes. It waits until all
    /// have answered; and once patience is over, only for those who could still make a quorum for something. Who refuses, or
    /// answers what does not hold, makes none: however fast it is, nobody else is cut off for it.
    pub(crate) async fn ask_all<T, C, F>(
        &self,
        seat: &Seat<'_>,
        question: Question<'_>,
        own: impl Future<Output = Result<T, Refusal>> + Send,
        check: impl Fn(Address, T) -> F + Sync,
    ) -> Answers<C>
    where
        T: DeserializeOwned + Send,
        C: Parted + Send,
        F: Future<Output = Result<C, Refusal>> + Send,
    {
        let Question { path, body, places } = question;
        let threshold = usize::from(seat.signers().threshold());
        let check = &check;
        let mut answers = Answers(Vec::new());
        let mut asked: FuturesUnordered<BoxFuture<'_, _>> = FuturesUnordered::new();
        for (index, &peer) in (0..).zip(seat.signers().signers()) {
            if peer != seat.address() {
                let answer =
                    async move { check(peer, self.ask(seat, peer, path, body).await?).await };
                asked.push(async move { (index, peer, answer.await) }.boxed());
            }
        }
        // Beside the others': what takes this node long would else be added to what takes them long.
        let own = async move { check(seat.address(), own.await?).await };
        asked.push(async move { (seat.index(), seat.address(), own.await) }.boxed());
        let patience = Instant::now() + self.settings.patience;
        loop {
            // Its own answer is not broken off: it would be begun anew the next time.
            let own = answers.0.iter().any(|(index, _, _)| *index == seat.index());
            let enough = own && !answers.could_use(asked.len(), places, threshold);
            let next = asked.next();
            let next = if enough {
                match tokio::time::timeout_at(patience, next).await {
                    Ok(next) => next,
                    Err(_elapsed) => break,
                }
            } else {
                next.await
            };
            match next {
                Some(answer) => answers.0.push(answer),
                None => break,
            }
        }
        answers.0.sort_by_key(|(index, _, _)| *index);
        answers
    }

    /// Asks one attestor.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        seat: &Seat<'_>,
        peer: Address,
        path: &'static str,
        body: &[u8],
    ) -> Result<T, Refusal> {
        let answer = self.exchange(seat, peer, path, body).await;
        let trouble = answer.as_ref().err().map(ToString::to_string);
        self.standing.answered(peer, trouble, self.now());
        let answer: Answer<T> = serde_json::from_slice(&answer?)
            .map_err(|error| Refusal::new(Reason::Unreadable, error.to_string()))?;
        answer.result()
    }

    async fn exchange(
        &self,
        seat: &Seat<'_>,
        peer: Address,
        path: &'static str,
        body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let url = self.settings.peers.get(&peer).ok_or_else(|| {
            let missing = format!("the configuration does not say where {peer} is");
            Refusal::new(Reason::Unreachable, missing)
        })?;
        let url = url.join(path).map_err(|error| unreachable(&error))?;
        let message = envelope::message(path, body, seat.address(), peer, self.now(), B256::ZERO);
        let asked = message.id(&seat.domain());
        let signature = seat.seal(&message).await?;
        let response = self
            .client
            .post(url)
            .headers(Envelope { message, signature }.to_headers())
            .body(body.to_vec())
            .send()
            .await
            .map_err(unanswered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status != StatusCode::OK {
            let excuse = read(response, MAX_EXCUSE).await?;
            return Err(excused(status, &excuse));
        }
        let envelope = self.open(seat, peer, path, &headers, asked.0)?;
        let body = read(response, self.settings.most_bytes).await?;
        envelope.check_body(&body)?;
        Ok(body)
    }

    fn open(
        &self,
        seat: &Seat<'_>,
        peer: Address,
        path: &str,
        headers: &HeaderMap,
        asked: B256,
    ) -> Result<Envelope, Refusal> {
        let envelope = Envelope::from_headers(path, headers)?;
        if envelope.message.sender != peer {
            return Err(Refusal::new(
                Reason::Stranger,
                format!("{} answers in the place of {peer}", envelope.message.sender),
            ));
        }
        envelope.check(Expected {
            domain: &seat.domain(),
            recipient: seat.address(),
            now: self.now(),
            tolerance: self.settings.clock_tolerance,
            in_reply_to: asked,
        })?;
        Ok(envelope)
    }
}

async fn read(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(unanswered)? {
            None => return Ok(body),
            Some(chunk) if body.len() + chunk.len() > most => {
                return Err(Refusal::new(
                    Reason::TooLarge,
                    format!("the answer has more than {most} bytes"),
                ));
            }
            Some(chunk) => body.extend_from_slice(&chunk),
        }
    }
}

/// An excuse is not signed: whatever answers there may have said it.
fn excused(status: StatusCode, excuse: &[u8]) -> Refusal {
    let said = match serde_json::from_slice::<Refusal>(excuse) {
        Ok(refusal) => refusal.to_string(),
        Err(_no_refusal) => "no reason that can be read".to_owned(),
    };
    Refusal::new(
        Reason::Unreachable,
        format!("whatever is there answers {status}, with {said}"),
    )
}

/// Who was reached and needs longer is not away: it goes on, and has the answer when it is asked the same again.
fn unanswered(error: reqwest::Error) -> Refusal {
    let slow = error.is_timeout() && !error.is_connect();
    let refusal = unreachable(&error.without_url());
    if slow {
        Refusal::new(Reason::Slow, refusal.detail)
    } else {
        refusal
    }
}

fn unreachable(error: &dyn core::error::Error) -> Refusal {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(": ");
        said.push_str(&cause.to_string());
        source = cause.source();
    }
    Refusal::new(Reason::Unreachable, said)
}
