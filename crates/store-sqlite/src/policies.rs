//! Policies.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::cover::Consumer;
use tocsin_domain::ids::{PolicyId, RiskId, TermsHash};
use tocsin_domain::policy::Policy;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::import::Clash;
use tocsin_store::policy::Policies;

use crate::column::{address, hexed, hexed_number, number, signed, to_json, unsigned, word};
use crate::error::failed;
use crate::inceptions;
use crate::store::SqliteStore;

const NOUN: &str = "policy";
const ADD: &str = "add policies";

/// Rows that travel to SQLite in one statement; more would only cost memory.
const ROWS_PER_STATEMENT: usize = 4096;

#[async_trait]
impl Policies for SqliteStore {
    async fn add_policies(&self, policies: &[Policy]) -> Result<(), StoreError> {
        let mut transaction = self.begin(ADD).await?;
        for chunk in policies.chunks(ROWS_PER_STATEMENT) {
            let added = add(&mut transaction, chunk).await?;
            if let Some(clash) = added.clashes.first() {
                return Err(StoreError::Conflict {
                    noun: NOUN,
                    key: clash.policy.to_string(),
                    reason: "the same policy has other content".to_owned(),
                });
            }
        }
        transaction.commit().await.map_err(failed(ADD))
    }

    async fn policy(&self, id: PolicyId) -> Result<Option<Policy>, StoreError> {
        let mut connection = self.reader("read a policy").await?;
        Ok(find(&mut connection, [id].into_iter(), "read a policy")
            .await?
            .remove(&id))
    }

    async fn policies(&self, ids: &[PolicyId]) -> Result<BTreeMap<PolicyId, Policy>, StoreError> {
        let attempt = "read policies";
        // One state for all of them.
        let mut connection = self.snapshot(attempt).await?;
        let mut found = BTreeMap::new();
        for chunk in ids.chunks(ROWS_PER_STATEMENT) {
            found.extend(find(&mut connection, chunk.iter().copied(), attempt).await?);
        }
        Ok(found)
    }

    async fn policies_on(&self, risk: RiskId) -> Result<Vec<Policy>, StoreError> {
        let mut connection = self.snapshot("read the policies on a risk").await?;
        let risk = risk.0.as_slice();
        let rows = sqlx::query_as!(
            PolicyRow,
            r#"SELECT id AS "id!", number AS "number!", chain_id AS "chain_id!", contract AS "contract!",
                      terms_hash AS "terms_hash!", risk AS "risk!", holder AS "holder!", sum_insured AS "sum_insured!",
                      inception AS "inception!", expiry AS "expiry!"
               FROM policies WHERE risk = ?1 ORDER BY id"#,
            risk
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read the policies on a risk"))?;
        rows.into_iter().map(Policy::try_from).collect()
    }
}

pub(crate) struct PolicyRow {
    pub(crate) id: Vec<u8>,
    pub(crate) number: Vec<u8>,
    pub(crate) chain_id: i64,
    pub(crate) contract: Vec<u8>,
    pub(crate) terms_hash: Vec<u8>,
    pub(crate) risk: Vec<u8>,
    pub(crate) holder: Vec<u8>,
    pub(crate) sum_insured: Vec<u8>,
    pub(crate) inception: i64,
    pub(crate) expiry: i64,
}

impl TryFrom<PolicyRow> for Policy {
    type Error = StoreError;

