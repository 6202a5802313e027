//! Halts, and what they stop.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::halt::{Halt, Halted, Halts};

use crate::column::{from_json, hexed, signed, to_json, unsigned};
use crate::error::failed;
use crate::sources::names;
use crate::store::SqliteStore;

const NOUN: &str = "halt";

#[async_trait]
impl Halts for SqliteStore {
    async fn halt(&self, sources: &[SourceId], halt: &Halt) -> Result<(), StoreError> {
        let attempt = "halt sources";
        check::halt(halt).map_err(|flaw| flaw.refused(NOUN, &halt.chain))?;
        let number = signed(NOUN, &halt.chain, halt.number)?;
        let cause = to_json(NOUN, &halt.chain, &halt.cause)?;
        let names = names(sources.iter());
        let mut transaction = self.begin(attempt).await?;
        sqlx::query!(
            "INSERT INTO halts (source, chain, number, cause, endpoint, since)
             SELECT value, ?2, ?3, ?4, ?5, ?6 FROM json_each(?1) WHERE true
             ON CONFLICT (source) DO NOTHING",
            names,
            halt.chain,
            number,
            cause,
            halt.endpoint,
            halt.since.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn halts(&self) -> Result<Vec<Halted>, StoreError> {
        let attempt = "read what is halted";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            HaltRow,
            r#"SELECT source AS "source!", chain AS "chain!", number AS "number!", cause AS "cause!", endpoint AS "endpoint!", since AS "since!"
               FROM halts WHERE source >= '' ORDER BY source"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Halted::try_from).collect()
    }

    async fn clear_halt(&self, sources: &[SourceId]) -> Result<(), StoreError> {
        let attempt = "clear a halt";
        let names = names(sources.iter());
        let mut transaction = self.begin(attempt).await?;
        let open = sqlx::query!(
            r#"SELECT kept.policy AS "policy!", kept.ordinal AS "ordinal!", streams.source AS "source!"
               FROM json_each(?1) AS wanted
               JOIN streams ON streams.source = wanted.value
               JOIN risk_streams AS listening ON listening.stream = streams.id
               JOIN kept_claims AS kept ON kept.risk = listening.risk
               WHERE kept.acknowledged_at IS NULL LIMIT 1"#,
            names
        )
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        if let Some(row) = open {
            let flaw = Flaw(format!(
                "claim 0x{}/{} was reserved on evidence that is gone; look at it and acknowledge it first",
                hexed(&row.policy),
                row.ordinal
            ));
            return Err(flaw.refused(NOUN, row.source));
        }
        sqlx::query!(
            "DELETE FROM halts WHERE source IN (SELECT value FROM json_each(?1))",
            names
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }
}

struct HaltRow {
    source: String,
    chain: String,
    number: i64,
    cause: String,
    endpoint: String,
    since: i64,
}

impl TryFrom<HaltRow> for Halted {
    type Error = StoreError;

    fn try_from(row: HaltRow) -> Result<Self, StoreError> {
        let decode = || {
            let halt = Halt {
                chain: row.chain,
                number: unsigned("number", row.number)?,
                cause: from_json("cause", &row.cause)?,
                endpoint: row.endpoint,
                since: Timestamp(row.since),
            };
            check::halt(&halt)?;
            Ok(halt)
        };
        match decode() {
            Ok(halt) => Ok(Self {
                source: SourceId::from(row.source),
                halt,
            }),
            Err(flaw) => {
                let flaw: Flaw = flaw;
                Err(flaw.invalid_row(NOUN, row.source))
            }
        }
    }
}

/// [`StoreError::Halted`] where one of `sources` is.
pub(crate) async fn refuse<'a>(
    connection: &mut SqliteConnection,
    sources: impl Iterator<Item = &'a SourceId>,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let names = names(sources);
    let halted = sqlx::query!(
        r#"SELECT halts.source AS "source!", halts.chain AS "chain!"
           FROM json_each(?1) AS wanted JOIN halts ON halts.source = wanted.value LIMIT 1"#,
        names
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    halted.map_or(Ok(()), |row| {
        Err(StoreError::Halted {
            noun: "source",
            key: row.source,
            chain: row.chain,
        })
    })
}

/// [`StoreError::Halted`] where the risk of one of the policies listens to a halted source. Hardly ever is any source halted,
/// and then nobody asks which policies.
pub(crate) async fn refuse_policies(
    connection: &mut SqliteConnection,
    attempt: &'static str,
    policies: impl FnOnce() -> Result<Vec<PolicyId>, StoreError>,
) -> Result<(), StoreError> {
    let any = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM halts) AS "any!: bool""#)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(attempt))?;
    if !any {
        return Ok(());
    }
    let ids: Vec<String> = policies()?.iter().map(|policy| hexed(policy.0)).collect();
    let ids = to_json("policy", "batch", &ids)?;
    let halted = sqlx::query!(
        r#"SELECT lower(hex(policies.id)) AS "policy!: String", halts.chain AS "chain!"
           FROM json_each(?1) AS wanted
           JOIN policies ON policies.id = unhex(wanted.value)
           JOIN risk_streams AS listening ON listening.risk = policies.risk
           JOIN streams ON streams.id = listening.stream
           JOIN halts ON halts.source = streams.source
           LIMIT 1"#,
        ids
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    halted.map_or(Ok(()), |row| {
        Err(StoreError::Halted {
            noun: "policy",
            key: format!("0x{}", row.policy),
            chain: row.chain,
        })
    })
}
