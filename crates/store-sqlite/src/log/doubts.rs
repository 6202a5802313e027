//! Doubts: facts that contradict a leaf, or are none. They are no leaves; that there was one is.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::log::{AuditEntry, Doubt, Fact, contradiction, is_groundless, lasts};

use super::append::{APPEND, fact};
use super::looks::Looked;
use super::{compare, queue};
use crate::column::{from_json, to_json, unsigned};
use crate::error::failed;

const READ: &str = "read what is in doubt about the eligibility log";
const SETTLE: &str = "settle doubts about the eligibility log";

/// More differences than anybody looks through.
const MOST: u32 = 100_000;

/// What a leaf is about.
type Subject = (String, String, u64);

/// What the newest leaf about a subject says, and its place where it has one already.
struct Said {
    body: Value,
    place: Option<i64>,
}

/// What waits, as a fact; or in doubt where it is none.
pub(super) async fn sound(
    connection: &mut SqliteConnection,
    (kind, subject, ordinal): (&str, String, i64),
    now: Timestamp,
    body: &str,
) -> Result<Option<Fact>, StoreError> {
    match fact(kind, subject.clone(), ordinal, now, body) {
        Ok(fact) => Ok(Some(fact)),
        Err(error) => {
            let reason = format!("it cannot be read: {error}");
            note(
                connection,
                (kind, &subject, ordinal),
                now,
                &reason,
                Some(body),
            )
            .await?;
            Ok(None)
        }
    }
}

/// What waits to be said of a polled source; or in doubt where it does not say which.
pub(super) async fn look(
    connection: &mut SqliteConnection,
    subject: &str,
    now: Timestamp,
    body: &str,
) -> Result<Option<Looked>, StoreError> {
    match Looked::queued(body) {
        Ok(looked) => Ok(Some(looked)),
        Err(error) => {
            let reason = format!("it cannot be read: {error}");
            note(connection, ("look", subject, 0), now, &reason, Some(body)).await?;
            Ok(None)
        }
    }
}

/// The facts that can become leaves, each as its leaf shows it, with its entry; in the place of one that cannot, the first time, one that says so.
pub(super) async fn sort_out(
    connection: &mut SqliteConnection,
    now: Timestamp,
    facts: Vec<Fact>,
) -> Result<Vec<(Fact, String)>, StoreError> {
    let mut newest = newest(connection, &facts).await?;
    let mut sound = Vec::with_capacity(facts.len());
    for fact in facts {
        let fact = fact.shown();
        let subject = (fact.kind.clone(), fact.subject.clone(), fact.ordinal);
        let reason = match newest.get(&subject) {
            _ if is_groundless(&fact.kind, &fact.body) => Some(
                "it takes a decision back, and nothing that Tocsin does was the reason: a row was removed by hand".to_owned(),
            ),
            Some(said) => contradiction(&fact.kind, &said.body, &fact.body).map(|why| match said.place {
                Some(place) => format!("{why}; compare leaf {place}"),
                None => why.to_owned(),
            }),
            None => None,
        };
        let entry = match reason {
            Some(reason) => Err(reason),
            None => fact.entry().map_err(|error| error.to_string()),
        };
        let reason = match entry {
            Ok(entry) => {
                if lasts(&fact.kind) {
                    let (body, place) = (fact.body.clone(), None);
                    newest.insert(subject, Said { body, place });
                }
                sound.push((fact, entry));
                continue;
            }
            Err(reason) => reason,
        };
        let refused = fact.body.to_string();
        let named = (fact.kind.as_str(), fact.subject.as_str());
        let ordinal = i64::try_from(fact.ordinal).unwrap_or(i64::MAX);
        let first = note(
            connection,
            (named.0, named.1, ordinal),
            now,
            &reason,
            Some(&refused),
        )
        .await?;
        if first {
            let place = newest.get(&subject).and_then(|said| said.place);
            let hash = format!("{:#x}", keccak256(&refused));
            let body = json!({ "kind": fact.kind, "contradicts": place, "reason": reason, "refused": hash });
            let doubt = Fact::new("doubt", fact.subject, fact.ordinal, now, body).shown();
            // Of a subject that is too long for a leaf there is none either.
            if let Ok(entry) = doubt.entry() {
                sound.push((doubt, entry));
            }
        }
    }
    Ok(sound)
}