    fn try_from(row: PolicyRow) -> Result<Self, StoreError> {
        let decode = || {
            let policy = Self {
                id: PolicyId(word("id", &row.id)?),
                number: number("number", &row.number)?,
                consumer: Consumer {
                    chain_id: unsigned("chain_id", row.chain_id)?,
                    address: address("contract", &row.contract)?,
                },
                terms_hash: TermsHash(word("terms_hash", &row.terms_hash)?),
                risk: RiskId(word("risk", &row.risk)?),
                holder: address("holder", &row.holder)?,
                sum_insured: number("sum_insured", &row.sum_insured)?,
                inception: Timestamp(row.inception),
                expiry: Timestamp(row.expiry),
            };
            check::policy(&policy)?;
            Ok(policy)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}", hexed(&row.id))))
    }
}

/// Those of `ids` that are stored.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    ids: impl Iterator<Item = PolicyId>,
    attempt: &'static str,
) -> Result<BTreeMap<PolicyId, Policy>, StoreError> {
    let wanted: Vec<String> = ids.map(|id| hexed(id.0)).collect();
    let wanted = to_json(NOUN, "keys", &wanted)?;
    let rows = sqlx::query_as!(
        PolicyRow,
        r#"SELECT p.id AS "id!", p.number AS "number!", p.chain_id AS "chain_id!", p.contract AS "contract!",
                  p.terms_hash AS "terms_hash!", p.risk AS "risk!", p.holder AS "holder!", p.sum_insured AS "sum_insured!",
                  p.inception AS "inception!", p.expiry AS "expiry!"
           FROM json_each(?1) AS wanted JOIN policies AS p ON p.id = unhex(wanted.value)"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|row| Policy::try_from(row).map(|policy| (policy.id, policy)))
        .collect()
}

/// A policy as it travels to SQLite: one JSON list, in the order of the table's columns.
#[derive(Serialize)]
struct WrittenPolicy(
    String,
    String,
    i64,
    String,
    String,
    String,
    String,
    String,
    i64,
    i64,
);

fn written(policy: &Policy) -> Result<WrittenPolicy, StoreError> {
    Ok(WrittenPolicy(
        hexed(policy.id.0),
        hexed_number(policy.number),
        signed(NOUN, policy.id, policy.consumer.chain_id)?,
        hexed(policy.consumer.address),
        hexed(policy.terms_hash.0),
        hexed(policy.risk.0),
        hexed(policy.holder),
        hexed_number(policy.sum_insured),
        policy.inception.0,
        policy.expiry.0,
    ))
}

/// What became of some policies.
pub(crate) struct Added {
    pub(crate) new: u64,
    /// What cannot be added, because another one is there; everything else was.
    pub(crate) clashes: Vec<Clash>,
}

/// Adds policies, as far as no other ones are in their place.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    policies: &[Policy],
) -> Result<Added, StoreError> {
    let (new, clashes) = sort(connection, policies).await?;
    if new.is_empty() {
        return Ok(Added { new: 0, clashes });
    }
    let mut per_risk: BTreeMap<String, u64> = BTreeMap::new();
    for policy in new.values() {
        *per_risk.entry(hexed(policy.risk.0)).or_default() += 1;
    }
    let risks = new.values().map(|policy| policy.risk);
    let inceptions = inceptions::of(connection, risks.collect(), ADD).await?;
    for policy in new.values() {
        let inception = inceptions.get(&policy.risk).copied().flatten();
        check::policy_on(policy, inception).map_err(|flaw| flaw.refused(NOUN, policy.id))?;
    }
    let rows = new
        .values()
        .copied()
        .map(written)
        .collect::<Result<Vec<_>, _>>()?;
    let rows = to_json(NOUN, "batch", &rows)?;
    let added = sqlx::query!(
        "INSERT INTO policies (id, number, chain_id, contract, terms_hash, risk, holder, sum_insured, inception, expiry)
         SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, unhex(value ->> 3), unhex(value ->> 4), unhex(value ->> 5),
                unhex(value ->> 6), unhex(value ->> 7), value ->> 8, value ->> 9
         FROM jsonb_each(?1)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    let per_risk: Vec<(String, u64)> = per_risk.into_iter().collect();
    await_claims(connection, &to_json(NOUN, "batch", &per_risk)?).await?;
    Ok(Added {
        new: added.rows_affected(),
        clashes,
    })
}

/// New policies come under what was determined before them, too, and an archived risk has a policy to live for again.
async fn await_claims(connection: &mut SqliteConnection, per_risk: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE determinations SET awaiting_claims = awaiting_claims + (given.value ->> 1)
         FROM json_each(?1) AS given WHERE determinations.risk = unhex(given.value ->> 0)",
        per_risk
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    sqlx::query!(
        "UPDATE risks SET archived_at = NULL FROM json_each(?1) AS given
         WHERE risks.id = unhex(given.value ->> 0) AND risks.archived_at IS NOT NULL",
        per_risk
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}

/// Those that are not stored yet, and those whose place another one has.
async fn sort<'a>(
    connection: &mut SqliteConnection,
    policies: &'a [Policy],
) -> Result<(BTreeMap<PolicyId, &'a Policy>, Vec<Clash>), StoreError> {
    let stored = find(connection, policies.iter().map(|policy| policy.id), ADD).await?;
    let mut new: BTreeMap<PolicyId, &Policy> = BTreeMap::new();
    let mut clashes = Vec::new();
    for (place, policy) in policies.iter().enumerate() {
        check::policy(policy).map_err(|flaw| flaw.refused(NOUN, policy.id))?;
        let there = stored.get(&policy.id);
        match there.or_else(|| new.get(&policy.id).copied()) {
            Some(same) if same == policy => {}
            Some(other) => clashes.push(Clash {
                policy: policy.id,
                place,
                stored: other.clone(),
            }),
            None => {
                new.insert(policy.id, policy);
            }
        }
    }
    Ok((new, clashes))
}
