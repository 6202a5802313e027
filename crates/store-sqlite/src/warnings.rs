//! Warnings: raised, withdrawn, and confirmed by the step that determines the loss.

mod told;

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::warning::{Ending, NewWarning, Warning, WarningChange, WarningId, Warnings};

use crate::column::{from_json, hexed, signed, to_json, unsigned, word};
use crate::determinations::{Key, keys_json, name};
use crate::error::failed;
use crate::events;
use crate::inceptions;
use crate::store::SqliteStore;

const NOUN: &str = "warning";
const CHANGE: &str = "change warnings";

#[async_trait]
impl Warnings for SqliteStore {
    async fn standing(&self, chain: Option<&str>) -> Result<Vec<Warning>, StoreError> {
        let attempt = "read the warnings that stand";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            WarningRow,
            r#"SELECT w.id AS "id!", w.risk AS "risk!", w.ordinal AS "ordinal!", w.terms_hash AS "terms_hash!",
                      w.subject AS "subject!", w.occurred_at AS "occurred_at!", w.confirmed_at AS "confirmed_at!",
                      w.payout AS "payout?", w.unknown AS "unknown?", w.chain AS "chain!", w.block AS "block!",
                      w.block_hash AS "block_hash!", w.raised_at AS "raised_at!", w.ended_at AS "ended_at?",
                      w.ending AS "ending?", risks.inception AS "inception?"
               FROM warnings AS w JOIN risks ON risks.id = w.risk
               WHERE w.ended_at IS NULL AND w.risk >= x'' AND (?1 IS NULL OR w.chain = ?1)
               ORDER BY w.risk, w.ordinal"#,
            chain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Warning::try_from).collect()
    }

    async fn change_warnings(&self, change: &WarningChange) -> Result<Vec<WarningId>, StoreError> {
        let mut transaction = self.begin(CHANGE).await?;
        withdraw(&mut transaction, &change.withdraw, change.at).await?;
        let raised = raise(&mut transaction, &change.raise, change.at).await?;
        transaction.commit().await.map_err(failed(CHANGE))?;
        self.tell();
        Ok(raised)
    }

    async fn warnings(
        &self,
        before: Option<WarningId>,
        limit: u32,
    ) -> Result<Vec<Warning>, StoreError> {
        let attempt = "read the newest warnings";
        let before = before.map_or(Ok(i64::MAX), |id| signed(NOUN, id, id.0))?;
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            WarningRow,
            r#"SELECT w.id AS "id!", w.risk AS "risk!", w.ordinal AS "ordinal!", w.terms_hash AS "terms_hash!",
                      w.subject AS "subject!", w.occurred_at AS "occurred_at!", w.confirmed_at AS "confirmed_at!",
                      w.payout AS "payout?", w.unknown AS "unknown?", w.chain AS "chain!", w.block AS "block!",
                      w.block_hash AS "block_hash!", w.raised_at AS "raised_at!", w.ended_at AS "ended_at?",
                      w.ending AS "ending?", risks.inception AS "inception?"
               FROM warnings AS w JOIN risks ON risks.id = w.risk
               WHERE w.id < ?1 ORDER BY w.id DESC LIMIT ?2"#,
            before,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Warning::try_from).collect()
    }
}

struct WarningRow {
    id: i64,
    risk: Vec<u8>,
    ordinal: i64,
    terms_hash: Vec<u8>,
    subject: String,
    occurred_at: i64,
    confirmed_at: i64,
    payout: Option<String>,
    unknown: Option<String>,
    chain: String,
    block: i64,
    block_hash: Vec<u8>,
    raised_at: i64,
    ended_at: Option<i64>,
    ending: Option<String>,
    /// The risk's.
    inception: Option<i64>,
}

impl TryFrom<WarningRow> for Warning {
    type Error = StoreError;

    fn try_from(row: WarningRow) -> Result<Self, StoreError> {
        let id = row.id;
        row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, id))
    }
}

