//! Covers and the risks under them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};

use crate::column::{hexed, signed, to_json, unsigned, word};
use crate::error::failed;
use crate::looks;
use crate::store::SqliteStore;
use crate::streams::{self, StreamNumber, stream};

const ADD: &str = "add a cover";

#[async_trait]
impl Covers for SqliteStore {
    async fn add_cover(&self, cover: &CoverRecord, risks: &[RiskRecord]) -> Result<(), StoreError> {
        check::cover(cover).map_err(|flaw| flaw.refused("cover", &cover.name))?;
        let mut transaction = self.begin(ADD).await?;
        add(&mut transaction, cover, risks).await?;
        transaction.commit().await.map_err(failed(ADD))
    }

    async fn covers(&self) -> Result<Vec<CoverRecord>, StoreError> {
        let mut connection = self.snapshot("read the covers").await?;
        let rows = sqlx::query_as!(
            CoverRow,
            r#"SELECT terms_hash AS "terms_hash!", name AS "name!", version AS "version!", canonical_terms AS "canonical_terms!"
               FROM covers ORDER BY name, version"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read the covers"))?;
        rows.into_iter().map(CoverRecord::try_from).collect()
    }

    async fn cover(&self, terms: TermsHash) -> Result<Option<CoverRecord>, StoreError> {
        let mut connection = self.reader("read a cover").await?;
        let terms = terms.0.as_slice();
        let row = sqlx::query_as!(
            CoverRow,
            r#"SELECT terms_hash AS "terms_hash!", name AS "name!", version AS "version!", canonical_terms AS "canonical_terms!"
               FROM covers WHERE terms_hash = ?1"#,
            terms
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed("read a cover"))?;
        row.map(CoverRecord::try_from).transpose()
    }

    async fn risk(&self, id: RiskId) -> Result<Option<RiskRecord>, StoreError> {
        let mut connection = self.reader("read a risk").await?;
        Ok(find_risks(&mut connection, [id].into_iter(), "read a risk")
            .await?
            .remove(&id))
    }
}

pub(crate) struct CoverRow {
    pub(crate) terms_hash: Vec<u8>,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) canonical_terms: String,
}

impl TryFrom<CoverRow> for CoverRecord {
    type Error = StoreError;

    fn try_from(row: CoverRow) -> Result<Self, StoreError> {
        let key = format!("{} version {}", row.name, row.version);
        let decode = || {
            let cover = Self {
                terms_hash: TermsHash(word("terms_hash", &row.terms_hash)?),
                name: row.name,
                version: unsigned("version", row.version)?,
                canonical_terms: row.canonical_terms,
            };
            check::cover(&cover)?;
            Ok(cover)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row("cover", key))
    }
}

/// Adds a cover and risks under it; says whether the cover is new.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    cover: &CoverRecord,
    risks: &[RiskRecord],
) -> Result<bool, StoreError> {
    let is_new = add_cover(connection, cover).await?;
    for record in risks {
        if record.risk.terms_hash != cover.terms_hash {
            let flaw = Flaw(format!("it is not under {}", cover.name));
            return Err(flaw.refused("risk", record.risk.id));
        }
    }
    store_risks(connection, risks).await?;
    Ok(is_new)
}

async fn add_cover(
    connection: &mut SqliteConnection,
    cover: &CoverRecord,
) -> Result<bool, StoreError> {
    let name = format!("{} version {}", cover.name, cover.version);
    let version = signed("cover", &name, cover.version)?;
    let terms = cover.terms_hash.0.as_slice();
    let stored = sqlx::query!(
        r#"SELECT terms_hash AS "terms_hash!", name AS "name!", version AS "version!"
           FROM covers WHERE terms_hash = ?1 OR (name = ?2 AND version = ?3)"#,
        terms,
        cover.name,
        version
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    for row in &stored {
        let conflict = |reason: String| StoreError::Conflict {
            noun: "cover",
            key: name.clone(),
            reason,
        };
        if row.terms_hash != terms {
            let other = hexed(&row.terms_hash);
            return Err(conflict(format!(
                "its terms have the hash 0x{other}; changed terms need a new version"
            )));
        }
        if row.name != cover.name || row.version != version {
            return Err(conflict(format!(
                "the same terms are stored as {} version {}",
                row.name, row.version
            )));
        }
    }
    if stored.is_empty() {
        sqlx::query!(
            "INSERT INTO covers (terms_hash, name, version, canonical_terms) VALUES (?1, ?2, ?3, ?4)",
            terms,
            cover.name,
            version,
            cover.canonical_terms
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(ADD))?;
    }
    Ok(stored.is_empty())
}

/// Adds those of `risks` that are not stored yet, under covers that are; returns how many.
pub(crate) async fn store_risks(
    connection: &mut SqliteConnection,
    risks: &[RiskRecord],
) -> Result<u64, StoreError> {
    let new = new_risks(connection, risks).await?;
    add_risks(connection, &new).await?;
    looks::wake(connection, &new, ADD).await?;
    u64::try_from(new.len()).map_err(|_never| Flaw("too many".to_owned()).refused("risk", "batch"))
}

/// Those of `risks` that are not stored yet.
async fn new_risks<'a>(
    connection: &mut SqliteConnection,
    risks: &'a [RiskRecord],
) -> Result<Vec<&'a RiskRecord>, StoreError> {
    let stored = find_risks(connection, risks.iter().map(|record| record.risk.id), ADD).await?;
    let mut new: BTreeMap<RiskId, &RiskRecord> = BTreeMap::new();
    for record in risks {
        let id = record.risk.id;
        check::risk_record(record).map_err(|flaw| flaw.refused("risk", id))?;
        match stored.get(&id).or_else(|| new.get(&id).copied()) {
            None => {
                new.insert(id, record);
            }
            Some(other) if other.risk == record.risk && other.streams == record.streams => {}
            Some(_) => {
                return Err(StoreError::Conflict {
                    noun: "risk",
                    key: id.to_string(),
                    reason: "it is evaluated from another instant, or listens to other streams"
                        .to_owned(),
                });
            }
        }
    }
    Ok(new.into_values().collect())
}

