//! Determinations: written with the step that decided them, read by key.

mod guards;
mod undone;

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::{EventId, RiskId, TermsHash};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};

use crate::column::{
    self, PositionCells, WrittenPosition, from_json, hexed, to_json, unsigned, value_cells, word,
};
use crate::error::failed;
use crate::{inceptions, log, unwind, warnings};

pub(crate) use undone::{count_awaited, remove};

const NOUN: &str = "determination";

/// The risk and the number of its loss event.
pub(crate) type Key = (RiskId, u32);

/// How messages name a determination.
pub(crate) fn name(key: Key) -> String {
    format!("{}/{}", key.0, key.1)
}

/// Keys as a JSON list, for `json_each`.
pub(crate) fn keys_json(keys: impl Iterator<Item = Key>) -> Result<String, StoreError> {
    let keys: Vec<(String, u32)> = keys
        .map(|(risk, ordinal)| (hexed(risk.0), ordinal))
        .collect();
    to_json(NOUN, "keys", &keys)
}

struct DeterminationRow {
    risk: Vec<u8>,
    /// The risk's.
    inception: Option<i64>,
    ordinal: i64,
    terms_hash: Vec<u8>,
    subject: String,
    event_id: Vec<u8>,
    occurred_at: i64,
    confirmed_at: i64,
    settled_at: i64,
    evidence_from: i64,
    determined_at: i64,
    payout: Option<String>,
    unknown: Option<String>,
    evidence_root: Vec<u8>,
    evidence_count: i64,
    chain_id: Option<i64>,
    block: Option<i64>,
    block_hash: Option<Vec<u8>>,
    log_index: Option<i64>,
    raw_hash: Option<Vec<u8>>,
    /// JSON list of (input, kind of value, value, unknown).
    inputs: String,
    /// JSON list of (guard, whether it holds, unknown).
    guards: String,
}

impl TryFrom<DeterminationRow> for Determination {
    type Error = StoreError;

    fn try_from(row: DeterminationRow) -> Result<Self, StoreError> {
        let key = format!("0x{}/{}", hexed(&row.risk), row.ordinal);
        let decode = || {
            let inception = row.inception.map(Timestamp);
            let determination = row.try_decode()?;
            check::determination(&determination, inception)?;
            Ok(determination)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, key))
    }
}

impl DeterminationRow {
    fn try_decode(self) -> Result<Determination, Flaw> {
        let payout = match (self.payout, self.unknown) {
            (Some(payout), None) => Ok(payout
                .parse()
                .map_err(|why| Flaw(format!("payout `{payout}` is no decimal: {why}")))?),
            (None, Some(unknown)) => Err(from_json("unknown", &unknown)?),
            (None, None) | (Some(_), Some(_)) => {
                return Err(Flaw(
                    "it needs either a payout or a reason for none".to_owned(),
                ));
            }
        };
        let confirmed_on = match self.raw_hash {
            None => None,
            Some(raw_hash) => column::position(PositionCells {
                chain_id: self.chain_id,
                block: self.block,
                block_hash: self.block_hash,
                log_index: self.log_index,
                raw_hash: word("raw_hash", &raw_hash)?,
            })?,
        };
        Ok(Determination {
            risk: RiskId(word("risk", &self.risk)?),
            terms_hash: TermsHash(word("terms_hash", &self.terms_hash)?),
            subject: self.subject,
            ordinal: unsigned("ordinal", self.ordinal)?,
            event_id: EventId(word("event_id", &self.event_id)?),
            occurred_at: Timestamp(self.occurred_at),
            confirmed_at: Timestamp(self.confirmed_at),
            settled_at: Timestamp(self.settled_at),
            evidence_from: Timestamp(self.evidence_from),
            determined_at: Timestamp(self.determined_at),
            payout,
            inputs: inputs(&self.inputs)?,
            guards: guards::decode(&self.guards)?,
            evidence_root: word("evidence_root", &self.evidence_root)?,
            evidence_count: unsigned("evidence_count", self.evidence_count)?,
            confirmed_on,
        })
    }
}

/// (input, kind of value, value, unknown)
type InputCells = (usize, Option<String>, Option<String>, Option<String>);

fn inputs(json: &str) -> Result<Vec<Result<Value, Unknown>>, Flaw> {
    let rows: Vec<InputCells> = from_json("inputs", json)?;
    rows.into_iter()
        .enumerate()
        .map(|(expected, (input, kind, value, unknown))| {
            if input != expected {
                return Err(Flaw(format!("its input {expected} is missing")));
            }
            match (column::value(kind, value)?, unknown) {
                (Some(value), None) => Ok(Ok(value)),
                (None, Some(unknown)) => Ok(Err(from_json("unknown", &unknown)?)),
                (None, None) | (Some(_), Some(_)) => Err(Flaw(format!(
                    "input {input} needs either a value or a reason for none"
                ))),
            }
        })
        .collect()
}