/// The newest leaves about what these facts are about, as far as they last.
async fn newest(
    connection: &mut SqliteConnection,
    facts: &[Fact],
) -> Result<BTreeMap<Subject, Said>, StoreError> {
    let lasting = facts.iter().filter(|fact| lasts(&fact.kind));
    let subjects: BTreeSet<(&str, &str, u64)> = lasting
        .map(|fact| (fact.kind.as_str(), fact.subject.as_str(), fact.ordinal))
        .collect();
    let mut newest = BTreeMap::new();
    if subjects.is_empty() {
        return Ok(newest);
    }
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT leaf.place, leaf.entry FROM json_each(?1) AS given
         JOIN log_leaves AS leaf ON leaf.place = (
             SELECT max(l.place) FROM log_leaves AS l
             WHERE l.subject = given.value ->> 1 AND l.kind = given.value ->> 0 AND l.ordinal = given.value ->> 2)",
    )
    .bind(to_json("leaf", "subjects", &subjects)?)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    for (place, entry) in rows {
        let said: Fact =
            from_json("entry", &entry).map_err(|flaw: Flaw| flaw.invalid_row("leaf", place))?;
        let (body, place) = (said.body, Some(place));
        newest.insert(
            (said.kind, said.subject, said.ordinal),
            Said { body, place },
        );
    }
    Ok(newest)
}

/// Records a doubt; whether it is the first one about its subject.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    (kind, subject, ordinal): (&str, &str, i64),
    now: Timestamp,
    reason: &str,
    refused: Option<&str>,
) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "INSERT INTO log_doubts (kind, subject, ordinal, reason, refused, found_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )
    .bind(kind)
    .bind(subject)
    .bind(ordinal)
    .bind(reason)
    .bind(refused)
    .bind(now.0)
    .execute(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    tracing::error!(
        kind,
        subject,
        ordinal,
        reason,
        "ALARM: somebody has changed the books by hand"
    );
    Ok(noted.rows_affected() > 0)
}

/// Those that there are.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Doubt>, StoreError> {
    let rows: Vec<(String, String, i64, String, i64)> = sqlx::query_as(
        "SELECT kind, subject, ordinal, reason, found_at FROM log_doubts ORDER BY found_at, kind, subject, ordinal LIMIT ?1",
    )
    .bind(limit)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(READ))?;
    let doubt = |(kind, subject, ordinal, reason, found_at)| Doubt {
        kind,
        subject,
        // What is no number was put there by hand like the rest.
        ordinal: unsigned("ordinal", ordinal).unwrap_or(u64::MAX),
        reason,
        found_at: Timestamp(found_at),
    };
    Ok(rows.into_iter().map(doubt).collect())
}

/// Ends those about which rows and leaves agree.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<Vec<Doubt>, StoreError> {
    let found = compare::compare(connection, MOST).await?;
    let altered: BTreeSet<(&str, &str)> = found.iter().filter_map(compare::subject).collect();
    for doubt in read(connection, MOST).await? {
        if altered.contains(&(doubt.kind.as_str(), doubt.subject.as_str())) {
            continue;
        }
        sqlx::query("DELETE FROM log_doubts WHERE kind = ?1 AND subject = ?2 AND found_at = ?3 AND reason = ?4")
            .bind(&doubt.kind)
            .bind(&doubt.subject)
            .bind(doubt.found_at.0)
            .bind(&doubt.reason)
            .execute(&mut *connection)
            .await
            .map_err(failed(SETTLE))?;
        let settled = AuditEntry {
            at: now,
            action: "doubt-settled".to_owned(),
            actor: None,
            subject: doubt.subject,
            detail: json!({ "kind": doubt.kind, "ordinal": doubt.ordinal }),
        };
        queue(connection, &settled, SETTLE).await?;
    }
    read(connection, MOST).await
}
