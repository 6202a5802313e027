//! Opening a database: alone, whole and ours, or with a message that says what to do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin_store::conformance::sample::{advance, source};
use tocsin_store::step::{Step, Steps};
use tocsin_store::version::Versions;
use tocsin_store::{Store, StoreError};
use tocsin_store_sqlite::SqliteStore;

/// The message and its causes, as a person would see them.
async fn refusal(path: &Path) -> String {
    match SqliteStore::open(path).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error @ StoreError::Open { .. }) => {
            assert!(!error.is_transient());
            let message = error.to_string();
            assert!(
                message.starts_with(&format!("cannot open the database {}", path.display())),
                "{message}"
            );
            message
        }
        Err(error) => panic!("{error}"),
    }
}

async fn shell(path: &Path) -> SqliteConnection {
    SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap()
}

async fn run(path: &Path, sql: &'static str) {
    let mut connection = shell(path).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn assert_is_store<S: Store>(_: &S) {}

#[tokio::test]
async fn a_new_database_is_made_and_opened_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.db");
    let store = SqliteStore::open(&path).await.unwrap();
    assert_is_store(&store);
    store
        .commit(&Step {
            sources: vec![advance(0, None, 1)],
            ..Step::default()
        })
        .await
        .unwrap();
    store.close().await;
    // Everything is in the one file.
    assert!(!folder.path().join("new.db-wal").exists());
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(store.progress(&source(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn one_process_at_a_time_has_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let message = refusal(&path).await;
    assert!(message.contains("another tocsin runs on it"), "{message}");
    // By another name, too.
    let link = folder.path().join("link.db");
    symlink(&path, &link).unwrap();
    assert!(refusal(&link).await.contains("another tocsin runs on it"));
    store.close().await;
    SqliteStore::open(&link).await.unwrap();
}

/// Others may answer from it meanwhile, and see that it is filled; none of them keeps the next one from filling it.
#[tokio::test]
async fn others_open_it_beside() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let missing = SqliteStore::open_beside(&path).await.unwrap_err();
    assert!(missing.to_string().contains("start `tocsin run`"));
    let store = SqliteStore::open(&path).await.unwrap();
    let (beside, neighbour) = SqliteStore::open_beside(&path).await.unwrap();
    assert!(neighbour.is_there().unwrap());
    let step = Step {
        sources: vec![advance(0, None, 1)],
        ..Step::default()
    };
    let before = beside.version().await.unwrap();
    store.commit(&step).await.unwrap();
    assert_ne!(beside.version().await.unwrap(), before);
    assert!(beside.progress(&source(0)).await.unwrap().is_some());
    store.close().await;
    assert!(!neighbour.is_there().unwrap());

    // Whoever looks without a pause holds the lock for moments only.
    let looking = std::thread::spawn(move || {
        for _ in 0..20_000 {
            neighbour.is_there().unwrap();
        }
        neighbour
    });
    for _ in 0..5 {
        SqliteStore::open(&path).await.unwrap().close().await;
    }
    let neighbour = looking.join().unwrap();

    neighbour.check_schema().await.unwrap();
    run(
        &path,
        "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, true, x'00', 0)",
    )
    .await;
    let newer = neighbour.check_schema().await.unwrap_err();
    assert!(newer.to_string().contains("a newer tocsin"), "{newer}");
    assert!(SqliteStore::open_beside(&path).await.is_err());
}

#[tokio::test]
async fn a_place_that_cannot_be_written_says_so() {
    let folder = TempDir::new().unwrap();
    let message = refusal(&folder.path().join("nowhere/tocsin.db")).await;
    assert!(message.contains("does not exist; create it"), "{message}");
    let message = refusal(folder.path()).await;
    assert!(message.contains("it is a folder"), "{message}");

    let path = folder.path().join("tocsin.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let message = refusal(&path).await;
    assert!(message.contains("write permission"), "{message}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let message = refusal(&path).await;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(message.contains("write permission"), "{message}");
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn another_file_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let letter = folder.path().join("letter.txt");
    let text = "Dear Sir or Madam,\n".repeat(100);
    fs::write(&letter, &text).unwrap();
    let message = refusal(&letter).await;
    assert!(message.contains("it is not a database"), "{message}");
    assert_eq!(fs::read_to_string(&letter).unwrap(), text);

    let theirs = folder.path().join("bookmarks.db");
    fs::write(&theirs, "").unwrap();
    run(&theirs, "CREATE TABLE bookmarks (url TEXT)").await;
    let message = refusal(&theirs).await;
    assert!(message.contains("another program's database"), "{message}");
    let mut connection = shell(&theirs).await;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(tables, 1);
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(journal, "delete");

    // An empty file, as `touch` or `mktemp` makes it, is a place for a new one.
    let empty = folder.path().join("empty.db");
    fs::write(&empty, "").unwrap();
    SqliteStore::open(&empty).await.unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_not_used() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let mut bytes = fs::read(&path).unwrap();
    // The root page of the table of tables, behind the file's header.
    bytes[100..4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let message = refusal(&path).await;
    assert!(message.contains("restore it from a backup"), "{message}");
}

#[tokio::test]
async fn another_version_of_the_schema_is_not_touched() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    run(
        &path,
        "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, true, x'00', 0)",
    )
    .await;
    let message = refusal(&path).await;
    assert!(
        message.contains("a newer tocsin has written it"),
        "{message}"
    );
    assert!(message.contains("9999"), "{message}");
    run(&path, "DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    run(
        &path,
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
    )
    .await;
    let message = refusal(&path).await;
    assert!(
        message.contains("is not the one that this tocsin knows"),
        "{message}"
    );
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_busy() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut other = shell(&path).await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let step = Step {
        sources: vec![advance(0, None, 1)],
        ..Step::default()
    };
    // Reading goes on meanwhile.
    let asked = source(0);
    let (written, read) = tokio::join!(store.commit(&step), store.progress(&asked));
    let error = written.unwrap_err();
    assert!(
        matches!(error, StoreError::Busy { .. }) && error.is_transient(),
        "{error}"
    );
    assert_eq!(read.unwrap(), None);
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    store.commit(&step).await.unwrap();
    store.close().await;

    sqlx::raw_sql("PRAGMA locking_mode = EXCLUSIVE; UPDATE sources SET watermark = 7")
        .execute(&mut other)
        .await
        .unwrap();
    let message = refusal(&path).await;
    assert!(
        message.contains("another program has locked it"),
        "{message}"
    );
    other.close().await.unwrap();
    let reopened = tokio::time::timeout(Duration::from_secs(9), SqliteStore::open(&path)).await;
    assert!(
        reopened
            .unwrap()
            .unwrap()
            .progress(&source(0))
            .await
            .unwrap()
            .is_some()
    );
}
