//! Whoever writes to the database by hand, and puts a fact into the queue beside what he changed: the audit names the row, the
//! service makes no leaf of it, and nothing of it is attested.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin_auth::{Environment, KeyId, LifeCycle, Scope, UnixTime};
use tocsin_domain::time::Seconds;
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample::{at, store_paid, store_reserved};
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials, LifeChange, Material, Owner, OwnerName,
};
use tocsin_store::log::{Appending, Audit, AuditEntry, Discrepancy, Log};
use tocsin_store_sqlite::SqliteStore;

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

    /// A copy of a database that nobody has open.
    fn copy(of: &Self) -> Self {
        let place = Self::new();
        std::fs::copy(&of.path, &place.path).unwrap();
        place
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).await.unwrap()
    }
}

async fn append_all(store: &SqliteStore, second: i64) {
    let appending = Appending {
        now: at(second),
        limit: 99,
        coverage_every: Seconds(300),
        slack: &[],
    };
    while store.append(&appending).await.unwrap().more {}
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

/// The kinds of rows that an audit names.
async fn named(store: &SqliteStore) -> Vec<String> {
    let found = store.compare(99).await.unwrap();
    let named = found.into_iter().map(|found| match found {
        Discrepancy::Differs { kind, .. }
        | Discrepancy::NoLeaf { kind, .. }
        | Discrepancy::NoRow { kind, .. }
        | Discrepancy::Forged { kind, .. }
        | Discrepancy::Contradicts { kind, .. } => kind,
        Discrepancy::Unattested { .. } => "claim".to_owned(),
        Discrepancy::Schema { name } => format!("schema {name}"),
        other => format!("{other:?}"),
    });
    named.collect()
}

/// A database with a claim that is ready to be attested, which nobody has open.
async fn reserved() -> Place {
    let whole = Place::new();
    let store = whole.open().await;
    store_reserved(&store, 1).await;
    append_all(&store, 9).await;
    store.close().await;
    whole
}

/// A row is changed, and a fact about it put into the queue: with a body where such facts have one, without where it is read
/// from the row.
const ATTACKS: [(&str, &str); 7] = [
    (
        "policy",
        "UPDATE policies SET sum_insured = randomblob(32), holder = zeroblob(20);
         INSERT INTO log_queue (kind, subject) SELECT kind, subject FROM log_policies",
    ),
    (
        "risk",
        "UPDATE risks SET evaluate_from = 7; INSERT INTO log_queue (kind, subject) SELECT kind, subject FROM log_risks",
    ),
    (
        "claim",
        "UPDATE claims SET amount = randomblob(32);
         INSERT INTO log_queue (kind, subject, ordinal) SELECT kind, subject, ordinal FROM log_claims",
    ),
    (
        "determination",
        "UPDATE determinations SET payout = '1', determined_at = determined_at + 1;
         INSERT INTO log_queue (kind, subject, ordinal) SELECT kind, subject, ordinal FROM log_determinations",
    ),
    (
        "cover",
        "UPDATE covers SET canonical_terms = '{}';
         INSERT INTO log_queue (kind, subject, body) SELECT kind, subject, body FROM log_covers",
    ),
    (
        "attestation",
        "UPDATE attestations SET attested_at = attested_at + 1;
         INSERT INTO log_queue (kind, subject, body) SELECT kind, subject, body FROM log_attestations",
    ),
    (
        "claim",
        "UPDATE claims SET amount = randomblob(32);
         INSERT INTO log_queue (kind, subject, ordinal, body) SELECT kind, subject, ordinal, body FROM log_claims",
    ),
];

#[tokio::test]
async fn a_forged_fact_hides_nothing_and_becomes_no_leaf() {
    let whole = Place::new();
    let store = whole.open().await;
    store_paid(&store, 1).await;
    append_all(&store, 9).await;
    assert_eq!(named(&store).await, [] as [&str; 0]);
    store.close().await;
    for (kind, sql) in ATTACKS {
        let place = Place::copy(&whole);
        tamper(&place.path, sql).await;

        let store = place.open().await;
        assert_eq!(named(&store).await, [kind], "while it waits: {sql}");
        append_all(&store, 10).await;
        assert_eq!(named(&store).await, [kind], "after the service ran: {sql}");
        let doubts = store.doubts(9).await.unwrap();
        assert_eq!(doubts.len(), 1, "{sql}: {doubts:?}");
        assert_eq!(doubts[0].kind, kind);
        let leaves = store.leaves_about(&doubts[0].subject, Some(kind), 9).await;
        assert_eq!(leaves.unwrap().len(), 1, "{sql}");
        let said = store.leaves_about(&doubts[0].subject, Some("doubt"), 9);
        let said: Value = serde_json::from_str(&said.await.unwrap()[0].entry).unwrap();
        assert_eq!(said["body"]["kind"], kind);
        assert!(said["body"]["contradicts"].is_u64(), "{said}");
        // The next ones follow.
        let act = AuditEntry {
            at: at(11),
            action: "note".to_owned(),
            actor: None,
            subject: "door".to_owned(),
            detail: Value::Null,
        };
        store.record(&[act]).await.unwrap();
        append_all(&store, 11).await;
        let told = store.leaves_about("door", Some("audit"), 9).await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(store.settle_doubts(at(12)).await.unwrap(), doubts);
    }
}

/// A doubt ends when a person has put the row right.
#[tokio::test]
async fn a_doubt_is_settled_once_the_row_is_right_again() {
    let place = Place::new();
    let store = place.open().await;
    let reserved = store_reserved(&store, 2).await;
    append_all(&store, 9).await;
    let claims = store.unattested(9).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
    store.close().await;
    let forge = format!(
        "CREATE TABLE kept AS SELECT * FROM policies WHERE id = unhex('{0}');
         UPDATE policies SET holder = zeroblob(20) WHERE id = unhex('{0}');
         INSERT INTO log_queue (kind, subject) VALUES ('policy', '0x{0}')",
        &reserved[0].policy.id.to_string()[2..]
    );
    tamper(&place.path, &forge).await;

    let store = place.open().await;
    // At once, and when the doubt is known: the other claim goes on.
    for second in [10, 11] {
        assert_eq!(store.logged(claims.clone()).await.unwrap(), claims[1..]);
        append_all(&store, second).await;
    }
    store.close().await;
    tamper(
        &place.path,
        "UPDATE policies SET holder = kept.holder FROM kept WHERE kept.id = policies.id; DROP TABLE kept",
    )
    .await;
    let store = place.open().await;
    assert_eq!(
        store.logged(claims.clone()).await.unwrap(),
        claims[1..],
        "not by itself"
    );
    assert_eq!(store.settle_doubts(at(12)).await.unwrap(), []);
    append_all(&store, 12).await;
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
    assert_eq!(named(&store).await, [] as [&str; 0]);
    // Held, the log lets nobody attest.
    store.hold(Some("a person looks"), at(13)).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), []);
    store.hold(None, at(14)).await.unwrap();
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
}