impl WarningRow {
    fn try_decode(self) -> Result<Warning, Flaw> {
        let payout = match (self.payout, self.unknown) {
            (None, None) => None,
            (Some(payout), None) => Some(Ok(payout
                .parse()
                .map_err(|why| Flaw(format!("payout `{payout}` is no decimal: {why}")))?)),
            (None, Some(unknown)) => Some(Err(from_json("unknown", &unknown)?)),
            (Some(_), Some(_)) => {
                return Err(Flaw("it has a payout and a reason for none".to_owned()));
            }
        };
        let warning = NewWarning {
            risk: RiskId(word("risk", &self.risk)?),
            terms_hash: TermsHash(word("terms_hash", &self.terms_hash)?),
            subject: self.subject,
            ordinal: unsigned("ordinal", self.ordinal)?,
            occurred_at: Timestamp(self.occurred_at),
            confirmed_at: Timestamp(self.confirmed_at),
            payout,
            chain: self.chain,
            block: unsigned("block", self.block)?,
            block_hash: word("block_hash", &self.block_hash)?,
        };
        check::warning(&warning, self.inception.map(Timestamp))?;
        let ended = match (self.ended_at, self.ending.as_deref()) {
            (None, None) => None,
            (Some(at), Some("withdrawn")) => Some((Timestamp(at), Ending::Withdrawn)),
            (Some(at), Some("confirmed")) => Some((Timestamp(at), Ending::Confirmed)),
            (_, ending) => return Err(Flaw(format!("it cannot have ended as {ending:?}"))),
        };
        Ok(Warning {
            id: WarningId(unsigned("id", self.id)?),
            warning,
            raised_at: Timestamp(self.raised_at),
            ended,
        })
    }
}

