//! Epochs of signers.

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::attestation::{Epoch, SignerSet};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::epoch::{EpochOrigin, Epochs, Told};

use crate::column::{from_json, to_json};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "epoch";
const PUT: &str = "record epochs";
const READ: &str = "read the epochs of signers";

#[async_trait]
impl Epochs for SqliteStore {
    async fn put_epochs(
        &self,
        domain_separator: B256,
        origin: EpochOrigin,
        epochs: &[Epoch],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(PUT).await?;
        for epoch in epochs {
            let stored = find(&mut transaction, domain_separator, epoch.number(), PUT).await?;
            let told = stored.as_ref().map_or(Told::News, |(by, stored)| {
                Told::judge((*by, stored), (origin, epoch))
            });
            match told {
                Told::Known => {}
                Told::News => put(&mut transaction, domain_separator, origin, epoch).await?,
                Told::Contradiction(reason) => {
                    return Err(StoreError::Conflict {
                        noun: NOUN,
                        key: epoch.number().to_string(),
                        reason: reason.to_owned(),
                    });
                }
            }
        }
        transaction.commit().await.map_err(failed(PUT))
    }

    async fn epochs(&self, domain_separator: B256) -> Result<Vec<Epoch>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let domain = domain_separator.as_slice();
        let rows = sqlx::query_as!(
            EpochRow,
            r#"SELECT number AS "number!", announced AS "announced!: bool", active_from AS "active_from!",
                      sign_until AS "sign_until!", accept_until AS "accept_until!", revoked AS "revoked!: bool",
                      signers AS "signers!"
               FROM epochs WHERE domain_separator = ?1 ORDER BY number"#,
            domain
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        let epochs = rows.into_iter().map(|row| row.decode());
        epochs
            .map(|decoded| decoded.map(|(_, epoch)| epoch))
            .collect()
    }

    async fn epoch(
        &self,
        domain_separator: B256,
        number: u32,
    ) -> Result<Option<Epoch>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let found = find(&mut connection, domain_separator, number, READ).await?;
        Ok(found.map(|(_, epoch)| epoch))
    }
}

struct EpochRow {
    number: i64,
    announced: bool,
    active_from: Vec<u8>,
    sign_until: Vec<u8>,
    accept_until: Vec<u8>,
    revoked: bool,
    signers: String,
}

impl EpochRow {
    fn decode(self) -> Result<(EpochOrigin, Epoch), StoreError> {
        let decode = || {
            let signers: SignerSet = from_json("signers", &self.signers)?;
            if i64::from(signers.epoch()) != self.number {
                return Err(Flaw(format!(
                    "its signers are those of epoch {}",
                    signers.epoch()
                )));
            }
            let origin = if self.announced {
                EpochOrigin::Announced
            } else {
                EpochOrigin::Configured
            };
            let epoch = Epoch {
                signers,
                active_from: seconds("active_from", &self.active_from)?,
                sign_until: seconds("sign_until", &self.sign_until)?,
                accept_until: seconds("accept_until", &self.accept_until)?,
                revoked: self.revoked,
            };
            Ok((origin, epoch))
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, self.number))
    }
}

fn seconds(column: &'static str, bytes: &[u8]) -> Result<u64, Flaw> {
    <[u8; 8]>::try_from(bytes)
        .map(u64::from_be_bytes)
        .map_err(|_wrong_length| Flaw(format!("{column} has {} bytes, not 8", bytes.len())))
}

async fn find(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    number: u32,
    attempt: &'static str,
) -> Result<Option<(EpochOrigin, Epoch)>, StoreError> {
    let domain = domain_separator.as_slice();
    let row = sqlx::query_as!(
        EpochRow,
        r#"SELECT number AS "number!", announced AS "announced!: bool", active_from AS "active_from!",
                  sign_until AS "sign_until!", accept_until AS "accept_until!", revoked AS "revoked!: bool",
                  signers AS "signers!"
           FROM epochs WHERE domain_separator = ?1 AND number = ?2"#,
        domain,
        number
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(EpochRow::decode).transpose()
}

async fn put(
    connection: &mut SqliteConnection,
    domain_separator: B256,
    origin: EpochOrigin,
    epoch: &Epoch,
) -> Result<(), StoreError> {
    let (domain, number) = (domain_separator.as_slice(), epoch.number());
    let announced = origin == EpochOrigin::Announced;
    let active_from = &epoch.active_from.to_be_bytes()[..];
    let sign_until = &epoch.sign_until.to_be_bytes()[..];
    let accept_until = &epoch.accept_until.to_be_bytes()[..];
    let signers = to_json(NOUN, number, &epoch.signers)?;
    sqlx::query!(
        "INSERT INTO epochs (domain_separator, number, announced, active_from, sign_until, accept_until, revoked, signers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (domain_separator, number) DO UPDATE SET announced = excluded.announced,
             active_from = excluded.active_from, sign_until = excluded.sign_until, accept_until = excluded.accept_until,
             revoked = excluded.revoked",
        domain,
        number,
        announced,
        active_from,
        sign_until,
        accept_until,
        epoch.revoked,
        signers
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(PUT))?;
    Ok(())
}
