//! How a provider is asked: again after a rest, not at all while it fails, and never elsewhere.

use std::time::Instant;

use tocsin_sources::feed::{BreakerState, Definition, Feed, FeedSettings, TroubleKind};

use super::server::{Reply, Server};
use super::setup::{feed, first_look, look, next_look, noon, said, text_of, troubles};

fn definition(limits: &str) -> String {
    format!(
        r#"
provider      = "example"
documentation = "https://docs.example.com/"
[subject]
pattern = "price:{{base}}"
example = "price:ETH"
[request]
url = "https://api.example.com/{{base}}"
[values.price]
path  = "$.p"
least = "0"
most  = "100"
[poll]
every    = "1min"
patience = "0s"
[limits]
{limits}
"#
    )
}

fn good() -> Reply {
    Reply::json(r#"{"p":1}"#)
}

#[tokio::test]
async fn a_failure_is_tried_again_within_the_same_look() {
    let server = Server::saying([
        Reply::new(502, ""),
        Reply::new(503, "").header("retry-after", "1"),
        good(),
    ]);
    let feed = feed(&definition("attempts = 3"), &server);
    let began = Instant::now();
    let (seen, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert!(said(&seen).starts_with("price=1@"), "{}", troubles(&seen));
    assert_eq!(server.heard().len(), 3);
    assert!(
        began.elapsed().as_secs() >= 1,
        "it is left alone as long as it asks for"
    );
}

#[tokio::test]
async fn who_asks_for_a_long_rest_gets_it() {
    let server = Server::saying([Reply::new(429, "").header("retry-after", "60"), good()]);
    let feed = feed(&definition("attempts = 3"), &server);
    let (seen, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(seen.troubles[0].kind, TroubleKind::Throttled);
    assert_eq!(server.heard().len(), 1, "nothing is sent during the rest");
    let (again, _) = look(&feed, next_look(&seen)).await;
    assert!(
        troubles(&again)
            .contains("it is left alone for a while, after this: example: HTTP status 429"),
        "{}",
        troubles(&again)
    );
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_and_probed() {
    let server = Server::saying([Reply::new(500, ""), Reply::new(500, ""), good()]);
    let feed = feed(
        &definition("attempts = 1\nbreaker = 2\nrest = \"1s\""),
        &server,
    );
    let mut next = first_look("price:ETH", noon());
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let (seen, _) = look(&feed, next).await;
        kinds.push(seen.troubles[0].kind);
        next = next_look(&seen);
    }
    assert_eq!(
        kinds,
        [
            TroubleKind::Status,
            TroubleKind::Status,
            TroubleKind::Breaker
        ]
    );
    assert_eq!(feed.health().breaker, BreakerState::Open);
    assert_eq!(server.heard().len(), 2);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let (seen, _) = look(&feed, next).await;
    assert!(said(&seen).starts_with("price=1@"), "{}", troubles(&seen));
    assert_eq!(feed.health().breaker, BreakerState::Closed);
    assert!(feed.health().last_answer_at.is_some());
}

#[tokio::test]
async fn a_redirect_is_followed_to_the_same_host_only() {
    let elsewhere = Server::saying([good()]);
    let server = Server::saying([
        Reply::new(301, "").header("location", "/v2/ETH"),
        good(),
        Reply::new(302, "").header("location", &elsewhere.url),
    ]);
    let feed = feed(&definition("attempts = 1"), &server);
    let (seen, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(said(&seen), "price=1@12:00:00");
    assert_eq!(server.targets(), ["/ETH", "/v2/ETH"]);
    let (seen, _) = look(&feed, next_look(&seen)).await;
    assert!(
        troubles(&seen).contains("HTTP status 302: it leads elsewhere"),
        "{}",
        troubles(&seen)
    );
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn requests_are_spread_over_time() {
    let server = Server::saying([good()]);
    let definition = Definition::parse(&definition("per_second = 20\nin_flight = 8"), "test.toml");
    let settings = FeedSettings {
        base_url: Some(server.url.parse().unwrap()),
        ..FeedSettings::default()
    };
    let feed = Feed::new(definition.unwrap(), settings).unwrap();
    let requests = feed.requests(
        (0..30)
            .map(|n| first_look(&format!("price:{n}"), noon()))
            .collect(),
    );
    assert_eq!(requests.len(), 30);
    let began = Instant::now();
    futures_util::future::join_all(
        requests
            .into_iter()
            .map(|request| feed.ask(request, noon())),
    )
    .await;
    assert!(
        began.elapsed().as_millis() >= 1_400,
        "30 requests at 20 a second: {:?}",
        began.elapsed()
    );
    assert_eq!(server.heard().len(), 30);
}

#[test]
fn a_provider_is_reached_over_tls_or_on_this_machine() {
    let with = |url: &str| {
        let definition = Definition::parse(&text_of("coinbase"), "coinbase.toml").unwrap();
        Feed::new(
            definition,
            FeedSettings {
                base_url: Some(url.parse().unwrap()),
                ..FeedSettings::default()
            },
        )
    };
    for url in [
        "https://mirror.example/feeds",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost:1",
    ] {
        assert!(with(url).is_ok(), "{url}");
    }
    for url in [
        "http://mirror.example",
        "http://10.0.0.1",
        "file:///etc/passwd",
        "https://user:pw@mirror.example",
        "https://mirror.example/?key=1",
    ] {
        let error = with(url).unwrap_err().to_string();
        assert!(
            error.starts_with("feed feed:coinbase: base_url "),
            "{url}: {error}"
        );
    }
}
