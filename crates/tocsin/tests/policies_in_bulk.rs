//! Files with any number of policies: all rows are taken, or none and every bad one is named.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tocsin::clock::SetClock;
use tocsin::command::{check, policies};
use tocsin::config::{Config, load_cover};
use tocsin::insure::csv::COLUMNS;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_store::look::Looks;
use tocsin_store::policy::Policies;
use tocsin_store_sqlite::SqliteStore;

const COVER: &str = include_str!("../../../tests/samples/fall/cover.toml");

const FEED: &str = include_str!("../../../tests/samples/fall/feed.toml");

const CONSUMER: &str = "eip155:1:0x0000000000000000000000000000000000000003";

/// The first line of a file of policies.
fn header() -> String {
    COLUMNS.join(",") + "\n"
}

/// The feed, of a provider who wants a key.
fn keyed() -> String {
    FEED.replace(
        "{base}-{quote}\"\n\n[values",
        "{base}-{quote}?key={key}\"\n\n[values",
    )
}

struct Desk {
    folder: TempDir,
    terms: String,
}

impl Desk {
    fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("cover.toml", COVER);
        write("spot.toml", &keyed());
        write("tocsin.toml", CONFIG);
        let terms = load_cover(&folder.path().join("cover.toml")).unwrap();
        Self {
            terms: terms.terms_hash.to_string(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn row(&self, number: u64, subject: &str) -> String {
        let terms = &self.terms;
        format!(
            "{number},fall,{terms},{CONSUMER},0x0000000000000000000000000000000000000004,1000,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,{subject}\n"
        )
    }

    fn write(&self, rows: &str) -> PathBuf {
        let path = self.path("policies.csv");
        std::fs::write(&path, format!("{}{rows}", header())).unwrap();
        path
    }

    async fn import(&self, file: &Path) -> Result<String, String> {
        let mut out = Vec::new();
        let clock = SetClock::new(Timestamp(1_772_000_000));
        let config = self.path("tocsin.toml");
        match policies::import(file, &config, &clock, &mut out).await {
            Ok(()) => Ok(String::from_utf8(out).unwrap()),
            Err(report) => Err(report.to_string()),
        }
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path("tocsin.db")).await.unwrap()
    }

    async fn has(&self, number: u64) -> bool {
        let store = self.store().await;
        let consumer = "0x0000000000000000000000000000000000000003"
            .parse()
            .unwrap();
        let id = PolicyId::derive(1, consumer, alloy::primitives::U256::from(number));
        let found = store.policy(id).await.unwrap();
        store.close().await;
        found.is_some()
    }
}

#[tokio::test]
async fn policies_share_risks_and_what_is_asked_and_are_taken_once() {
    let desk = Desk::open();
    let mut rows = String::new();
    for number in 0..5_000_u64 {
        rows += &desk.row(number, &format!("price:T{}-USD", number % 100));
    }
    let file = desk.write(&rows);
    let said = desk.import(&file).await.unwrap();
    assert!(
        said.contains("5000 policies") && said.contains("5000 of them are new, on 100 new risks"),
        "{said}"
    );
    let store = desk.store().await;
    let feed = SourceId::from("feed:spot");
    assert_eq!(store.count_looks(&feed).await.unwrap().open, 100);
    let look = store.look(&feed, &Subject::from("price:T7-USD")).await;
    let due = look.unwrap().unwrap().due_at;
    assert_eq!(due, Some(Timestamp(1_772_000_000)));
    store.close().await;

    let said = desk.import(&file).await.unwrap();
    assert!(said.contains("0 of them are new, on 0 new risks"), "{said}");
    // One more, on a subject that is insured already.
    let file = desk.write(&(rows + &desk.row(5_000, "price:T7-USD")));
    let said = desk.import(&file).await.unwrap();
    assert!(said.contains("1 of them are new, on 0 new risks"), "{said}");
}

#[tokio::test]
async fn every_bad_row_is_named_and_no_row_is_taken() {
    let desk = Desk::open();
    let good = desk.row(1, "price:AAA-USD");
    let with = |from: &str, to: &str| {
        let changed = desk.row(2, "price:AAA-USD").replacen(from, to, 1);
        assert_ne!(changed, desk.row(2, "price:AAA-USD"));
        changed
    };
    let bad = [
        (with("2,fall", "2,rise"), "cover: "),
        (with(&desk.terms, "0x12"), "terms_hash: "),
        (with("eip155:1:", "solana:"), "consumer: "),
        (with("000004", "00000g"), "holder: "),
        (with(",1000,", ",1_000,"), "sum_insured: "),
        (with(",1000,", ",,"), "sum_insured: "),
        (with("2,fall", "two,fall"), "number: "),
        (with("2026-03-01T00:00:00Z", "yesterday"), "inception: "),
        (
            with("2026-03-01T00:00:00Z", "2026-02-28T23:59:59Z"),
            "inception: 2026-02-28T23:59:59Z is before 2026-03-01T00:00:00Z, from when on the cover is evaluated",
        ),
        (
            with("2026-04-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            "expiry: ",
        ),
        (with("price:AAA-USD", ""), "subject: is missing"),
        (
            with("price:AAA-USD", "flight:AAA"),
            "subject: feed feed:spot cannot ask about flight:AAA",
        ),
        (with(",price:AAA-USD", ""), "has 8 cells, and the header 9"),
    ];
    let mut rows = good.clone();
    for (row, _) in &bad {
        rows += row;
    }
    rows += &desk.row(3, "price:AAA-USD");
    // The same number again, for another holder.
    rows += &desk.row(3, "price:AAA-USD").replace("000004", "000005");
    let file = desk.write(&rows);
    let said = desk.import(&file).await.unwrap_err();
    for (place, (_, told)) in bad.iter().enumerate() {
        let line = format!("policies.csv:{}: {told}", place + 3);
        assert!(said.contains(&line), "no `{line}` in\n{said}");
    }
    let twice = format!(
        "policies.csv:{}: number: another policy has the number 3",
        bad.len() + 4
    );
    assert!(said.contains(&twice), "no `{twice}` in\n{said}");
    assert_eq!(said.lines().count(), bad.len() + 2, "{said}");
    assert!(
        said.ends_with("nothing was taken: every row must be right"),
        "{said}"
    );
    assert!(!desk.has(1).await && !desk.has(3).await);

    // What is wrong without the books is known without them.
    let config = CONFIG.replacen('\n', "\npolicies = [\"policies.csv\"]\n", 1);
    std::fs::write(desk.path("tocsin.toml"), config).unwrap();
    let checked = check::run(&[], Some(&desk.path("tocsin.toml")), &mut Vec::new());
    let checked = checked.unwrap_err().to_string();
    assert_eq!(checked.lines().count(), bad.len() + 1, "{checked}");
}

/// Of a flight whose day has begun when a policy begins, somebody may know more than was seen.
#[tokio::test]
async fn a_policy_on_a_flight_begins_before_its_day() {
    let desk = Desk::open();
    let definition = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/feeds/aeroapi.toml");
    let config = CONFIG.replace("feed:spot", "feed:aeroapi").replace(
        "definition = \"spot.toml\"",
        &format!("definition = \"{}\"", definition.display()),
    );
    std::fs::write(desk.path("tocsin.toml"), config).unwrap();
    let cover = COVER
        .replace("feed:spot", "feed:aeroapi")
        .replace("metric = \"price\"", "metric = \"status\"")
        .replace("price <= 0.9", "price == \\\"cancelled\\\"")
        .replace("clamp(1 - price, 0, 50%)", "50%");
    std::fs::write(desk.path("cover.toml"), cover).unwrap();
    let desk = Desk {
        terms: load_cover(&desk.path("cover.toml"))
            .unwrap()
            .terms_hash
            .to_string(),
        ..desk
    };
    // All begin at midnight of 1 March, UTC, which is seven in the evening of 28 February in Newark.
    let rows = desk.row(1, "flight:UA1545/2026-03-01/EWR")
        + &desk.row(2, "flight:UA1545/2026-02-28/EWR")
        + &desk.row(3, "flight:UA1545/2026-03-02/EWR");
    let said = desk.import(&desk.write(&rows)).await.unwrap_err();
    assert!(said.contains("policies.csv:3: inception: "), "{said}");
    assert!(said.contains("2026-02-28T05:00:00Z"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
    let rows =
        desk.row(1, "flight:UA1545/2026-03-01/EWR") + &desk.row(3, "flight:UA1545/2026-03-02/EWR");
    desk.import(&desk.write(&rows)).await.unwrap();
}

#[tokio::test]
async fn a_policy_that_is_stored_otherwise_is_named_and_stays() {
    let desk = Desk::open();
    let first = desk.row(1, "price:AAA-USD");
    desk.import(&desk.write(&first)).await.unwrap();
    let richer = first.replace(",1000,", ",9000,");
    let file = desk.write(&(desk.row(2, "price:AAA-USD") + &richer));
    let said = desk.import(&file).await.unwrap_err();
    let told = "policies.csv:3: number: another policy has the number 1";
    assert!(
        said.contains(told) && said.contains("sum insured 1000"),
        "{said}"
    );
    assert!(desk.has(1).await && !desk.has(2).await);
}

/// A process that is killed while it imports leaves all of the file or nothing of it.
#[tokio::test]
async fn an_import_that_is_killed_is_whole_or_never_was() {
    const ROWS: u64 = 10_000;
    let desk = Desk::open();
    let mut rows = String::new();
    for number in 0..ROWS {
        rows += &desk.row(number, &format!("price:T{number}-USD"));
    }
    let file = desk.write(&rows);
    for delay_millis in [50, 150, 300, 600, 1_200] {
        let mut import = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["policies", "import"])
            .arg(&file)
            .arg("--config")
            .arg(desk.path("tocsin.toml"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(delay_millis)).await;
        import.kill().unwrap();
        import.wait().unwrap();
        let whole = desk.has(0).await;
        assert_eq!(desk.has(ROWS / 2).await, whole);
        assert_eq!(desk.has(ROWS - 1).await, whole);
        let store = desk.store().await;
        let counts = store
            .count_looks(&SourceId::from("feed:spot"))
            .await
            .unwrap();
        assert_eq!(counts.open, if whole { ROWS } else { 0 });
        store.close().await;
    }
    desk.import(&file).await.unwrap();
    assert!(desk.has(0).await && desk.has(ROWS - 1).await);
}

#[tokio::test]
async fn a_file_with_other_columns_is_refused() {
    let desk = Desk::open();
    let columns = [
        (
            header().replace("holder", "owner"),
            "there is no column `owner`",
        ),
        (
            header().replace("holder,", ""),
            "the column `holder` is missing",
        ),
        (
            header().replace("holder", "number"),
            "the column `number` is there twice",
        ),
    ];
    for (header, told) in columns {
        let path = desk.path("policies.csv");
        std::fs::write(&path, header).unwrap();
        let said = desk.import(&path).await.unwrap_err();
        assert!(
            said.contains(told) && said.contains("policies.csv:1"),
            "{said}"
        );
    }
    let said = desk.import(&desk.path("nothing.csv")).await.unwrap_err();
    assert!(said.contains("nothing.csv"), "{said}");
}

#[test]
fn a_feed_and_what_it_is_asked_about_are_checked_without_asking() {
    let desk = Desk::open();
    let mut told = Vec::new();
    check::run(&[], Some(&desk.path("tocsin.toml")), &mut told).unwrap();
    let told = String::from_utf8(told).unwrap();
    for line in [
        "price = price of each policy's subject from feed:spot",
        "feed `feed:spot` gives price; raw responses are kept for 10d at least",
        "key `main`, 500 requests a day",
    ] {
        assert!(told.contains(line), "no `{line}` in\n{told}");
    }
    let slips = [
        ("concurrency = 4", "concurency = 4", "concurency"),
        (
            "archive_for = \"10d\"",
            "archive_for = \"ten days\"",
            "`archive_for`: ",
        ),
        (
            "definition = \"spot.toml\"",
            "definition = \"sport.toml\"",
            "`definition`: cannot read",
        ),
        (
            "file:spot.toml",
            "hunter2",
            "key `main`: a secret is never written",
        ),
        ("feed:spot\"]", "feed:spots\"]", "its definition"),
        ("keys", "url = \"http://example.com\"\nkeys", "https"),
    ];
    for (from, to, told) in slips {
        let config = CONFIG.replace(from, to);
        assert_ne!(config, CONFIG);
        let path = desk.path("slip.toml");
        std::fs::write(&path, config).unwrap();
        let said = Config::load(&path).unwrap_err();
        let said = tocsin::report::chain(&said);
        assert!(
            said.contains(told) && said.contains("[feeds.\"feed:spot"),
            "{told}: {said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
    let covers = [
        (
            "source = \"feed:spot\"",
            "source = \"feed:sport\"",
            "add [feeds.\"feed:sport\"]",
        ),
        (
            "metric = \"price\"",
            "metric = \"status\"",
            "`feed:spot` gives price",
        ),
        (
            "source = \"feed:spot\"",
            "",
            "names no subject or no source",
        ),
        (
            "source = \"feed:spot\"",
            "source = \"feed:spot\"\nsubject = \"flight:X\"",
            "cannot ask about flight:X",
        ),
    ];
    for (from, to, told) in covers {
        let mut cover = String::new();
        write!(cover, "{}", COVER.replace(from, to)).unwrap();
        if to.contains("status") {
            cover = cover
                .replace("price <= 0.9", "price == \\\"x\\\"")
                .replace("clamp(1 - price, 0, 50%)", "50%");
        }
        std::fs::write(desk.path("cover.toml"), cover).unwrap();
        let said = Config::load(&desk.path("tocsin.toml")).unwrap_err();
        let said = tocsin::report::chain(&said);
        assert!(said.contains(told), "{told}: {said}");
    }
}

const CONFIG: &str = r#"database = "tocsin.db"

[[covers]]
file = "cover.toml"
evaluate_from = "2026-03-01T00:00:00Z"

[feeds."feed:spot"]
definition = "spot.toml"
keys = [{ name = "main", secret = "file:spot.toml", per_day = 500 }]
concurrency = 4
archive_for = "10d"
"#;
