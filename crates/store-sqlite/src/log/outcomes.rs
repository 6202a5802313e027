//! How policies ended, once it is time; before each, how far what it rests on was read.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::SqliteConnection;
use tocsin_store::StoreError;
use tocsin_store::log::{Appending, Fact};

use super::append::{APPEND, fact};
use super::coverage::coverage;
use super::looks::{Looked, looked};
use crate::column::{from_json, hexed, to_json};
use crate::error::failed;

/// How many policies one append looks at.
const POLICIES_PER_TURN: u32 = 1_000;

/// What an outcome says that it rests on.
#[derive(Deserialize)]
struct Grounds {
    sources: Vec<Looked>,
}

/// Whether it looked at any: how each policy ended whose risk was evaluated for long enough beyond its end, or will be evaluated no more.
///
/// `not_triggered` is said only where no loss event of its risk fell to it, none is undecided, and no source has reported
/// that it had no value within the period; with how far each source was read. A claim that comes later makes it be said anew.
/// The coverage of those sources is said before it, also where it is not time yet; that of others where it is.
pub(super) async fn outcomes(
    connection: &mut SqliteConnection,
    appending: &Appending<'_>,
    facts: &mut Vec<Fact>,
) -> Result<bool, StoreError> {
    let now = appending.now;
    let due: Vec<String> = sqlx::query_scalar(
        "SELECT lower(hex(policy)) FROM log_due WHERE due_at < ?1 ORDER BY due_at LIMIT ?2",
    )
    .bind(now.0)
    .bind(POLICIES_PER_TURN)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    if due.is_empty() {
        coverage(connection, appending, &BTreeSet::new(), facts).await?;
        return Ok(false);
    }
    let due = to_json("policy", "due", &due)?;
    let slack: Vec<(String, i64)> = appending
        .slack
        .iter()
        .map(|(terms, slack)| (hexed(terms.0), slack.0))
        .collect();
    let slack = to_json("terms", "slack", &slack)?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "WITH ended AS (
             SELECT p.id, p.expiry, p.inception, p.risk, p.terms_hash, r.evaluated_to, r.archived_at, terms.value ->> 1 AS slack
             FROM json_each(?1) AS due
             JOIN policies AS p ON p.id = unhex(due.value)
             JOIN risks AS r ON r.id = p.risk
             JOIN json_each(?2) AS terms ON p.terms_hash = unhex(terms.value ->> 0)
             WHERE p.expiry < ?3 AND (r.archived_at IS NOT NULL OR r.evaluated_to > p.expiry + (terms.value ->> 1))
               AND NOT EXISTS (SELECT 1 FROM determinations AS d WHERE d.risk = p.risk AND d.awaiting_claims > 0)
         ), told AS (
             SELECT ended.*,
                    EXISTS (SELECT 1 FROM claims WHERE claims.policy = ended.id AND claims.eligible = 1) AS paid,
                    EXISTS (SELECT 1 FROM claims WHERE claims.policy = ended.id
                              AND claims.refusal ->> 'reason' = 'verdict_unknown') AS undecided,
                    (SELECT count(*) FROM risk_streams AS listening
                     JOIN observations AS o ON o.stream = listening.stream
                     WHERE listening.risk = ended.risk AND o.value_kind IS NULL
                       AND o.observed_at BETWEEN ended.inception AND ended.expiry + ended.slack) AS without_value
             FROM ended
         )
         SELECT lower(hex(id)),
                json_object('verdict', CASE WHEN paid THEN 'triggered' WHEN undecided OR without_value > 0 THEN 'inconclusive'
                                            ELSE 'not_triggered' END,
                            'reason', CASE WHEN paid THEN NULL WHEN undecided THEN 'the verdict on a loss event is unknown'
                                           WHEN without_value > 0 THEN 'sources reported that they had no value' END,
                            'terms_hash', '0x' || lower(hex(terms_hash)), 'risk', '0x' || lower(hex(risk)),
                            'inception', inception, 'expiry', expiry, 'looked_until', expiry + slack, 'evaluated_to', evaluated_to,
                            'observations_without_value', without_value,
                            'claims', (SELECT json_group_array(json_object('loss', ordinal,
                                                  'decision', iif(eligible = 1, 'accepted', 'refused')) ORDER BY ordinal)
                                       FROM claims WHERE claims.policy = told.id),
                            'sources', (SELECT json_group_array(json_object('source', streams.source, 'subject', streams.subject,
                                                  'metric', streams.metric,
                                                  'seen_until', coalesce(looks.watermark, sources.watermark)) ORDER BY listening.input)
                                        FROM risk_streams AS listening
                                        JOIN streams ON streams.id = listening.stream
                                        LEFT JOIN sources ON sources.source = streams.source
                                        LEFT JOIN looks ON looks.source = streams.source AND looks.subject = streams.subject
                                        WHERE listening.risk = told.risk))
         FROM told ORDER BY expiry, id",
    )
    .bind(&due)
    .bind(slack)
    .bind(now.0)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    let mut ended = Vec::with_capacity(rows.len());
    let mut rests_on = BTreeSet::new();
    for (policy, body) in &rows {
        let grounds: Grounds =
            from_json("body", body).map_err(|flaw| flaw.invalid_row("outcome", policy))?;
        rests_on.extend(grounds.sources);
    }
    let sources = rests_on
        .iter()
        .map(|looked| looked.source.clone())
        .collect();
    coverage(connection, appending, &sources, facts).await?;
    let subjects: BTreeSet<Looked> = rests_on.into_iter().collect();
    looked(connection, appending.now, subjects, facts).await?;
    for (policy, body) in rows {
        facts.push(fact("outcome", format!("0x{policy}"), 0, now, &body)?);
        ended.push(policy);
    }
    let ended = to_json("policy", "ended", &ended)?;
    sqlx::query("DELETE FROM log_due WHERE policy IN (SELECT unhex(value) FROM json_each(?1))")
        .bind(ended)
        .execute(&mut *connection)
        .await
        .map_err(failed(APPEND))?;
    // Those that have not ended do not stand in the way of others.
    sqlx::query(
        "UPDATE log_due SET due_at = ?2 WHERE policy IN (SELECT unhex(value) FROM json_each(?1))",
    )
    .bind(due)
    .bind((now + appending.coverage_every).0)
    .execute(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    Ok(true)
}
