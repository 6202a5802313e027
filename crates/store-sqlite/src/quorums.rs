//! The books of a quorum: ballots, reports, results.

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{ClaimKey, EventKey, ReportsHash};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::quorum::{
    Ballot, Disagreement, Held, QuorumResult, Quorums, Said, Statement, Voted,
};

use crate::column::{hexed, to_json, unsigned, word};
use crate::disagreements;
use crate::error::failed;
use crate::log;
use crate::store::SqliteStore;

const NOUN: &str = "ballot";
const SAY: &str = "journal what is said to other attestors";

#[async_trait]
impl Quorums for SqliteStore {
    async fn ballot(&self, domain_separator: B256, event: EventKey) -> Result<Ballot, StoreError> {
        let attempt = "read a ballot";
        let mut connection = self.snapshot(attempt).await?;
        find(&mut connection, domain_separator, event, attempt).await
    }

    async fn say(
        &self,
        domain_separator: B256,
        statements: &[Statement],
    ) -> Result<Vec<Said>, StoreError> {
        let mut transaction = self.begin(SAY).await?;
        log::not_held(&mut transaction, SAY).await?;
        let mut answers = Vec::with_capacity(statements.len());
        for statement in statements {
            let event = statement.event;
            let mut ballot = find(&mut transaction, domain_separator, event, SAY).await?;
            let said = ballot.say(&statement.saying);
            if said == Said::New {
                write(&mut transaction, domain_separator, event, &ballot).await?;
                let hash = statement.saying.reports_hash();
                keep(&mut transaction, hash, &statement.reports).await?;
            }
            answers.push(said);
        }
        transaction.commit().await.map_err(failed(SAY))?;
        Ok(answers)
    }

    async fn reports(&self, reports_hash: ReportsHash) -> Result<Option<Vec<u8>>, StoreError> {
        let attempt = "read the reports of a round";
        let mut connection = self.snapshot(attempt).await?;
        let hash = reports_hash.0.as_slice();
        sqlx::query_scalar!(
            r#"SELECT body AS "body!" FROM report_sets WHERE hash = ?1"#,
            hash
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(attempt))
    }

    async fn add_result(&self, result: &QuorumResult) -> Result<(), StoreError> {
        let attempt = "keep what a quorum has signed";
        let claims: Vec<String> = result.claims.iter().map(|claim| hexed(claim.0)).collect();
        let claims = to_json("quorum result", result.id, &claims)?;
        let id = result.id.as_slice();
        let mut transaction = self.begin(attempt).await?;
        let added = sqlx::query!(
            "INSERT INTO quorum_results (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
            id,
            result.body
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if added.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO quorum_result_claims (claim_key, result) SELECT unhex(value), ?2 FROM json_each(?1)",
            claims,
            id
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn results_of(
        &self,
        claims: &[ClaimKey],
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let attempt = "read what quorums have signed";
        let keys: Vec<String> = claims.iter().map(|claim| hexed(claim.0)).collect();
        let keys = to_json("quorum result", "claims", &keys)?;
        let mut connection = self.snapshot(attempt).await?;
        sqlx::query_scalar!(
            r#"SELECT body AS "body!" FROM quorum_results
               WHERE id IN (SELECT of.result FROM json_each(?1) AS wanted
                            JOIN quorum_result_claims AS of ON of.claim_key = unhex(wanted.value))
               ORDER BY position DESC LIMIT ?2"#,
            keys,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))
    }

    async fn note(&self, noted: &[Disagreement]) -> Result<(), StoreError> {
        disagreements::note(self, noted).await
    }

    async fn disagreements(&self, limit: u32) -> Result<Vec<Disagreement>, StoreError> {
        disagreements::newest(self, limit).await
    }

    async fn count_disagreements(&self) -> Result<Vec<(Option<Address>, String, u64)>, StoreError> {
        disagreements::count(self).await
    }
}

#[derive(Default)]
struct BallotRow {
    voted_round: Option<i64>,
    voted_reports: Option<Vec<u8>>,
    locked_round: Option<i64>,
    locked_reports: Option<Vec<u8>>,
    locked_certificate: Option<Vec<u8>>,
    decided_round: Option<i64>,
    decided_reports: Option<Vec<u8>>,
    decided_certificate: Option<Vec<u8>>,
}

impl TryFrom<BallotRow> for Ballot {
    type Error = Flaw;

