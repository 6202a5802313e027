//! The eligibility log: what becomes a leaf, what is waited for, and what an audit finds.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin_domain::observation::Observation;
use tocsin_domain::time::Seconds;
use tocsin_log::audit::{AuditError, Files, audit};
use tocsin_log::{
    Checkpoint, SigningKey, TilePath, inclusion_proof, leaf_hash, verify_inclusion, write_bundle,
};
use tocsin_store::StoreError;
use tocsin_store::answer::{Answer, Written};
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample::{
    advance, at, cover, halt, hash, observation, risk, source, store_paid, store_reserved,
    store_risk, stream,
};
use tocsin_store::declaration::{Declaration, Declarations, NewDeclaration};
use tocsin_store::halt::Halts;
use tocsin_store::log::{Appended, Appending, Audit, AuditEntry, Log, Slack, StoredCheckpoint};
use tocsin_store::policy::Policies;
use tocsin_store::revocation::{ClaimNews, Standings};
use tocsin_store::step::{RiskAdvance, Step, Steps};
use tocsin_store_sqlite::SqliteStore;

/// A database in a folder of its own.
struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tocsin.db");
        Self {
            _folder: folder,
            path,
        }
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).await.unwrap()
    }
}

async fn append(store: &SqliteStore, second: i64, limit: u32) -> Appended {
    let slack = [Slack {
        terms: cover(0).terms_hash,
        beyond: Seconds(60),
        inputs: Vec::new(),
    }];
    let appending = Appending {
        now: at(second),
        limit,
        coverage_every: Seconds(300),
        slack: &slack,
    };
    store.append(&appending).await.unwrap()
}

/// Appends until nothing waits.
async fn append_all(store: &SqliteStore, second: i64, limit: u32) -> Appended {
    loop {
        let appended = append(store, second, limit).await;
        if !appended.more {
            return appended;
        }
    }
}

async fn kinds(store: &SqliteStore) -> Vec<String> {
    let leaves = store.leaves(0, 1_000).await.unwrap();
    leaves.into_iter().map(|leaf| leaf.kind).collect()
}

fn key() -> SigningKey {
    SigningKey::from_seed("tocsin.example/log".parse().unwrap(), &[3; 32])
}

async fn sign(store: &SqliteStore) -> Checkpoint {
    let tree = store.tree().await.unwrap();
    let checkpoint = Checkpoint {
        origin: key().verifier().name().to_string(),
        size: tree.size,
        root: tree.root,
    };
    let stored = StoredCheckpoint {
        size: tree.size,
        note: checkpoint.sign(&key()).unwrap(),
        signed_at: at(1),
    };
    store.put_checkpoint(&stored).await.unwrap();
    checkpoint
}

/// The files of a log, as the API serves them.
struct Served<'a>(&'a SqliteStore);

impl Files for Served<'_> {
    type Error = StoreError;

    async fn read(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        if path == "checkpoint" {
            return Ok(self.0.checkpoint().await?.unwrap().note.into_bytes());
        }
        Ok(match path.parse().unwrap() {
            TilePath::Hashes { id, width } => {
                let mut bytes = self.0.tile(id).await?.unwrap();
                bytes.truncate(usize::try_from(width * 32).unwrap());
                bytes
            }
            TilePath::Entries { index, width } => {
                let leaves = self
                    .0
                    .leaves(index * 256, u32::try_from(width).unwrap())
                    .await?;
                write_bundle(leaves.iter().map(|leaf| leaf.entry.as_bytes())).unwrap()
            }
        })
    }
}