async fn withdraw(
    connection: &mut SqliteConnection,
    ids: &[WarningId],
    at: Timestamp,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let rows = ids
        .iter()
        .map(|id| signed(NOUN, id, id.0))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = to_json(NOUN, "batch", &rows)?;
    let missing = sqlx::query_scalar!(
        r#"SELECT CAST(value AS INTEGER) AS "id!: i64" FROM json_each(?1)
           WHERE NOT EXISTS (SELECT 1 FROM warnings WHERE warnings.id = value) LIMIT 1"#,
        rows
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    if let Some(id) = missing {
        return Err(StoreError::Missing {
            noun: NOUN,
            key: id.to_string(),
        });
    }
    let ended = sqlx::query_as!(
        told::EndedRow,
        r#"UPDATE warnings SET ended_at = ?2, ending = 'withdrawn'
           WHERE id IN (SELECT value FROM json_each(?1)) AND ended_at IS NULL
           RETURNING id AS "id!", risk AS "risk!", ordinal AS "ordinal!", terms_hash AS "terms_hash!", subject AS "subject!",
                     ended_at AS "ended_at!""#,
        rows,
        at.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    tell_ended(connection, "warning.withdrawn", ended, CHANGE).await
}

async fn raise(
    connection: &mut SqliteConnection,
    warnings: &[NewWarning],
    at: Timestamp,
) -> Result<Vec<WarningId>, StoreError> {
    if warnings.is_empty() {
        return Ok(Vec::new());
    }
    let risks = warnings.iter().map(|warning| warning.risk).collect();
    let inceptions = inceptions::of(connection, risks, CHANGE).await?;
    let keys = keys_json(warnings.iter().map(key))?;
    refuse_determined(connection, &keys).await?;
    let mut standing = standing_at(connection, &keys).await?;
    let mut raised = Vec::with_capacity(warnings.len());
    for warning in warnings {
        let key = key(warning);
        let inception = inceptions.get(&warning.risk).copied().flatten();
        check::warning(warning, inception).map_err(|flaw| flaw.refused(NOUN, name(key)))?;
        let id = match standing.get(&key) {
            Some((id, same)) if same == warning => *id,
            Some(_) => {
                return Err(StoreError::Conflict {
                    noun: NOUN,
                    key: name(key),
                    reason: "one that says something else stands for the same loss event"
                        .to_owned(),
                });
            }
            None => {
                let id = insert(connection, warning, at).await?;
                let told = told::raised(warning, id.0, at);
                events::publish(connection, &[told], CHANGE).await?;
                standing.insert(key, (id, warning.clone()));
                id
            }
        };
        raised.push(id);
    }
    Ok(raised)
}

fn key(warning: &NewWarning) -> Key {
    (warning.risk, warning.ordinal)
}

/// A loss event that is determined needs no warning any more; one whose determination was only kept may.
async fn refuse_determined(
    connection: &mut SqliteConnection,
    keys: &str,
) -> Result<(), StoreError> {
    let determined = sqlx::query!(
        r#"SELECT d.risk AS "risk!", d.ordinal AS "ordinal!"
           FROM json_each(?1) AS given
           JOIN determinations AS d ON d.risk = unhex(given.value ->> 0) AND d.ordinal = given.value ->> 1
           WHERE NOT EXISTS (SELECT 1 FROM kept_claims AS kept WHERE kept.risk = d.risk AND kept.ordinal = d.ordinal)
           LIMIT 1"#,
        keys
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    determined.map_or(Ok(()), |row| {
        Err(StoreError::Stale {
            noun: "loss event",
            key: format!("0x{}/{}", hexed(&row.risk), row.ordinal),
        })
    })
}

/// What stands for the loss events that `keys` name.
async fn standing_at(
    connection: &mut SqliteConnection,
    keys: &str,
) -> Result<BTreeMap<Key, (WarningId, NewWarning)>, StoreError> {
    let rows = sqlx::query_as!(
        WarningRow,
        r#"SELECT w.id AS "id!", w.risk AS "risk!", w.ordinal AS "ordinal!", w.terms_hash AS "terms_hash!",
                  w.subject AS "subject!", w.occurred_at AS "occurred_at!", w.confirmed_at AS "confirmed_at!",
                  w.payout AS "payout?", w.unknown AS "unknown?", w.chain AS "chain!", w.block AS "block!",
                  w.block_hash AS "block_hash!", w.raised_at AS "raised_at!", w.ended_at AS "ended_at?",
                  w.ending AS "ending?", risks.inception AS "inception?"
           FROM json_each(?1) AS given
           JOIN warnings AS w ON w.risk = unhex(given.value ->> 0) AND w.ordinal = given.value ->> 1 AND w.ended_at IS NULL
           JOIN risks ON risks.id = w.risk"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    rows.into_iter()
        .map(|row| {
            let stored = Warning::try_from(row)?;
            Ok((key(&stored.warning), (stored.id, stored.warning)))
        })
        .collect()
}

async fn insert(
    connection: &mut SqliteConnection,
    warning: &NewWarning,
    at: Timestamp,
) -> Result<WarningId, StoreError> {
    let name = name(key(warning));
    let (risk, terms_hash) = (warning.risk.0.as_slice(), warning.terms_hash.0.as_slice());
    let (payout, unknown) = match &warning.payout {
        None => (None, None),
        Some(Ok(payout)) => (Some(payout.to_string()), None),
        Some(Err(unknown)) => (None, Some(to_json(NOUN, &name, unknown)?)),
    };
    let block = signed(NOUN, &name, warning.block)?;
    let block_hash = warning.block_hash.as_slice();
    let id = sqlx::query_scalar!(
        r#"INSERT INTO warnings (risk, ordinal, terms_hash, subject, occurred_at, confirmed_at, payout, unknown, chain, block,
                                 block_hash, raised_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id AS "id!""#,
        risk,
        warning.ordinal,
        terms_hash,
        warning.subject,
        warning.occurred_at.0,
        warning.confirmed_at.0,
        payout,
        unknown,
        warning.chain,
        block,
        block_hash,
        at.0
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(CHANGE))?;
    let id = unsigned("id", id).map_err(|flaw| flaw.invalid_row(NOUN, name))?;
    Ok(WarningId(id))
}

async fn tell_ended(
    connection: &mut SqliteConnection,
    kind: &str,
    ended: Vec<told::EndedRow>,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let mut told = Vec::with_capacity(ended.len());
    for row in ended {
        told.push(told::ended(kind, row)?);
    }
    // SQLite returns rows in no order of its own.
    told.sort_by(|a, b| a.body.cmp(&b.body));
    events::publish(connection, &told, attempt).await
}

/// Ends the warnings that stand for loss events which are determined now.
pub(crate) async fn confirm(
    connection: &mut SqliteConnection,
    determinations: &[Determination],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let rows: Vec<(String, u32, i64)> = determinations
        .iter()
        .map(|decided| {
            (
                hexed(decided.risk.0),
                decided.ordinal,
                decided.determined_at.0,
            )
        })
        .collect();
    let rows = to_json(NOUN, "batch", &rows)?;
    let ended = sqlx::query_as!(
        told::EndedRow,
        r#"UPDATE warnings SET ended_at = given.value ->> 2, ending = 'confirmed'
           FROM json_each(?1) AS given
           WHERE warnings.risk = unhex(given.value ->> 0) AND warnings.ordinal = given.value ->> 1 AND warnings.ended_at IS NULL
           RETURNING warnings.id AS "id!", warnings.risk AS "risk!", warnings.ordinal AS "ordinal!",
                     warnings.terms_hash AS "terms_hash!", warnings.subject AS "subject!", warnings.ended_at AS "ended_at!""#,
        rows
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    tell_ended(connection, "warning.confirmed", ended, attempt).await
}
