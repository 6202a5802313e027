//! Appending: what waits becomes leaves, and the tiles of the tree grow, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_log::{Edge, TileId, leaf_hash};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::event::NewEvent;
use tocsin_store::log::{Appended, Appending, Fact};

use super::looks::looked;
use super::{doubts, hashes, outcomes, tree};
use crate::bulk::Bulk;
use crate::column::{from_json, signed, to_json, unsigned};
use crate::error::failed;
use crate::events;

pub(super) const APPEND: &str = "append to the eligibility log";
const LEAF: &str = "leaf";

/// A row of what is queued, with the body of its own rows where it has none yet.
type Queued = (i64, String, String, i64, Option<String>);

/// A leaf as it is inserted.
struct NewLeaf {
    place: i64,
    kind: String,
    subject: String,
    ordinal: i64,
    entry: String,
}

/// What was appended, and whether anything is to be committed.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    appending: &Appending<'_>,
) -> Result<(Appended, bool), StoreError> {
    let now = appending.now;
    let limit = usize::try_from(appending.limit).unwrap_or(usize::MAX);
    let queued = queued(connection, appending.limit).await?;
    let taken = queued.last().map(|(position, ..)| *position);
    let full = queued.len() >= limit;
    let mut facts = Vec::with_capacity(queued.len());
    for (_, kind, subject, ordinal, body) in queued {
        // What was undone before its leaf could be made is followed by a fact that says so.
        let Some(body) = body else { continue };
        if kind == "look" {
            if let Some(subject) = doubts::look(connection, &subject, now, &body).await? {
                looked(connection, now, BTreeSet::from([subject]), &mut facts).await?;
            }
            continue;
        }
        facts.extend(doubts::sound(connection, (&kind, subject, ordinal), now, &body).await?);
    }
    due(connection, &facts).await?;
    let (mut attested, mut any_due) = (None, false);
    if !full {
        attested = attestations(connection, appending, &mut facts).await?;
    }
    if !full && attested.is_none() {
        any_due = outcomes::outcomes(connection, appending, &mut facts).await?;
    }
    let facts = doubts::sort_out(connection, now, facts).await?;
    let mut edge = edge(connection, APPEND).await?;
    let leaves = store(connection, &mut edge, facts).await?;
    if let Some(position) = taken {
        sqlx::query("DELETE FROM log_queue WHERE position <= ?1")
            .bind(position)
            .execute(&mut *connection)
            .await
            .map_err(failed(APPEND))?;
    }
    sqlx::query(
        "UPDATE log_state SET size = ?1, attestation = coalesce(?2, attestation) WHERE id = 1",
    )
    .bind(signed(LEAF, edge.size(), edge.size())?)
    .bind(attested)
    .execute(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    let appended = Appended {
        leaves,
        tree: tree(&edge),
        more: full || attested.is_some(),
    };
    let changed = leaves > 0 || taken.is_some() || attested.is_some() || any_due;
    Ok((appended, changed))
}

async fn queued(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<Queued>, StoreError> {
    sqlx::query_as(
        "SELECT position, kind, subject, ordinal,
                CASE WHEN body IS NOT NULL THEN body
                     WHEN kind = 'determination' THEN (SELECT made.body FROM log_determinations AS made
                          WHERE made.key = unhex(substr(queued.subject, 3)) AND made.ordinal = queued.ordinal)
                     WHEN kind = 'policy' THEN (SELECT made.body FROM log_policies AS made
                          WHERE made.key = unhex(substr(queued.subject, 3)))
                     WHEN kind = 'claim' THEN (SELECT made.body FROM log_claims AS made
                          WHERE made.key = unhex(substr(queued.subject, 3)) AND made.ordinal = queued.ordinal)
                     WHEN kind = 'risk' THEN (SELECT made.body FROM log_risks AS made
                          WHERE made.key = unhex(substr(queued.subject, 3)))
                END
         FROM log_queue AS queued ORDER BY position LIMIT ?1",
    )
    .bind(limit)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))
}

/// Of policies that are new, and of those with a claim that is, it is to be said how they end.
async fn due(connection: &mut SqliteConnection, facts: &[Fact]) -> Result<(), StoreError> {
    let of_policies = facts
        .iter()
        .filter(|fact| matches!(fact.kind.as_str(), "policy" | "claim"));
    let policies: BTreeSet<&str> = of_policies.map(|fact| fact.subject.as_str()).collect();
    if policies.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO log_due (policy, due_at)
         SELECT policies.id, policies.expiry
         FROM json_each(?1) AS given JOIN policies ON policies.id = unhex(substr(given.value, 3)) WHERE true
         ON CONFLICT DO NOTHING",
    )
    .bind(to_json(LEAF, "policies", &policies)?)
    .execute(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    Ok(())
}

/// Those after the last one that has a leaf; the position of the last of them.
async fn attestations(
    connection: &mut SqliteConnection,
    appending: &Appending<'_>,
    facts: &mut Vec<Fact>,
) -> Result<Option<i64>, StoreError> {
    let rows: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT position, subject, body FROM log_attestations
         WHERE position > (SELECT attestation FROM log_state WHERE id = 1) ORDER BY position LIMIT ?1",
    )
    .bind(appending.limit)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    let mut last = None;
    for (position, subject, body) in rows {
        facts.push(fact("attestation", subject, 0, appending.now, &body)?);
        last = Some(position);
    }
    Ok(last)
}

