//! What the evaluation of risks needs, read as of one moment.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::step::RiskSnapshot;

use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;
use crate::observations::ObservationRow;
use crate::sources;
use crate::streams::{StreamNumber, stream};

const ATTEMPT: &str = "read the risks of sources";

struct RiskRow {
    id: Vec<u8>,
    terms_hash: Vec<u8>,
    subject: String,
    inception: Option<i64>,
    evaluate_from: i64,
    state: Vec<u8>,
    version: i64,
    evaluated_to: Option<i64>,
}

impl RiskRow {
    fn try_decode(self) -> Result<RiskSnapshot, Flaw> {
        let risk = Risk {
            id: RiskId(word("id", &self.id)?),
            terms_hash: TermsHash(word("terms_hash", &self.terms_hash)?),
            subject: self.subject,
            inception: self.inception.map(Timestamp),
            evaluate_from: Timestamp(self.evaluate_from),
        };
        check::risk(&risk)?;
        if self.version == 0 && self.evaluated_to.is_some() {
            return Err(Flaw(format!(
                "version {} does not fit evaluated_to",
                self.version
            )));
        }
        Ok(RiskSnapshot {
            risk,
            streams: Vec::new(),
            state: self.state,
            version: unsigned("version", self.version)?,
            evaluated_to: self.evaluated_to.map(Timestamp),
            watermarks: Vec::new(),
            pending: Vec::new(),
        })
    }
}

/// Every risk with an input from one of `sources`, by id.
pub(crate) async fn of_sources(
    connection: &mut SqliteConnection,
    sources: &[SourceId],
) -> Result<Vec<RiskSnapshot>, StoreError> {
    let sources = sources::names(sources.iter());
    let rows = sqlx::query_as!(
        RiskRow,
        r#"SELECT id AS "id!", terms_hash AS "terms_hash!", subject AS "subject!", inception AS "inception?",
                  evaluate_from AS "evaluate_from!", state AS "state!", version AS "version!", evaluated_to AS "evaluated_to?"
           FROM risks
           WHERE id IN (SELECT risk_streams.risk FROM json_each(?1) AS wanted
                        JOIN streams ON streams.source = wanted.value
                        JOIN risk_streams ON risk_streams.stream = streams.id)
             AND archived_at IS NULL"#,
        sources
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(ATTEMPT))?;
    complete(connection, rows).await
}

/// Every risk with an input from one of these subjects, by id.
pub(crate) async fn of_subjects(
    connection: &mut SqliteConnection,
    subjects: &[(SourceId, Subject)],
) -> Result<Vec<RiskSnapshot>, StoreError> {
    let subjects = to_json("look", "keys", &subjects)?;
    let rows = sqlx::query_as!(
        RiskRow,
        r#"SELECT id AS "id!", terms_hash AS "terms_hash!", subject AS "subject!", inception AS "inception?",
                  evaluate_from AS "evaluate_from!", state AS "state!", version AS "version!", evaluated_to AS "evaluated_to?"
           FROM risks
           WHERE id IN (SELECT risk_streams.risk FROM jsonb_each(?1) AS wanted
                        JOIN streams ON streams.source = wanted.value ->> 0 AND streams.subject = wanted.value ->> 1
                        JOIN risk_streams ON risk_streams.stream = streams.id)
             AND archived_at IS NULL"#,
        subjects
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(ATTEMPT))?;
    complete(connection, rows).await
}

/// The risks of these rows, with what they listen to and what waits for them.
async fn complete(
    connection: &mut SqliteConnection,
    rows: Vec<RiskRow>,
) -> Result<Vec<RiskSnapshot>, StoreError> {
    let mut risks = BTreeMap::new();
    for row in rows {
        let id = row.id.clone();
        let snapshot = row
            .try_decode()
            .map_err(|flaw| flaw.invalid_row("risk", hexed(&id)))?;
        risks.insert(id, snapshot);
    }
    let ids: Vec<String> = risks.keys().map(hexed).collect();
    let ids = to_json("risk", "keys", &ids)?;
    let streams = add_streams(connection, &ids, &mut risks).await?;
    add_pending(connection, &ids, &streams, &mut risks).await?;
    Ok(risks.into_values().collect())
}