/// The determinations that `keys` name, in that order; those that are not stored are left out.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    keys: &str,
    attempt: &'static str,
) -> Result<Vec<Determination>, StoreError> {
    let rows = sqlx::query_as!(
        DeterminationRow,
        r#"SELECT d.risk AS "risk!", d.ordinal AS "ordinal!", d.terms_hash AS "terms_hash!", d.subject AS "subject!",
                  d.event_id AS "event_id!", d.occurred_at AS "occurred_at!", d.confirmed_at AS "confirmed_at!",
                  d.settled_at AS "settled_at!", d.evidence_from AS "evidence_from!", d.determined_at AS "determined_at!", d.payout AS "payout?", d.unknown AS "unknown?",
                  d.evidence_root AS "evidence_root!", d.evidence_count AS "evidence_count!", d.chain_id AS "chain_id?",
                  d.block AS "block?", d.block_hash AS "block_hash?", d.log_index AS "log_index?", d.raw_hash AS "raw_hash?",
                  (SELECT json_group_array(json_array(i.input, i.value_kind, i.value, i.unknown) ORDER BY i.input)
                   FROM determination_inputs AS i WHERE i.risk = d.risk AND i.ordinal = d.ordinal) AS "inputs!: String",
                  (SELECT json_group_array(json_array(g.guard, g.holds, g.unknown) ORDER BY g.guard)
                   FROM determination_guards AS g WHERE g.risk = d.risk AND g.ordinal = d.ordinal) AS "guards!: String",
                  risks.inception AS "inception?"
           FROM json_each(?1) AS wanted
           JOIN determinations AS d ON d.risk = unhex(wanted.value ->> 0) AND d.ordinal = wanted.value ->> 1
           LEFT JOIN risks ON risks.id = d.risk
           ORDER BY wanted.key"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter().map(Determination::try_from).collect()
}

/// A determination as it travels to SQLite.
#[derive(Serialize)]
struct WrittenDetermination(
    String,
    u32,
    String,
    String,
    String,
    (i64, i64, i64, i64, i64),
    Option<String>,
    Option<String>,
    (String, u32),
    WrittenPlace,
);

/// The log that confirmed it: the last five columns of a determination.
#[derive(Serialize, Default)]
struct WrittenPlace(
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<String>,
);

fn written(determination: &Determination) -> Result<WrittenDetermination, StoreError> {
    let key = (determination.risk, determination.ordinal);
    let name = name(key);
    let (payout, unknown) = match &determination.payout {
        Ok(payout) => (Some(payout.to_string()), None),
        Err(unknown) => (None, Some(to_json(NOUN, &name, unknown)?)),
    };
    let place = match &determination.confirmed_on {
        Some(place) => {
            let cells = WrittenPosition::of(NOUN, &name, place)?;
            WrittenPlace(
                cells.chain_id,
                cells.block,
                cells.block_hash,
                cells.log_index,
                Some(hexed(place.raw_hash)),
            )
        }
        None => WrittenPlace::default(),
    };
    Ok(WrittenDetermination(
        hexed(determination.risk.0),
        determination.ordinal,
        hexed(determination.terms_hash.0),
        determination.subject.clone(),
        hexed(determination.event_id.0),
        (
            determination.occurred_at.0,
            determination.confirmed_at.0,
            determination.determined_at.0,
            determination.evidence_from.0,
            determination.settled_at.0,
        ),
        payout,
        unknown,
        (
            hexed(determination.evidence_root),
            determination.evidence_count,
        ),
        place,
    ))
}

type WrittenInput = (
    String,
    u32,
    usize,
    Option<&'static str>,
    Option<String>,
    Option<String>,
);

fn written_inputs(determination: &Determination) -> Result<Vec<WrittenInput>, StoreError> {
    let Determination { risk, ordinal, .. } = determination;
    let cells = determination
        .inputs
        .iter()
        .enumerate()
        .map(|(input, outcome)| {
            Ok(match outcome {
                Ok(value) => {
                    let (kind, text) = value_cells(value);
                    (hexed(risk.0), *ordinal, input, Some(kind), Some(text), None)
                }
                Err(unknown) => {
                    let reason = to_json(NOUN, name((*risk, *ordinal)), unknown)?;
                    (hexed(risk.0), *ordinal, input, None, None, Some(reason))
                }
            })
        });
    cells.collect()
}

/// Adds determinations; one that is stored already must decide the same, unless it was only kept and somebody knows it.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    determinations: &[Determination],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if determinations.is_empty() {
        return Ok(());
    }
    let News {
        new,
        replacing,
        confirmed,
    } = news(connection, determinations, attempt).await?;
    if !replacing.is_empty() {
        let keys = keys_json(replacing.iter().copied())?;
        log::undoing(connection, Some("decided anew"), attempt).await?;
        undone::remove_details(connection, &keys, attempt).await?;
    }
    if !new.is_empty() {
        insert(connection, &new, attempt).await?;
    }
    if !replacing.is_empty() || !confirmed.is_empty() {
        let keys = keys_json(replacing.iter().chain(&confirmed).copied())?;
        unwind::decide_anew(connection, &keys, attempt).await?;
        let replaced = keys_json(replacing.into_iter())?;
        undone::remove_unattested(connection, &replaced, attempt).await?;
        log::undoing(connection, None, attempt).await?;
        count_awaited(connection, &keys, attempt).await?;
    }
    warnings::confirm(connection, determinations, attempt).await
}