/// That nothing waits is not enough: the leaf has to be there, and to say what the row says.
#[tokio::test]
async fn a_claim_without_its_leaf_is_not_attested() {
    let whole = reserved().await;
    for sql in [
        "DELETE FROM log_queue",
        "DROP TRIGGER log_claim; DELETE FROM log_queue WHERE kind = 'claim'",
    ] {
        let place = Place::new();
        let store = place.open().await;
        store_reserved(&store, 1).await;
        store.close().await;
        tamper(&place.path, sql).await;
        let store = place.open().await;
        append_all(&store, 9).await;
        let claims = store.unattested(9).await.unwrap();
        assert_eq!(claims.len(), 1);
        assert_eq!(store.logged(claims).await.unwrap(), [], "{sql}");
    }
    for sql in [
        "UPDATE claims SET amount = randomblob(32)",
        "UPDATE claims SET fraction = '1'",
        "UPDATE policies SET sum_insured = randomblob(32)",
        "UPDATE determinations SET payout = '1'",
        "DELETE FROM log_leaves WHERE kind = 'claim'",
        "DELETE FROM log_leaves WHERE kind = 'policy'",
    ] {
        let place = Place::copy(&whole);
        tamper(&place.path, sql).await;
        let store = place.open().await;
        let claims = store.unattested(9).await.unwrap();
        assert_eq!(store.logged(claims).await.unwrap(), [], "{sql}");
    }
}

