//! Answers that are served again while nothing was committed since they were made.
//!
//! Whoever asks gets what the store held at some moment after he asked: before an answer is served again, the store is asked
//! whether anything was committed, by this process or another ([`Versions`](tocsin_store::version::Versions)). So nothing stale
//! is served, and a crowd of readers costs the database nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tocsin_domain::cover::Cover;
use tocsin_domain::ids::{PolicyId, TermsHash};
use tocsin_store::version::Version;
use tocsin_store::{Store, StoreError};

use crate::etag;
use crate::problem::Problem;

/// Bytes of answers that are kept in each of two generations.
const GENERATION: usize = 24 << 20;

/// Covers that are kept.
const COVERS: usize = 256;

/// What the name of an answer and the tables around it cost, at a guess.
const BESIDE: usize = 256;

/// What is asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Question {
    /// About one policy.
    Policy(PolicyId),
    /// In the words of a query.
    Query(String),
}

impl Question {
    /// Bytes that it holds beside itself.
    fn size(&self) -> usize {
        match self {
            Self::Policy(_) => 0,
            Self::Query(words) => words.len(),
        }
    }
}

/// The answers.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    answers: Mutex<Answers>,
    covers: Mutex<HashMap<TermsHash, Arc<Cover>>>,
}

/// Those of one version, in two generations: what was not asked for in one of them is forgotten.
#[derive(Default)]
struct Answers {
    version: Option<Version>,
    young: HashMap<Question, Answer>,
    old: HashMap<Question, Answer>,
    /// Bytes of the young.
    size: usize,
}

#[derive(Clone)]
struct Answer {
    body: Bytes,
    tag: HeaderValue,
}

impl Kept {
    /// None yet.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner {
            store,
            answers: Mutex::default(),
            covers: Mutex::default(),
        }))
    }

    /// The answer to `question`: as it is kept, if nothing was committed since, otherwise as `make` makes it.
    pub(crate) async fn answer<T: Serialize, M: Future<Output = Result<T, Problem>>>(
        &self,
        question: Question,
        make: impl FnOnce() -> M,
    ) -> Result<Response, Problem> {
        let version = self.0.store.version().await?;
        if let Some(answer) = self.find(version, &question) {
            return Ok(answer.into_response());
        }
        // In a box, so that those who are served what is kept do not carry the room for it about.
        let value = Box::pin(make()).await?;
        let body =
            serde_json::to_vec(&value).map_err(|error| Problem::Failed(error.to_string()))?;
        let answer = Answer {
            tag: etag::tag(&body)?,
            body: body.into(),
        };
        // What was read is of this version or a later one. If it is of a later one, nobody is ever again told that this one
        // is the newest but those who came before that was committed.
        self.keep(version, question, &answer);
        Ok(answer.into_response())
    }

    /// A stored cover. Terms never change, so one that was read is not read again.
    pub(crate) async fn cover(&self, terms: TermsHash) -> Result<Arc<Cover>, Problem> {
        if let Some(cover) = self.covers().get(&terms) {
            return Ok(Arc::clone(cover));
        }
        let cover = Arc::new(stored(&*self.0.store, terms).await?);
        let mut covers = self.covers();
        if covers.len() >= COVERS {
            covers.clear();
        }
        covers.insert(terms, Arc::clone(&cover));
        Ok(cover)
    }

    fn covers(&self) -> MutexGuard<'_, HashMap<TermsHash, Arc<Cover>>> {
        let covers = self.0.covers.lock();
        covers.unwrap_or_else(PoisonError::into_inner)
    }

    /// What they are made of.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        let answers = self.0.answers.lock();
        answers.unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, version: Version, question: &Question) -> Option<Answer> {
        let mut answers = self.answers();
        if answers.version != Some(version) {
            return None;
        }
        if let Some(answer) = answers.young.get(question) {
            return Some(answer.clone());
        }
        let (question, answer) = answers.old.remove_entry(question)?;
        answers.add(question, answer.clone());
        Some(answer)
    }

    fn keep(&self, version: Version, question: Question, answer: &Answer) {
        let mut answers = self.answers();
        if answers.version != Some(version) {
            *answers = Answers {
                version: Some(version),
                ..Answers::default()
            };
        }
        answers.add(question, answer.clone());
    }
}

impl Answers {
    fn add(&mut self, question: Question, answer: Answer) {
        let size = question.size() + answer.body.len() + BESIDE;
        if self.size + size > GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.size = 0;
        }
        if self.young.insert(question, answer).is_none() {
            self.size += size;
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (header::ETAG, self.tag),
        ];
        (headers, self.body).into_response()
    }
}

/// A stored cover.
pub(crate) async fn stored(store: &dyn Store, terms: TermsHash) -> Result<Cover, Problem> {
    let invalid = |reason: String| {
        Problem::Store(StoreError::InvalidRow {
            noun: "cover",
            key: terms.to_string(),
            reason,
        })
    };
    let record = store
        .cover(terms)
        .await?
        .ok_or_else(|| invalid("it is not stored".to_owned()))?;
    Cover::from_terms(&record.canonical_terms).map_err(|diagnostics| {
        invalid(
            diagnostics
                .first()
                .map_or_else(String::new, ToString::to_string),
        )
    })
}
