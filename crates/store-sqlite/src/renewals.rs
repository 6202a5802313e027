//! Renewal: claims that were attested and not paid.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::renewal::{Cutoff, Renewals, Unredeemed};

use crate::column::{hexed, to_json, unsigned, word};
use crate::deliveries;
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "claim";
const LOOK: &str = "look for claims to renew";
const RENEW: &str = "renew claims";

#[async_trait]
impl Renewals for SqliteStore {
    async fn renewable(
        &self,
        domain_separator: B256,
        cutoffs: &[Cutoff],
        limit: u32,
    ) -> Result<Vec<Unredeemed>, StoreError> {
        let mut connection = self.snapshot(LOOK).await?;
        let domain = domain_separator.as_slice();
        let cutoffs: Vec<(String, String)> = cutoffs
            .iter()
            .map(|cutoff| {
                let until = cutoff.valid_until.to_be_bytes();
                (hexed(cutoff.epoch.to_be_bytes()), hexed(until))
            })
            .collect();
        let cutoffs = to_json(NOUN, "cutoffs", &cutoffs)?;
        // A payload is of words: `validUntil` ends its nineteenth, `signerEpoch` its twentieth.
        let rows = sqlx::query!(
            r#"SELECT c.policy AS "policy!", c.ordinal AS "ordinal!", s.claim_key AS "claim_key!", s.attestation_id AS "id!"
               FROM claims AS c
               JOIN attestations AS a ON a.position = (
                   SELECT max(any.position) FROM attestations AS any JOIN statements AS said ON said.position = any.statement
                   WHERE any.claim = c.number AND said.domain_separator = ?1)
               JOIN statements AS s ON s.position = a.statement
               JOIN json_each(?2) AS cutoff ON unhex(cutoff.value ->> 0) = substr(s.payload, 637, 4)
                   AND substr(s.payload, 601, 8) <= unhex(cutoff.value ->> 1)
               WHERE c.attested = 1 AND c.redeemed = 0 AND c.barred = 0
                 AND NOT EXISTS (SELECT 1 FROM standings AS found WHERE found.domain_separator = ?1 AND found.claim_key = s.claim_key
                                   AND (found.hold IS NOT NULL OR found.consumed = 1))
               ORDER BY c.policy, c.ordinal LIMIT ?3"#,
            domain,
            cutoffs,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(LOOK))?;
        rows.into_iter()
            .map(|row| {
                let decode = || {
                    Ok(Unredeemed {
                        policy: PolicyId(word("policy", &row.policy)?),
                        ordinal: unsigned("ordinal", row.ordinal)?,
                        claim_key: ClaimKey(word("claim_key", &row.claim_key)?),
                        attestation: AttestationId(word("id", &row.id)?),
                    })
                };
                decode().map_err(|flaw: Flaw| {
                    flaw.invalid_row("attestation", format!("0x{}", hexed(&row.id)))
                })
            })
            .collect()
    }

    async fn renew(&self, claims: &[Unredeemed]) -> Result<u64, StoreError> {
        let mut transaction = self.begin(RENEW).await?;
        let mut renewed = 0;
        for claim in claims {
            let (policy, id) = (claim.policy.0.as_slice(), claim.attestation.0.as_slice());
            let changed = sqlx::query!(
                "UPDATE claims SET attested = 0
                 WHERE policy = ?1 AND ordinal = ?2 AND attested = 1 AND redeemed = 0 AND barred = 0
                   AND (SELECT max(any.position) FROM attestations AS any JOIN statements AS said ON said.position = any.statement
                        WHERE any.claim = claims.number
                          AND said.domain_separator = (SELECT domain_separator FROM statements WHERE attestation_id = ?3))
                       = (SELECT a.position FROM statements AS s JOIN attestations AS a ON a.statement = s.position
                          WHERE s.attestation_id = ?3)",
                policy,
                claim.ordinal,
                id
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed(RENEW))?
            .rows_affected();
            if changed > 0 {
                renewed += 1;
                deliveries::supersede(&mut transaction, claim.attestation).await?;
            }
        }
        transaction.commit().await.map_err(failed(RENEW))?;
        Ok(renewed)
    }

    async fn unredeemed(&self, domain_separator: B256) -> Result<Vec<(u32, u64)>, StoreError> {
        let attempt = "count unpaid claims";
        let mut connection = self.snapshot(attempt).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query!(
            r#"SELECT substr(s.payload, 637, 4) AS "epoch!: Vec<u8>", count(*) AS "count!: i64"
               FROM claims AS c
               JOIN attestations AS a ON a.position = (
                   SELECT max(any.position) FROM attestations AS any JOIN statements AS said ON said.position = any.statement
                   WHERE any.claim = c.number AND said.domain_separator = ?1)
               JOIN statements AS s ON s.position = a.statement
               WHERE c.attested = 1 AND c.redeemed = 0 AND c.barred = 0
               GROUP BY 1 ORDER BY 1"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter()
            .map(|row| {
                let epoch = <[u8; 4]>::try_from(row.epoch.as_slice())
                    .map(u32::from_be_bytes)
                    .map_err(|_wrong_length| {
                        let flaw = Flaw("a payload is too short".to_owned());
                        flaw.invalid_row("attestation", hexed(&row.epoch))
                    })?;
                let count = unsigned("count", row.count)
                    .map_err(|flaw: Flaw| flaw.invalid_row("attestation", epoch))?;
                Ok((epoch, count))
            })
            .collect()
    }
}