    fn try_from(row: BallotRow) -> Result<Self, Flaw> {
        let voted = match (row.voted_round, row.voted_reports) {
            (None, None) => None,
            (Some(round), Some(reports)) => Some(Voted {
                round: unsigned("voted_round", round)?,
                reports_hash: ReportsHash(word("voted_reports", &reports)?),
            }),
            _ => return Err(Flaw("half a vote is missing".to_owned())),
        };
        Ok(Self {
            voted,
            locked: held(row.locked_round, row.locked_reports, row.locked_certificate)?,
            decided: held(
                row.decided_round,
                row.decided_reports,
                row.decided_certificate,
            )?,
        })
    }
}

fn held(
    round: Option<i64>,
    reports: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
) -> Result<Option<Held>, Flaw> {
    match (round, reports, certificate) {
        (None, None, None) => Ok(None),
        (Some(round), Some(reports), Some(certificate)) => Ok(Some(Held {
            round: unsigned("round", round)?,
            reports_hash: ReportsHash(word("reports", &reports)?),
            certificate,
        })),
        _ => Err(Flaw("a part of a certificate is missing".to_owned())),
    }
}

async fn find(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    event: EventKey,
    attempt: &'static str,
) -> Result<Ballot, StoreError> {
    let (domain, key) = (domain_separator.as_slice(), event.0.as_slice());
    let row = sqlx::query_as!(
        BallotRow,
        "SELECT voted_round, voted_reports, locked_round, locked_reports, locked_certificate, decided_round, decided_reports,
                decided_certificate
         FROM ballots WHERE domain_separator = ?1 AND event = ?2",
        domain,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ballot::try_from(row.unwrap_or_default()).map_err(|flaw| flaw.invalid_row(NOUN, event))
}

async fn write(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    event: EventKey,
    ballot: &Ballot,
) -> Result<(), StoreError> {
    let (domain, key) = (domain_separator.as_slice(), event.0.as_slice());
    let voted_round = ballot.voted.map(|voted| voted.round);
    let voted_reports = ballot
        .voted
        .as_ref()
        .map(|voted| voted.reports_hash.0.as_slice());
    let (locked, decided) = (ballot.locked.as_ref(), ballot.decided.as_ref());
    let locked_round = locked.map(|held| held.round);
    let locked_reports = locked.map(|held| held.reports_hash.0.as_slice());
    let locked_certificate = locked.map(|held| held.certificate.as_slice());
    let decided_round = decided.map(|held| held.round);
    let decided_reports = decided.map(|held| held.reports_hash.0.as_slice());
    let decided_certificate = decided.map(|held| held.certificate.as_slice());
    sqlx::query!(
        "INSERT OR REPLACE INTO ballots
             (domain_separator, event, voted_round, voted_reports, locked_round, locked_reports, locked_certificate,
              decided_round, decided_reports, decided_certificate)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        domain,
        key,
        voted_round,
        voted_reports,
        locked_round,
        locked_reports,
        locked_certificate,
        decided_round,
        decided_reports,
        decided_certificate
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(SAY))?;
    Ok(())
}

async fn keep(
    connection: &mut SqliteConnection,
    reports_hash: ReportsHash,
    body: &[u8],
) -> Result<(), StoreError> {
    let hash = reports_hash.0.as_slice();
    sqlx::query!(
        "INSERT INTO report_sets (hash, body) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING",
        hash,
        body
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(SAY))?;
    Ok(())
}