/// What is removed by hand is not undone by Tocsin, and does not become what it was not.
#[tokio::test]
async fn a_row_that_is_removed_by_hand_is_named() {
    let whole = reserved().await;
    for (kinds, sql) in [
        (vec!["claim"], "DELETE FROM claims"),
        (
            vec!["claim"],
            "CREATE TEMP TABLE taken AS SELECT * FROM claims; DELETE FROM claims;
             INSERT INTO claims SELECT number, policy, risk, ordinal, confirmed_at, eligible, '1', randomblob(32), refusal,
                                       0, 0, 0 FROM taken",
        ),
        (vec!["claim"], "UPDATE claims SET attested = 1"),
    ] {
        let place = Place::copy(&whole);
        tamper(&place.path, sql).await;
        let store = place.open().await;
        let mut found = named(&store).await;
        found.dedup();
        assert_eq!(found, kinds, "while it waits: {sql}");
        append_all(&store, 10).await;
        let mut found = named(&store).await;
        found.dedup();
        assert_eq!(found, kinds, "after the service ran: {sql}");
        let claims = store.unattested(9).await.unwrap();
        assert_eq!(store.logged(claims).await.unwrap(), [], "{sql}");
    }
}

/// A rule that queues facts is missing, or is another one.
#[tokio::test]
async fn a_missing_rule_is_found() {
    let place = Place::new();
    let store = place.open().await;
    store.close().await;
    tamper(
        &place.path,
        "DROP TRIGGER log_key_changed; DROP VIEW log_covers; CREATE VIEW log_covers AS SELECT 1 AS kind;
         CREATE TRIGGER mine AFTER INSERT ON claims BEGIN DELETE FROM log_queue; END",
    )
    .await;
    let store = place.open().await;
    let wanted = ["schema log_key_changed", "schema mine", "schema log_covers"];
    assert_eq!(named(&store).await, wanted);
}

const NOW: UnixTime = UnixTime(1_800_000_000);

/// One of everything that decides who may do what, and who is told.
async fn administered(store: &SqliteStore) {
    let name: OwnerName = "desk".parse().unwrap();
    let active = LifeCycle::pending(NOW.plus(1_000)).activate(NOW).unwrap();
    let key = |number: u8, life| Credential {
        id: KeyId::new(Environment::Prod, [number; 16]),
        owner: Owner::Client(name.clone()),
        material: Material::Public([number; 32]),
        scopes: [Scope::Read].into_iter().collect(),
        life,
        created_at: NOW,
    };
    let add = CredentialChange {
        clients: vec![Client {
            name: name.clone(),
            created_at: NOW,
        }],
        add: vec![key(1, active), key(2, active)],
        ..CredentialChange::default()
    };
    store.change_credentials(&add).await.unwrap();
    let revoke = CredentialChange {
        change: vec![LifeChange {
            id: key(2, active).id,
            from: active,
            to: active.revoke(NOW),
        }],
        ..CredentialChange::default()
    };
    store.change_credentials(&revoke).await.unwrap();
}

