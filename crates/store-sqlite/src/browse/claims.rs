//! Claims as a list, by policy and loss event, with how far each has come.

use sqlx::SqliteConnection;
use tocsin_domain::claim::Claim;
use tocsin_domain::ids::{ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::browse::{ClaimEntry, ClaimFilter, ClaimState};

use crate::claims::ClaimRow;
use crate::error::failed;

struct EntryRow {
    policy: Vec<u8>,
    risk: Vec<u8>,
    ordinal: i64,
    eligible: bool,
    fraction: Option<String>,
    amount: Option<Vec<u8>>,
    refusal: Option<String>,
    state: String,
}

impl TryFrom<EntryRow> for ClaimEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let claim = Claim::try_from(ClaimRow {
            policy: row.policy,
            risk: row.risk,
            ordinal: row.ordinal,
            eligible: row.eligible,
            fraction: row.fraction,
            amount: row.amount,
            refusal: row.refusal,
        })?;
        let known = ClaimState::ALL
            .into_iter()
            .find(|state| state.name() == row.state);
        let state = known.ok_or_else(|| StoreError::InvalidRow {
            noun: "claim",
            key: format!("{}/{}", claim.policy, claim.ordinal),
            reason: format!("there is no state `{}`", row.state),
        })?;
        Ok(Self { claim, state })
    }
}

/// Those that have come so far; what holds of them names an index.
macro_rules! those {
    ($holds:literal, $($bound:expr),*) => {
        sqlx::query_as!(
            EntryRow,
            r#"SELECT c.policy AS "policy!", c.risk AS "risk!", c.ordinal AS "ordinal!", c.eligible AS "eligible!: bool",
                      c.fraction AS "fraction?", c.amount AS "amount?", c.refusal AS "refusal?", s.state AS "state!: String"
               FROM claims AS c JOIN claim_states AS s ON s.number = c.number WHERE "# + $holds,
            $($bound),*
        )
    };
}

/// A page of them; one statement for each index.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    filter: ClaimFilter,
    after: Option<(PolicyId, u32)>,
    limit: u32,
) -> Result<Vec<ClaimEntry>, StoreError> {
    let attempt = "list claims";
    let (after, after_ordinal) = after.map_or_else(
        || (Vec::new(), -1),
        |(policy, ordinal)| (policy.0.to_vec(), i64::from(ordinal)),
    );
    let policy = filter.policy.map(|policy| policy.0.to_vec());
    let holder = filter.holder.map(|holder| holder.to_vec());
    let state = filter.state.map(ClaimState::name);
    let rows = match (&policy, &holder) {
        (Some(policy), _) => {
            sqlx::query_as!(
                EntryRow,
                r#"SELECT c.policy AS "policy!", c.risk AS "risk!", c.ordinal AS "ordinal!", c.eligible AS "eligible!: bool",
                          c.fraction AS "fraction?", c.amount AS "amount?", c.refusal AS "refusal?", s.state AS "state!: String"
                   FROM claims AS c JOIN claim_states AS s ON s.number = c.number
                   WHERE c.policy = ?1 AND (c.policy, c.ordinal) > (?2, ?3) AND (?4 IS NULL OR s.state = ?4)
                     AND (?5 IS NULL OR ?5 = (SELECT holder FROM policies WHERE id = c.policy))
                   ORDER BY c.ordinal LIMIT ?6"#,
                policy,
                after,
                after_ordinal,
                state,
                holder,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        (None, Some(holder)) => {
            sqlx::query_as!(
                EntryRow,
                r#"SELECT c.policy AS "policy!", c.risk AS "risk!", c.ordinal AS "ordinal!", c.eligible AS "eligible!: bool",
                          c.fraction AS "fraction?", c.amount AS "amount?", c.refusal AS "refusal?", s.state AS "state!: String"
                   FROM policies AS p CROSS JOIN claims AS c ON c.policy = p.id JOIN claim_states AS s ON s.number = c.number
                   WHERE p.holder = ?1 AND p.id >= ?2 AND (c.policy, c.ordinal) > (?2, ?3) AND (?4 IS NULL OR s.state = ?4)
                   ORDER BY p.id, c.ordinal LIMIT ?5"#,
                holder,
                after,
                after_ordinal,
                state,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        (None, None) => match filter.state {
            None => {
                those!(
                    "(c.policy, c.ordinal) > (?1, ?2) ORDER BY c.policy, c.ordinal LIMIT ?3",
                    after,
                    after_ordinal,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            Some(ClaimState::Refused) => {
                those!(
                    "c.eligible = 0 AND (c.policy, c.ordinal) > (?1, ?2) ORDER BY c.policy, c.ordinal LIMIT ?3",
                    after,
                    after_ordinal,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            // By the queue of what is to be attested, which is in another order.
            Some(ClaimState::Waiting) => {
                those!(
                    "c.eligible = 1 AND c.attested = 0 AND c.redeemed = 0 AND c.barred = 0 AND (+c.policy, c.ordinal) > (?1, ?2) ORDER BY +c.policy, c.ordinal LIMIT ?3",
                    after,
                    after_ordinal,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            Some(ClaimState::Attested) => {
                those!(
                    "c.attested = 1 AND c.redeemed = 0 AND c.barred = 0 AND (c.policy, c.ordinal) > (?1, ?2) ORDER BY c.policy, c.ordinal LIMIT ?3",
                    after,
                    after_ordinal,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            Some(ClaimState::Barred) => {
                those!(
                    "c.eligible = 1 AND c.redeemed = 0 AND c.barred = 1 AND (c.policy, c.ordinal) > (?1, ?2) ORDER BY c.policy, c.ordinal LIMIT ?3",
                    after,
                    after_ordinal,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            Some(ClaimState::Paid) => {
                those!(
                    "c.eligible = 1 AND c.redeemed = 1 AND (c.policy, c.ordinal) > (?1, ?2) ORDER BY c.policy, c.ordinal LIMIT ?3",
                    after,
                    after_ordinal,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
        },
    };
    let rows = rows.map_err(failed(attempt))?;
    rows.into_iter().map(ClaimEntry::try_from).collect()
}

/// The one that was attested under a key.
pub(super) async fn of_key(
    connection: &mut SqliteConnection,
    key: ClaimKey,
) -> Result<Option<ClaimEntry>, StoreError> {
    let key = key.0.to_vec();
    let row = sqlx::query_as!(
        EntryRow,
        r#"SELECT c.policy AS "policy!", c.risk AS "risk!", c.ordinal AS "ordinal!", c.eligible AS "eligible!: bool",
                  c.fraction AS "fraction?", c.amount AS "amount?", c.refusal AS "refusal?", s.state AS "state!: String"
           FROM statements JOIN attestations AS a ON a.statement = statements.position
           JOIN claims AS c ON c.number = a.claim JOIN claim_states AS s ON s.number = c.number
           WHERE statements.claim_key = ?1 LIMIT 1"#,
        key
    )
    .fetch_optional(connection)
    .await
    .map_err(failed("look for the claim of a key"))?;
    row.map(ClaimEntry::try_from).transpose()
}