/// A risk as it travels to SQLite: one JSON list.
#[derive(Serialize)]
struct WrittenRisk<'a>(String, String, &'a str, i64, String, Option<i64>);

async fn add_risks(
    connection: &mut SqliteConnection,
    risks: &[&RiskRecord],
) -> Result<(), StoreError> {
    if risks.is_empty() {
        return Ok(());
    }
    let listened: BTreeSet<Stream> = risks
        .iter()
        .flat_map(|record| record.streams.iter().cloned())
        .collect();
    let numbers = streams::ensure(connection, &listened, ADD).await?;
    let rows: Vec<WrittenRisk<'_>> = risks
        .iter()
        .map(|record| {
            let Risk {
                id,
                terms_hash,
                subject,
                inception,
                evaluate_from,
            } = &record.risk;
            WrittenRisk(
                hexed(id.0),
                hexed(terms_hash.0),
                subject.as_str(),
                evaluate_from.0,
                hexed(&record.initial_state),
                inception.map(|inception| inception.0),
            )
        })
        .collect();
    let rows = to_json("risk", "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO risks (id, terms_hash, subject, evaluate_from, initial_state, state, inception)
         SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4), unhex(value ->> 4), value ->> 5
         FROM jsonb_each(?1)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    let mut listening: Vec<(String, usize, StreamNumber)> = Vec::with_capacity(risks.len());
    for record in risks {
        for (input, stream) in record.streams.iter().enumerate() {
            let number = numbers
                .get(stream)
                .copied()
                .ok_or_else(|| StoreError::Missing {
                    noun: "stream",
                    key: format!("{} of {}", stream.metric, stream.subject),
                })?;
            listening.push((hexed(record.risk.id.0), input, number));
        }
    }
    let listening = to_json("risk", "batch", &listening)?;
    sqlx::query!(
        "INSERT INTO risk_streams (risk, input, stream)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM jsonb_each(?1)",
        listening
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}

/// Those of `risks` that are stored.
pub(crate) async fn find_risks(
    connection: &mut SqliteConnection,
    risks: impl Iterator<Item = RiskId>,
    attempt: &'static str,
) -> Result<BTreeMap<RiskId, RiskRecord>, StoreError> {
    // Each once: its inputs come in as many rows.
    let wanted: BTreeSet<String> = risks.map(|risk| hexed(risk.0)).collect();
    let wanted = to_json("risk", "keys", &wanted)?;
    let rows = sqlx::query!(
        r#"SELECT risks.id AS "id!", risks.terms_hash AS "terms_hash!", risks.subject AS "subject!",
                  risks.inception AS "inception?", risks.evaluate_from AS "evaluate_from!", risks.initial_state AS "initial_state!",
                  listening.input AS "input!", streams.source AS "source!", streams.subject AS "stream_subject!",
                  streams.metric AS "metric!"
           FROM json_each(?1) AS wanted
           JOIN risks ON risks.id = unhex(wanted.value)
           JOIN risk_streams AS listening ON listening.risk = risks.id
           JOIN streams ON streams.id = listening.stream
           ORDER BY wanted.key, listening.input"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let mut found: BTreeMap<RiskId, RiskRecord> = BTreeMap::new();
    for row in rows {
        let key = hexed(&row.id);
        let broken = |flaw: Flaw| flaw.invalid_row("risk", &key);
        let id = RiskId(word("id", &row.id).map_err(broken)?);
        let terms_hash = TermsHash(word("terms_hash", &row.terms_hash).map_err(broken)?);
        let record = found.entry(id).or_insert_with(|| RiskRecord {
            risk: Risk {
                id,
                terms_hash,
                subject: row.subject,
                inception: row.inception.map(Timestamp),
                evaluate_from: Timestamp(row.evaluate_from),
            },
            streams: Vec::new(),
            initial_state: row.initial_state,
        });
        if usize::try_from(row.input) == Ok(record.streams.len()) {
            record
                .streams
                .push(stream(row.source, row.stream_subject, row.metric));
        } else {
            return Err(broken(Flaw(format!(
                "its input {} is missing",
                record.streams.len()
            ))));
        }
    }
    for record in found.values() {
        check::risk_record(record).map_err(|flaw| flaw.invalid_row("risk", record.risk.id))?;
    }
    Ok(found)
}
