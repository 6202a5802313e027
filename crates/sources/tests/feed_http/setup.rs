//! Feeds of `config/feeds`, of changed copies, and of small definitions, at a server.

use core::num::NonZeroU32;

use secrecy::SecretString;
use tocsin_domain::observation::Subject;
use tocsin_domain::time::Timestamp;
use tocsin_sources::feed::{
    Answer, Definition, Feed, FeedSettings, KeySettings, KeyText, Look, Next, Seen,
};

use super::server::Server;

/// A key that must never be seen.
pub(crate) const SECRET: &str = "s3cr3t/k+y";

/// The beginning of every test.
pub(crate) fn noon() -> Timestamp {
    at("2026-03-02T12:00:00Z")
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn text_of(name: &str) -> String {
    let path = format!(
        "{}/../../config/feeds/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

/// A definition that is asked at this server, with one key if it needs one.
pub(crate) fn feed(text: &str, server: &Server) -> Feed {
    let definition = Definition::parse(text, "test.toml").unwrap();
    let keys = if definition.needs_key() {
        vec![key("first", SECRET)]
    } else {
        Vec::new()
    };
    with_keys(definition, server, keys)
}

pub(crate) fn with_keys(definition: Definition, server: &Server, keys: Vec<KeySettings>) -> Feed {
    let settings = FeedSettings {
        keys,
        base_url: Some(server.url.parse().unwrap()),
        // A test has no second to lose.
        per_second: NonZeroU32::new(1_000),
        ..FeedSettings::default()
    };
    Feed::new(definition, settings).unwrap()
}

pub(crate) fn key(name: &str, text: &str) -> KeySettings {
    KeySettings {
        name: name.to_owned(),
        text: KeyText::Text(SecretString::from(text)),
        per_day: None,
    }
}

/// The same definition with other limits, and without patience.
pub(crate) fn impatient(text: &str) -> String {
    let mut table: toml::Table = text.parse().unwrap();
    let mut set = |section: &str, key: &str, value: toml::Value| {
        let section = table
            .entry(section)
            .or_insert_with(|| toml::Table::new().into());
        section
            .as_table_mut()
            .unwrap()
            .insert(key.to_owned(), value);
    };
    set("limits", "timeout", "1s".into());
    set("limits", "attempts", 1.into());
    set("limits", "breaker", 1_000.into());
    set("poll", "patience", "0s".into());
    table.to_string()
}

pub(crate) fn first_look(subject: &str, due_at: Timestamp) -> Look {
    Look {
        subject: Subject::from(subject),
        due_at,
        watermark: None,
        memory: None,
    }
}

/// The next look as the schedule asks for it.
pub(crate) fn next_look(seen: &Seen) -> Look {
    let Next::At(due_at) = seen.next else {
        panic!("{:?}", seen.next);
    };
    Look {
        subject: seen.subject.clone(),
        due_at,
        watermark: seen.watermark,
        memory: Some(seen.memory.clone()),
    }
}

/// Looks once, when it is due.
pub(crate) async fn look(feed: &Feed, look: Look) -> (Seen, Answer) {
    let now = look.due_at;
    let mut requests = feed.requests(vec![look]);
    assert_eq!(requests.len(), 1);
    let answer = feed.ask(requests.remove(0), now).await;
    assert_eq!(answer.seen.len(), 1);
    (answer.seen[0].clone(), answer)
}

/// What was observed: `price=0.9998@12:00:00`, `price=-@…` without value; then the troubles.
pub(crate) fn said(seen: &Seen) -> String {
    let observations = seen.observations.iter().map(|one| {
        let value = one
            .value
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string);
        let time = one.observed_at.to_string();
        let time = time.trim_start_matches("2026-03-02T").trim_end_matches('Z');
        format!("{}={value}@{time}", one.metric)
    });
    observations.collect::<Vec<_>>().join(" ")
}

pub(crate) fn troubles(seen: &Seen) -> String {
    seen.troubles
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
