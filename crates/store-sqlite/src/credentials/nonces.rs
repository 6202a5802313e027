//! Nonces: each is taken once, and kept no longer than it could be of use to a thief.

use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::MOST_NONCES;

use crate::error::failed;
use crate::store::SqliteStore;

const TAKE: &str = "take a nonce";

/// How many old ones each new one takes out: more than one, so that they are always fewer than were ever good at once.
const TAKEN_OUT: u32 = 8;

pub(super) async fn take(
    store: &SqliteStore,
    key: &KeyId,
    nonce: NonceHash,
    keep_until: UnixTime,
    now: UnixTime,
) -> Result<NonceUse, StoreError> {
    let mut transaction = store.begin(TAKE).await?;
    let (id, hash) = (key.as_str(), &nonce.0[..]);
    sqlx::query!(
        "DELETE FROM request_nonces WHERE (credential, nonce) IN
             (SELECT credential, nonce FROM request_nonces WHERE keep_until < ?1 ORDER BY keep_until LIMIT ?2)",
        now.0,
        TAKEN_OUT
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(TAKE))?;
    let kept = sqlx::query_scalar!(
        r#"SELECT kept AS "kept!" FROM request_nonce_counts WHERE credential = ?1"#,
        id
    )
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed(TAKE))?;
    if kept.is_some_and(|kept| kept >= i64::from(MOST_NONCES)) {
        return Ok(NonceUse::Full);
    }
    let taken = sqlx::query!(
        "INSERT INTO request_nonces (credential, nonce, keep_until) VALUES (?1, ?2, ?3)
         ON CONFLICT (credential, nonce) DO NOTHING",
        id,
        hash,
        keep_until.0
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(TAKE))?;
    transaction.commit().await.map_err(failed(TAKE))?;
    Ok(match taken.rows_affected() {
        0 => NonceUse::Repeated,
        _ => NonceUse::Fresh,
    })
}
