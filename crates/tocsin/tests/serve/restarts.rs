//! One process ends, is killed, comes back or is replaced: the other goes on, and says what it knows.

use reqwest::StatusCode;
use sqlx::{Connection, SqliteConnection};

use crate::caller::Caller;
use crate::pair::{Pair, Place};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_goes_on_while_run_is_killed_and_comes_back() {
    let place = Place::new();
    let boss = Caller::manager(&place, "inside");
    let mut pair = Pair::start(place);
    let http = pair.http.clone();
    pair.serve.until_ready(&http, None).await;
    let desk = boss.make(&http, &pair.serve, "desk", &["read"]).await;

    pair.run.kill();
    pair.serve
        .until_ready(&http, Some("nobody fills it since"))
        .await;
    // What was stored is served, and whoever has a key is let in.
    let covers = pair.serve.get(&http, "/v1/covers").await;
    assert_eq!(covers["covers"].as_array().unwrap().len(), 1);
    assert_eq!(desk.calls(&http, &pair.serve).await, StatusCode::OK);
    // One that starts meanwhile serves as well, and says the same.
    let another = pair.place.serve();
    another
        .until_ready(&http, Some("nobody fills it since"))
        .await;
    assert_eq!(desk.calls(&http, &another).await, StatusCode::OK);
    let shop = boss.make(&http, &pair.serve, "shop", &["read"]).await;

    pair.run = pair.place.run();
    for serve in [&pair.serve, &another] {
        serve.until_ready(&http, None).await;
    }
    assert_eq!(shop.calls(&http, &pair.run).await, StatusCode::OK);

    // Told to end, it leaves as cleanly as if it were alone.
    let status = pair.run.end().await;
    assert!(status.success(), "{}", pair.run.said());
    pair.serve
        .until_ready(&http, Some("nobody fills it since"))
        .await;
    assert_eq!(desk.calls(&http, &pair.serve).await, StatusCode::OK);
    assert!(pair.serve.end().await.success(), "{}", pair.serve.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_does_not_notice_what_becomes_of_serve() {
    let mut pair = Pair::start(Place::new());
    for _ in 0..2 {
        pair.serve.kill();
        pair.serve = pair.place.serve();
        pair.serve.until_ready(&pair.http, None).await;
    }
    assert!(pair.run.is_running());
}

/// Whoever fills the database is replaced by a newer version, which brings the schema up to date.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_ends_when_the_schema_becomes_another() {
    let mut pair = Pair::start(Place::new());
    pair.serve.until_ready(&pair.http, None).await;
    let database = pair.place.database();
    let mut newer = SqliteConnection::connect(database.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, true, x'00', 0)",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    assert!(!pair.serve.ended().await.success());
    let said = pair.serve.said();
    assert!(
        said.contains("a newer tocsin has brought its schema up to date"),
        "{said}"
    );
    assert!(pair.run.is_running());
}

/// The one configuration serves both, and what only the other one needs is not even opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_needs_no_key_that_signs() {
    let place = Place::new();
    let _run = place.run();
    let whole = std::fs::read_to_string(place.path("inside/tocsin.toml")).unwrap();
    let whole = whole.replace("\"tocsin.db\"", "\"../inside/tocsin.db\"");
    place.write("outside/tocsin.toml", &whole);
    for missing in ["attestor.key", "spot.toml", "cover.toml"] {
        assert!(!place.path("outside").join(missing).exists());
    }
    let wait = std::time::Instant::now();
    while !place.path("inside/tocsin.db.status").exists() {
        assert!(wait.elapsed() < crate::pair::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let serve = place.serve();
    let http = crate::pair::http();
    serve.until_ready(&http, None).await;
    let epochs = serve.get(&http, "/v1/epochs").await;
    assert!(epochs["programme"].is_string(), "{epochs}");
    assert!(!place.path("outside/tocsin.db.log-key").exists());
}
