//! Rows that cannot be what they claim to be, as a faulty disk or a hand in the database makes them: each is found when it is
//! read, by name, before anybody acts on it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::path::PathBuf;

use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, Attestations, Reservations};
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample::{
    CHAIN, Paid, address, advance, at, batch, cover, halt, observation, source, store_paid,
    store_reserved, stream, warning,
};
use tocsin_store::cover::Covers;
use tocsin_store::coverage::{Coverages, Finding, Recheck};
use tocsin_store::delivery::Deliveries;
use tocsin_store::halt::Halts;
use tocsin_store::policy::Policies;
use tocsin_store::step::{Step, Steps};
use tocsin_store::warning::{WarningChange, Warnings};
use tocsin_store_sqlite::SqliteStore;

/// A database with one of everything.
struct Written {
    _folder: TempDir,
    path: PathBuf,
    paid: Paid,
}

impl Written {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tocsin.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let paid = store_paid(&store, 1).await.remove(0);
        store
            .take_nonce(paid.attestation.id, address("sender"), 1)
            .await
            .unwrap();
        let step = Step {
            sources: vec![advance(0, None, 1)],
            observations: vec![observation(&stream(0, 0), 1, 1, "1")],
            ..Step::default()
        };
        store.commit(&step).await.unwrap();
        let recheck = Recheck {
            source: source(0),
            first: 1,
            last: 1,
            endpoint: "https://three.example".to_owned(),
            finding: Finding::Same,
            at: at(2),
        };
        store.add_recheck(&recheck).await.unwrap();
        let record = store.risk(paid.determination.risk).await.unwrap();
        let change = WarningChange {
            withdraw: vec![],
            raise: vec![warning(&record.unwrap().risk, 2)],
            at: at(2),
        };
        store.change_warnings(&change).await.unwrap();
        store.halt(&[source(9)], &halt(1)).await.unwrap();
        store.close().await;
        Self {
            _folder: folder,
            path,
            paid,
        }
    }

    /// The store after `damage`, which the schema's own rules would not let through.
    async fn after(&self, damage: &'static str) -> SqliteStore {
        let mut connection = SqliteConnection::connect(self.path.to_str().unwrap())
            .await
            .unwrap();
        sqlx::raw_sql("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF")
            .execute(&mut connection)
            .await
            .unwrap();
        let done = sqlx::raw_sql(damage)
            .execute(&mut connection)
            .await
            .unwrap();
        assert!(done.rows_affected() > 0, "{damage}");
        connection.close().await.unwrap();
        SqliteStore::open(&self.path).await.unwrap()
    }
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(damage: &str, result: Result<T, StoreError>, noun: &str) {
    match result {
        Err(StoreError::InvalidRow {
            noun: found,
            key,
            reason,
        }) => {
            assert_eq!(found, noun, "{damage}");
            assert!(!key.is_empty() && !reason.is_empty(), "{damage}");
        }
        other => panic!("{damage}: {other:?}"),
    }
}

#[tokio::test]
async fn of_terms_and_policies() {
    for damage in [
        "UPDATE covers SET canonical_terms = replace(canonical_terms, '1', '2')",
        "UPDATE covers SET terms_hash = x'00'",
        "UPDATE covers SET version = -1",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.covers().await, "cover");
    }
    for damage in [
        "UPDATE risks SET subject = 'another'",
        "UPDATE risks SET inception = 5",
        "UPDATE risks SET evaluated_to = 5",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.snapshots(&[source(0)]).await, "risk");
    }
    let damage = "UPDATE risk_streams SET input = 1";
    let written = Written::new().await;
    let store = written.after(damage).await;
    assert_invalid(damage, store.snapshots(&[source(0)]).await, "risk");
    assert_invalid(
        damage,
        store.risk(written.paid.determination.risk).await,
        "risk",
    );
    for damage in [
        "UPDATE policies SET number = zeroblob(31)",
        "UPDATE policies SET number = randomblob(32)",
        "UPDATE policies SET holder = x''",
        "UPDATE policies SET chain_id = 1",
        "UPDATE policies SET chain_id = -1",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.policy(written.paid.policy.id).await, "policy");
        assert_invalid(
            damage,
            store.policies_on(written.paid.policy.risk).await,
            "policy",
        );
    }
}

