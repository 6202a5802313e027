//! What waits for a second person.

use sqlx::SqliteConnection;
use tocsin_auth::UnixTime;
use tocsin_store::StoreError;
use tocsin_store::answer::Answer;
use tocsin_store::credential::{MOST_PROPOSALS, Proposal};
use tocsin_store::log::AuditEntry;

use super::rows::ProposalRow;
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{answers, log};

const PROPOSALS: &str = "read and change proposals";

pub(super) async fn put(
    store: &SqliteStore,
    proposal: &Proposal,
    audit: &AuditEntry,
    answer: Option<&Answer>,
) -> Result<(), StoreError> {
    let mut transaction = store.begin(PROPOSALS).await?;
    let (id, by) = (&proposal.id[..], proposal.proposed_by.as_str());
    let proposer = proposal.proposer.as_str();
    sqlx::query!(
        "DELETE FROM proposals WHERE proposed_at < ?1 AND expires_at <= ?1",
        proposal.proposed_at.0
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(PROPOSALS))?;
    let waiting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!: i64" FROM proposals WHERE proposer = ?1 AND expires_at > ?2"#,
        proposer,
        proposal.proposed_at.0
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed(PROPOSALS))?;
    if waiting >= i64::from(MOST_PROPOSALS) {
        return Err(StoreError::Refused {
            noun: "proposal",
            key: proposer.to_owned(),
            reason: format!(
                "{waiting} proposals of this client wait for a second person: have some approved first, or wait until they expire"
            ),
        });
    }
    sqlx::query!(
        "INSERT INTO proposals (id, act, proposed_by, proposer, proposed_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        id,
        proposal.act,
        by,
        proposer,
        proposal.proposed_at.0,
        proposal.expires_at.0
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(PROPOSALS))?;
    log::queue(&mut transaction, audit, PROPOSALS).await?;
    if let Some(answer) = answer {
        answers::add(&mut transaction, answer, PROPOSALS).await?;
    }
    transaction.commit().await.map_err(failed(PROPOSALS))
}

pub(super) async fn open(store: &SqliteStore, now: UnixTime) -> Result<Vec<Proposal>, StoreError> {
    let mut connection = store.snapshot(PROPOSALS).await?;
    let rows = sqlx::query_as!(
        ProposalRow,
        r#"SELECT p.id AS "id!", act AS "act!", proposed_by AS "proposed_by!", proposer AS "proposer!",
                  proposed_at AS "proposed_at!", p.expires_at AS "expires_at!"
           FROM proposals p JOIN credentials c ON c.id = p.proposed_by
           WHERE proposed_at <= ?1 AND p.expires_at > ?1 AND c.state NOT IN ('retired', 'revoked')
           ORDER BY proposed_at LIMIT 1000"#,
        now.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(PROPOSALS))?;
    rows.into_iter().map(ProposalRow::decode).collect()
}

pub(super) async fn one(
    store: &SqliteStore,
    id: [u8; 16],
    now: UnixTime,
) -> Result<Option<Proposal>, StoreError> {
    let mut connection = store.snapshot(PROPOSALS).await?;
    let id = &id[..];
    let row = sqlx::query_as!(
        ProposalRow,
        r#"SELECT id AS "id!", act AS "act!", proposed_by AS "proposed_by!", proposer AS "proposer!",
                  proposed_at AS "proposed_at!", expires_at AS "expires_at!"
           FROM proposals WHERE id = ?1"#,
        id
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(PROPOSALS))?;
    let found = row.map(ProposalRow::decode).transpose()?;
    Ok(found.filter(|proposal| now < proposal.expires_at))
}

/// Takes one, so that exactly one approves it.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    id: [u8; 16],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let bytes = &id[..];
    let taken = sqlx::query!("DELETE FROM proposals WHERE id = ?1", bytes)
        .execute(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    if taken.rows_affected() == 0 {
        return Err(StoreError::Missing {
            noun: "proposal",
            key: alloy_primitives::hex::encode(id),
        });
    }
    Ok(())
}
