//! What waits for a second person.

use tocsin_auth::UnixTime;
use tocsin_store::StoreError;
use tocsin_store::credential::Proposal;

use super::rows::ProposalRow;
use crate::error::failed;
use crate::store::SqliteStore;

const PROPOSALS: &str = "read and change proposals";

pub(super) async fn put(store: &SqliteStore, proposal: &Proposal) -> Result<(), StoreError> {
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
    transaction.commit().await.map_err(failed(PROPOSALS))
}

pub(super) async fn open(store: &SqliteStore, now: UnixTime) -> Result<Vec<Proposal>, StoreError> {
    let mut connection = store.snapshot(PROPOSALS).await?;
    let rows = sqlx::query_as!(
        ProposalRow,
        r#"SELECT id AS "id!", act AS "act!", proposed_by AS "proposed_by!", proposer AS "proposer!",
                  proposed_at AS "proposed_at!", expires_at AS "expires_at!"
           FROM proposals WHERE proposed_at <= ?1 AND expires_at > ?1 ORDER BY proposed_at LIMIT 1000"#,
        now.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(PROPOSALS))?;
    rows.into_iter().map(ProposalRow::decode).collect()
}

pub(super) async fn take(
    store: &SqliteStore,
    id: [u8; 16],
    now: UnixTime,
) -> Result<Option<Proposal>, StoreError> {
    let mut transaction = store.begin(PROPOSALS).await?;
    let id = &id[..];
    let row = sqlx::query_as!(
        ProposalRow,
        r#"DELETE FROM proposals WHERE id = ?1
           RETURNING id AS "id!", act AS "act!", proposed_by AS "proposed_by!", proposer AS "proposer!",
                     proposed_at AS "proposed_at!", expires_at AS "expires_at!""#,
        id
    )
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed(PROPOSALS))?;
    transaction.commit().await.map_err(failed(PROPOSALS))?;
    let taken = row.map(ProposalRow::decode).transpose()?;
    Ok(taken.filter(|proposal| now < proposal.expires_at))
}
