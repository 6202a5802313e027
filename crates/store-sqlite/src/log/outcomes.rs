//! How policies ended, once it is time; before each, how far what it rests on was read.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::SqliteConnection;
use tocsin_store::StoreError;
use tocsin_store::log::{Appending, Fact, Slack, Stands};

use super::append::{APPEND, fact};
use super::coverage::coverage;
use super::looks::{Looked, looked};
use crate::column::{from_json, hexed, to_json};
use crate::error::failed;

/// How many policies one append looks at.
const POLICIES_PER_TURN: u32 = 1_000;

/// Of terms: their hash, how long to look beyond the end, and of each input whether it holds a value and how old that may be.
type Row = (String, i64, Vec<(bool, Option<i64>)>);

fn row(slack: &Slack) -> Row {
    let inputs = slack.inputs.iter().map(|stands| match stands {
        Stands::Happens => (false, None),
        Stands::Holds(max_age) => (true, max_age.map(|age| age.0)),
    });
    (hexed(slack.terms.0), slack.beyond.0, inputs.collect())
}

/// What an outcome says that it rests on.
#[derive(Deserialize)]
struct Grounds {
    sources: Vec<Looked>,
}

/// Whether it looked at any: how each policy ended whose risk was evaluated for long enough beyond its end, or will be evaluated no more.
///
/// `not_triggered` is said only where no loss event of its risk fell to it, none is undecided, and what the risk listens to was
/// known at every instant of the period: no source had reported that it had no value, also before the period, without a
/// value since; none was older than the terms allow; and there was one. With how far each source was read. A claim that comes
/// later makes it be said anew. The coverage of those sources is said before it, also where it is not time yet; that of others where it is.
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
    let slack: Vec<_> = appending.slack.iter().map(row).collect();
    let slack = to_json("terms", "slack", &slack)?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "WITH ended AS (
             SELECT p.id, p.expiry, p.inception, p.risk, p.terms_hash, r.evaluated_to, r.archived_at, terms.value ->> 1 AS slack,
                    terms.value -> 2 AS inputs
             FROM json_each(?1) AS due
             JOIN policies AS p ON p.id = unhex(due.value)
             JOIN risks AS r ON r.id = p.risk
             JOIN json_each(?2) AS terms ON p.terms_hash = unhex(terms.value ->> 0)
             WHERE p.expiry < ?3 AND (r.archived_at IS NOT NULL OR r.evaluated_to > p.expiry + (terms.value ->> 1))
               AND NOT EXISTS (SELECT 1 FROM determinations AS d WHERE d.risk = p.risk AND d.awaiting_claims > 0)
         ), needs AS (
             SELECT ended.id AS policy, listening.stream, streams.source, streams.subject, ended.inception AS begins,
                    ended.expiry + ended.slack AS ends, json_extract(ended.inputs, '$[' || listening.input || '][0]') AS holds,
                    json_extract(ended.inputs, '$[' || listening.input || '][1]') AS max_age
             FROM ended
             JOIN risk_streams AS listening ON listening.risk = ended.risk
             JOIN streams ON streams.id = listening.stream
         ), valueless AS (
             SELECT needs.policy FROM needs
             JOIN observations AS o ON o.stream = needs.stream
             WHERE o.value_kind IS NULL AND o.observed_at BETWEEN needs.begins AND needs.ends
             UNION ALL
             -- Unknown since before: until the next observation, which is not there when the period begins.
             SELECT needs.policy FROM needs
             WHERE NOT EXISTS (SELECT 1 FROM observations AS o WHERE o.stream = needs.stream AND o.observed_at = needs.begins)
               AND (SELECT o.value_kind IS NULL FROM observations AS o
                    WHERE o.stream = needs.stream AND o.observed_at < needs.begins
                    ORDER BY o.observed_at DESC, o.sequence DESC LIMIT 1)
         ), spans AS (
             -- One look at each stream, however many policies need it.
             SELECT stream, max_age, min(begins) AS begins, max(ends) AS ends
             FROM needs WHERE max_age IS NOT NULL GROUP BY stream, max_age
         ), stood AS (
             SELECT spans.stream, spans.max_age, o.value_kind, o.observed_at + spans.max_age + 1 AS outlived,
                    coalesce(lead(o.observed_at) OVER (PARTITION BY spans.stream, spans.max_age
                                                       ORDER BY o.observed_at, o.sequence), spans.ends + 1) AS next
             FROM spans
             JOIN observations AS o ON o.stream = spans.stream AND o.observed_at <= spans.ends AND o.observed_at >= coalesce(
                 (SELECT max(before.observed_at) FROM observations AS before
                  WHERE before.stream = spans.stream AND before.observed_at <= spans.begins), spans.begins)
         ), outlived AS (
             SELECT stream, max_age, outlived, next FROM stood WHERE value_kind IS NOT NULL AND outlived < next
         ), told AS (
             SELECT ended.*,
                    EXISTS (SELECT 1 FROM claims WHERE claims.policy = ended.id AND claims.eligible = 1) AS paid,
                    EXISTS (SELECT 1 FROM claims WHERE claims.policy = ended.id
                              AND claims.refusal ->> 'reason' = 'verdict_unknown') AS undecided,
                    (SELECT count(*) FROM valueless WHERE valueless.policy = ended.id) AS without_value,
                    (SELECT count(*) FROM needs JOIN outlived USING (stream, max_age)
                     WHERE needs.policy = ended.id AND outlived.outlived <= needs.ends AND outlived.next > needs.begins) AS too_old,
                    -- A subject that is asked about may have nothing to say yet when the period begins, as a flight.
                    (SELECT count(*) FROM needs
                     WHERE needs.policy = ended.id AND needs.holds AND NOT EXISTS (
                         SELECT 1 FROM observations AS o WHERE o.stream = needs.stream AND o.observed_at <= iif(EXISTS (
                             SELECT 1 FROM looks WHERE looks.source = needs.source AND looks.subject = needs.subject),
                             needs.ends, needs.begins))) AS not_yet
             FROM ended
         )
         SELECT lower(hex(id)),
                json_object('verdict', CASE WHEN paid THEN 'triggered' WHEN undecided OR without_value + too_old + not_yet > 0 THEN 'inconclusive'
                                            ELSE 'not_triggered' END,
                            'reason', CASE WHEN paid THEN NULL WHEN undecided THEN 'the verdict on a loss event is unknown'
                                           WHEN without_value > 0 THEN 'a source had reported that it had no value'
                                           WHEN too_old > 0 THEN 'a value was older than the terms allow'
                                           WHEN not_yet > 0 THEN 'a source had said nothing yet' END,
                            'terms_hash', '0x' || lower(hex(terms_hash)), 'risk', '0x' || lower(hex(risk)),
                            'inception', inception, 'expiry', expiry, 'looked_until', expiry + slack, 'evaluated_to', evaluated_to,
                            'observations_without_value', without_value, 'values_too_old', too_old,
                            'sources_without_value', not_yet,
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