/// Adds to each risk what its inputs listen to, and how far that was read. Returns the streams by number.
async fn add_streams(
    connection: &mut SqliteConnection,
    ids: &str,
    risks: &mut BTreeMap<Vec<u8>, RiskSnapshot>,
) -> Result<BTreeMap<StreamNumber, Stream>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT listening.risk AS "risk!", listening.input AS "input!", streams.id AS "stream!",
                  streams.source AS "source!", streams.subject AS "subject!", streams.metric AS "metric!",
                  coalesce(sources.watermark, iif(looks.state <> 'open', 9223372036854775807, looks.watermark)) AS "watermark?: i64"
           FROM jsonb_each(?1) AS wanted
           JOIN risk_streams AS listening ON listening.risk = unhex(wanted.value)
           JOIN streams ON streams.id = listening.stream
           LEFT JOIN sources ON sources.source = streams.source
           LEFT JOIN looks ON looks.source = streams.source AND looks.subject = streams.subject
           ORDER BY listening.risk, listening.input"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(ATTEMPT))?;
    let mut streams = BTreeMap::new();
    for row in rows {
        let Some(snapshot) = risks.get_mut(&row.risk) else {
            continue;
        };
        if usize::try_from(row.input) != Ok(snapshot.streams.len()) {
            let flaw = Flaw(format!("its input {} is missing", snapshot.streams.len()));
            return Err(flaw.invalid_row("risk", snapshot.risk.id));
        }
        let stream = stream(row.source, row.subject, row.metric);
        streams.entry(row.stream).or_insert_with(|| stream.clone());
        snapshot.streams.push(stream);
        snapshot.watermarks.push(row.watermark.map(Timestamp));
    }
    Ok(streams)
}

/// Adds to each risk the observations that its evaluation has not seen.
async fn add_pending(
    connection: &mut SqliteConnection,
    ids: &str,
    streams: &BTreeMap<StreamNumber, Stream>,
    risks: &mut BTreeMap<Vec<u8>, RiskSnapshot>,
) -> Result<(), StoreError> {
    let rows = sqlx::query!(
        r#"SELECT listening.risk AS "risk!", o.stream AS "stream!", o.observed_at AS "observed_at!", o.sequence AS "sequence!",
                  o.value_kind AS "value_kind?", o.value AS "value?", o.chain_id AS "chain_id?", o.block AS "block?",
                  o.block_hash AS "block_hash?", o.log_index AS "log_index?", o.raw_hash AS "raw_hash!"
           FROM (SELECT risk_streams.risk, risk_streams.stream, min(risk_streams.input) AS input
                 FROM jsonb_each(?1) AS wanted JOIN risk_streams ON risk_streams.risk = unhex(wanted.value)
                 GROUP BY risk_streams.risk, risk_streams.stream) AS listening
           JOIN risks ON risks.id = listening.risk
           JOIN observations AS o ON o.stream = listening.stream
                                 AND o.observed_at >= coalesce(risks.evaluated_to + 1, -9223372036854775808)
           ORDER BY listening.risk, o.observed_at, listening.input, o.sequence"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(ATTEMPT))?;
    for row in rows {
        let (Some(snapshot), Some(stream)) = (risks.get_mut(&row.risk), streams.get(&row.stream))
        else {
            continue;
        };
        let observation = ObservationRow {
            observed_at: row.observed_at,
            sequence: row.sequence,
            value_kind: row.value_kind,
            value: row.value,
            chain_id: row.chain_id,
            block: row.block,
            block_hash: row.block_hash,
            log_index: row.log_index,
            raw_hash: row.raw_hash,
        };
        snapshot.pending.push(observation.decode(stream)?);
    }
    Ok(())
}
