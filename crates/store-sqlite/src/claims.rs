//! Determinations awaiting their claims, and claims.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::claim::Claims;

use crate::column::{from_json, hexed, hexed_number, number, to_json, unsigned, word};
use crate::determinations::{self, Key};
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{policies, unwind};

const NOUN: &str = "claim";
const ADD: &str = "add claims";

/// Rows that travel to SQLite in one statement; more would only cost memory.
const ROWS_PER_STATEMENT: usize = 4096;

#[async_trait]
impl Claims for SqliteStore {
    async fn determination(
        &self,
        risk: RiskId,
        ordinal: u32,
    ) -> Result<Option<Determination>, StoreError> {
        let attempt = "read a determination";
        let mut connection = self.snapshot(attempt).await?;
        let keys = determinations::keys_json([(risk, ordinal)].into_iter())?;
        Ok(determinations::find(&mut connection, &keys, attempt)
            .await?
            .pop())
    }

    async fn determinations_of(&self, risk: RiskId) -> Result<Vec<Determination>, StoreError> {
        let attempt = "read the determinations of a risk";
        let mut connection = self.snapshot(attempt).await?;
        determinations_of(&mut connection, risk, attempt).await
    }

    async fn unclaimed(&self, limit: u32) -> Result<Vec<Determination>, StoreError> {
        let attempt = "look for determinations without claims";
        let mut connection = self.snapshot(attempt).await?;
        let keys = sqlx::query_scalar!(
            r#"SELECT json_group_array(json_array(hex(risk), ordinal)) AS "keys!: String"
               FROM (SELECT risk, ordinal FROM determinations AS d WHERE awaiting_claims > 0
                       AND NOT EXISTS (SELECT 1 FROM kept_claims AS kept WHERE kept.risk = d.risk AND kept.ordinal = d.ordinal)
                     ORDER BY confirmed_at, risk, ordinal LIMIT ?1)"#,
            limit
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        determinations::find(&mut connection, &keys, attempt).await
    }

    async fn add_claims(&self, claims: &[Claim]) -> Result<(), StoreError> {
        let mut transaction = self.begin(ADD).await?;
        for chunk in claims.chunks(ROWS_PER_STATEMENT) {
            add(&mut transaction, chunk).await?;
        }
        transaction.commit().await.map_err(failed(ADD))
    }

    async fn claims_of(&self, policy: PolicyId) -> Result<Vec<Claim>, StoreError> {
        let attempt = "read the claims of a policy";
        let mut connection = self.reader(attempt).await?;
        of(&mut connection, policy, attempt).await
    }

    async fn claims_of_each(
        &self,
        policies: &[PolicyId],
    ) -> Result<BTreeMap<PolicyId, Vec<Claim>>, StoreError> {
        let attempt = "read the claims of policies";
        // One state for all of them.
        let mut connection = self.snapshot(attempt).await?;
        let policies: BTreeSet<PolicyId> = policies.iter().copied().collect();
        let wanted: Vec<String> = policies.iter().map(|policy| hexed(policy.0)).collect();
        let mut found: BTreeMap<PolicyId, Vec<Claim>> = BTreeMap::new();
        for chunk in wanted.chunks(ROWS_PER_STATEMENT) {
            let chunk = to_json(NOUN, "keys", &chunk)?;
            let rows = sqlx::query_as!(
                ClaimRow,
                r#"SELECT c.policy AS "policy!", c.risk AS "risk!", c.ordinal AS "ordinal!", c.eligible AS "eligible!: bool",
                          c.fraction AS "fraction?", c.amount AS "amount?", c.refusal AS "refusal?"
                   FROM json_each(?1) AS wanted JOIN claims AS c ON c.policy = unhex(wanted.value)
                   ORDER BY c.policy, c.ordinal"#,
                chunk
            )
            .fetch_all(&mut *connection)
            .await
            .map_err(failed(attempt))?;
            for row in rows {
                let claim = Claim::try_from(row)?;
                found.entry(claim.policy).or_default().push(claim);
            }
        }
        Ok(found)
    }

    async fn unattested(&self, limit: u32) -> Result<Vec<Claim>, StoreError> {
        let mut connection = self
            .snapshot("look for claims without attestations")
            .await?;
        let rows = sqlx::query_as!(
            ClaimRow,
            r#"SELECT policy AS "policy!", risk AS "risk!", ordinal AS "ordinal!", eligible AS "eligible!: bool",
                      fraction AS "fraction?", amount AS "amount?", refusal AS "refusal?"
               FROM claims WHERE eligible = 1 AND attested = 0 AND redeemed = 0 AND barred = 0
                 AND NOT EXISTS (SELECT 1 FROM kept_claims AS kept
                                 WHERE kept.risk = claims.risk AND kept.ordinal = claims.ordinal)
                 AND NOT EXISTS (SELECT 1 FROM risk_streams AS listening
                                 JOIN streams ON streams.id = listening.stream
                                 JOIN halts ON halts.source = streams.source
                                 WHERE listening.risk = claims.risk)
               ORDER BY confirmed_at, risk, ordinal, policy LIMIT ?1"#,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("look for claims without attestations"))?;
        rows.into_iter().map(Claim::try_from).collect()
    }
}

/// The determinations of a risk, in the order of its loss events.
pub(crate) async fn determinations_of(
    connection: &mut SqliteConnection,
    risk: RiskId,
    attempt: &'static str,
) -> Result<Vec<Determination>, StoreError> {
    let risk = risk.0.as_slice();
    let keys = sqlx::query_scalar!(
        r#"SELECT json_group_array(json_array(hex(risk), ordinal) ORDER BY ordinal) AS "keys!: String"
           FROM determinations WHERE risk = ?1"#,
        risk
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    if keys == "[]" {
        return Ok(Vec::new());
    }
    determinations::find(connection, &keys, attempt).await
}

/// The claims of a policy, in the order of the loss events.
pub(crate) async fn of(
    connection: &mut SqliteConnection,
    policy: PolicyId,
    attempt: &'static str,
) -> Result<Vec<Claim>, StoreError> {
    let policy = policy.0.as_slice();
    let rows = sqlx::query_as!(
        ClaimRow,
        r#"SELECT policy AS "policy!", risk AS "risk!", ordinal AS "ordinal!", eligible AS "eligible!: bool",
                  fraction AS "fraction?", amount AS "amount?", refusal AS "refusal?"
           FROM claims WHERE policy = ?1 ORDER BY ordinal"#,
        policy
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter().map(Claim::try_from).collect()
}

/// How messages name a claim.
pub(crate) fn name(policy: PolicyId, ordinal: u32) -> String {
    format!("{policy}/{ordinal}")
}

pub(crate) struct ClaimRow {
    pub(crate) policy: Vec<u8>,
    pub(crate) risk: Vec<u8>,
    pub(crate) ordinal: i64,
    pub(crate) eligible: bool,
    pub(crate) fraction: Option<String>,
    pub(crate) amount: Option<Vec<u8>>,
    pub(crate) refusal: Option<String>,
}

impl TryFrom<ClaimRow> for Claim {
    type Error = StoreError;

    fn try_from(row: ClaimRow) -> Result<Self, StoreError> {
        let key = format!("0x{}/{}", hexed(&row.policy), row.ordinal);
        let decode = || {
            let eligibility = match (row.eligible, row.fraction, row.amount, row.refusal) {
                (true, Some(fraction), Some(amount), None) => Eligibility::Eligible {
                    fraction: fraction.parse().map_err(|why| {
                        Flaw(format!("fraction `{fraction}` is no decimal: {why}"))
                    })?,
                    amount: number("amount", &amount)?,
                },
                (false, None, None, Some(refusal)) => {
                    Eligibility::Refused(from_json("refusal", &refusal)?)
                }
                _ => {
                    return Err(Flaw(
                        "it needs either a fraction and an amount, or a refusal".to_owned(),
                    ));
                }
            };
            let claim = Self {
                policy: PolicyId(word("policy", &row.policy)?),
                risk: RiskId(word("risk", &row.risk)?),
                ordinal: unsigned("ordinal", row.ordinal)?,
                eligibility,
            };
            check::claim(&claim)?;
            Ok(claim)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, key))
    }
}

/// A claim as it travels to SQLite.
#[derive(Serialize)]
struct WrittenClaim(
    String,
    String,
    u32,
    bool,
    Option<String>,
    Option<String>,
    Option<String>,
);

fn written(claim: &Claim) -> Result<WrittenClaim, StoreError> {
    let (policy, risk) = (hexed(claim.policy.0), hexed(claim.risk.0));
    Ok(match &claim.eligibility {
        Eligibility::Eligible { fraction, amount } => WrittenClaim(
            policy,
            risk,
            claim.ordinal,
            true,
            Some(fraction.to_string()),
            Some(hexed_number(*amount)),
            None,
        ),
        Eligibility::Refused(refusal) => {
            let refusal = to_json(NOUN, name(claim.policy, claim.ordinal), refusal)?;
            WrittenClaim(
                policy,
                risk,
                claim.ordinal,
                false,
                None,
                None,
                Some(refusal),
            )
        }
    })
}

type ClaimKey = (PolicyId, u32);

async fn add(connection: &mut SqliteConnection, claims: &[Claim]) -> Result<(), StoreError> {
    let new = new_ones(connection, claims).await?;
    if new.is_empty() {
        return Ok(());
    }
    let mut per_determination: BTreeMap<Key, u64> = BTreeMap::new();
    for claim in new.values() {
        *per_determination
            .entry((claim.risk, claim.ordinal))
            .or_default() += 1;
    }
    check_policies(connection, &new).await?;
    check_determinations(connection, per_determination.keys().copied()).await?;
    let rows = new
        .values()
        .copied()
        .map(written)
        .collect::<Result<Vec<_>, _>>()?;
    let rows = to_json(NOUN, "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO claims (policy, risk, ordinal, confirmed_at, eligible, fraction, amount, refusal)
         SELECT unhex(value ->> 0), d.risk, d.ordinal, d.confirmed_at, value ->> 3, value ->> 4, unhex(value ->> 5), value ->> 6
         FROM jsonb_each(?1)
         JOIN determinations AS d ON d.risk = unhex(value ->> 1) AND d.ordinal = value ->> 2",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    let counts: Vec<(String, u32, u64)> = per_determination
        .into_iter()
        .map(|((risk, ordinal), count)| (hexed(risk.0), ordinal, count))
        .collect();
    let counts = to_json(NOUN, "batch", &counts)?;
    sqlx::query!(
        "UPDATE determinations SET awaiting_claims = awaiting_claims - (given.value ->> 2)
         FROM json_each(?1) AS given
         WHERE determinations.risk = unhex(given.value ->> 0) AND determinations.ordinal = given.value ->> 1",
        counts
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    Ok(())
}

/// Those that are not stored yet.
async fn new_ones<'a>(
    connection: &mut SqliteConnection,
    claims: &'a [Claim],
) -> Result<BTreeMap<ClaimKey, &'a Claim>, StoreError> {
    let key = |claim: &Claim| (claim.policy, claim.ordinal);
    let wanted: Vec<(String, u32)> = claims
        .iter()
        .map(|claim| (hexed(claim.policy.0), claim.ordinal))
        .collect();
    let wanted = to_json(NOUN, "keys", &wanted)?;
    let stored: BTreeMap<ClaimKey, Claim> = sqlx::query_as!(
        ClaimRow,
        r#"SELECT c.policy AS "policy!", c.risk AS "risk!", c.ordinal AS "ordinal!", c.eligible AS "eligible!: bool",
                  c.fraction AS "fraction?", c.amount AS "amount?", c.refusal AS "refusal?"
           FROM json_each(?1) AS wanted
           JOIN claims AS c ON c.policy = unhex(wanted.value ->> 0) AND c.ordinal = wanted.value ->> 1"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(ADD))?
    .into_iter()
    .map(|row| Claim::try_from(row).map(|claim| (key(&claim), claim)))
    .collect::<Result<_, _>>()?;
    let mut new: BTreeMap<ClaimKey, &Claim> = BTreeMap::new();
    for claim in claims {
        let name = || name(claim.policy, claim.ordinal);
        check::claim(claim).map_err(|flaw| flaw.refused(NOUN, name()))?;
        match stored
            .get(&key(claim))
            .or_else(|| new.get(&key(claim)).copied())
        {
            Some(same) if same == claim => {}
            Some(_) => {
                return Err(StoreError::Conflict {
                    noun: NOUN,
                    key: name(),
                    reason: "it was decided otherwise".to_owned(),
                });
            }
            None => {
                new.insert(key(claim), claim);
            }
        }
    }
    Ok(new)
}

/// Each claim is of a stored policy on its risk.
async fn check_policies(
    connection: &mut SqliteConnection,
    new: &BTreeMap<ClaimKey, &Claim>,
) -> Result<(), StoreError> {
    let policies = policies::find(connection, new.keys().map(|(policy, _)| *policy), ADD).await?;
    for claim in new.values() {
        match policies.get(&claim.policy) {
            None => {
                return Err(StoreError::Missing {
                    noun: "policy",
                    key: claim.policy.to_string(),
                });
            }
            Some(policy) if policy.risk != claim.risk => {
                let flaw = Flaw(format!(
                    "its policy is on risk {}, not on {}",
                    policy.risk, claim.risk
                ));
                return Err(flaw.refused(NOUN, name(claim.policy, claim.ordinal)));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn check_determinations(
    connection: &mut SqliteConnection,
    keys: impl Iterator<Item = Key>,
) -> Result<(), StoreError> {
    let keys = determinations::keys_json(keys)?;
    let missing = sqlx::query!(
        r#"SELECT value ->> 0 AS "risk!: String", value ->> 1 AS "ordinal!: i64" FROM json_each(?1)
           WHERE NOT EXISTS (SELECT 1 FROM determinations AS d WHERE d.risk = unhex(value ->> 0) AND d.ordinal = value ->> 1)
           LIMIT 1"#,
        keys
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(ADD))?;
    if let Some(row) = missing {
        return Err(StoreError::Missing {
            noun: "determination",
            key: format!("0x{}/{}", row.risk, row.ordinal),
        });
    }
    // Whoever made claims for one that was kept had read it before it was.
    match unwind::kept_of(connection, &keys, ADD).await?.first() {
        None => Ok(()),
        Some((risk, ordinal, _)) => Err(StoreError::Stale {
            noun: "determination",
            key: determinations::name((*risk, *ordinal)),
        }),
    }
}