/// Everything that is decided of a policy is a leaf, in the order in which it was decided; what waits and how it is cut
/// makes no difference; and the whole is what anybody can recompute.
#[tokio::test]
async fn every_decision_is_a_leaf() {
    let mut roots = Vec::new();
    for limit in [1, 3, 1_000] {
        let place = Place::new();
        let store = place.open().await;
        let paid = store_paid(&store, 2).await;
        store.halt(&[source(0)], &halt(1)).await.unwrap();
        store.clear_halt(&[source(0)]).await.unwrap();
        let domain = paid[0].reservation.domain_separator;
        let held = ClaimNews {
            claim_key: paid[0].reservation.claim_key,
            consumed: false,
            hold: Some(1),
            min_revision: 0,
        };
        let released = ClaimNews { hold: None, ..held };
        store.put_standings(domain, Some(7), &[held]).await.unwrap();
        store
            .put_standings(domain, Some(8), &[released])
            .await
            .unwrap();
        let act = AuditEntry {
            at: at(5),
            action: "key-revoked".to_owned(),
            actor: Some("ops".to_owned()),
            subject: "client/7".to_owned(),
            detail: serde_json::json!({ "why": "lost" }),
        };
        store.record(&[act]).await.unwrap();
        append_all(&store, 9, limit).await;
        store.close().await;

        let store = place.open().await;
        assert_eq!(
            kinds(&store).await,
            [
                "cover",
                "risk",
                "policy",
                "policy",
                "determination",
                "claim",
                "claim",
                "halt",
                "halt",
                "standing",
                "standing",
                "audit",
                "attestation",
                "attestation",
            ],
            "in steps of {limit}"
        );
        assert_eq!(store.compare(9).await.unwrap(), []);
        let subject = paid[0].policy.id.to_string();
        let about = store.leaves_about(&subject, Some("claim"), 9);
        let claim = about.await.unwrap().remove(0);
        let says: Value = serde_json::from_str(&claim.entry).unwrap();
        assert_eq!(says["body"]["decision"], "accepted");
        assert_eq!(says["body"]["fraction"], "0.0247");

        let checkpoint = sign(&store).await;
        let mut seen = 0;
        let audited = audit(&Served(&store), key().verifier(), None, |_, _| seen += 1).await;
        assert_eq!(audited.unwrap(), checkpoint);
        assert_eq!(seen, 14);
        let nodes = inclusion_proof(claim.index, checkpoint.size).unwrap();
        let mut tiles = tocsin_log::Tiles::default();
        for id in nodes.tiles() {
            tiles
                .add(id, 1, &store.tile(id).await.unwrap().unwrap())
                .unwrap();
        }
        let proof = nodes.hashes(&tiles).unwrap();
        let leaf = leaf_hash(claim.entry.as_bytes());
        verify_inclusion(leaf, claim.index, checkpoint.size, &proof, checkpoint.root).unwrap();
        roots.push(checkpoint.root);
    }
    assert!(roots.iter().all(|root| *root == roots[0]));
}

/// Nothing is attested before its leaf is in.
#[tokio::test]
async fn claims_wait_for_their_leaves() {
    let place = Place::new();
    let store = place.open().await;
    let reserved = store_reserved(&store, 3).await;
    let claims = store.unattested(9).await.unwrap();
    assert_eq!(claims.len(), 3);
    assert_eq!(store.logged(claims.clone()).await.unwrap(), []);
    // The cover, the risk, three policies, the determination, and the first claim.
    append(&store, 9, 7).await;
    let first = reserved[0].claim.clone();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), [first]);
    append_all(&store, 9, 7).await;
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
}

fn step(from: Option<u64>, to: u64, observations: Vec<Observation>) -> Step {
    Step {
        sources: vec![advance(0, from, to)],
        observations,
        ..Step::default()
    }
}

/// The log says how far a source was read, without a gap, now and then.
#[tokio::test]
async fn what_was_read_is_said_without_a_gap() {
    let place = Place::new();
    let store = place.open().await;
    store_risk(&store).await;
    store.commit(&step(None, 4, Vec::new())).await.unwrap();
    append_all(&store, 1_000, 9).await;
    store.commit(&step(Some(4), 9, Vec::new())).await.unwrap();
    append_all(&store, 1_100, 9).await;
    store.commit(&step(Some(9), 12, Vec::new())).await.unwrap();
    append_all(&store, 1_300, 9).await;
    let mut leaves = store
        .leaves_about(source(0).as_str(), Some("coverage"), 9)
        .await
        .unwrap();
    leaves.reverse();
    let said: Vec<Value> = leaves
        .iter()
        .map(|leaf| serde_json::from_str(&leaf.entry).unwrap())
        .collect();
    let blocks = |leaf: &Value| {
        let body = &leaf["body"];
        (
            body["first_block"].as_u64().unwrap(),
            body["last_block"].as_u64().unwrap(),
        )
    };
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(blocks(&said[0]).1, 4);
    assert_eq!(blocks(&said[1]), (5, 12));
    assert_eq!(said[0]["body"]["seen_until"], said[1]["body"]["seen_from"]);
    assert_eq!(store.compare(9).await.unwrap(), []);
}

