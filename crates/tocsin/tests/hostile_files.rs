//! Files that somebody wrote, or somebody else changed: whatever is in a configuration, a cover, a file of policies, it is taken or
//! refused in words, and no file ends the process.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;
use tocsin::config::{Config, load_cover};
use tocsin::insure::{csv, import};
use tocsin_domain::time::Timestamp;

const CONFIG: &str = r#"database = "tocsin.db"
policies = ["few.toml", "many.csv"]

[[covers]]
file = "cover.toml"
evaluate_from = "2026-03-01T00:00:00Z"

[api]
listen = "127.0.0.1:0"
open_reads = false

[auth]
environment = "test"
clock_skew = "30s"
requests_per_second = 50

[log]
coverage_every = "5min"

[chains."eip155:1"]
strictly_rising_timestamps = true
endpoints = [{ url = "http://127.0.0.1:1" }, { url = "http://127.0.0.1:2" }]

[feeds."feed:spot"]
definition = "spot.toml"
keys = [{ name = "main", secret = "file:spot.key", per_day = 500 }]
archive_for = "10d"
"#;

const COVER: &str = r#"name = "fall"
title = "A price falls"
version = 1

[inputs.price]
metric = "price"
source = "feed:spot"
max_age = "1h"

[trigger]
when = "price <= 0.9"

[payout]
fraction = "clamp(1 - price, 0, 50%)"
"#;

const FEED: &str = r#"provider = "spot"
documentation = "https://example.com/docs"

[subject]
pattern = "price:{base}-{quote}"
example = "price:AAA-USD"

[request]
url = "https://api.example.com/prices/{base}-{quote}?key={key}"

[values.price]
path = "$.price"
least = "0.000001"
most = "1000000"

[poll]
every = "1min"
"#;

const ROW: &str = "fall,{terms},eip155:1:0x0000000000000000000000000000000000000003,\
    0x0000000000000000000000000000000000000004,1000,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,price:AAA-USD";

/// Pieces that mean something in one of the files, so that mutants get far.
const PIECES: [&str; 20] = [
    "\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "\0",
    "\u{feff}",
    "[[covers]]",
    "${HOME}",
    "file:/",
    "../",
    "-1",
    "99999999999999999999",
    "0x",
    "'''",
    "# ",
    "2026-13-01T00:00:00Z",
];

/// Another text in the place of a part of one.
#[derive(Clone, Debug)]
struct Change {
    at: Index,
    without: usize,
    with: String,
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        any::<String>(),
        Just(String::new()),
    ];
    (any::<Index>(), 0..12_usize, piece).prop_map(|(at, without, with)| Change {
        at,
        without,
        with,
    })
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for change in changes {
        let from = change.at.index(characters.len() + 1);
        let to = (from + change.without).min(characters.len());
        characters.splice(from..to, change.with.chars());
    }
    characters.into_iter().collect()
}

/// The files of a service, of which some are changed.
struct Desk(TempDir);

impl Desk {
    fn open(changes: &[(&str, &[Change])]) -> Self {
        let desk = Self(TempDir::new().unwrap());
        std::fs::write(desk.path("cover.toml"), COVER).unwrap();
        let terms = load_cover(&desk.path("cover.toml")).unwrap().terms_hash;
        let row = ROW.replace("{terms}", &terms.to_string());
        let columns =
            "number,cover,terms_hash,consumer,holder,sum_insured,inception,expiry,subject";
        let cells = columns
            .split(',')
            .zip(["7"].into_iter().chain(row.split(',')));
        let cells = cells.map(|(column, cell)| format!("{column} = \"{cell}\"\n"));
        let few = format!("[[policy]]\n{}", cells.collect::<String>());
        let many = format!("{columns}\n1,{row}\n2,{row}\n");
        for (name, text) in [
            ("tocsin.toml", CONFIG),
            ("cover.toml", COVER),
            ("spot.toml", FEED),
            ("spot.key", "key"),
            ("few.toml", &few),
            ("many.csv", &many),
        ] {
            let changes = changes.iter().find(|(changed, _)| *changed == name);
            let changes = changes.map_or(&[][..], |(_, changes)| *changes);
            std::fs::write(desk.path(name), changed(text, changes)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// How many policies are taken, or what is said instead.
    fn read(&self) -> Result<usize, String> {
        let said = |error: &dyn std::error::Error| tocsin::report::chain(error);
        let config = Config::load(&self.path("tocsin.toml")).map_err(|error| said(&error))?;
        let mut taken = config.policies.len();
        for path in &config.policy_files {
            let rows = csv::open(path).map_err(|error| said(&error))?;
            let outcome = import::check(config.insurer(Timestamp(0)), rows);
            let outcome = csv::taken(path, outcome).map_err(|error| said(&error))?;
            taken += usize::try_from(outcome.rows).unwrap();
        }
        Ok(taken)
    }
}

#[test]
fn as_they_are_they_are_taken() {
    assert_eq!(Desk::open(&[]).read(), Ok(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_changed_is_taken_or_refused_in_words(
        name in prop::sample::select(&["tocsin.toml", "cover.toml", "spot.toml", "few.toml", "many.csv"][..]),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        if let Err(said) = Desk::open(&[(name, &changes)]).read() {
            prop_assert!(!said.trim().is_empty());
        }
    }

    /// Also what is no text at all.
    #[test]
    fn any_bytes_are_refused(
        name in prop::sample::select(&["tocsin.toml", "cover.toml", "spot.toml", "few.toml", "many.csv"][..]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let desk = Desk::open(&[]);
        std::fs::write(desk.path(name), &bytes).unwrap();
        if let Err(said) = desk.read() {
            prop_assert!(!said.trim().is_empty());
        }
    }
}
