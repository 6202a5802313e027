//! Nonces: each is taken once, and kept no longer than it could be of use to a thief.
//!
//! A nonce is taken durably before its request is answered, and a durable commit takes the disk a while. Those that come
//! meanwhile wait in a queue, and the next commit takes all of them ([`book`]). Commits keep a distance: one costs the processor
//! as much as four signatures, whether it takes one nonce or a hundred. A task of its own sees to all that for as long as anybody
//! waits: who gives up his request takes nobody else's nonce with him.

mod book;
mod known;
#[cfg(test)]
mod tests;

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::SqlitePool;
use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::book::Book;
use crate::store::SqliteStore;

const TAKE: &str = "take a nonce";

/// How many are taken in one commit at the most.
const GROUP: usize = 256;

/// From the beginning of a commit to that of the next: what a nonce waits longer than it must, at the most. One that comes alone
/// does not wait.
const DISTANCE: Duration = Duration::from_millis(4);

/// What is taken.
#[derive(Debug)]
struct Nonce {
    key: KeyId,
    hash: NonceHash,
    keep_until: UnixTime,
    now: UnixTime,
}

type Taken = Result<NonceUse, StoreError>;

/// Nonces that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct NonceQueue(Arc<Mutex<Queue>>);

#[derive(Debug)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Not here while a task has it, which takes whatever waits.
    book: Option<Book>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            book: Some(Book::default()),
        }
    }
}

#[derive(Debug)]
struct Waiting {
    nonce: Nonce,
    tell: oneshot::Sender<Taken>,
}

impl NonceQueue {
    /// The lock is never held while anything can fail.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, writer: &SqlitePool, nonce: Nonce) -> oneshot::Receiver<Taken> {
        let (tell, told) = oneshot::channel();
        let mut queue = self.lock();
        queue.waiting.push(Waiting { nonce, tell });
        if let Some(book) = queue.book.take() {
            let turn = Turn {
                queue: self.clone(),
                book: Some(book),
            };
            #[expect(
                clippy::disallowed_methods,
                reason = "it ends when nobody waits, and if it fails, whoever waits hears of it"
            )]
            tokio::spawn(turn.serve(writer.clone()));
        }
        told
    }
}

/// Whoever has the book.
struct Turn {
    queue: NonceQueue,
    book: Option<Book>,
}

impl Turn {
    async fn serve(mut self, writer: SqlitePool) {
        loop {
            let rests_until = self.book.as_ref().and_then(|book| book.rests_until);
            if let Some(until) = rests_until {
                tokio::time::sleep_until(until).await;
            }
            let Some((book, group)) = self.next() else {
                return;
            };
            book.rests_until = Instant::now().checked_add(DISTANCE);
            let (nonces, tell): (Vec<Nonce>, Vec<_>) = group
                .into_iter()
                .map(|waiting| (waiting.nonce, waiting.tell))
                .unzip();
            let outcomes = match book.take(&writer, &nonces).await {
                Ok(outcomes) => outcomes,
                Err(error) => {
                    let error = Arc::new(error);
                    tell.iter().map(|_| Err(shared(&error))).collect()
                }
            };
            for (tell, outcome) in tell.into_iter().zip(outcomes) {
                // Its request may have been given up meanwhile.
                let _heard = tell.send(outcome);
            }
        }
    }

    /// Those who wait longest; where nobody does, the book goes back.
    fn next(&mut self) -> Option<(&mut Book, Vec<Waiting>)> {
        let mut queue = self.queue.lock();
        queue.waiting.retain(|waiting| !waiting.tell.is_closed());
        if queue.waiting.is_empty() {
            queue.book = self.book.take();
            return None;
        }
        let count = queue.waiting.len().min(GROUP);
        let group = queue.waiting.drain(..count).collect();
        Some((self.book.as_mut()?, group))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(book) = self.book.take() {
            // It was ended before its time. What the book has is true, and those who wait hear that they wait in vain.
            let mut queue = self.queue.lock();
            queue.book = Some(book);
            queue.waiting.clear();
        }
    }
}

pub(super) async fn take(
    store: &SqliteStore,
    key: &KeyId,
    hash: NonceHash,
    keep_until: UnixTime,
    now: UnixTime,
) -> Taken {
    let nonce = Nonce {
        key: key.clone(),
        hash,
        keep_until,
        now,
    };
    let told = store.nonces.add(&store.writer, nonce);
    told.await.unwrap_or_else(|ended| {
        Err(StoreError::Failed {
            attempt: TAKE,
            source: ended.into(),
        })
    })
}

/// One failure, as each of a group is told of it.
fn shared(error: &Arc<StoreError>) -> StoreError {
    let source = Box::new(Cause(Arc::clone(error)));
    let attempt = TAKE;
    match **error {
        StoreError::Busy { .. } => StoreError::Busy { attempt, source },
        StoreError::Full { .. } => StoreError::Full { attempt, source },
        _ => StoreError::Failed { attempt, source },
    }
}

/// What a failure comes from.
#[derive(Debug)]
struct Cause(Arc<StoreError>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(source) => fmt::Display::fmt(source, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()?.source()
    }
}
