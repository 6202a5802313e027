//! Databases that cannot be served, and a second process that would fill one.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use crate::caller::Caller;
use crate::pair::{Place, http};

/// What a command says that must fail, in its one line.
fn refused(place: &Place, folder: &str, arguments: &[&str]) -> String {
    let output = place.say(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    let last = said.trim_end().lines().last().unwrap().to_owned();
    assert!(last.starts_with("error: "), "{said}");
    last
}

async fn change(database: &Path, sql: &'static str) {
    let mut connection = SqliteConnection::connect(database.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_right_is_said_to_be_so_and_left_alone() {
    let place = Place::new();
    let database = place.database();
    let serve = || refused(&place, "outside", &["serve"]);

    let said = serve();
    assert!(
        said.contains("there is none; start `tocsin run` on it first"),
        "{said}"
    );
    assert!(!database.exists());

    std::fs::write(&database, "").unwrap();
    let said = serve();
    assert!(said.contains("nothing has ever run on it"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), b"");
    std::fs::remove_file(&database).unwrap();

    // A command has made it; nobody has filled it.
    Caller::manager(&place, "inside");
    let said = serve();
    assert!(
        said.contains("no `tocsin run` of this version has ever filled it"),
        "{said}"
    );

    place.write("inside/tocsin.db.status", "{}");
    let said = serve();
    assert!(said.contains("let both be the same version"), "{said}");

    let future =
        "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, true, x'00', 0)";
    change(&database, future).await;
    let said = serve();
    assert!(
        said.contains("a newer tocsin has brought its schema up to date"),
        "{said}"
    );

    change(&database, "DELETE FROM _sqlx_migrations WHERE version > 1").await;
    let said = serve();
    assert!(
        said.contains("its schema is older than this tocsin"),
        "{said}"
    );

    change(&database, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    let said = serve();
    assert!(
        said.contains("not the one that this tocsin knows"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_process_fills_it_whoever_looks() {
    let place = Place::new();
    let run = place.run();
    let second = || refused(&place, "inside", &["run"]);
    assert!(second().contains("another tocsin runs on it"));
    // Those that look whether somebody fills it take nobody's place.
    let (one, two) = (place.serve(), place.serve());
    assert!(second().contains("another tocsin runs on it"));
    drop(run);
    for serve in [&one, &two] {
        serve
            .until_ready(&http(), Some("nobody fills it since"))
            .await;
    }
    for _ in 0..3 {
        let mut run = place.run();
        run.kill();
    }
}

#[test]
fn what_the_configuration_must_have_is_named() {
    let place = Place::new();
    place.write("outside/tocsin.toml", "database = \"tocsin.db\"\n");
    let said = refused(&place, "outside", &["serve"]);
    assert!(
        said.contains("[api] listen") && said.contains("--listen"),
        "{said}"
    );
    place.write(
        "outside/tocsin.toml",
        "database = \"tocsin.db\"\nlisten = 1\n",
    );
    let said = place.say("outside", &["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("unknown field `listen`"), "{said}");
    let open = "database = \"tocsin.db\"\n[api]\nlisten = \"127.0.0.1:0\"\nopen_writes = true\n";
    place.write("outside/tocsin.toml", open);
    let said = refused(&place, "outside", &["serve", "--listen", "0.0.0.0:0"]);
    assert!(said.contains("open_writes"), "{said}");
}