/// A proposal, a webhook and a declaration, each as its row is.
const MORE: &str = "
    INSERT INTO proposals (id, act, proposed_by, proposer, proposed_at, expires_at)
    SELECT zeroblob(16), '{\"act\":\"unheard-of\"}', id, 'desk', 1800000000, 1800086400 FROM credentials WHERE state = 'active';
    INSERT INTO webhook_endpoints (id, url, description, filter, client, created_at)
    VALUES (zeroblob(16), 'https://user:word@a.example', 'd', '{}', 'desk', 1);
    INSERT INTO declarations (terms_hash, evaluate_from, declared_at, declared_by)
    SELECT terms_hash, 9, 8, 'desk' FROM covers;";

/// Whatever of who may do what is changed by hand, the audit names it: with the trigger, without it, and after the service ran.
#[tokio::test]
async fn whoever_changes_keys_by_hand_is_found() {
    let columns = [
        (
            "key",
            "credentials",
            "scopes = 'keys:manage' WHERE state = 'active'",
        ),
        (
            "key",
            "credentials",
            "public_key = zeroblob(32) WHERE state = 'active'",
        ),
        (
            "key",
            "credentials",
            "owner = 'other' WHERE state = 'active'",
        ),
        (
            "key",
            "credentials",
            "expires_at = expires_at + 1 WHERE state = 'active'",
        ),
        (
            "key",
            "credentials",
            "created_at = created_at - 1 WHERE state = 'active'",
        ),
        (
            "key",
            "credentials",
            "state = 'active' WHERE state = 'revoked'",
        ),
        ("client", "clients", "created_at = 1"),
        ("proposal", "proposals", "act = '{\"act\":\"add\"}'"),
        ("proposal", "proposals", "proposer = 'other'"),
        ("declaration", "declarations", "evaluate_from = 10"),
        ("declaration", "declarations", "declared_by = 'other'"),
        ("webhook", "webhook_endpoints", "url = 'https://b.example'"),
        ("webhook", "webhook_endpoints", "filter = '{\"kinds\":[]}'"),
        ("webhook", "webhook_endpoints", "description = 'e'"),
        ("webhook", "webhook_endpoints", "client = 'other'"),
        ("webhook", "webhook_endpoints", "standing = 'paused'"),
    ];
    let whole = Place::new();
    let store = whole.open().await;
    store_paid(&store, 1).await;
    administered(&store).await;
    store.close().await;
    tamper(&whole.path, MORE).await;
    let store = whole.open().await;
    append_all(&store, 9).await;
    assert_eq!(named(&store).await, [] as [&str; 0]);
    store.close().await;
    for (kind, table, change) in columns {
        for quiet in [true, false] {
            let place = Place::copy(&whole);
            // A webhook is changed by its owner now and then: what was changed by a hand is only told from that without the
            // trigger, which would say it.
            if !quiet && kind == "webhook" {
                continue;
            }
            let trigger = format!("log_{kind}_changed");
            let without = if quiet {
                format!("DROP TRIGGER {trigger};")
            } else {
                String::new()
            };
            tamper(
                &place.path,
                &format!("{without} UPDATE {table} SET {change}"),
            )
            .await;
            let store = place.open().await;
            let mut wanted = vec![kind.to_owned()];
            if quiet {
                wanted.insert(0, format!("schema {trigger}"));
            }
            assert_eq!(named(&store).await, wanted, "{change}");
            append_all(&store, 10).await;
            assert_eq!(
                named(&store).await,
                wanted,
                "after the service ran: {change}"
            );
            if kind == "key" {
                // Where the log noticed it, the key is good for nothing.
                let revived = change.contains("WHERE state = 'revoked'");
                let id = KeyId::new(Environment::Prod, [if revived { 2 } else { 1 }; 16]);
                let key = store.credential(&id).await.unwrap();
                assert_eq!(key.is_none(), !quiet, "{change}");
            }
            assert_eq!(
                store.doubts(9).await.unwrap().len(),
                usize::from(!quiet),
                "{change}"
            );
        }
    }
}

