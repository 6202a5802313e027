//! The ledger of what was read, and of what was looked at again.

use core::ops::RangeInclusive;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::coverage::{Coverages, Finding, Recheck};
use tocsin_store::step::SourceAdvance;

use crate::column::{from_json, signed, to_json, unsigned};
use crate::error::failed;
use crate::observations;
use crate::store::SqliteStore;

const NOUN: &str = "coverage";
const RECHECK: &str = "re-check";

#[async_trait]
impl Coverages for SqliteStore {
    async fn coverage(
        &self,
        source: &SourceId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Coverage>, StoreError> {
        let attempt = "read what was read of a source";
        // No block is before block 0.
        let after = after.map_or(Ok(-1), |after| signed(NOUN, source, after))?;
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            CoverageRow,
            r#"SELECT first AS "first!", last AS "last!", proof AS "proof!", agreed AS "agreed!", endpoints AS "endpoints!"
               FROM coverage WHERE source = ?1 AND last > ?2 ORDER BY last LIMIT ?3"#,
            source.as_str(),
            after,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter()
            .map(|row| {
                let key = format!("{source} up to {}", row.last);
                row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, key))
            })
            .collect()
    }

    async fn observed(
        &self,
        source: &SourceId,
        blocks: RangeInclusive<u64>,
        times: RangeInclusive<Timestamp>,
    ) -> Result<Vec<Observation>, StoreError> {
        let mut connection = self
            .snapshot("read the observations of some blocks")
            .await?;
        observations::of_blocks(&mut connection, source, blocks, times).await
    }

    async fn add_recheck(&self, recheck: &Recheck) -> Result<(), StoreError> {
        let attempt = "record a re-check";
        let key = format!("{} of {}", recheck.endpoint, recheck.source);
        check::recheck(recheck).map_err(|flaw| flaw.refused(RECHECK, &key))?;
        let first = signed(RECHECK, &key, recheck.first)?;
        let last = signed(RECHECK, &key, recheck.last)?;
        let differs = match &recheck.finding {
            Finding::Same => None,
            Finding::Differs(how) => Some(how),
        };
        let mut transaction = self.begin(attempt).await?;
        let read = sqlx::query_scalar!(
            r#"SELECT (EXISTS (SELECT 1 FROM coverage WHERE source = ?1 AND last >= ?2 AND first <= ?2)
                       AND EXISTS (SELECT 1 FROM coverage WHERE source = ?1 AND last >= ?3)) AS "read!: bool""#,
            recheck.source.as_str(),
            first,
            last
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if !read {
            let flaw = Flaw(format!("blocks {first} to {last} were not read before"));
            return Err(flaw.refused(RECHECK, key));
        }
        sqlx::query!(
            "INSERT INTO rechecks (source, first, last, endpoint, differs, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            recheck.source.as_str(),
            first,
            last,
            recheck.endpoint,
            differs,
            recheck.at.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn rechecks(&self, source: &SourceId, limit: u32) -> Result<Vec<Recheck>, StoreError> {
        let attempt = "read the re-checks of a source";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            RecheckRow,
            r#"SELECT first AS "first!", last AS "last!", endpoint AS "endpoint!", differs AS "differs?", at AS "at!"
               FROM rechecks WHERE source = ?1 ORDER BY position DESC LIMIT ?2"#,
            source.as_str(),
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter()
            .map(|row| {
                let key = format!("{} of {source}", row.endpoint);
                row.try_decode(source)
                    .map_err(|flaw| flaw.invalid_row(RECHECK, key))
            })
            .collect()
    }
}

struct CoverageRow {
    first: i64,
    last: i64,
    proof: String,
    agreed: i64,
    endpoints: String,
}

impl CoverageRow {
    fn try_decode(self) -> Result<Coverage, Flaw> {
        let coverage = Coverage {
            first: unsigned("first", self.first)?,
            last: unsigned("last", self.last)?,
            proof: proof(&self.proof)?,
            agreed: unsigned("agreed", self.agreed)?,
            endpoints: from_json("endpoints", &self.endpoints)?,
        };
        check::range(&coverage)?;
        Ok(coverage)
    }
}

fn proof(cell: &str) -> Result<Proof, Flaw> {
    match cell {
        "root" => Ok(Proof::Root),
        "bloom" => Ok(Proof::Bloom),
        "word" => Ok(Proof::Word),
        _ => Err(Flaw(format!("there is no proof `{cell}`"))),
    }
}

fn proof_cell(proof: Proof) -> &'static str {
    match proof {
        Proof::Root => "root",
        Proof::Bloom => "bloom",
        Proof::Word => "word",
    }
}

struct RecheckRow {
    first: i64,
    last: i64,
    endpoint: String,
    differs: Option<String>,
    at: i64,
}

impl RecheckRow {
    fn try_decode(self, source: &SourceId) -> Result<Recheck, Flaw> {
        let recheck = Recheck {
            source: source.clone(),
            first: unsigned("first", self.first)?,
            last: unsigned("last", self.last)?,
            endpoint: self.endpoint,
            finding: self.differs.map_or(Finding::Same, Finding::Differs),
            at: Timestamp(self.at),
        };
        check::recheck(&recheck)?;
        Ok(recheck)
    }
}

/// A range as it travels to SQLite: one JSON list.
#[derive(Serialize)]
struct WrittenCoverage<'a>(&'a str, i64, i64, &'static str, u32, String);

/// Adds what was read by steps that were checked: a range that goes on like the last one becomes part of it.
pub(crate) async fn extend(
    connection: &mut SqliteConnection,
    advances: &[SourceAdvance],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(advances.len());
    for advance in advances {
        let source = &advance.to.source;
        if let Some(coverage) = &advance.coverage {
            rows.push(WrittenCoverage(
                source.as_str(),
                signed(NOUN, source, coverage.first)?,
                signed(NOUN, source, coverage.last)?,
                proof_cell(coverage.proof),
                coverage.agreed,
                to_json(NOUN, source, &coverage.endpoints)?,
            ));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let json = to_json(NOUN, "batch", &rows)?;
    let extended = sqlx::query!(
        "UPDATE coverage SET last = given.value ->> 2
         FROM json_each(?1) AS given
         WHERE coverage.source = given.value ->> 0 AND coverage.last = (given.value ->> 1) - 1
           AND coverage.proof = given.value ->> 3 AND coverage.agreed = given.value ->> 4
           AND coverage.endpoints = given.value ->> 5",
        json
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?
    .rows_affected();
    if usize::try_from(extended) == Ok(rows.len()) {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO coverage (source, first, last, proof, agreed, endpoints)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
         FROM json_each(?1) AS given
         WHERE NOT EXISTS (SELECT 1 FROM coverage WHERE coverage.source = given.value ->> 0 AND coverage.last = given.value ->> 2)",
        json
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
