//! Mirrors of attestations.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::attestation::QuorumSignature;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::mirror::{MirrorRecord, Mirrors, Unmirrored};

use crate::attestations;
use crate::column::{address, hexed, signed, to_json, unsigned};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "mirror";
const LOOK: &str = "look for attestations to mirror";
const ADD: &str = "record mirrors";
const READ: &str = "read a mirror";

#[async_trait]
impl Mirrors for SqliteStore {
    async fn unmirrored(
        &self,
        domain_separator: B256,
        contract: &EasContract,
        epochs: &[u32],
        after: u64,
        limit: u32,
    ) -> Result<Vec<Unmirrored>, StoreError> {
        let mut connection = self.snapshot(LOOK).await?;
        let domain = domain_separator.as_slice();
        let (chain_id, at, version) = cells(contract)?;
        let epochs = epochs.iter().map(|epoch| hexed(epoch.to_be_bytes()));
        let epochs = to_json(NOUN, "epochs", &epochs.collect::<Vec<_>>())?;
        let after = signed(NOUN, "position", after)?;
        // A payload is of words: `signerEpoch` ends its twentieth, `revision` its twenty-first.
        let rows = sqlx::query!(
            r#"SELECT a.position AS "position!", a.id AS "id!"
               FROM attested AS a
               WHERE a.position > ?1 AND a.domain_separator = ?2
                 AND substr(a.payload, 637, 4) IN (SELECT unhex(value) FROM json_each(?3))
                 AND NOT EXISTS (SELECT 1 FROM mirrors AS m WHERE m.attestation = a.id AND m.chain_id = ?4
                                   AND m.contract = ?5 AND m.version = ?6)
                 AND NOT EXISTS (SELECT 1 FROM standings AS s WHERE s.domain_separator = ?2 AND s.claim_key = a.claim_key
                                   AND unhex(printf('%08x', s.min_revision)) > substr(a.payload, 669, 4))
               ORDER BY a.position LIMIT ?7"#,
            after,
            domain,
            epochs,
            chain_id,
            at,
            version,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(LOOK))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let key = || format!("0x{}", hexed(&row.id));
            let position = unsigned("position", row.position);
            let position = position.map_err(|flaw: Flaw| flaw.invalid_row("attestation", key()))?;
            let id = crate::column::word("id", &row.id);
            let id = id.map_err(|flaw| flaw.invalid_row("attestation", key()))?;
            let record = attestations::find(&mut connection, AttestationId(id), LOOK).await?;
            let attestation = record.ok_or_else(|| StoreError::Missing {
                noun: "attestation",
                key: key(),
            })?;
            found.push(Unmirrored {
                position,
                attestation,
            });
        }
        Ok(found)
    }

    async fn add_mirrors(&self, mirrors: &[MirrorRecord]) -> Result<(), StoreError> {
        let mut transaction = self.begin(ADD).await?;
        for mirror in mirrors {
            let id = mirror.attestation;
            if attestations::find(&mut transaction, id, ADD)
                .await?
                .is_none()
            {
                return Err(StoreError::Missing {
                    noun: "attestation",
                    key: id.to_string(),
                });
            }
            let id = id.0.as_slice();
            let (chain_id, at, version) = cells(&mirror.contract)?;
            let signer = mirror.signer.as_slice();
            let signature = mirror.signature.to_bytes();
            let signature = signature.as_slice();
            sqlx::query!(
                "INSERT INTO mirrors (attestation, chain_id, contract, version, signer, signature, mirrored_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                id,
                chain_id,
                at,
                version,
                signer,
                signature,
                mirror.mirrored_at.0
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed(ADD))?;
        }
        transaction.commit().await.map_err(failed(ADD))
    }

    async fn mirror(
        &self,
        attestation: AttestationId,
        contract: &EasContract,
    ) -> Result<Option<MirrorRecord>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let id = attestation.0.as_slice();
        let (chain_id, at, version) = cells(contract)?;
        let row = sqlx::query!(
            r#"SELECT signer AS "signer!", signature AS "signature!", mirrored_at AS "mirrored_at!" FROM mirrors
               WHERE attestation = ?1 AND chain_id = ?2 AND contract = ?3 AND version = ?4"#,
            id,
            chain_id,
            at,
            version
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(READ))?;
        let decode = |signer: &[u8], signature: &[u8], at| {
            Ok(MirrorRecord {
                attestation,
                contract: contract.clone(),
                signer: address("signer", signer)?,
                signature: read_signature(signature)?,
                mirrored_at: Timestamp(at),
            })
        };
        row.map(|row| decode(&row.signer, &row.signature, row.mirrored_at))
            .transpose()
            .map_err(|flaw: Flaw| flaw.invalid_row(NOUN, attestation))
    }
}

/// What names a contract in a row.
fn cells(contract: &EasContract) -> Result<(i64, &[u8], &str), StoreError> {
    let chain_id = signed(NOUN, "chain_id", contract.chain_id)?;
    Ok((chain_id, contract.address.as_slice(), &contract.version))
}

fn read_signature(bytes: &[u8]) -> Result<QuorumSignature, Flaw> {
    let sized = bytes.try_into().map_err(|_other_length| {
        Flaw(format!("its signature has {} bytes, not 65", bytes.len()))
    })?;
    QuorumSignature::from_bytes(&sized).map_err(|error| Flaw(error.to_string()))
}