/// Leaves name nobody's address and show no secret; what is removed is said to be.
#[tokio::test]
async fn leaves_show_hashes_of_what_is_not_for_everybody() {
    let place = Place::new();
    let store = place.open().await;
    administered(&store).await;
    store.close().await;
    tamper(&place.path, MORE).await;
    tamper(
        &place.path,
        "DELETE FROM proposals;
         INSERT INTO credentials (id, owner_kind, owner, master, wrapped, sealed, scopes, state, since, expires_at, created_at)
         VALUES ('tk_prod_x', 'webhook', 'wh_0', zeroblob(8), x'01', x'abcdef', '', 'active', 1, 2, 1);
         UPDATE credentials SET wrapped = x'02', master = x'0101010101010101' WHERE id = 'tk_prod_x'",
    )
    .await;
    let store = place.open().await;
    append_all(&store, 9).await;
    let leaves = store.leaves(0, 99).await.unwrap();
    for leaf in &leaves {
        assert!(!leaf.entry.contains("a.example"), "{}", leaf.entry);
        assert!(!leaf.entry.contains("abcdef"), "{}", leaf.entry);
        assert!(!leaf.entry.contains("unheard-of"), "{}", leaf.entry);
    }
    let about = |kind: &'static str| leaves.iter().filter(move |leaf| leaf.kind == kind).count();
    assert_eq!(about("proposal"), 2, "asked for, and gone");
    assert_eq!(about("webhook"), 1);
    assert_eq!(about("key"), 4, "sealing anew is nobody's business");
    assert_eq!(named(&store).await, [] as [&str; 0]);
    assert_eq!(store.doubts(9).await.unwrap(), []);
}

/// Whatever waits, however long or broken it is, the next ones become leaves.
#[tokio::test]
async fn nothing_that_waits_stops_the_log() {
    let place = Place::new();
    let store = place.open().await;
    let paid = store_paid(&store, 1).await;
    append_all(&store, 9).await;
    store.close().await;
    let long = "x".repeat(70_000);
    let policy = paid[0].policy.id;
    let sql = format!(
        "INSERT INTO withdrawals (id, domain_separator, claim_key, kind, number, reason, said_at)
         VALUES (zeroblob(32), zeroblob(32), zeroblob(32), 'revocation', 1, '{long}', 1);
         INSERT INTO halts (source, chain, number, cause, endpoint, since) VALUES ('s', 'c', 1, json_quote('{long}'), '{long}', 1);
         INSERT INTO log_queue (kind, subject, body) VALUES ('halt', 'none', 'no JSON');
         INSERT INTO log_queue (kind, subject, body) VALUES ('look', 'none', '[]');
         INSERT INTO log_queue (kind, subject, ordinal, body) VALUES ('claim', '{policy}', -1, '{{}}');
         INSERT INTO log_queue (kind, subject, body) VALUES ('audit', '{long}', '{{}}');
         INSERT INTO log_queue (kind, subject, body) VALUES ('audit', 'last', '{{}}')"
    );
    tamper(&place.path, &sql).await;
    let store = place.open().await;
    append_all(&store, 10).await;
    let leaves = store.leaves(0, 99).await.unwrap();
    assert_eq!(leaves.last().unwrap().subject, "last");
    let withdrawal = leaves
        .iter()
        .find(|leaf| leaf.kind == "withdrawal")
        .unwrap();
    let said: Value = serde_json::from_str(&withdrawal.entry).unwrap();
    assert_eq!(said["body"]["reason"]["bytes"], 70_000);
    assert_eq!(said["body"]["says"], "revocation");
    assert!(leaves.iter().any(|leaf| leaf.kind == "halt"));
    assert_eq!(store.doubts(9).await.unwrap().len(), 4);
    assert_eq!(
        named(&store).await,
        [] as [&str; 0],
        "what is too long is compared by its hash"
    );
    assert_eq!(
        store.tree().await.unwrap().size,
        u64::try_from(leaves.len()).unwrap()
    );
}
