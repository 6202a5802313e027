//! The grounds of an answer about a policy.
//!
//! Most policies never come to a loss event, and everything about such a one is a single statement, which by itself sees one
//! state: every statement that is put to a connection costs more than what SQLite does for it.

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use tocsin_domain::ids::{ClaimKey, PolicyId};
use tocsin_domain::policy::Policy;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::grounds::{Attested, Grounds, Groundwork, Heard};
use tocsin_store::look::Look;
use tocsin_store::revocation::Standing;

use crate::column::{hexed, present, word};
use crate::error::failed;
use crate::looks::LookRow;
use crate::observations::ObservationRow;
use crate::policies::PolicyRow;
use crate::standings::StandingRow;
use crate::store::SqliteStore;
use crate::streams::stream;
use crate::{attestations, claims};

const READ: &str = "read what was recorded of a policy";

#[async_trait]
impl Groundwork for SqliteStore {
    async fn grounds(&self, policy: PolicyId) -> Result<Option<Grounds>, StoreError> {
        let mut connection = self.reader(READ).await?;
        let quiet = match heard(&mut connection, policy).await? {
            Some(beginning) if beginning.is_determined => None,
            other => Some(other.map(|beginning| beginning.grounds)),
        };
        drop(connection);
        match quiet {
            Some(grounds) => Ok(grounds),
            None => {
                let mut snapshot = self.snapshot(READ).await?;
                whole(&mut snapshot, policy).await
            }
        }
    }
}

/// What one statement says of a policy.
struct Beginning {
    /// Without what follows from loss events.
    grounds: Grounds,
    /// Whether there are any.
    is_determined: bool,
}

async fn heard(
    connection: &mut SqliteConnection,
    policy: PolicyId,
) -> Result<Option<Beginning>, StoreError> {
    let id = policy.0.as_slice();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT p.id AS "id!", p.number AS "number!", p.chain_id AS "policy_chain_id!", p.contract AS "contract!",
                  p.terms_hash AS "terms_hash!", p.risk AS "risk!", p.holder AS "holder!", p.sum_insured AS "sum_insured!",
                  p.inception AS "inception!", p.expiry AS "expiry!",
                  EXISTS (SELECT 1 FROM determinations WHERE determinations.risk = p.risk) AS "is_determined!: bool",
                  listening.input AS "input?", streams.source AS "source?", streams.subject AS "subject?", streams.metric AS "metric?",
                  sources.watermark AS "read_until?",
                  looks.state AS "state?", looks.due_at AS "due_at?", looks.watermark AS "watermark?", looks.memory AS "memory?",
                  looks.trouble AS "trouble?", looks.reason AS "reason?", looks.looked_at AS "looked_at?", looks.version AS "version?",
                  o.observed_at AS "observed_at?", o.sequence AS "sequence?", o.value_kind AS "value_kind?", o.value AS "value?",
                  o.chain_id AS "chain_id?", o.block AS "block?", o.block_hash AS "block_hash?", o.log_index AS "log_index?",
                  o.raw_hash AS "raw_hash?"
           FROM policies AS p
           LEFT JOIN risk_streams AS listening ON listening.risk = p.risk
           LEFT JOIN streams ON streams.id = listening.stream
           LEFT JOIN sources ON sources.source = streams.source
           LEFT JOIN looks ON looks.source = streams.source AND looks.subject = streams.subject
           LEFT JOIN observations AS o ON o.stream = streams.id AND (o.observed_at, o.sequence) =
                (SELECT newest.observed_at, newest.sequence FROM observations AS newest WHERE newest.stream = streams.id
                 ORDER BY newest.observed_at DESC, newest.sequence DESC LIMIT 1)
           WHERE p.id = ?1 ORDER BY listening.input"#,
        id
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(READ))?;
    let mut beginning = None;
    for row in rows {
        let (of, input) = row.parts()?;
        let beginning: &mut Beginning = match &mut beginning {
            Some(begun) => begun,
            none => none.insert(Beginning {
                is_determined: of.is_determined,
                grounds: Grounds {
                    policy: Policy::try_from(of.policy)?,
                    inputs: Vec::new(),
                    determinations: Vec::new(),
                    claims: Vec::new(),
                    attestations: Vec::new(),
                },
            }),
        };
        beginning.grounds.inputs.extend(input);
    }
    Ok(beginning)
}

/// Everything, also what follows from loss events.
async fn whole(
    connection: &mut SqliteConnection,
    policy: PolicyId,
) -> Result<Option<Grounds>, StoreError> {
    let Some(Beginning { mut grounds, .. }) = heard(connection, policy).await? else {
        return Ok(None);
    };
    grounds.determinations =
        claims::determinations_of(connection, grounds.policy.risk, READ).await?;
    grounds.claims = claims::of(connection, policy, READ).await?;
    let records = attestations::of(connection, policy, READ).await?;
    let standings = match records.is_empty() {
        true => BTreeMap::new(),
        false => standings(connection, policy).await?,
    };
    let attested = records.into_iter().map(|record| Attested {
        standing: standings
            .get(&(record.domain_separator, record.claim_key))
            .copied(),
        record,
    });
    grounds.attestations = attested.collect();
    Ok(Some(grounds))
}

