//! What every resource has in common: pages of lists, tags, problems, the description, streams, and the plain pages.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tocsin_api::health::Health;
use tocsin_store::conformance::sample;
use tocsin_store::cover::Covers;
use tocsin_store::event::Events;
use tocsin_store::policy::Policies;
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::http;
use tokio::sync::oneshot;

use super::super::{api, get, serve_until};

async fn stored() -> (Arc<SqliteStore>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    (Arc::new(SqliteStore::open(&path).await.unwrap()), folder)
}

async fn json(base: &str, path: &str) -> Value {
    let answer = get(base, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

/// `TOCSIN_WRITE_OPENAPI=1` writes the file anew.
#[tokio::test]
async fn the_description_that_is_checked_in_is_the_one_that_is_served() {
    let (base, _folder) = api(&Health::default()).await;
    let served = get(&base, "/v1/openapi.json").await.text().await.unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    #[expect(
        clippy::disallowed_methods,
        reason = "how whoever changes a route asks for the file"
    )]
    let written_anew = std::env::var_os("TOCSIN_WRITE_OPENAPI").is_some();
    if written_anew {
        std::fs::write(&path, &served).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == served,
        "docs/openapi.json is stale: run this test with TOCSIN_WRITE_OPENAPI=1 and commit what it writes"
    );
    let document: Value = serde_json::from_str(&served).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let ids: Vec<&Value> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| operation.get("operationId"))
        .collect();
    let distinct: BTreeSet<String> = ids.iter().map(|id| id.to_string()).collect();
    assert_eq!(distinct.len(), ids.len(), "an operationId is used twice");
}

