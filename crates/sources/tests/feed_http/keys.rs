//! Keys: exchanged while running, refused, used up, and never seen.

use core::num::NonZeroU32;

use tocsin_domain::time::Seconds;
use tocsin_sources::feed::{
    Definition, Feed, FeedSettings, KeySettings, KeyText, TroubleKind, Usage,
};

use super::server::{Reply, Server};
use super::setup::{
    SECRET, feed, first_look, key, look, next_look, noon, said, troubles, with_keys,
};

/// The key is in a header and in the address.
const KEYED: &str = r#"
provider      = "example"
documentation = "https://docs.example.com/"
[subject]
pattern = "price:{base}"
example = "price:ETH"
[request]
url     = "https://api.example.com/{base}"
query   = { access_key = "{key}" }
headers = { x-api-key = "{key}" }
[values.price]
path  = "$.p"
least = "0"
most  = "100"
[poll]
every    = "1min"
patience = "0s"
[limits]
attempts = 1
timeout  = "1s"
breaker  = 50
"#;

fn definition() -> Definition {
    Definition::parse(KEYED, "example.toml").unwrap()
}

fn good() -> Reply {
    Reply::json(r#"{"p":1}"#)
}

fn used(server: &Server) -> Vec<String> {
    server
        .heard()
        .iter()
        .map(|heard| heard.header("x-api-key").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn no_key_is_ever_shown() {
    let encoded = "s3cr3t%2Fk%2By";
    let replies = [
        good(),
        Reply::new(401, format!("bad key {SECRET} ({encoded})")),
        Reply::new(500, SECRET),
        Reply::new(200, format!("<html>{SECRET} {encoded}")),
        Reply::json(&format!(r#"{{"p":"{SECRET}"}}"#)),
        Reply::new(302, "").header(
            "location",
            &format!("https://elsewhere.example/?access_key={encoded}"),
        ),
    ];
    for (index, reply) in replies.into_iter().enumerate() {
        let server = Server::saying([reply]);
        let feed = feed(KEYED, &server);
        let (seen, answer) = look(&feed, first_look("price:ETH", noon())).await;
        assert_eq!(
            server.heard()[0].target,
            format!("/ETH?access_key={encoded}")
        );
        assert_eq!(used(&server), [SECRET]);
        let mut shown = format!("{feed:?} {:?} {:?} {seen:?}", feed.health(), feed.usage());
        for response in &answer.responses {
            assert!(
                response.url.ends_with("/ETH?access_key=***"),
                "{}",
                response.url
            );
            shown.push_str(&response.url);
        }
        shown.push_str(&troubles(&seen));
        assert!(
            !shown.contains(SECRET) && !shown.contains(encoded),
            "{index}: {shown}"
        );
        assert_eq!(said(&seen).contains("price=1"), index == 0);
    }
    let settings = FeedSettings {
        keys: vec![key("first", SECRET)],
        ..FeedSettings::default()
    };
    assert!(!format!("{settings:?}").contains(SECRET));
    // A connection that is refused: the library's errors hold the address.
    let closed = FeedSettings {
        base_url: Some("http://127.0.0.1:1".parse().unwrap()),
        ..settings
    };
    let feed = Feed::new(definition(), closed).unwrap();
    let (seen, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(seen.troubles[0].kind, TroubleKind::Unreachable);
    let shown = format!("{seen:?} {}", troubles(&seen));
    assert!(
        !shown.contains(SECRET) && !shown.contains(encoded),
        "{shown}"
    );
}

#[tokio::test]
async fn a_refused_key_rests_and_the_next_is_used() {
    let server = Server::saying([Reply::new(401, "no"), good()]);
    let feed = with_keys(
        definition(),
        &server,
        vec![key("first", "one"), key("second", "two")],
    );
    let (seen, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(said(&seen), "price=1@12:00:00");
    let (_, _) = look(&feed, next_look(&seen)).await;
    assert_eq!(used(&server), ["one", "two", "two"]);
    let health = feed.health();
    let resting = health.keys[0].resting.as_deref().unwrap();
    assert!(resting.contains("it refuses the key"), "{resting}");
    assert_eq!(health.keys[1].resting, None);
}

#[tokio::test]
async fn a_throttled_key_rests_as_long_as_it_is_told_and_another_is_used() {
    let server = Server::saying([Reply::new(429, "").header("retry-after", "120"), good()]);
    let feed = with_keys(
        definition(),
        &server,
        vec![key("first", "one"), key("second", "two")],
    );
    let mut next = first_look("price:ETH", noon());
    for _ in 0..4 {
        next = next_look(&look(&feed, next).await.0);
    }
    assert_eq!(
        used(&server),
        ["one", "two", "two", "one", "one"],
        "after two minutes the first again"
    );
}

#[tokio::test]
async fn a_key_is_exchanged_in_its_file_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let server = Server::saying([Reply::new(401, "expired"), good()]);
    let from_file = KeySettings {
        name: "first".to_owned(),
        text: KeyText::File(path.clone()),
        per_day: None,
    };
    let feed = with_keys(definition(), &server, vec![from_file]);
    let (missing, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert!(
        troubles(&missing).contains("cannot be read"),
        "{}",
        troubles(&missing)
    );
    std::fs::write(&path, "old\n").unwrap();
    let (refused, _) = look(&feed, next_look(&missing)).await;
    assert_eq!(refused.troubles[0].kind, TroubleKind::Key);
    let (resting, _) = look(&feed, next_look(&refused)).await;
    assert!(
        troubles(&resting).contains("key first: it rests until"),
        "{}",
        troubles(&resting)
    );
    std::fs::write(&path, "new\n").unwrap();
    let (seen, _) = look(&feed, next_look(&resting)).await;
    assert!(said(&seen).starts_with("price=1@"), "{}", troubles(&seen));
    assert_eq!(used(&server), ["old", "new"]);
}

#[tokio::test]
async fn the_days_requests_of_each_key_are_counted_and_outlive_a_restart() {
    let server = Server::saying([good()]);
    let keys = || {
        let mut first = key("first", "one");
        first.per_day = NonZeroU32::new(2);
        let mut second = key("second", "two");
        second.per_day = NonZeroU32::new(1);
        vec![first, second]
    };
    let feed = with_keys(definition(), &server, keys());
    let mut next = first_look("price:ETH", noon());
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let (seen, _) = look(&feed, next).await;
        kinds.push(seen.troubles.first().map(|trouble| trouble.kind));
        next = next_look(&seen);
    }
    assert_eq!(used(&server), ["one", "one", "two"]);
    assert_eq!(kinds, [None, None, None, Some(TroubleKind::Quota)]);
    let day = noon().0.div_euclid(86_400);
    let usage = feed.usage();
    assert_eq!(
        usage,
        [
            Usage {
                key: "first".to_owned(),
                day,
                requests: 2
            },
            Usage {
                key: "second".to_owned(),
                day,
                requests: 1
            }
        ]
    );
    let restarted = with_keys(definition(), &server, keys());
    restarted.restore(&usage);
    let (seen, _) = look(
        &restarted,
        next_look(&look(&restarted, first_look("price:ETH", noon())).await.0),
    )
    .await;
    assert!(
        troubles(&seen).contains("key first: its 2 requests of this UTC day are used up"),
        "{}",
        troubles(&seen)
    );
    assert_eq!(server.heard().len(), 3);
    let tomorrow = first_look("price:ETH", noon() + Seconds(86_400));
    assert!(look(&restarted, tomorrow).await.0.troubles.is_empty());
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let with = |text: &str, keys: Vec<KeySettings>| {
        let definition = Definition::parse(text, "example.toml").unwrap();
        Feed::new(
            definition,
            FeedSettings {
                keys,
                ..FeedSettings::default()
            },
        )
        .unwrap_err()
        .to_string()
    };
    assert!(with(KEYED, Vec::new()).contains("the provider asks for a key, and there is none"));
    assert!(with(KEYED, vec![key("a", "1"), key("a", "2")]).contains("two keys are called `a`"));
    let plain = KEYED.replace("{key}", "none");
    assert!(with(&plain, vec![key("a", "1")]).contains("has no place for a key"));
}

#[tokio::test]
async fn one_question_that_is_forbidden_does_not_cost_the_others_their_key() {
    let server = Server::saying([
        Reply::new(403, "beyond your plan"),
        good(),
        Reply::new(403, "no"),
    ]);
    let feed = with_keys(definition(), &server, vec![key("first", "one")]);
    let mut kinds = Vec::new();
    for subject in [
        "price:A", "price:B", "price:C", "price:C", "price:D", "price:E", "price:F",
    ] {
        let (seen, _) = look(&feed, first_look(subject, noon())).await;
        kinds.push(
            seen.troubles
                .first()
                .map(|trouble| trouble.reason.contains("rests until")),
        );
    }
    // After three different ones in a row it is the key.
    let said = Some(false);
    assert_eq!(kinds, [said, None, said, said, said, said, Some(true)]);
    assert_eq!(server.heard().len(), 6);
}

#[tokio::test]
async fn a_link_to_the_next_page_shows_no_key_and_neither_does_half_of_one() {
    let paged = format!("{KEYED}\n[pages]\nnext = '$.next'\n");
    let link = r#"{"p":1,"next":"/ETH?access_key=another-key&page=2"}"#;
    let server = Server::saying([Reply::json(link), Reply::json(r#"{"p":1}"#)]);
    let (_, answer) = look(&feed(&paged, &server), first_look("price:ETH", noon())).await;
    assert!(
        answer.responses[1]
            .url
            .ends_with("/ETH?access_key=***&page=2"),
        "{}",
        answer.responses[1].url
    );

    let elsewhere = format!(r#"{{"p":1,"next":"https://elsewhere.example/{SECRET}"}}"#);
    let cut = format!(r#"{{"p":"{}{SECRET}"}}"#, "x".repeat(73));
    for body in [elsewhere, cut] {
        let server = Server::saying([Reply::json(&body)]);
        let (seen, _) = look(&feed(&paged, &server), first_look("price:ETH", noon())).await;
        let shown = troubles(&seen);
        assert!(
            !shown.is_empty() && !shown.contains(&SECRET[..5]),
            "{shown}"
        );
    }
}