/// What the verifiers say of the claims of a policy.
async fn standings(
    connection: &mut SqliteConnection,
    policy: PolicyId,
) -> Result<BTreeMap<(B256, ClaimKey), Standing>, StoreError> {
    let id = policy.0.as_slice();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT standings.domain_separator AS "domain_separator!", standings.claim_key AS "claim_key!",
                  standings.consumed AS "consumed!: bool", standings.hold, standings.min_revision AS "min_revision!", standings.corrected
           FROM claims
           JOIN attestations ON attestations.claim = claims.number
           JOIN statements ON statements.position = attestations.statement
           JOIN standings ON standings.domain_separator = statements.domain_separator
                         AND standings.claim_key = statements.claim_key
           WHERE claims.policy = ?1"#,
        id
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(READ))?;
    rows.into_iter()
        .map(|row| {
            let domain = word("domain_separator", &row.domain_separator);
            let invalid = |flaw: Flaw| flaw.invalid_row("standing of claim", hexed(&row.claim_key));
            let domain = domain.map_err(invalid)?;
            let standing = Standing::try_from(StandingRow {
                claim_key: row.claim_key,
                consumed: row.consumed,
                hold: row.hold,
                min_revision: row.min_revision,
                corrected: row.corrected,
            })?;
            Ok(((domain, standing.news.claim_key), standing))
        })
        .collect()
}

/// A policy with one of the inputs of its risk: what it listens to, how far that was read or looked at, and what it said last.
struct Row {
    id: Vec<u8>,
    number: Vec<u8>,
    policy_chain_id: i64,
    contract: Vec<u8>,
    terms_hash: Vec<u8>,
    risk: Vec<u8>,
    holder: Vec<u8>,
    sum_insured: Vec<u8>,
    inception: i64,
    expiry: i64,
    is_determined: bool,
    input: Option<i64>,
    source: Option<String>,
    subject: Option<String>,
    metric: Option<String>,
    read_until: Option<i64>,
    state: Option<String>,
    due_at: Option<i64>,
    watermark: Option<i64>,
    memory: Option<String>,
    trouble: Option<String>,
    reason: Option<String>,
    looked_at: Option<i64>,
    version: Option<i64>,
    observed_at: Option<i64>,
    sequence: Option<Vec<u8>>,
    value_kind: Option<String>,
    value: Option<String>,
    chain_id: Option<i64>,
    block: Option<i64>,
    block_hash: Option<Vec<u8>>,
    log_index: Option<i64>,
    raw_hash: Option<Vec<u8>>,
}

/// What a row says of the policy.
struct OfPolicy {
    policy: PolicyRow,
    is_determined: bool,
}

impl Row {
    /// What it says of the policy, and of the input, if there is one.
    fn parts(self) -> Result<(OfPolicy, Option<Heard>), StoreError> {
        let key = format!("0x{}", hexed(&self.id));
        let invalid = |flaw: Flaw| flaw.invalid_row("risk of policy", &key);
        let heard = match self.input {
            None => None,
            Some(_) => {
                let stream = stream(
                    present("source", self.source).map_err(invalid)?,
                    present("subject", self.subject).map_err(invalid)?,
                    present("metric", self.metric).map_err(invalid)?,
                );
                let look = match self.state {
                    None => None,
                    Some(state) => Some(Look::try_from(LookRow {
                        source: stream.source.as_str().to_owned(),
                        subject: stream.subject.as_str().to_owned(),
                        state,
                        due_at: self.due_at,
                        watermark: self.watermark,
                        memory: self.memory,
                        trouble: self.trouble,
                        reason: self.reason,
                        looked_at: self.looked_at,
                        version: present("version", self.version).map_err(invalid)?,
                    })?),
                };
                let last = match self.observed_at {
                    None => None,
                    Some(observed_at) => {
                        let row = ObservationRow {
                            observed_at,
                            sequence: present("sequence", self.sequence).map_err(invalid)?,
                            value_kind: self.value_kind,
                            value: self.value,
                            chain_id: self.chain_id,
                            block: self.block,
                            block_hash: self.block_hash,
                            log_index: self.log_index,
                            raw_hash: present("raw_hash", self.raw_hash).map_err(invalid)?,
                        };
                        Some(row.decode(&stream)?)
                    }
                };
                Some(Heard {
                    stream,
                    last,
                    look,
                    watermark: self.read_until.map(Timestamp),
                })
            }
        };
        let policy = PolicyRow {
            id: self.id,
            number: self.number,
            chain_id: self.policy_chain_id,
            contract: self.contract,
            terms_hash: self.terms_hash,
            risk: self.risk,
            holder: self.holder,
            sum_insured: self.sum_insured,
            inception: self.inception,
            expiry: self.expiry,
        };
        Ok((
            OfPolicy {
                policy,
                is_determined: self.is_determined,
            },
            heard,
        ))
    }
}
