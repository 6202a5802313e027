//! A service's life as a new operator meets it: `init`, `check`, `run`, `status` and `migrate`, each by the built program.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a service may take to come up, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

fn tocsin(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A folder in which `tocsin init` has been.
fn begun() -> TempDir {
    let folder = TempDir::new().unwrap();
    let output = tocsin(folder.path(), &["init"]);
    assert!(output.status.success(), "{}", said(&output));
    folder
}

/// The configuration changed as a test needs it: any port, and a provider that nobody is.
fn offline(folder: &Path, more: &str) {
    let path = folder.join("tocsin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = text
        .replace("listen = \"127.0.0.1:8080\"", "listen = \"127.0.0.1:0\"")
        .replace(
            "definition = \"feeds/kraken.toml\"",
            "url = \"http://127.0.0.1:9/\"\ndefinition = \"feeds/kraken.toml\"",
        );
    assert_ne!(text, changed);
    std::fs::write(&path, changed + more).unwrap();
}

struct Service {
    process: Child,
    base: String,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["run", "--json-logs"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            let said: serde_json::Value = serde_json::from_str(&line).unwrap();
            if said["fields"]["message"] == "the API listens" {
                break said["fields"]["address"].as_str().unwrap().to_owned();
            }
        };
        // Nobody must wait for a reader.
        std::thread::spawn(move || for _line in lines.map_while(Result::ok) {});
        Self {
            process,
            base: format!("http://{address}"),
        }
    }

    fn metrics(&self) -> String {
        let address = self.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let request =
            format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What `tocsin status` says once that has `words` in it.
    fn status(&self, folder: &Path, words: &str) -> Output {
        let begun = Instant::now();
        loop {
            let output = tocsin(folder, &["status", "--url", &self.base]);
            if said(&output).contains(words) {
                return output;
            }
            assert!(begun.elapsed() < SOON, "no `{words}` in {}", said(&output));
            sleep(Duration::from_millis(200));
        }
    }
}

impl Service {
    /// Ends it as an operator does.
    fn stop(mut self) {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").arg(id).status().unwrap();
        assert!(asked.success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended cannot be.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

#[test]
fn what_init_writes_is_complete_runs_and_says_what_it_lacks() {
    let folder = begun();
    let path = folder.path();
    for secret in ["master.key", "log.key"] {
        let mode = std::fs::metadata(path.join(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let output = tocsin(path, &["check", "--config", "tocsin.toml"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("1 policies") && !text.contains("warning"),
        "{text}"
    );

    offline(path, "");
    let service = Service::start(path);
    let output = service.status(path, "  feed:kraken: it failed");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "NOT READY",
        "covers: 1\n",
        "risks: 1\n",
        "policies: 1\n",
        "feed:kraken: ",
        "1 subject",
        "for an [attestor]: this service has none: 0",
        "none is watched",
        "given up, and wait for a person: 0",
        "dead letters: 0",
    ] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert!(!text.contains("unknown"), "{text}");
    // What the shipped rules and the dashboard ask for, as a service spells it.
    let metrics = service.metrics();
    for series in [
        "tocsin_unready_parts 1",
        "tocsin_feed_looks{feed=\"feed:kraken\",state=\"Troubled\"}",
        "tocsin_feed_looks{feed=\"feed:kraken\",state=\"NeedsPerson\"}",
        "tocsin_feed_troubles_total{feed=\"feed:kraken\"",
        "tocsin_stage_turns_total{stage=\"poll feed:kraken\",outcome=\"Worked\"}",
        "tocsin_stage_turn_seconds_bucket{le=",
        "tocsin_queue_oldest_timestamp_seconds{queue=\"attest\"} 0",
        "tocsin_queue_waiting{queue=\"deliver\"} 0",
        "tocsin_keys{state=\"active\"} 0",
        "tocsin_log_leaves ",
    ] {
        assert!(metrics.contains(series), "no `{series}` in {metrics}");
    }
    // The log has what was insured, and is signed by the key that init made.
    let output = service.status(path, "newest signed state: ");
    assert!(!said(&output).contains("leaves: 0\n"), "{}", said(&output));
}

#[test]
fn init_writes_over_nothing_and_names_all_that_is_in_the_way() {
    let folder = begun();
    let path = folder.path();
    let before = std::fs::read(path.join("master.key")).unwrap();
    std::fs::remove_file(path.join("log.key")).unwrap();
    let output = tocsin(path, &["init", "."]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for name in [
        "tocsin.toml",
        "master.key",
        "policies.toml",
        "feeds/kraken.toml",
    ] {
        assert!(text.contains(name), "no {name} in {text}");
    }
    assert!(!path.join("log.key").exists());
    assert_eq!(std::fs::read(path.join("master.key")).unwrap(), before);
    // A folder of its own is made.
    let output = tocsin(path, &["init", "another/one"]);
    assert!(output.status.success(), "{}", said(&output));
    let output = tocsin(path, &["check", "--config", "another/one/tocsin.toml"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn status_tells_ready_from_not_ready_and_from_what_nobody_can_tell() {
    let folder = begun();
    let path = folder.path();
    // Nobody there.
    let output = tocsin(path, &["status", "--url", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("UNKNOWN"), "{}", said(&output));

    // Nothing is polled, so nothing is missing; and how it is doing is not for everybody.
    let alone = "database = \"alone.db\"\n[api]\nlisten = \"127.0.0.1:0\"\nopen_reads = false\n[auth]\n\
                 environment = \"dev\"\nmaster_key = \"file:master.key\"\n";
    std::fs::write(path.join("tocsin.toml"), alone).unwrap();
    let added = tocsin(path, &["clients", "add", "monitor", "--scope", "read"]);
    let added = said(&added);
    let value = |label: &str| {
        let found = added.lines().find_map(|line| line.strip_prefix(label));
        found.unwrap().to_owned()
    };
    std::fs::write(path.join("monitor.key"), value("secret: ")).unwrap();
    let service = Service::start(path);
    let output = service.status(path, ": READY");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("name a key with the scope `read`"), "{text}");
    let key = value("key id: ");
    let signed = [
        "status",
        "--url",
        &service.base,
        "--key",
        &key,
        "--key-file",
        "monitor.key",
    ];
    let output = tocsin(path, &signed);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("none is polled") && text.contains("1 active"),
        "{text}"
    );
    assert!(!text.contains("unknown"), "{text}");
}

#[tokio::test]
async fn migrate_says_from_where_to_where_and_changes_nothing_where_it_only_looks() {
    let folder = begun();
    let path = folder.path();
    let migrate = |arguments: &[&str]| {
        let output = tocsin(path, &[&["migrate"], arguments].concat());
        (output.status.code(), said(&output))
    };
    // A service that never ran.
    let (code, text) = migrate(&["--check"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(!path.join("tocsin.db").exists(), "{text}");

    // A database as an older tocsin has left it.
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store-sqlite/migrations");
    let older = path.join("older");
    std::fs::create_dir(&older).unwrap();
    let mut newest = 0;
    for file in std::fs::read_dir(all).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        newest = newest.max(name[..4].parse::<u32>().unwrap());
        if name.as_str() < "0003" {
            std::fs::copy(file.path(), older.join(name)).unwrap();
        }
    }
    let database = path.join("tocsin.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&database)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let steps = sqlx::migrate::Migrator::new(older).await.unwrap();
    steps.run(&pool).await.unwrap();
    pool.close().await;

    let before = std::fs::read(&database).unwrap();
    let (code, text) = migrate(&["--check"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("has version 2\n") && text.contains("version 3 (log) would be added"),
        "{text}"
    );
    assert_eq!(std::fs::read(&database).unwrap(), before);

    let (code, text) = migrate(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("has version 2\n") && text.contains(&format!("has version {newest}\n")),
        "{text}"
    );
    let (code, text) = migrate(&["--check"]);
    assert_eq!(code, Some(0), "{text}");

    // Not while a service has it.
    offline(path, "");
    let service = Service::start(path);
    let (code, text) = migrate(&[]);
    assert_eq!(code, Some(0), "nothing is to be done: {text}");
    drop(service);

    // A newer tocsin's.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&database);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9000 WHERE version = ?1")
        .bind(newest)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    for arguments in [&["--check"] as &[&str], &[]] {
        let (code, text) = migrate(arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("a newer tocsin has written it"), "{text}");
    }
}

/// What others have seen of the log, once it is another state than `before`.
fn signed(folder: &Path, before: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(folder.join("log.key.signed")).unwrap_or_default();
        if text != before {
            return text;
        }
        assert!(begun.elapsed() < SOON, "nothing more was signed");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_log_is_not_begun_again_from_an_older_database() {
    let folder = begun();
    let path = folder.path();
    offline(path, "");
    let (database, copy) = (path.join("tocsin.db"), path.join("backup.db"));
    let service = Service::start(path);
    let first = signed(path, "");
    service.stop();
    std::fs::copy(&database, &copy).unwrap();

    // Another policy, and so more leaves, which others may have seen.
    let policies = std::fs::read_to_string(path.join("policies.toml")).unwrap();
    let another = policies.replace("number      = \"1\"", "number      = \"2\"");
    assert_ne!(policies, another);
    std::fs::write(path.join("policies.toml"), policies + &another).unwrap();
    let service = Service::start(path);
    let newest = signed(path, &first);
    service.stop();

    std::fs::copy(&copy, &database).unwrap();
    let service = Service::start(path);
    sleep(Duration::from_secs(1));
    service.stop();
    assert_eq!(signed(path, ""), newest, "nothing was signed");

    // As the runbook has it.
    let output = tocsin(
        path,
        &[
            "log",
            "new-origin",
            "--reason",
            "the newest database is lost",
        ],
    );
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let ended = signed(path, "");
    let service = Service::start(path);
    let begun = signed(path, &ended);
    assert_ne!(begun.lines().next(), newest.lines().next());
    service.stop();
}