#[tokio::test]
async fn of_steps() {
    for damage in [
        "UPDATE observations SET value = '1,0'",
        "UPDATE observations SET value_kind = 'bool'",
        "UPDATE observations SET value_kind = 'float'",
        "UPDATE observations SET value_kind = NULL",
        "UPDATE observations SET block_hash = NULL",
        "UPDATE observations SET log_index = -1",
        "UPDATE observations SET raw_hash = x'00'",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        let read = store
            .history(&[stream(0, 0)], Timestamp(0), Timestamp(i64::MAX))
            .await;
        assert_invalid(damage, read, "observation");
        assert_invalid(damage, store.snapshots(&[source(0)]).await, "observation");
    }
    for damage in [
        "UPDATE sources SET cursor = '{}'",
        "UPDATE sources SET cursor = ''",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.progress(&source(0)).await, "source");
    }
    for damage in [
        "UPDATE determinations SET payout = '1.5'",
        "UPDATE determinations SET payout = NULL",
        "UPDATE determinations SET unknown = '{\"reason\":\"overflow\"}'",
        "UPDATE determinations SET payout = NULL, unknown = '{\"reason\":\"laziness\"}'",
        "UPDATE determinations SET event_id = randomblob(32)",
        "UPDATE determinations SET subject = 'another'",
        "UPDATE determinations SET confirmed_at = occurred_at - 1",
        "UPDATE determinations SET settled_at = confirmed_at - 1",
        "UPDATE determinations SET determined_at = settled_at - 1",
        "UPDATE risks SET inception = 5",
        "UPDATE determinations SET block = NULL",
        "UPDATE determinations SET evidence_count = 4294967296",
        "UPDATE determination_inputs SET input = 1",
        "UPDATE determination_inputs SET value = NULL, value_kind = NULL",
        "UPDATE determination_inputs SET unknown = '{\"reason\":\"overflow\"}'",
        "UPDATE determination_guards SET guard = guard + 10",
        "DELETE FROM determination_guards WHERE guard = 1",
        "UPDATE determination_guards SET holds = 2",
        "UPDATE determination_guards SET holds = NULL",
        "UPDATE determination_guards SET unknown = '{\"reason\":\"overflow\"}'",
        "UPDATE determination_guards SET unknown = '{\"reason\":\"mood\"}' WHERE guard = 1",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        let read = store
            .determination(written.paid.determination.risk, 1)
            .await;
        assert_invalid(damage, read, "determination");
    }
}

#[tokio::test]
async fn of_the_ledger() {
    for damage in [
        "UPDATE coverage SET first = 2",
        "UPDATE coverage SET proof = 'hearsay'",
        "UPDATE coverage SET agreed = 0",
        "UPDATE coverage SET endpoints = '[]'",
        "UPDATE coverage SET endpoints = 'one'",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        let read = store.coverage(&source(0), None, 9).await;
        assert_invalid(damage, read, "coverage");
    }
    let damage = "UPDATE rechecks SET first = 2";
    let written = Written::new().await;
    let store = written.after(damage).await;
    assert_invalid(damage, store.rechecks(&source(0), 9).await, "re-check");
    for damage in [
        "UPDATE halts SET cause = replace(cause, 'took_back', 'took_away')",
        "UPDATE halts SET number = -1",
        "UPDATE halts SET cause = '{}'",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.halts().await, "halt");
    }
    for damage in [
        "UPDATE warnings SET subject = 'another'",
        "UPDATE warnings SET ordinal = 0",
        "UPDATE warnings SET payout = '2'",
        "UPDATE warnings SET payout = '0.5', unknown = '{\"reason\":\"overflow\"}'",
        "UPDATE warnings SET confirmed_at = occurred_at - 1",
        "UPDATE warnings SET block = -1",
        "UPDATE warnings SET ending = 'confirmed'",
        "UPDATE risks SET inception = 5",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.warnings(None, 9).await, "warning");
        assert_invalid(damage, store.standing(None).await, "warning");
    }
}

