//! The eligibility log through the front door: a service keeps it, a stranger audits it over HTTP, the operator on the
//! database, and whoever tampers is found.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

mod log {
    mod deaths;
    mod restored;
    mod untriggered;
}

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tocsin::clock::SystemClock;
use tocsin::command::log::audit::{self, Asked};
use tocsin::command::log::{check, key, prove};
use tocsin::config::Config;
use tocsin::service;
use tocsin::supervisor::Shutdown;
use tocsin_log::{Hash, leaf_hash, verify_inclusion};
use tocsin_store::conformance::sample::{Paid, store_paid};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::anvil::free_port;

struct Place {
    folder: TempDir,
    base: String,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let config = format!(
            "database = \"tocsin.db\"\n[api]\nlisten = \"{address}\"\n[log]\norigin = \"oracle.example/log\"\n"
        );
        std::fs::write(folder.path().join("tocsin.toml"), config).unwrap();
        Self {
            folder,
            base: format!("http://{address}/v1"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path("tocsin.db")).await.unwrap()
    }

    fn start(&self, store: SqliteStore) -> Running {
        let config = Config::load(&self.path("tocsin.toml")).unwrap();
        let shutdown = Shutdown::default();
        let asked = shutdown.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let run = service::run_on(Arc::new(store), config, Arc::new(SystemClock), asked);
            runtime.block_on(run).unwrap();
        });
        Running { shutdown, thread }
    }

    /// What the service answers once it has signed a state.
    async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.base);
        for _ in 0..100 {
            if let Ok(answer) = tocsin_tests::http::client().get(&url).send().await
                && answer.status() == reqwest::StatusCode::OK
            {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tocsin_tests::http::client().get(&url).send().await.unwrap()
    }

    async fn audit(&self, url: Option<&str>, key: Option<&str>) -> (Result<bool, u8>, String) {
        let mut out = Vec::new();
        let (config, state) = (self.path("tocsin.toml"), self.path("audited"));
        let asked = Asked {
            url,
            key,
            config: &config,
            state: Some(&state),
        };
        let found = audit::run(asked, &mut out).await;
        let said = String::from_utf8(out).unwrap();
        (found.map_err(|report| report.exit_code), said)
    }
}

struct Running {
    shutdown: Shutdown,
    thread: JoinHandle<()>,
}

impl Running {
    fn stop(self) {
        self.shutdown.request();
        self.thread.join().unwrap();
    }
}

fn tamper(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_audits_what_a_service_keeps() {
    let place = Place::new().await;
    let store = place.store().await;
    let paid: Vec<Paid> = store_paid(&store, 3).await;
    let policy = paid[0].policy.id.to_string();
    let running = place.start(store);
    let note = place.get("/log/checkpoint").await.text().await.unwrap();
    assert!(note.starts_with("oracle.example/log\n"), "{note}");
    let mut printed = Vec::new();
    key(&place.path("tocsin.toml"), &mut printed).unwrap();
    let key = String::from_utf8(printed).unwrap().trim().to_owned();
    let shown = place.get("/log/key").await.text().await.unwrap();
    assert_eq!(shown.trim(), key);

    let url = format!("{}/log", place.base);
    let (found, said) = place.audit(Some(&url), Some(&key)).await;
    assert_eq!(found, Ok(true), "{said}");
    let (found, said) = place.audit(Some(&url), Some(&key)).await;
    assert_eq!(found, Ok(true), "{said}");
    assert!(said.contains("audited before"), "{said}");
    // Nothing is known of a log that does not answer.
    let (found, _) = place
        .audit(Some("http://127.0.0.1:9/log"), Some(&key))
        .await;
    assert_eq!(found, Err(2));

    let answer = place.get("/log/entries?start=0").await;
    let entries: Value = answer.json().await.unwrap();
    let leaves: Vec<&Value> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|leaf| leaf["says"]["subject"] == *policy)
        .collect();
    let kinds: Vec<&str> = leaves
        .iter()
        .map(|leaf| leaf["says"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["policy", "claim"]);
    let leaf = leaves[1];
    let index = &leaf["index"];
    let proof: Value = place
        .get(&format!("/log/proof/inclusion?index={index}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(proof["leaf_hash"], leaf["leaf_hash"]);
    let hash = |text: &Value| Hash::from_base64(text.as_str().unwrap()).unwrap();
    let path: Vec<Hash> = proof["proof"]
        .as_array()
        .unwrap()
        .iter()
        .map(hash)
        .collect();
    let (index, size) = (index.as_u64().unwrap(), proof["size"].as_u64().unwrap());
    let entry = leaf_hash(leaf["entry"].as_str().unwrap().as_bytes());
    verify_inclusion(entry, index, size, &path, hash(&proof["root"])).unwrap();
    let tile = place.get("/log/tile/0/000.p/2").await;
    assert!(
        tile.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(tile.bytes().await.unwrap().len(), 64);
    running.stop();

    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(place.path("tocsin.db.log-key"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let (found, said) = place.audit(None, None).await;
    assert_eq!(found, Ok(true), "{said}");
    let mut proof = Vec::new();
    prove::run(&place.path("tocsin.toml"), &policy, &mut proof)
        .await
        .unwrap();
    let file = place.path("proof.json");
    std::fs::write(&file, proof).unwrap();
    let mut said = Vec::new();
    assert!(check::run(&file, &key, &mut said).unwrap());
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("claim 1    accepted"), "{said}");
    tamper(&file, "accepted", "refused");
    assert!(!check::run(&file, &key, &mut Vec::new()).unwrap());

    // Another key is another log; a state of another history is told.
    std::fs::write(
        place.path("audited"),
        "oracle.example/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    )
    .unwrap();
    let (found, said) = place.audit(None, None).await;
    assert_eq!(found, Ok(false));
    assert!(said.contains("rewritten"), "{said}");
}