/// A fact whose body travels as JSON.
pub(super) fn fact(
    kind: &str,
    subject: String,
    ordinal: i64,
    now: Timestamp,
    body: &str,
) -> Result<Fact, StoreError> {
    let decode = || Ok((unsigned("ordinal", ordinal)?, from_json("body", body)?));
    let (ordinal, body) = decode().map_err(|flaw: Flaw| flaw.invalid_row("fact", &subject))?;
    Ok(Fact::new(kind, subject, ordinal, now, body))
}

/// The right edge of the stored tree.
pub(super) async fn edge(
    connection: &mut SqliteConnection,
    attempt: &'static str,
) -> Result<Edge, StoreError> {
    let size: i64 = sqlx::query_scalar("SELECT size FROM log_state WHERE id = 1")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    let size: u64 =
        unsigned("size", size).map_err(|flaw: Flaw| flaw.invalid_row("log", "its size"))?;
    let mut tiles = Vec::new();
    for (id, _) in Edge::tiles_of(size) {
        let TileId { level, index } = id;
        let stored: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT hashes FROM log_tiles WHERE level = ?1 AND place = ?2")
                .bind(level)
                .bind(signed("tile", index, index)?)
                .fetch_optional(&mut *connection)
                .await
                .map_err(failed(attempt))?;
        tiles.extend(stored.map(|bytes| (id, hashes(&bytes))));
    }
    Edge::load(size, tiles).map_err(|error| StoreError::InvalidRow {
        noun: "log",
        key: format!("{size} leaves"),
        reason: error.to_string(),
    })
}

/// Writes the leaves of these facts, with their entries, and the tiles that they change. What is published of leaves is published here, in the
/// same transaction.
async fn store(
    connection: &mut SqliteConnection,
    edge: &mut Edge,
    sound: Vec<(Fact, String)>,
) -> Result<u64, StoreError> {
    let first = edge.size();
    let mut facts = Vec::with_capacity(sound.len());
    let mut leaves = Vec::with_capacity(sound.len());
    let mut hashes = Vec::with_capacity(sound.len());
    for (place, (fact, entry)) in (first..).zip(sound) {
        hashes.push(leaf_hash(entry.as_bytes()));
        leaves.push(NewLeaf {
            place: signed(LEAF, place, place)?,
            kind: fact.kind.clone(),
            subject: fact.subject.clone(),
            ordinal: signed(LEAF, place, fact.ordinal)?,
            entry,
        });
        facts.push(fact);
    }
    let bulk = Bulk::insert_into("log_leaves", "place, kind, subject, ordinal, entry", "");
    bulk.insert(connection, &leaves, APPEND, |query, leaf| {
        query
            .bind(leaf.place)
            .bind(leaf.kind.as_str())
            .bind(leaf.subject.as_str())
            .bind(leaf.ordinal)
            .bind(leaf.entry.as_str())
    })
    .await?;
    let changed = edge.append(&hashes).map_err(|error| StoreError::Refused {
        noun: LEAF,
        key: first.to_string(),
        reason: error.to_string(),
    })?;
    for tile in changed {
        sqlx::query(
            "INSERT INTO log_tiles (level, place, hashes) VALUES (?1, ?2, ?3)
             ON CONFLICT (level, place) DO UPDATE SET hashes = excluded.hashes",
        )
        .bind(tile.id.level)
        .bind(signed("tile", tile.id.index, tile.id.index)?)
        .bind(tile.bytes())
        .execute(&mut *connection)
        .await
        .map_err(failed(APPEND))?;
    }
    let insured = insured(connection, &facts).await?;
    let leaves = facts.iter().zip(leaves);
    let events: Vec<NewEvent> = leaves
        .map(|(fact, leaf)| event(fact, leaf, &insured))
        .collect();
    events::publish(connection, &events, APPEND).await?;
    Ok(edge.size() - first)
}

/// The terms and the holder of each policy that the facts are about.
async fn insured(connection: &mut SqliteConnection, facts: &[Fact]) -> Result<Insured, StoreError> {
    let policies: BTreeSet<&str> = facts.iter().filter_map(policy).collect();
    if policies.is_empty() {
        return Ok(Insured::new());
    }
    let policies = to_json(LEAF, "batch", &policies)?;
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT '0x' || lower(hex(policies.id)), '0x' || lower(hex(policies.terms_hash)), '0x' || lower(hex(policies.holder))
         FROM json_each(?1) AS given JOIN policies ON policies.id = unhex(substr(given.value, 3))",
    )
    .bind(policies)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    let named = rows
        .into_iter()
        .map(|(id, terms, holder)| (id, (terms, holder)));
    Ok(named.collect())
}

/// By policy: its terms and its holder.
type Insured = BTreeMap<String, (String, String)>;

/// The policy that a fact is about.
fn policy(fact: &Fact) -> Option<&str> {
    match fact.kind.as_str() {
        "claim" | "outcome" => Some(&fact.subject),
        _ => fact.body.get("policy").and_then(serde_json::Value::as_str),
    }
}

/// What the world is told of a leaf: all of it. Who asks for some covers or holders only is told by what the body names, or
/// the policy that it is about.
fn event(fact: &Fact, leaf: NewLeaf, insured: &Insured) -> NewEvent {
    let insured = policy(fact).and_then(|policy| insured.get(policy));
    let named = |name: &str| match (name, insured) {
        ("terms_hash", Some((terms, _))) => Some(terms.as_str()),
        ("holder", Some((_, holder))) => Some(holder.as_str()),
        _ => fact.body.get(name).and_then(serde_json::Value::as_str),
    };
    NewEvent {
        kind: fact.kind.replace('-', "_"),
        at: Timestamp(fact.logged_at),
        terms: named("terms_hash").and_then(|terms| terms.parse().ok()),
        holder: named("holder").and_then(|holder| holder.parse().ok()),
        body: leaf.entry,
    }
}
