//! A folder with what `run` needs, another with what `serve` needs and nothing more, and the processes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alloy::primitives::B256;
use alloy::signers::local::PrivateKeySigner;
use reqwest::Client as Http;
use serde_json::Value;
use tempfile::TempDir;

/// How long something that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a key that was read is taken for granted in these tests.
pub(crate) const CACHED: Duration = Duration::from_secs(1);

/// What both are asked as: one name, behind which either may be.
pub(crate) const AUTHORITY: &str = "oracle.test";

/// A database and the configurations of both.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        for folder in ["inside", "outside"] {
            std::fs::create_dir(place.path(folder)).unwrap();
            place.write(&format!("{folder}/master.key"), &"11".repeat(32));
        }
        let key = B256::repeat_byte(0x5a);
        place.write("inside/attestor.key", &key.to_string());
        place.write("inside/spot.toml", DEFINITION);
        place.write("inside/cover.toml", COVER);
        let signer = PrivateKeySigner::from_bytes(&key).unwrap().address();
        let inside = INSIDE.replace("SIGNER", &signer.to_string());
        place.write("inside/tocsin.toml", &format!("{BOTH}{inside}"));
        place.write(
            "outside/tocsin.toml",
            &BOTH.replace("tocsin.db", "../inside/tocsin.db"),
        );
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("inside/tocsin.db")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// What a command says that ends by itself.
    pub(crate) fn say(&self, folder: &str, arguments: &[&str]) -> Output {
        program(&self.path(folder))
            .args(arguments)
            .output()
            .unwrap()
    }

    pub(crate) fn run(&self) -> Process {
        Process::start(&self.path("inside"), &["run", "--json-logs"])
    }

    pub(crate) fn serve(&self) -> Process {
        Process::start(&self.path("outside"), &["serve", "--json-logs"])
    }
}

fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    program
        .current_dir(folder)
        .env_remove("SSL_CERT_DIR")
        .env("SSL_CERT_FILE", NOBODY)
        .stdin(Stdio::null());
    program
}

/// A certificate of nobody's: to read those of all authorities takes an unoptimised program a while.
const NOBODY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/src/nobody.pem");

/// One of the two; killed with its guard.
pub(crate) struct Process {
    process: Child,
    said: Arc<Mutex<Vec<String>>>,
    /// Where it serves.
    pub(crate) base: String,
}

impl Process {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = program(folder)
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if said["fields"]["message"] == "the API listens" {
                break said["fields"]["address"].as_str().unwrap().to_owned();
            }
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        // Nobody must wait for a reader.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        Self {
            process,
            said,
            base: format!("http://{address}"),
        }
    }

    /// Everything that it has said since it listens.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        let told = Command::new("kill").arg(&id).status().unwrap();
        assert!(told.success());
        self.ended().await
    }

    /// How it ends.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// What it answers to anybody.
    pub(crate) async fn get(&self, http: &Http, path: &str) -> Value {
        let answer = http.get(format!("{}{path}", self.base)).send().await;
        answer.unwrap().json().await.unwrap()
    }

    /// Waits until it is ready, or is not with this reason of its database.
    pub(crate) async fn until_ready(&self, http: &Http, why_not: Option<&str>) {
        let begun = Instant::now();
        loop {
            let said = self.get(http, "/health/ready").await;
            let reason = said["reasons"]["database"].as_str();
            let as_expected = match why_not {
                None => said["ready"] == true,
                Some(why) => reason.is_some_and(|reason| reason.contains(why)),
            };
            if as_expected {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{why_not:?}: {said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Both, and whoever asks them.
pub(crate) struct Pair {
    pub(crate) run: Process,
    pub(crate) serve: Process,
    pub(crate) http: Http,
    pub(crate) place: Place,
}

impl Pair {
    pub(crate) fn start(place: Place) -> Self {
        let run = place.run();
        let begun = Instant::now();
        let mut status = place.database().into_os_string();
        status.push(".status");
        while !Path::new(&status).exists() {
            assert!(
                begun.elapsed() < PATIENCE,
                "it does not say how it is doing"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            run,
            serve: place.serve(),
            http: http(),
            place,
        }
    }

    pub(crate) fn both(&self) -> [&Process; 2] {
        [&self.run, &self.serve]
    }
}

pub(crate) fn http() -> Http {
    let http = Http::builder().no_proxy().tls_certs_only([]);
    http.timeout(PATIENCE).build().unwrap()
}

const BOTH: &str = r#"database = "tocsin.db"

[api]
listen = "127.0.0.1:0"

[auth]
environment = "test"
master_key = "file:master.key"
keys_read_every = "1s"
requests_per_second = 1000
burst = 1000
"#;

/// What only whoever watches and signs has. Nobody is at the address of the feed.
const INSIDE: &str = r#"
[[covers]]
file = "cover.toml"
evaluate_from = "2026-03-01T00:00:00Z"

[feeds."feed:spot"]
definition = "spot.toml"
url = "http://127.0.0.1:9/{base}-{quote}"

[attestor]
programme = "0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
epoch     = 1
signers   = ["SIGNER"]
signer    = { kind = "raw", key = "file:attestor.key" }
hold      = "0s"
valid_for = "30d"
"#;

const DEFINITION: &str = r#"provider = "spot"
documentation = "https://example.com/docs"

[subject]
pattern = "price:{base}-{quote}"
example = "price:AAA-USD"

[request]
url = "https://api.example.com/prices/{base}-{quote}"

[values.price]
path = "$.price"
least = "0.000001"
most = "1000000"

[poll]
every = "1min"
"#;

const COVER: &str = r#"name = "fall"
title = "A price falls"
version = 1
peril = "price-fall"

[inputs.price]
metric = "price"
source = "feed:spot"

[trigger]
when = "price <= 0.9"
rearm = "never"

[payout]
fraction = "clamp(1 - price, 0, 50%)"

[policy]
waiting = "0s"
event_inclusion = "[inception, expiry)"
claim_deadline = "7d"
"#;
