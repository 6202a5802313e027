//! Nonces: each is taken once, and kept no longer than it could be of use to a thief.
//!
//! A nonce is taken durably before its request is answered, and a durable commit takes the disk a while. Those that come
//! meanwhile wait in a queue, and whoever has the turn next takes all of them in one commit, its own among them.

use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::MOST_NONCES;
use tokio::sync::{Mutex, oneshot};

use crate::error::failed;
use crate::store::SqliteStore;

const TAKE: &str = "take a nonce";

/// How many old ones each new one takes out: more than one, so that they are always fewer than were ever good at once.
const TAKEN_OUT: u32 = 8;

/// How many are taken in one commit at the most.
const GROUP: usize = 256;

/// Nonces that wait, and whose turn it is to take them.
#[derive(Debug, Default)]
pub(crate) struct NonceQueue {
    waiting: std::sync::Mutex<Vec<Waiting>>,
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    nonce: Nonce,
    tell: oneshot::Sender<Result<NonceUse, StoreError>>,
}

/// What is taken.
#[derive(Clone, Debug)]
struct Nonce {
    key: KeyId,
    hash: NonceHash,
    keep_until: UnixTime,
    now: UnixTime,
}

impl NonceQueue {
    /// The lock is never held while anything can fail.
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn add(&self, nonce: Nonce) -> oneshot::Receiver<Result<NonceUse, StoreError>> {
        let (tell, told) = oneshot::channel();
        self.waiting().push(Waiting { nonce, tell });
        told
    }

    fn group(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(GROUP);
        waiting.drain(..count).collect()
    }
}

pub(super) async fn take(
    store: &SqliteStore,
    key: &KeyId,
    hash: NonceHash,
    keep_until: UnixTime,
    now: UnixTime,
) -> Result<NonceUse, StoreError> {
    let nonce = Nonce {
        key: key.clone(),
        hash,
        keep_until,
        now,
    };
    let queue = &store.nonces;
    let mut told = queue.add(nonce.clone());
    loop {
        let turn = queue.turn.lock().await;
        match told.try_recv() {
            Ok(outcome) => return outcome,
            // Whoever took it with others failed, or was given up: it is as if it had not been asked for. Had it been taken
            // all the same, it is a repeated one now, and its request is refused.
            Err(oneshot::error::TryRecvError::Closed) => told = queue.add(nonce.clone()),
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let group = queue.group();
        let outcomes = take_all(store, &group).await?;
        for (waiting, outcome) in group.into_iter().zip(outcomes) {
            // Its request may have been given up meanwhile.
            let _heard = waiting.tell.send(outcome);
        }
        drop(turn);
        if let Ok(outcome) = told.try_recv() {
            return outcome;
        }
    }
}

/// Takes a group in one commit. One that cannot be taken does not keep the others from it.
async fn take_all(
    store: &SqliteStore,
    group: &[Waiting],
) -> Result<Vec<Result<NonceUse, StoreError>>, StoreError> {
    let mut outcomes = Vec::with_capacity(group.len());
    let Some(now) = group.iter().map(|waiting| waiting.nonce.now).min() else {
        return Ok(outcomes);
    };
    let mut transaction = store.begin(TAKE).await?;
    let taken_out = u32::try_from(group.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(TAKEN_OUT);
    sqlx::query!(
        "DELETE FROM request_nonces WHERE (credential, nonce) IN
             (SELECT credential, nonce FROM request_nonces WHERE keep_until < ?1 ORDER BY keep_until LIMIT ?2)",
        now.0,
        taken_out
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(TAKE))?;
    for waiting in group {
        let Nonce {
            key,
            hash,
            keep_until,
            ..
        } = &waiting.nonce;
        let taken = sqlx::query(
            "INSERT INTO request_nonces (credential, nonce, keep_until)
             SELECT ?1, ?2, ?3
             WHERE coalesce((SELECT kept FROM request_nonce_counts WHERE credential = ?1), 0) < ?4
             ON CONFLICT (credential, nonce) DO NOTHING",
        )
        .bind(key.as_str())
        .bind(&hash.0[..])
        .bind(keep_until.0)
        .bind(MOST_NONCES)
        .execute(&mut *transaction)
        .await
        .map_err(failed(TAKE));
        outcomes.push(match taken {
            Ok(taken) if taken.rows_affected() == 0 => refused(&mut transaction, key, hash).await,
            Ok(_) => Ok(NonceUse::Fresh),
            // A key that is not there is the matter of who named it.
            Err(error @ StoreError::Missing { .. }) => Err(error),
            // Of anything else SQLite may have taken back the whole transaction.
            Err(error) => return Err(error),
        });
    }
    transaction.commit().await.map_err(failed(TAKE))?;
    Ok(outcomes)
}

/// Why one was not taken: it was taken before, or its key has as many as it may have.
async fn refused(
    connection: &mut sqlx::SqliteConnection,
    key: &KeyId,
    hash: &NonceHash,
) -> Result<NonceUse, StoreError> {
    let known = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM request_nonces WHERE credential = ?1 AND nonce = ?2",
    )
    .bind(key.as_str())
    .bind(&hash.0[..])
    .fetch_one(connection)
    .await
    .map_err(failed(TAKE))?;
    Ok(if known == 0 {
        NonceUse::Full
    } else {
        NonceUse::Repeated
    })
}