/// "It did not trigger" is said of a policy whose period was seen to its end; where a source had no value, it is not.
#[tokio::test]
async fn a_policy_that_ended_without_a_loss_is_said_to_have() {
    for (value, verdict) in [(Some("1"), "not_triggered"), (None, "inconclusive")] {
        let place = Place::new();
        let store = place.open().await;
        let risk = store_risk(&store).await.risk;
        let mut policy = tocsin_store::conformance::sample::policy(&risk, 1);
        policy.expiry = at(200);
        store
            .add_policies(std::slice::from_ref(&policy))
            .await
            .unwrap();
        let mut seen = observation(&stream(0, 0), 150, 1, "1");
        if value.is_none() {
            seen.value = None;
        }
        let mut read = step(None, 400, vec![seen]);
        read.risks = vec![RiskAdvance {
            risk: risk.id,
            version: 0,
            state: vec![1],
            evaluated_to: at(259),
        }];
        store.commit(&read).await.unwrap();
        append_all(&store, 300, 99).await;
        assert!(
            !kinds(&store).await.contains(&"outcome".to_owned()),
            "a breach may still last"
        );
        let mut read = step(Some(400), 401, Vec::new());
        read.risks = vec![RiskAdvance {
            risk: risk.id,
            version: 1,
            state: vec![1],
            evaluated_to: at(261),
        }];
        store.commit(&read).await.unwrap();
        append_all(&store, 601, 99).await;
        append_all(&store, 902, 99).await;
        let subject = policy.id.to_string();
        let outcomes = store.leaves_about(&subject, Some("outcome"), 9);
        let outcomes = outcomes.await.unwrap();
        assert_eq!(outcomes.len(), 1);
        let says: Value = serde_json::from_str(&outcomes[0].entry).unwrap();
        assert_eq!(says["body"]["verdict"], verdict, "{says}");
        assert_eq!(says["body"]["sources"][0]["source"], source(0).as_str());
    }
}

