//! Holds and revocations.

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::revocation::{ClaimNews, NewWithdrawal, Standing, Standings, Withdrawal};

use crate::column::{hexed, signed, unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{claims, deliveries};

const NOUN: &str = "standing of claim";
const PUT: &str = "record what became of claims";
const READ: &str = "read what became of claims";

#[async_trait]
impl Standings for SqliteStore {
    async fn standing_cursor(&self, domain_separator: B256) -> Result<Option<u64>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let domain = domain_separator.as_slice();
        let next = sqlx::query_scalar!(
            r#"SELECT next_block AS "next_block!" FROM standing_cursors WHERE domain_separator = ?1"#,
            domain
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(READ))?;
        next.map(|next| {
            unsigned("next_block", next).map_err(|flaw: Flaw| flaw.invalid_row("cursor", next))
        })
        .transpose()
    }

    async fn put_standings(
        &self,
        domain_separator: B256,
        next_block: Option<u64>,
        news: &[ClaimNews],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(PUT).await?;
        for claim in news {
            put(&mut transaction, domain_separator, claim).await?;
        }
        if let Some(next) = next_block {
            let domain = domain_separator.as_slice();
            let next = signed("cursor", domain_separator, next)?;
            sqlx::query!(
                "INSERT INTO standing_cursors (domain_separator, next_block) VALUES (?1, ?2)
                 ON CONFLICT (domain_separator) DO UPDATE SET next_block = max(next_block, excluded.next_block)",
                domain,
                next
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed(PUT))?;
        }
        transaction.commit().await.map_err(failed(PUT))
    }

    async fn claim_standing(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
    ) -> Result<Option<Standing>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        find(&mut connection, domain_separator, claim_key, READ).await
    }

    async fn stopped(&self, domain_separator: B256) -> Result<Vec<Standing>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query_as!(
            StandingRow,
            r#"SELECT claim_key AS "claim_key!", consumed AS "consumed!: bool", hold, min_revision AS "min_revision!", corrected
               FROM standings WHERE domain_separator = ?1 AND (hold IS NOT NULL OR min_revision > 0) ORDER BY claim_key"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        rows.into_iter().map(Standing::try_from).collect()
    }

    async fn bar(&self, policy: PolicyId, ordinal: u32) -> Result<(), StoreError> {
        let attempt = "bar a claim";
        let mut transaction = self.begin(attempt).await?;
        let policy = policy.0.as_slice();
        sqlx::query!(
            "UPDATE claims SET barred = 1 WHERE policy = ?1 AND ordinal = ?2",
            policy,
            ordinal
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn allow_correction(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
        policy: PolicyId,
        ordinal: u32,
    ) -> Result<(), StoreError> {
        let attempt = "allow a corrected statement";
        let mut transaction = self.begin(attempt).await?;
        let standing = find(&mut transaction, domain_separator, claim_key, attempt).await?;
        let revoked = standing.filter(|standing| standing.news.min_revision > 0);
        if revoked.is_none_or(|standing| standing.news.consumed) {
            let flaw =
                Flaw("it is not revoked, or was paid: there is nothing to correct".to_owned());
            return Err(flaw.refused("claim", claim_key));
        }
        let (domain, key) = (domain_separator.as_slice(), claim_key.0.as_slice());
        sqlx::query!(
            "UPDATE standings SET corrected = min_revision WHERE domain_separator = ?1 AND claim_key = ?2",
            domain,
            key
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        let name = claims::name(policy, ordinal);
        let policy = policy.0.as_slice();
        let waiting = sqlx::query!(
            "UPDATE claims SET barred = 0, attested = 0 WHERE policy = ?1 AND ordinal = ?2 AND eligible = 1 AND redeemed = 0",
            policy,
            ordinal
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if waiting.rows_affected() == 0 {
            return Err(StoreError::Missing {
                noun: "eligible claim",
                key: name,
            });
        }
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn withdraw(&self, withdrawal: &NewWithdrawal) -> Result<(), StoreError> {
        let attempt = "journal a withdrawal";
        let (kind, number, reason) = match &withdrawal.says {
            Withdrawal::Revocation {
                min_revision,
                reason,
            } => ("revocation", *min_revision, Some(reason.as_str())),
            Withdrawal::Release { hold } => ("release", *hold, None),
        };
        let mut transaction = self.begin(attempt).await?;
        let (id, domain) = (
            withdrawal.id.as_slice(),
            withdrawal.domain_separator.as_slice(),
        );
        let key = withdrawal.claim_key.0.as_slice();
        let other = sqlx::query_scalar!(
            r#"SELECT reason AS "reason!: String" FROM withdrawals
               WHERE claim_key = ?1 AND domain_separator = ?2 AND kind = ?3 AND number = ?4 AND reason IS NOT ?5 LIMIT 1"#,
            key,
            domain,
            kind,
            number,
            reason
        )
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if let Some(other) = other {
            return Err(StoreError::Conflict {
                noun: kind,
                key: withdrawal.claim_key.to_string(),
                reason: format!(
                    "this node signed one for revision {number} with another reason: {other}"
                ),
            });
        }
        sqlx::query!(
            "INSERT INTO withdrawals (id, domain_separator, claim_key, kind, number, reason, said_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            id,
            domain,
            key,
            kind,
            number,
            reason,
            withdrawal.said_at.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }
}

pub(crate) struct StandingRow {
    pub(crate) claim_key: Vec<u8>,
    pub(crate) consumed: bool,
    pub(crate) hold: Option<i64>,
    pub(crate) min_revision: i64,
    pub(crate) corrected: Option<i64>,
}

impl TryFrom<StandingRow> for Standing {
    type Error = StoreError;

    fn try_from(row: StandingRow) -> Result<Self, StoreError> {
        let decode = || {
            let count =
                |column, value: Option<i64>| value.map(|value| unsigned(column, value)).transpose();
            Ok(Self {
                news: ClaimNews {
                    claim_key: ClaimKey(word("claim_key", &row.claim_key)?),
                    consumed: row.consumed,
                    hold: count("hold", row.hold)?,
                    min_revision: unsigned("min_revision", row.min_revision)?,
                },
                corrected: count("corrected", row.corrected)?,
            })
        };
        decode()
            .map_err(|flaw: Flaw| flaw.invalid_row(NOUN, format!("0x{}", hexed(&row.claim_key))))
    }
}

async fn find(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    claim_key: ClaimKey,
    attempt: &'static str,
) -> Result<Option<Standing>, StoreError> {
    let (domain, key) = (domain_separator.as_slice(), claim_key.0.as_slice());
    let row = sqlx::query_as!(
        StandingRow,
        r#"SELECT claim_key AS "claim_key!", consumed AS "consumed!: bool", hold, min_revision AS "min_revision!", corrected
           FROM standings WHERE domain_separator = ?1 AND claim_key = ?2"#,
        domain,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(Standing::try_from).transpose()
}

async fn put(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    news: &ClaimNews,
) -> Result<(), StoreError> {
    let stored = find(connection, domain_separator, news.claim_key, PUT).await?;
    if let Some(Standing { news: before, .. }) = stored
        && (before.min_revision > news.min_revision || (before.consumed && !news.consumed))
    {
        return Err(StoreError::Conflict {
            noun: NOUN,
            key: news.claim_key.to_string(),
            reason: "the verifier took back a final revocation or consumption".to_owned(),
        });
    }
    let (domain, key) = (domain_separator.as_slice(), news.claim_key.0.as_slice());
    sqlx::query!(
        "INSERT INTO standings (domain_separator, claim_key, consumed, hold, min_revision) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (domain_separator, claim_key) DO UPDATE SET consumed = excluded.consumed, hold = excluded.hold,
             min_revision = excluded.min_revision",
        domain,
        key,
        news.consumed,
        news.hold,
        news.min_revision
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(PUT))?;
    follow(connection, domain_separator, news).await
}

/// What follows for the claim: paid, or nothing that was revoked is said or delivered any more.
async fn follow(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    news: &ClaimNews,
) -> Result<(), StoreError> {
    let (domain, key) = (domain_separator.as_slice(), news.claim_key.0.as_slice());
    let said = sqlx::query!(
        r#"SELECT s.attestation_id AS "id!", a.claim AS "claim!", s.payload AS "payload!"
           FROM statements AS s JOIN attestations AS a ON a.statement = s.position
           WHERE s.claim_key = ?1 AND s.domain_separator = ?2 ORDER BY a.position"#,
        key,
        domain
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(PUT))?;
    for (place, row) in said.iter().enumerate() {
        let invalid = |reason: String| {
            Flaw(reason).invalid_row("attestation", format!("0x{}", hexed(&row.id)))
        };
        let payload = ClaimAttestation::from_bytes(&row.payload)
            .map_err(|error| invalid(error.to_string()))?;
        let is_newest = place + 1 == said.len();
        let is_revoked = payload.revision < news.min_revision && !news.consumed;
        if is_revoked {
            let id = word("id", &row.id).map_err(|flaw: Flaw| invalid(flaw.0))?;
            deliveries::supersede(connection, AttestationId(id)).await?;
        }
        if is_newest && (news.consumed || is_revoked) {
            sqlx::query!(
                "UPDATE claims SET redeemed = redeemed OR ?2, barred = barred OR ?3 WHERE number = ?1",
                row.claim,
                news.consumed,
                is_revoked
            )
            .execute(&mut *connection)
            .await
            .map_err(failed(PUT))?;
        }
    }
    Ok(())
}