#[tokio::test]
async fn of_claims_and_attestations() {
    for damage in [
        "UPDATE claims SET fraction = '2'",
        "UPDATE claims SET amount = NULL",
        "UPDATE claims SET eligible = 0",
        "UPDATE claims SET refusal = '{}'",
        "UPDATE claims SET eligible = 0, fraction = NULL, amount = NULL, refusal = '{\"reason\":\"mood\"}'",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(
            damage,
            store.claims_of(written.paid.policy.id).await,
            "claim",
        );
    }
    for damage in [
        "UPDATE statements SET payload = zeroblob(704)",
        "UPDATE statements SET payload = x''",
        "UPDATE statements SET attestation_id = randomblob(32)",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(
            damage,
            store.reserve(&written.paid.reservation).await,
            "reservation",
        );
    }
    for damage in [
        "UPDATE statements SET payload = zeroblob(704)",
        "UPDATE statements SET attestation_id = randomblob(32)",
        "UPDATE statements SET claim_key = randomblob(32)",
        "UPDATE statements SET domain_separator = randomblob(32)",
        "UPDATE claims SET policy = randomblob(32)",
        "UPDATE claims SET ordinal = 0",
        "UPDATE attestations SET signatures = NULL",
        "UPDATE attestations SET place = 1",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(damage, store.recent_attestations(9).await, "attestation");
    }
}

#[tokio::test]
async fn of_batches() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut reserved = store_reserved(&store, 3).await;
    let attestations: Vec<AttestationRecord> = reserved
        .iter()
        .map(|paid| paid.attestation.clone())
        .collect();
    let (signed, members) = batch(&attestations);
    store.add_batch(&signed, &members).await.unwrap();
    store.close().await;
    let written = Written {
        _folder: folder,
        path,
        paid: reserved.remove(0),
    };
    for (damage, repair) in [
        (
            "UPDATE attestations SET leaf = leaf + 1 WHERE place = 0",
            "UPDATE attestations SET leaf = leaf - 1 WHERE place = 0",
        ),
        (
            "UPDATE attestations SET batch = NULL WHERE place = 0",
            "UPDATE attestations SET batch = (SELECT number FROM batches) WHERE place = 0",
        ),
        (
            "CREATE TABLE kept AS SELECT * FROM batch_nodes; UPDATE batch_nodes SET nodes = zeroblob(length(nodes))",
            "UPDATE batch_nodes SET nodes = (SELECT nodes FROM kept); DROP TABLE kept",
        ),
        (
            "UPDATE batch_nodes SET chunk = 7",
            "UPDATE batch_nodes SET chunk = 0",
        ),
        (
            "UPDATE batches SET root = zeroblob(32); UPDATE batches SET count = count + 6",
            "UPDATE batches SET count = count - 6; UPDATE batches SET root = (SELECT substr(nodes, 1, 32) FROM batch_nodes)",
        ),
        (
            "UPDATE attestations SET place = NULL WHERE place = 0",
            "UPDATE attestations SET place = 0 WHERE place IS NULL",
        ),
    ] {
        let store = written.after(damage).await;
        let read = store.attestation(written.paid.attestation.id).await;
        assert_invalid(damage, read, "attestation");
        store.close().await;
        written.after(repair).await.close().await;
    }
    for damage in [
        "UPDATE batches SET count = count + 1",
        "UPDATE batches SET signer_epoch = -1",
        "UPDATE batches SET root = randomblob(32)",
    ] {
        let store = written.after(damage).await;
        assert_invalid(damage, store.batch(signed.id).await, "batch");
        store.close().await;
    }
}

#[tokio::test]
async fn of_deliveries() {
    for damage in [
        "UPDATE deliveries SET state = 'queued'",
        "UPDATE deliveries SET state = 'lost'",
        "UPDATE deliveries SET nonce = NULL",
        "UPDATE deliveries SET nonce = -1",
        "UPDATE deliveries SET sender = x'00'",
        "UPDATE deliveries SET done_block = 1",
        "UPDATE deliveries SET consumer = x'00'",
    ] {
        let written = Written::new().await;
        let store = written.after(damage).await;
        assert_invalid(
            damage,
            store.delivery(written.paid.attestation.id).await,
            "delivery",
        );
    }
    // And the whole is still whole.
    let written = Written::new().await;
    let store = written
        .after("UPDATE deliveries SET failures = failures + 1")
        .await;
    assert_eq!(store.covers().await.unwrap(), [cover(0)]);
    assert_eq!(
        store
            .unfinished(CHAIN, Timestamp(i64::MAX), 9)
            .await
            .unwrap()[0]
            .failures,
        1
    );
}