async fn tamper(path: &Path, sql: &str) {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA foreign_keys = OFF; {sql}")))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Whatever is changed in the database behind Tocsin's back, the audit finds: in rows, in leaves, in tiles.
#[tokio::test]
async fn a_tampered_row_is_found() {
    let rows = [
        "UPDATE claims SET amount = zeroblob(32)",
        "UPDATE claims SET fraction = '1'",
        "DELETE FROM claims; DELETE FROM log_queue",
        "UPDATE determinations SET determined_at = determined_at + 1",
        "UPDATE determination_inputs SET value = '0.5' WHERE input = 0 AND value IS NOT NULL",
        "UPDATE policies SET holder = zeroblob(20)",
        "UPDATE policies SET expiry = expiry + 1",
        "UPDATE covers SET canonical_terms = '{}'",
        "UPDATE risks SET evaluate_from = 7",
        "UPDATE attestations SET attested_at = attested_at + 1",
        "UPDATE coverage SET endpoints = '[\"https://other.example\"]'",
        "DELETE FROM coverage WHERE 1; DELETE FROM log_queue",
        "DROP TRIGGER log_policy; INSERT INTO policies SELECT zeroblob(32), number, chain_id, contract, terms_hash, risk, holder, sum_insured, inception, expiry FROM policies",
        "UPDATE log_leaves SET kind = 'cover' WHERE kind = 'claim'",
        "UPDATE log_leaves SET entry = replace(entry, '0.0247', '0.0248')",
    ];
    for sql in rows {
        let place = Place::new();
        let store = place.open().await;
        store_paid(&store, 1).await;
        store.commit(&step(None, 4, Vec::new())).await.unwrap();
        append_all(&store, 9, 99).await;
        append_all(&store, 9, 99).await;
        assert_eq!(store.compare(9).await.unwrap(), []);
        sign(&store).await;
        store.close().await;
        tamper(&place.path, sql).await;
        let store = place.open().await;
        let found = store.compare(9).await.unwrap();
        assert_ne!(found, [], "{sql}");
    }
    // Whoever changes a row and its leaf changes the tree; whoever changes that too, a state that was signed.
    let place = Place::new();
    let store = place.open().await;
    store_paid(&store, 1).await;
    append_all(&store, 9, 99).await;
    let earlier = sign(&store).await;
    store.close().await;
    let sql = "UPDATE claims SET fraction = '0.0248'; UPDATE determinations SET payout = '0.0248';
               UPDATE log_leaves SET entry = replace(entry, '0.0247', '0.0248')";
    tamper(&place.path, sql).await;
    let store = place.open().await;
    assert_eq!(store.compare(9).await.unwrap(), []);
    let audited = audit(&Served(&store), key().verifier(), None, |_, _| {}).await;
    assert!(
        matches!(audited, Err(AuditError::OtherRoot { .. })),
        "{audited:?}"
    );
    // One who has the key signs anew, over leaves that he has made anew: what was audited before gives him away.
    store.close().await;
    tamper(&place.path, "DELETE FROM log_tiles; DELETE FROM log_checkpoints; DELETE FROM log_leaves WHERE place > 2;
                         UPDATE log_state SET size = 0").await;
    let store = place.open().await;
    let leaves = store.leaves(0, 9).await.unwrap();
    assert_eq!(leaves.len(), 3);
    store.close().await;
    tamper(&place.path, "DELETE FROM log_leaves; INSERT INTO log_queue (kind, subject, body) VALUES ('audit', 'x', '{}')").await;
    let store = place.open().await;
    append_all(&store, 10, 1).await;
    sign(&store).await;
    let audited = audit(&Served(&store), key().verifier(), Some(&earlier), |_, _| {}).await;
    assert!(
        matches!(audited, Err(AuditError::Rewritten { .. })),
        "{audited:?}"
    );
}

/// When a cover of a client came into force, from when on it is evaluated and who wanted it is in the log, and nowhere else.
#[tokio::test]
async fn a_tampered_declaration_is_found() {
    for sql in [
        "UPDATE declarations SET evaluate_from = evaluate_from + 1",
        "UPDATE declarations SET declared_at = declared_at - 1",
        "UPDATE declarations SET declared_by = 'somebody else'",
        "DELETE FROM declarations",
        "DROP TRIGGER log_declaration; INSERT INTO declarations (terms_hash, evaluate_from, declared_at, declared_by)
         SELECT zeroblob(32), evaluate_from, declared_at, declared_by FROM declarations",
    ] {
        let place = Place::new();
        let store = place.open().await;
        store.declare(&declaration()).await.unwrap();
        append_all(&store, 9, 99).await;
        assert_eq!(store.compare(9).await.unwrap(), []);
        let kinds = kinds(&store).await;
        assert_eq!(kinds, ["cover", "risk", "declaration", "audit"]);
        store.close().await;
        tamper(&place.path, sql).await;
        let store = place.open().await;
        let found = store.compare(9).await.unwrap();
        assert_ne!(found, [], "{sql}");
    }
}

fn declaration() -> NewDeclaration {
    let cover = cover(0);
    NewDeclaration {
        risks: vec![risk(&cover, 0, &[stream(0, 0)])],
        looks: Vec::new(),
        written: Written {
            answer: Answer {
                caller: "insurer".to_owned(),
                key: "first".to_owned(),
                request: hash("request"),
                status: 201,
                body: b"{}".to_vec(),
                at: at(1),
            },
            audit: AuditEntry {
                at: at(1),
                action: "cover-declared".to_owned(),
                actor: Some("insurer".to_owned()),
                subject: cover.terms_hash.to_string(),
                detail: serde_json::json!({}),
            },
        },
        declaration: Declaration {
            cover,
            evaluate_from: at(2),
            declared_at: at(1),
            declared_by: "insurer".to_owned(),
        },
    }
}

/// An entry that cannot become a leaf is refused at the door.
#[tokio::test]
async fn a_long_entry_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let act = |detail: String| AuditEntry {
        at: at(5),
        action: "note".to_owned(),
        actor: None,
        subject: hash("x").to_string(),
        detail: Value::String(detail),
    };
    let refused = store
        .record(&[act("a".to_owned()), act("b".repeat(70_000))])
        .await;
    assert!(
        matches!(refused, Err(StoreError::Refused { .. })),
        "{refused:?}"
    );
    append_all(&store, 9, 99).await;
    assert_eq!(store.tree().await.unwrap().size, 0);
}