#[tokio::test]
async fn a_list_that_grows_is_read_without_a_gap_and_without_a_repetition() {
    let (store, _folder) = stored().await;
    let cover = sample::cover(0);
    let risk = sample::risk(&cover, 0, &[sample::stream(0, 0)]);
    store
        .add_cover(&cover, std::slice::from_ref(&risk))
        .await
        .unwrap();
    let policies: Vec<_> = (1..=7).map(|n| sample::policy(&risk.risk, n)).collect();
    store.add_policies(&policies[..5]).await.unwrap();
    let (base, _served) = serve_until(
        Arc::clone(&store),
        &Health::default(),
        |_api| {},
        std::future::pending(),
    )
    .await;
    let path = format!("/v1/policies?risk={}&limit=2", risk.risk.id);
    let mut seen: Vec<String> = Vec::new();
    let mut next = None;
    for turn in 0.. {
        let page = match &next {
            None => json(&base, &path).await,
            Some(cursor) => json(&base, &format!("{path}&cursor={cursor}")).await,
        };
        if turn == 0 {
            store.add_policies(&policies[5..]).await.unwrap();
        }
        let ids = page["policies"].as_array().unwrap();
        seen.extend(ids.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        next = page["next"].as_str().map(str::to_owned);
        if next.is_none() {
            break;
        }
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "one was shown twice");
    for policy in &policies[..5] {
        assert!(seen.contains(&policy.id.to_string()), "one was left out");
    }
    for bad in [
        "limit=0",
        "limit=501",
        "cursor=x",
        "holder=0x12",
        "colour=red",
    ] {
        let answer = get(&base, &format!("/v1/policies?{bad}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    let one = json(&base, &format!("/v1/policies/{}", policies[0].id)).await;
    assert_eq!(
        one["policy"]["holder"],
        format!("{:#x}", policies[0].holder)
    );
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let (store, _folder) = stored().await;
    let (base, _served) = serve_until(
        Arc::clone(&store),
        &Health::default(),
        |_api| {},
        std::future::pending(),
    )
    .await;
    let first = get(&base, "/v1/covers").await;
    let tag = first.headers()["etag"].clone();
    let ask = || {
        let request = http::client().get(format!("{base}/v1/covers"));
        request.header("if-none-match", tag.clone()).send()
    };
    let again = ask().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["etag"], tag);
    store.add_cover(&sample::cover(0), &[]).await.unwrap();
    let changed = ask().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()["etag"], tag);
}

#[tokio::test]
async fn every_problem_has_a_page_and_wrong_uses_are_problems() {
    let (base, _folder) = api(&Health::default()).await;
    let long = format!("/v1/covers?cursor={}", "a".repeat(5_000));
    for (method, path, status) in [
        (reqwest::Method::DELETE, "/v1/covers".to_owned(), 405),
        (reqwest::Method::GET, long, 414),
        (
            reqwest::Method::GET,
            "/v1/determinations/0x12-1".to_owned(),
            400,
        ),
        (reqwest::Method::GET, "/v1/observations".to_owned(), 400),
        (reqwest::Method::POST, "/v1/policies".to_owned(), 401),
    ] {
        let request = http::client().request(method, format!("{base}{path}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let problem: Value = answer.json().await.unwrap();
        let page = get(&base, problem["type"].as_str().unwrap()).await;
        assert_eq!(page.status(), StatusCode::OK, "{problem}");
        assert!(
            page.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
    }
}

#[tokio::test]
async fn pages_are_small_forbid_scripts_and_escape_what_they_are_asked() {
    let (base, _folder) = api(&Health::default()).await;
    for path in [
        "/",
        "/eligibility",
        "/eligibility?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/docs",
        "/log",
    ] {
        let answer = get(&base, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let text = answer.text().await.unwrap();
        assert!(text.len() < 100_000 && !text.contains("<script"), "{path}");
    }
}

/// Reads a stream until `count` events have come.
async fn read(answer: &mut reqwest::Response, count: usize) -> String {
    let mut text = String::new();
    while text.matches("\n\n").count() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(10), answer.chunk()).await;
        let Some(bytes) = chunk.unwrap().unwrap() else {
            break;
        };
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text
}

#[tokio::test]
async fn a_stream_of_events_goes_on_where_it_was_left_and_ends_with_the_service() {
    let (store, folder) = stored().await;
    let (end, ended) = oneshot::channel::<()>();
    let shutdown = async move {
        ended.await.unwrap_or_default();
    };
    let (base, served) =
        serve_until(Arc::clone(&store), &Health::default(), |_api| {}, shutdown).await;
    store
        .publish(&[sample::event(1), sample::event(2)])
        .await
        .unwrap();
    let mut stream = get(&base, "/v1/events?after=0").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let text = read(&mut stream, 2).await;
    assert!(
        text.contains("id: 1\n") && text.contains("id: 2\n"),
        "{text}"
    );
    store.publish(&[sample::event(3)]).await.unwrap();
    assert!(read(&mut stream, 1).await.contains("id: 3\n"));
    drop(stream);
    store.publish(&[sample::event(4)]).await.unwrap();
    let request = http::client().get(format!("{base}/v1/events"));
    let mut resumed = request.header("last-event-id", "3").send().await.unwrap();
    let text = read(&mut resumed, 1).await;
    assert!(
        text.contains("id: 4\n") && !text.contains("id: 3\n"),
        "{text}"
    );
    // Who has seen more than there is, hears that an older state is back.
    let mut rewound = get(&base, "/v1/events?after=99").await;
    let text = read(&mut rewound, 1).await;
    assert!(
        text.contains("event: rewound\ndata: {\"last\":4}"),
        "{text}"
    );
    drop(rewound);
    // Two that wait are both told of each at once: twenty, one after the other, take no time worth mentioning.
    let mut other = get(&base, "/v1/events").await;
    let begun = Instant::now();
    for seq in 5..25 {
        store.publish(&[sample::event(seq)]).await.unwrap();
        let expected = format!("id: {seq}\n");
        for stream in [&mut resumed, &mut other] {
            assert!(read(stream, 1).await.contains(&expected));
        }
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "twenty events took {took:?}");
    // Of what another process writes there is no word, and it is found all the same.
    let path = folder.path().join("t.db");
    let mut beside = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    sqlx::query("INSERT INTO events (kind, at, body) VALUES ('test.beside', 1, '{}')")
        .execute(&mut beside)
        .await
        .unwrap();
    beside.close().await.unwrap();
    for stream in [&mut resumed, &mut other] {
        assert!(read(stream, 1).await.contains("test.beside"));
    }
    drop(other);
    end.send(()).unwrap();
    let finished = tokio::time::timeout(Duration::from_secs(5), served).await;
    finished
        .expect("the stream kept the service")
        .unwrap()
        .unwrap();
}
