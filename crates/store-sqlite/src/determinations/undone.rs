//! Determinations that an unwinding removes, keeps or lets another one replace.

use sqlx::SqliteConnection;
use tocsin_store::StoreError;

use crate::error::failed;

/// Removes determinations that no claim is on.
pub(crate) async fn remove(
    connection: &mut SqliteConnection,
    keys: &str,
    attempt: &'static str,
) -> Result<(), StoreError> {
    remove_details(connection, keys, attempt).await?;
    sqlx::query!(
        "DELETE FROM determinations
         WHERE (risk, ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// Removes the inputs and guards of determinations.
pub(super) async fn remove_details(
    connection: &mut SqliteConnection,
    keys: &str,
    attempt: &'static str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM determination_inputs
         WHERE (risk, ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    sqlx::query!(
        "DELETE FROM determination_guards
         WHERE (risk, ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// Counts the policies without a claim on determinations anew, and lets the claims that there are wait in their order.
pub(crate) async fn count_awaited(
    connection: &mut SqliteConnection,
    keys: &str,
    attempt: &'static str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE determinations
         SET awaiting_claims = (SELECT count(*) FROM policies WHERE policies.risk = determinations.risk)
             - (SELECT count(*) FROM claims WHERE claims.risk = determinations.risk AND claims.ordinal = determinations.ordinal)
         WHERE (risk, ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    sqlx::query!(
        "UPDATE claims SET confirmed_at = d.confirmed_at
         FROM determinations AS d
         WHERE d.risk = claims.risk AND d.ordinal = claims.ordinal
           AND (claims.risk, claims.ordinal) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1))",
        keys
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
