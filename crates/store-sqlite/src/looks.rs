//! Looks: when polled sources are asked about which subject, and what is known of it.

mod moving;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::cover::RiskRecord;
use tocsin_store::look::{Look, LookCounts, LookState, Looks, NewLook, Usage};

use crate::column::{hexed, present, to_json, unsigned};
use crate::error::failed;
use crate::store::SqliteStore;

pub(crate) use moving::advance;

const NOUN: &str = "look";

#[async_trait]
impl Looks for SqliteStore {
    async fn add_looks(&self, looks: &[NewLook]) -> Result<(), StoreError> {
        let attempt = "add looks";
        let mut transaction = self.begin(attempt).await?;
        add(&mut transaction, looks, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn due_looks(
        &self,
        source: &SourceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Look>, StoreError> {
        let attempt = "read which looks are due";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            LookRow,
            r#"SELECT source AS "source!", subject AS "subject!", state AS "state!", due_at AS "due_at?", watermark AS "watermark?",
                      memory AS "memory?", trouble AS "trouble?", reason AS "reason?", looked_at AS "looked_at?", version AS "version!"
               FROM looks WHERE source = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3"#,
            source.as_str(),
            now.0,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Look::try_from).collect()
    }

    async fn next_due(&self, source: &SourceId) -> Result<Option<Timestamp>, StoreError> {
        let attempt = "read when a look is due";
        let mut connection = self.snapshot(attempt).await?;
        let due = sqlx::query_scalar!(
            r#"SELECT due_at AS "due_at!" FROM looks WHERE source = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1"#,
            source.as_str()
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        Ok(due.map(Timestamp))
    }

    async fn look(&self, source: &SourceId, subject: &Subject) -> Result<Option<Look>, StoreError> {
        let mut connection = self.reader("read a look").await?;
        find(&mut connection, source, subject, "read a look").await
    }

    async fn count_looks(&self, source: &SourceId) -> Result<LookCounts, StoreError> {
        let attempt = "count the looks of a source";
        let mut connection = self.snapshot(attempt).await?;
        let row = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM looks WHERE source = ?1 AND state = 'open') AS "open!: i64",
                      (SELECT count(*) FROM looks WHERE source = ?1 AND state = 'over') AS "over!: i64",
                      (SELECT count(*) FROM looks WHERE source = ?1 AND state = 'person') AS "person!: i64",
                      (SELECT count(*) FROM looks WHERE source = ?1 AND state = 'open' AND trouble IS NOT NULL) AS "troubled!: i64""#,
            source.as_str()
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        let count = |n| unsigned("count", n).map_err(|flaw| flaw.invalid_row(NOUN, source));
        Ok(LookCounts {
            open: count(row.open)?,
            over: count(row.over)?,
            needs_person: count(row.person)?,
            troubled: count(row.troubled)?,
        })
    }

    async fn looks_for_a_person(
        &self,
        source: &SourceId,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Look>, StoreError> {
        let attempt = "read which looks need a person";
        let mut connection = self.snapshot(attempt).await?;
        // No subject is before the empty one, which names nothing.
        let after = after.map_or("", |subject| subject.as_str());
        let rows = sqlx::query_as!(
            LookRow,
            r#"SELECT source AS "source!", subject AS "subject!", state AS "state!", due_at AS "due_at?", watermark AS "watermark?",
                      memory AS "memory?", trouble AS "trouble?", reason AS "reason?", looked_at AS "looked_at?", version AS "version!"
               FROM looks WHERE source = ?1 AND state = 'person' AND subject > ?2 ORDER BY subject LIMIT ?3"#,
            source.as_str(),
            after,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Look::try_from).collect()
    }

    async fn open_subjects(
        &self,
        source: &SourceId,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, StoreError> {
        let attempt = "read which subjects are asked about";
        let mut connection = self.snapshot(attempt).await?;
        let source = source.as_str();
        let after = after.map_or("", Subject::as_str);
        let rows = sqlx::query_scalar!(
            r#"SELECT subject AS "subject!" FROM looks
               WHERE source = ?1 AND state = 'open' AND subject > ?2 ORDER BY subject LIMIT ?3"#,
            source,
            after,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        Ok(rows.into_iter().map(Subject::from).collect())
    }

    async fn attend(
        &self,
        source: &SourceId,
        subject: &Subject,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let attempt = "record what a person decided about a look";
        let mut transaction = self.begin(attempt).await?;
        let found = find(&mut transaction, source, subject, attempt).await?;
        let look = found.ok_or_else(|| StoreError::Missing {
            noun: NOUN,
            key: format!("{subject} of {source}"),
        })?;
        if !matches!(look.state, LookState::NeedsPerson(_)) {
            let flaw = Flaw("it does not need a person".to_owned());
            return Err(flaw.refused(NOUN, format!("{subject} of {source}")));
        }
        let state = if due_at.is_some() { "open" } else { "over" };
        let due_at = due_at.or(look.due_at).map(|due| due.0);
        sqlx::query!(
            "UPDATE looks
             SET state = ?3, reason = NULL, due_at = ?4, version = version + 1,
                 watermark = (SELECT max(reached) FROM (
                     SELECT looks.watermark AS reached
                     UNION ALL
                     SELECT risks.evaluated_to FROM streams
                     JOIN risk_streams AS listening ON listening.stream = streams.id
                     JOIN risks ON risks.id = listening.risk
                     WHERE streams.source = ?1 AND streams.subject = ?2))
             WHERE source = ?1 AND subject = ?2",
            source.as_str(),
            subject.as_str(),
            state,
            due_at
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn usage(&self, source: &SourceId, since: i64) -> Result<Vec<Usage>, StoreError> {
        let attempt = "read what the keys of a source have used";
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query!(
            r#"SELECT day AS "day!", key AS "key!", requests AS "requests!" FROM usage
               WHERE source = ?1 AND day >= ?2 ORDER BY day, key"#,
            source.as_str(),
            since
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter()
            .map(|row| {
                Ok(Usage {
                    source: source.clone(),
                    day: row.day,
                    requests: unsigned("requests", row.requests)
                        .map_err(|flaw| flaw.invalid_row("usage", &row.key))?,
                    key: row.key,
                })
            })
            .collect()
    }
}

pub(crate) struct LookRow {
    pub(crate) source: String,
    pub(crate) subject: String,
    pub(crate) state: String,
    pub(crate) due_at: Option<i64>,
    pub(crate) watermark: Option<i64>,
    pub(crate) memory: Option<String>,
    pub(crate) trouble: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) looked_at: Option<i64>,
    pub(crate) version: i64,
}

impl TryFrom<LookRow> for Look {
    type Error = StoreError;

    fn try_from(row: LookRow) -> Result<Self, StoreError> {
        let key = format!("{} of {}", row.subject, row.source);
        let decode = || {
            let look = Self {
                source: SourceId::from(&*row.source),
                subject: Subject::from(&*row.subject),
                state: state(&row.state, row.reason)?,
                due_at: row.due_at.map(Timestamp),
                watermark: row.watermark.map(Timestamp),
                memory: row.memory,
                trouble: row.trouble,
                looked_at: row.looked_at.map(Timestamp),
                version: unsigned("version", row.version)?,
            };
            check::look(&look)?;
            Ok(look)
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, key))
    }
}

fn state(cell: &str, reason: Option<String>) -> Result<LookState, Flaw> {
    match cell {
        "open" => Ok(LookState::Open),
        "over" => Ok(LookState::Over),
        "person" => Ok(LookState::NeedsPerson(present("reason", reason)?)),
        _ => Err(Flaw(format!("there is no state `{cell}`"))),
    }
}

fn state_cells(state: &LookState) -> (&'static str, Option<&str>) {
    match state {
        LookState::Open => ("open", None),
        LookState::Over => ("over", None),
        LookState::NeedsPerson(reason) => ("person", Some(reason)),
    }
}

async fn find(
    connection: &mut SqliteConnection,
    source: &SourceId,
    subject: &Subject,
    attempt: &'static str,
) -> Result<Option<Look>, StoreError> {
    let row = sqlx::query_as!(
        LookRow,
        r#"SELECT source AS "source!", subject AS "subject!", state AS "state!", due_at AS "due_at?", watermark AS "watermark?",
                  memory AS "memory?", trouble AS "trouble?", reason AS "reason?", looked_at AS "looked_at?", version AS "version!"
           FROM looks WHERE source = ?1 AND subject = ?2"#,
        source.as_str(),
        subject.as_str()
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    row.map(Look::try_from).transpose()
}

/// Adds those that are not there.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    looks: &[NewLook],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if looks.is_empty() {
        return Ok(());
    }
    for look in looks {
        check::new_look(look).map_err(|flaw| flaw.refused(NOUN, &look.subject))?;
    }
    let rows: Vec<(&str, &str, i64)> = looks
        .iter()
        .map(|look| (look.source.as_str(), look.subject.as_str(), look.due_at.0))
        .collect();
    let rows = to_json(NOUN, "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO looks (source, subject, state, due_at)
         SELECT value ->> 0, value ->> 1, 'open', value ->> 2 FROM jsonb_each(?1) WHERE true
         ON CONFLICT (source, subject) DO NOTHING",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// Makes closed looks that new risks listen to due: what they have said is to be evaluated, and nobody asks again.
pub(crate) async fn wake(
    connection: &mut SqliteConnection,
    risks: &[&RiskRecord],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if risks.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = risks.iter().map(|record| hexed(record.risk.id.0)).collect();
    let ids = to_json("risk", "keys", &ids)?;
    sqlx::query!(
        "UPDATE looks SET due_at = coalesce(watermark, 0), version = version + 1
         FROM jsonb_each(?1) AS given
         JOIN risk_streams AS listening ON listening.risk = unhex(given.value)
         JOIN streams ON streams.id = listening.stream
         WHERE looks.source = streams.source AND looks.subject = streams.subject AND looks.state <> 'open'",
        ids
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
