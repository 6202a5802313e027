//! What one process commits, the other answers, at once.

use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tocsin::config::load_cover;

use crate::caller::Caller;
use crate::pair::{Pair, Place, Process};

const HOLDER: &str = "0x0000000000000000000000000000000000000004";

/// A policy on the cover of the place.
fn policy(pair: &Pair, number: u32) -> String {
    let terms = load_cover(&pair.place.path("inside/cover.toml")).unwrap();
    json!({
        "number": number.to_string(),
        "cover": "fall",
        "terms_hash": terms.terms_hash.to_string(),
        "consumer": "eip155:1:0x0000000000000000000000000000000000000003",
        "holder": HOLDER,
        "sum_insured": "1000",
        "inception": "2035-03-01T00:00:00Z",
        "expiry": "2036-03-01T00:00:00Z",
        "subject": "price:AAA-USD",
    })
    .to_string()
}

async fn insure(pair: &Pair, desk: &Caller, number: u32) {
    let signed = desk.sign(Method::POST, "/v1/policies", &policy(pair, number));
    let answer = signed.send(&pair.http, &pair.run).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_change_with_the_commits_of_the_other() {
    let place = Place::new();
    let boss = Caller::manager(&place, "inside");
    let pair = Pair::start(place);
    let desk = boss.make(&pair.http, &pair.run, "desk", &["policies:write"]);
    let desk = desk.await;
    let url = format!("{}/v1/eligibility?holder={HOLDER}", pair.serve.base);
    let ask = async || {
        let answer = pair.http.get(&url).send().await.unwrap();
        let tag = answer.headers()[ETAG].clone();
        let said: Value = answer.json().await.unwrap();
        (said["eligibility"].as_array().unwrap().len(), tag)
    };
    let (none, mut tag) = ask().await;
    assert_eq!(none, 0);
    for number in 1..=5 {
        insure(&pair, &desk, number).await;
        // At once: no answer is kept beyond a commit, whoever made it.
        let (count, new) = ask().await;
        assert_eq!(count, usize::try_from(number).unwrap());
        assert_ne!(new, tag);
        tag = new;
    }
    // Until the log has the last leaves, answers change; then the tag stays.
    let begun = std::time::Instant::now();
    loop {
        let (_, tag) = ask().await;
        let same = pair.http.get(&url).header(IF_NONE_MATCH, tag);
        if same.send().await.unwrap().status() == StatusCode::NOT_MODIFIED {
            break;
        }
        assert!(begun.elapsed() < crate::pair::PATIENCE);
    }
    // What belongs to the service and not to the database is said by both alike.
    for path in ["/v1/epochs", "/v1/covers"] {
        let [here, there] = pair.both().map(|at| at.get(&pair.http, path));
        let (here, there) = tokio::join!(here, there);
        assert_eq!(here, there, "{path}");
    }
    let mut keys = Vec::new();
    for at in pair.both() {
        let key = pair.http.get(format!("{}/v1/log/key", at.base));
        keys.push(key.send().await.unwrap().text().await.unwrap());
    }
    assert_eq!(keys[0], keys[1]);
    let feeds = pair.serve.get(&pair.http, "/v1/feeds").await;
    assert!(feeds["feeds"]["feed:spot"].is_object(), "{feeds}");
}

/// The numbers of the next events of a stream.
async fn events(at: &Process, pair: &Pair, after: u64, count: usize) -> Vec<u64> {
    let request = pair.http.get(format!("{}/v1/events", at.base));
    let answer = request.header("last-event-id", after).send().await;
    let mut stream = answer.unwrap();
    let mut text = String::new();
    loop {
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let ids = whole.lines().filter_map(|line| line.strip_prefix("id: "));
        let ids: Vec<u64> = ids.map(|id| id.parse().unwrap()).collect();
        if ids.len() >= count {
            return ids[..count].to_vec();
        }
        let chunk = stream.chunk().await.unwrap().unwrap();
        text.push_str(core::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_events_goes_on_at_the_other() {
    let place = Place::new();
    let boss = Caller::manager(&place, "inside");
    let pair = Pair::start(place);
    let desk = boss.make(&pair.http, &pair.run, "desk", &["policies:write"]);
    let desk = desk.await;
    insure(&pair, &desk, 1).await;
    let first = events(&pair.run, &pair, 0, 2).await;
    let last = *first.last().unwrap();
    let (rest, ()) = tokio::join!(events(&pair.serve, &pair, last, 2), insure(&pair, &desk, 2),);
    let whole = events(&pair.serve, &pair, 0, 4).await;
    assert_eq!([first, rest].concat(), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_other_does_is_refused_by_its_name() {
    let place = Place::new();
    let boss = Caller::manager(&place, "inside");
    let pair = Pair::start(place);
    let scopes = ["policies:write", "webhooks:manage", "read"];
    let desk = boss.make(&pair.http, &pair.serve, "desk", &scopes).await;
    for (method, path, body) in [
        (Method::POST, "/v1/policies", policy(&pair, 1)),
        (Method::GET, "/v1/webhooks", String::new()),
        (
            Method::POST,
            "/v1/webhooks",
            json!({"url": "https://example.com/hook"}).to_string(),
        ),
    ] {
        let signed = desk.sign(method, path, &body);
        let answer = signed.send(&pair.http, &pair.serve).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said["type"], "/problems/elsewhere");
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains("`tocsin run`"), "{detail}");
    }
    // The same write at the other one is as good as before.
    insure(&pair, &desk, 1).await;
    let policies = pair.serve.get(&pair.http, "/v1/policies").await;
    assert_eq!(policies["policies"].as_array().unwrap().len(), 1);
}