/// Writes determinations, each new or in the place of another one.
async fn insert(
    connection: &mut SqliteConnection,
    new: &BTreeMap<Key, &Determination>,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let rows = new
        .values()
        .copied()
        .map(written)
        .collect::<Result<Vec<_>, _>>()?;
    let rows = to_json(NOUN, "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO determinations (risk, ordinal, terms_hash, subject, event_id, occurred_at, confirmed_at, determined_at,
                                     evidence_from, settled_at, payout, unknown, evidence_root, evidence_count, chain_id, block, block_hash,
                                     log_index, raw_hash, awaiting_claims)
         SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2), value ->> 3, unhex(value ->> 4), value ->> '$[5][0]',
                value ->> '$[5][1]', value ->> '$[5][2]', value ->> '$[5][3]', value ->> '$[5][4]', value ->> 6, value ->> 7, unhex(value ->> '$[8][0]'),
                value ->> '$[8][1]', value ->> '$[9][0]', value ->> '$[9][1]', unhex(value ->> '$[9][2]'), value ->> '$[9][3]',
                unhex(value ->> '$[9][4]'), (SELECT count(*) FROM policies WHERE policies.risk = unhex(value ->> 0))
         FROM jsonb_each(?1) WHERE true
         ON CONFLICT (risk, ordinal) DO UPDATE
         SET occurred_at = excluded.occurred_at, confirmed_at = excluded.confirmed_at, determined_at = excluded.determined_at,
             evidence_from = excluded.evidence_from, settled_at = excluded.settled_at, payout = excluded.payout,
             unknown = excluded.unknown, evidence_root = excluded.evidence_root, evidence_count = excluded.evidence_count,
             chain_id = excluded.chain_id, block = excluded.block, block_hash = excluded.block_hash,
             log_index = excluded.log_index, raw_hash = excluded.raw_hash",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let inputs: Vec<Vec<WrittenInput>> = new
        .values()
        .copied()
        .map(written_inputs)
        .collect::<Result<_, _>>()?;
    let inputs = to_json(NOUN, "batch", &inputs.concat())?;
    sqlx::query!(
        "INSERT INTO determination_inputs (risk, ordinal, input, value_kind, value, unknown)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM jsonb_each(?1)",
        inputs
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    guards::add(connection, new.values().copied(), attempt).await
}

/// What is new in determinations.
#[derive(Default)]
struct News<'a> {
    /// Those to be written.
    new: BTreeMap<Key, &'a Determination>,
    /// Which of them are in the place of one that was kept.
    replacing: Vec<Key>,
    /// The kept ones that were found again.
    confirmed: Vec<Key>,
}

async fn news<'a>(
    connection: &mut SqliteConnection,
    determinations: &'a [Determination],
    attempt: &'static str,
) -> Result<News<'a>, StoreError> {
    let key = |determination: &Determination| (determination.risk, determination.ordinal);
    let risks = determinations
        .iter()
        .map(|determination| determination.risk);
    let inceptions = inceptions::of(connection, risks.collect(), attempt).await?;
    let keys = keys_json(determinations.iter().map(key))?;
    let stored: BTreeMap<Key, Determination> = find(connection, &keys, attempt)
        .await?
        .into_iter()
        .map(|determination| (key(&determination), determination))
        .collect();
    // Whether somebody has looked at every claim that was kept on them.
    let mut kept: BTreeMap<Key, bool> = BTreeMap::new();
    if !stored.is_empty() {
        for (risk, ordinal, acknowledged) in unwind::kept_of(connection, &keys, attempt).await? {
            *kept.entry((risk, ordinal)).or_insert(true) &= acknowledged;
        }
    }
    let mut news = News::default();
    let mut decided: BTreeMap<Key, &Determination> = BTreeMap::new();
    for determination in determinations {
        let key = key(determination);
        let inception = inceptions.get(&determination.risk).copied().flatten();
        check::determination(determination, inception)
            .map_err(|flaw| flaw.refused(NOUN, name(key)))?;
        let conflict = || StoreError::Conflict {
            noun: NOUN,
            key: name(key),
            reason: "the same loss event was decided otherwise".to_owned(),
        };
        if let Some(first) = decided.insert(key, determination) {
            if check::same_decision(first, determination) {
                decided.insert(key, first);
                continue;
            }
            return Err(conflict());
        }
        match (stored.get(&key), kept.get(&key)) {
            (None, _) => {
                news.new.insert(key, determination);
            }
            (Some(same), kept) if check::same_decision(same, determination) => {
                news.confirmed.extend(kept.map(|_acknowledged| key));
            }
            (Some(_), Some(true)) => {
                news.new.insert(key, determination);
                news.replacing.push(key);
            }
            (Some(_), Some(false) | None) => return Err(conflict()),
        }
    }
    Ok(news)
}
