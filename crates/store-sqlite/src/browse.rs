//! Long lists, a part at a time.

mod attestations;
mod claims;

use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::browse::{
    AttestationFilter, Browse, ClaimEntry, ClaimFilter, DeliveryFilter, DeterminationPlace,
    PolicyFilter,
};
use tocsin_store::cover::RiskRecord;
use tocsin_store::delivery::Delivery;

use crate::claims::ClaimRow;
use crate::column::word;
use crate::error::failed;
use crate::observations::ObservationRow;
use crate::policies::PolicyRow;
use crate::store::SqliteStore;
use crate::{covers, deliveries, determinations, streams};

#[async_trait]
impl Browse for SqliteStore {
    async fn browse_policies(
        &self,
        filter: PolicyFilter,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Policy>, StoreError> {
        let attempt = "list policies";
        let mut connection = self.snapshot(attempt).await?;
        let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
        let holder = filter.holder.map(|holder| holder.to_vec());
        let risk = filter.risk.map(|risk| risk.0.to_vec());
        // One statement for each index.
        let rows = match (&holder, &risk) {
            (Some(holder), _) => {
                sqlx::query_as!(
                    PolicyRow,
                    r#"SELECT id AS "id!", number AS "number!", chain_id AS "chain_id!", contract AS "contract!",
                              terms_hash AS "terms_hash!", risk AS "risk!", holder AS "holder!", sum_insured AS "sum_insured!",
                              inception AS "inception!", expiry AS "expiry!"
                       FROM policies WHERE holder = ?1 AND id > ?2 AND (?3 IS NULL OR risk = ?3) ORDER BY id LIMIT ?4"#,
                    holder,
                    after,
                    risk,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            (None, Some(risk)) => {
                sqlx::query_as!(
                    PolicyRow,
                    r#"SELECT id AS "id!", number AS "number!", chain_id AS "chain_id!", contract AS "contract!",
                              terms_hash AS "terms_hash!", risk AS "risk!", holder AS "holder!", sum_insured AS "sum_insured!",
                              inception AS "inception!", expiry AS "expiry!"
                       FROM policies WHERE risk = ?1 AND id > ?2 ORDER BY id LIMIT ?3"#,
                    risk,
                    after,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
            (None, None) => {
                sqlx::query_as!(
                    PolicyRow,
                    r#"SELECT id AS "id!", number AS "number!", chain_id AS "chain_id!", contract AS "contract!",
                              terms_hash AS "terms_hash!", risk AS "risk!", holder AS "holder!", sum_insured AS "sum_insured!",
                              inception AS "inception!", expiry AS "expiry!"
                       FROM policies WHERE id > ?1 ORDER BY id LIMIT ?2"#,
                    after,
                    limit
                )
                .fetch_all(&mut *connection)
                .await
            }
        };
        let rows = rows.map_err(failed(attempt))?;
        rows.into_iter().map(Policy::try_from).collect()
    }

    async fn browse_risks(
        &self,
        terms: Option<TermsHash>,
        after: Option<RiskId>,
        limit: u32,
    ) -> Result<Vec<RiskRecord>, StoreError> {
        let attempt = "list risks";
        let mut connection = self.snapshot(attempt).await?;
        let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
        let terms = terms.map(|terms| terms.0.to_vec());
        let ids = sqlx::query_scalar!(
            r#"SELECT id AS "id!" FROM risks WHERE id > ?1 AND (?2 IS NULL OR terms_hash = ?2) ORDER BY id LIMIT ?3"#,
            after,
            terms,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        let ids = ids
            .iter()
            .map(|id| word("id", id).map(RiskId))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|flaw| flaw.invalid_row("risk", "of a list"))?;
        let found = covers::find_risks(&mut connection, ids.into_iter(), attempt).await?;
        Ok(found.into_values().collect())
    }

    async fn risks_of_subject(&self, subject: &str, limit: u32) -> Result<Vec<RiskId>, StoreError> {
        let attempt = "look for the risks of a subject";
        let mut connection = self.snapshot(attempt).await?;
        let ids = sqlx::query_scalar!(
            r#"SELECT id AS "id!" FROM risks WHERE subject = ?1 ORDER BY id LIMIT ?2"#,
            subject,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        ids.iter()
            .map(|id| word("id", id).map(RiskId))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|flaw| flaw.invalid_row("risk", subject))
    }

    async fn browse_determinations(
        &self,
        before: Option<DeterminationPlace>,
        limit: u32,
    ) -> Result<Vec<Determination>, StoreError> {
        let attempt = "list determinations";
        let mut connection = self.snapshot(attempt).await?;
        let (confirmed_at, risk, ordinal) = before.map_or_else(
            || (i64::MAX, vec![0xff; 33], i64::MAX),
            |place| {
                let risk = place.risk.0.to_vec();
                (place.confirmed_at.0, risk, i64::from(place.ordinal))
            },
        );
        let keys = sqlx::query_scalar!(
            r#"SELECT json_group_array(json_array(hex(risk), ordinal)) AS "keys!: String"
               FROM (SELECT risk, ordinal FROM determinations WHERE (confirmed_at, risk, ordinal) < (?1, ?2, ?3)
                     ORDER BY confirmed_at DESC, risk DESC, ordinal DESC LIMIT ?4)"#,
            confirmed_at,
            risk,
            ordinal,
            limit
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        determinations::find(&mut connection, &keys, attempt).await
    }

    async fn browse_claims(
        &self,
        risk: RiskId,
        ordinal: u32,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Claim>, StoreError> {
        let attempt = "list claims";
        let mut connection = self.snapshot(attempt).await?;
        let risk = risk.0.as_slice();
        let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
        let rows = sqlx::query_as!(
            ClaimRow,
            r#"SELECT policy AS "policy!", risk AS "risk!", ordinal AS "ordinal!", eligible AS "eligible!: bool",
                      fraction AS "fraction?", amount AS "amount?", refusal AS "refusal?"
               FROM claims WHERE risk = ?1 AND ordinal = ?2 AND policy > ?3 ORDER BY policy LIMIT ?4"#,
            risk,
            ordinal,
            after,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Claim::try_from).collect()
    }

    async fn browse_observations(
        &self,
        stream: &Stream,
        before: Option<(Timestamp, Sequence)>,
        limit: u32,
    ) -> Result<Vec<Observation>, StoreError> {
        let attempt = "list observations";
        let mut connection = self.snapshot(attempt).await?;
        let numbers = streams::find(&mut connection, [stream].into_iter(), attempt).await?;
        let Some(number) = numbers.get(stream) else {
            return Ok(Vec::new());
        };
        let (observed_at, sequence) = before.map_or_else(
            || (i64::MAX, vec![0xff; 33]),
            |(at, Sequence(sequence))| (at.0, sequence.to_be_bytes::<32>().to_vec()),
        );
        let rows = sqlx::query_as!(
            ObservationRow,
            r#"SELECT observed_at AS "observed_at!", sequence AS "sequence!", value_kind AS "value_kind?", value AS "value?",
                      chain_id AS "chain_id?", block AS "block?", block_hash AS "block_hash?", log_index AS "log_index?",
                      raw_hash AS "raw_hash!"
               FROM observations WHERE stream = ?1 AND (observed_at, sequence) < (?2, ?3)
               ORDER BY observed_at DESC, sequence DESC LIMIT ?4"#,
            number,
            observed_at,
            sequence,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(|row| row.decode(stream)).collect()
    }

    async fn browse_every_claim(
        &self,
        filter: ClaimFilter,
        after: Option<(PolicyId, u32)>,
        limit: u32,
    ) -> Result<Vec<ClaimEntry>, StoreError> {
        let mut connection = self.snapshot("list claims").await?;
        claims::list(&mut connection, filter, after, limit).await
    }

    async fn claim_of_key(&self, key: ClaimKey) -> Result<Option<ClaimEntry>, StoreError> {
        let mut connection = self.snapshot("look for the claim of a key").await?;
        claims::of_key(&mut connection, key).await
    }

    async fn browse_attestations(
        &self,
        filter: AttestationFilter,
        before: Option<AttestationId>,
        limit: u32,
    ) -> Result<Vec<AttestationRecord>, StoreError> {
        let mut connection = self.snapshot("list attestations").await?;
        attestations::list(&mut connection, filter, before, limit).await
    }

    async fn browse_deliveries(
        &self,
        filter: DeliveryFilter,
        before: Option<AttestationId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut connection = self.snapshot("list deliveries").await?;
        deliveries::listed::list(&mut connection, filter, before, limit).await
    }
}
