//! A provider of prices that somebody sets, as a local HTTP server, and a service that polls it.
//!
//! The provider's clock is the service's: every answer's `Date` says what time it is, and so does `GET /clock` of a server
//! of its own, which is there also when the provider is not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

use alloy::primitives::{Address, B256, b256};
use alloy::signers::local::PrivateKeySigner;
use axum::extract::{Path as Place, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use tempfile::TempDir;
use tocsin::config::load_cover;
use tocsin::insure::csv::COLUMNS;
use tocsin_domain::time::Timestamp;
use tokio::net::TcpSocket;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::anvil::free_port;
use crate::http::client;

const ATTESTOR_KEY: B256 =
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");

/// 2026-03-01T00:00:00Z.
const BEGINNING: i64 = 1_772_323_200;

const PATIENCE: Duration = Duration::from_secs(30);

/// How the provider behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// It answers what it was asked.
    Well,
    /// With this status, and a page that says so.
    Status(u16),
    /// With something that is no JSON.
    Garbage,
    /// With JSON whose fields have other names.
    Renamed,
}

struct Desk {
    now: Timestamp,
    mood: Mood,
    /// Connections that are still open close with their next answer.
    closing: bool,
    keys: BTreeSet<String>,
    prices: BTreeMap<String, String>,
    /// The keys of the requests, in their order.
    asked_with: Vec<String>,
}

/// A provider, and the files of a service that polls it.
pub struct Spot {
    folder: TempDir,
    desk: Arc<Mutex<Desk>>,
    address: SocketAddr,
    server: Mutex<Option<AbortOnDropHandle<()>>>,
    clock: Url,
    _clock: AbortOnDropHandle<()>,
    api: Url,
}

impl Spot {
    /// Opens the provider with a price of 1 for everything, and writes the files of a service on which `policies` are (number
    /// and asset of each).
    pub async fn open(policies: &[(u32, &str)]) -> Self {
        let desk = Arc::new(Mutex::new(Desk {
            now: Timestamp(BEGINNING),
            mood: Mood::Well,
            closing: false,
            keys: BTreeSet::from(["first".to_owned()]),
            prices: BTreeMap::new(),
            asked_with: Vec::new(),
        }));
        let any = "127.0.0.1:0".parse().unwrap();
        let (address, server) = serve(any, &desk, "/prices/{pair}", get(price)).await;
        let (clock_address, clock) = serve(any, &desk, "/clock", get(clock)).await;
        let folder = TempDir::new().unwrap();
        let api = format!("127.0.0.1:{}", free_port());
        write(folder.path(), &format!("http://{address}/"), &api, policies);
        Self {
            folder,
            desk,
            address,
            server: Mutex::new(Some(server)),
            clock: format!("http://{clock_address}/clock").parse().unwrap(),
            _clock: clock,
            api: format!("http://{api}/").parse().unwrap(),
        }
    }

    /// The service's configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("tocsin.toml")
    }

    /// Where the service has its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it asks what time it is.
    pub fn clock(&self) -> Url {
        self.clock.clone()
    }

    /// Who signs.
    pub fn attestor() -> Address {
        PrivateKeySigner::from_bytes(&ATTESTOR_KEY)
            .unwrap()
            .address()
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.desk.lock().unwrap().now
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.desk.lock().unwrap().now.0 += seconds;
    }

    /// Changes the price of an asset.
    pub fn set_price(&self, asset: &str, price: &str) {
        let mut desk = self.desk.lock().unwrap();
        desk.prices.insert(format!("{asset}-USD"), price.to_owned());
    }

    /// Has the service ask one question at a time, twenty a second.
    pub fn ask_slowly(&self) {
        let change = |name: &str, from: &str, to: &str| {
            let path = self.folder.path().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            std::fs::write(path, text.replace(from, to)).unwrap();
        };
        change("tocsin.toml", "concurrency = 32", "concurrency = 1");
        change("spot.toml", "per_second = 100_000", "per_second = 20");
    }

    /// Changes how the provider behaves.
    pub fn set_mood(&self, mood: Mood) {
        self.desk.lock().unwrap().mood = mood;
    }

    /// Nobody listens at the provider's address any more.
    pub fn go_down(&self) {
        self.desk.lock().unwrap().closing = true;
        self.server.lock().unwrap().take();
    }

    /// The provider is back.
    pub async fn come_up(&self) {
        self.desk.lock().unwrap().closing = false;
        let (_, server) = serve(self.address, &self.desk, "/prices/{pair}", get(price)).await;
        *self.server.lock().unwrap() = Some(server);
    }

    /// From now on, the provider takes this key only.
    pub fn exchange_key(&self, key: &str) {
        self.desk.lock().unwrap().keys = BTreeSet::from([key.to_owned()]);
    }

    /// Gives the service another key, in the file that it reads.
    pub fn give_key(&self, key: &str) {
        std::fs::write(self.folder.path().join("spot.key"), key).unwrap();
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.desk.lock().unwrap().asked_with.len()
    }

    /// The key of the last request.
    pub fn last_key(&self) -> Option<String> {
        self.desk.lock().unwrap().asked_with.last().cloned()
    }

    /// What the service's API answers; `None` where it does not.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let asked = client().get(self.api.join(path).unwrap()).send();
        let answer = asked.await.ok()?;
        answer.json().await.ok()
    }

    /// The service's answer, whatever it is.
    pub async fn ask(&self, path: &str) -> reqwest::Response {
        let asked = client().get(self.api.join(path).unwrap()).send();
        asked.await.unwrap()
    }

    /// The service's answer to a write under this key.
    pub async fn post(&self, path: &str, kind: &str, key: &str, body: &str) -> reqwest::Response {
        let asked = client()
            .post(self.api.join(path).unwrap())
            .header("content-type", kind)
            .header("idempotency-key", key)
            .body(body.to_owned());
        asked.send().await.unwrap()
    }

    /// Sends the service a policy on an asset.
    pub async fn insure(
        &self,
        number: u32,
        asset: &str,
        (inception, expiry): (Timestamp, Timestamp),
    ) -> reqwest::Response {
        let terms = load_cover(&self.folder.path().join("cover.toml")).unwrap();
        let policy = json!({
            "number": number.to_string(),
            "cover": "spot-fall",
            "terms_hash": terms.terms_hash,
            "consumer": format!("eip155:31337:{:#x}", consumer()),
            "holder": Address::repeat_byte(0x40),
            "sum_insured": "1000000",
            "inception": inception.to_string(),
            "expiry": expiry.to_string(),
            "subject": format!("price:{asset}-USD"),
        });
        let key = format!("{number}-{inception}");
        let policy = policy.to_string();
        self.post("v1/policies", "application/json", &key, &policy)
            .await
    }

    /// What the service says of an asset.
    pub async fn subject(&self, asset: &str) -> Option<Value> {
        self.get(&format!("v1/feeds/feed:spot/subjects/price:{asset}-USD"))
            .await
    }

    /// Lets time pass in steps of ten seconds until `done`, and gives the service the time to look at each.
    pub async fn pass_until(&self, what: &str, mut done: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !done().await {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: not yet, at {}",
                self.now()
            );
            self.pass(10);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }

    /// Waits until the service has seen what an asset costs now.
    pub async fn until_seen(&self, asset: &str) {
        let from = self.now();
        self.pass_until("it is seen", async || {
            let Some(subject) = self.subject(asset).await else {
                return false;
            };
            let seen = subject["seen_until"].as_str().map(Timestamp::parse);
            seen.is_some_and(|until| until.unwrap() > from)
        })
        .await;
    }

    /// The ids of what is attested.
    pub async fn attested(&self) -> Vec<String> {
        let listed = self.get("v1/attestations").await;
        let listed = listed
            .as_ref()
            .and_then(|listed| listed["attestations"].as_array());
        let ids = listed.into_iter().flatten();
        ids.map(|record| record["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A server of one route, which ends with its handle.
async fn serve(
    address: SocketAddr,
    desk: &Arc<Mutex<Desk>>,
    route: &str,
    answer: MethodRouter<Arc<Mutex<Desk>>>,
) -> (SocketAddr, AbortOnDropHandle<()>) {
    let socket = TcpSocket::new_v4().unwrap();
    // The address of a provider that has just gone down is still warm.
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1_024).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route(route, answer)
        .with_state(Arc::clone(desk));
    #[expect(clippy::disallowed_methods, reason = "it ends with its handle")]
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, AbortOnDropHandle::new(task))
}

async fn clock(State(desk): State<Arc<Mutex<Desk>>>) -> String {
    desk.lock().unwrap().now.0.to_string()
}

async fn price(
    State(desk): State<Arc<Mutex<Desk>>>,
    Place(pair): Place<String>,
    headers: HeaderMap,
) -> Response {
    let mut desk = desk.lock().unwrap();
    let mut answer = desk.answer(&pair, &headers);
    if desk.closing {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    answer
}

impl Desk {
    fn answer(&mut self, pair: &str, headers: &HeaderMap) -> Response {
        let key = headers
            .get("x-api-key")
            .map_or("", |key| key.to_str().unwrap());
        self.asked_with.push(key.to_owned());
        let price = self.prices.get(pair).cloned().unwrap_or("1".to_owned());
        let date = UNIX_EPOCH + Duration::from_secs(self.now.0.unsigned_abs());
        let date = [(header::DATE, httpdate::fmt_http_date(date))];
        if !self.keys.contains(key) {
            return (StatusCode::UNAUTHORIZED, date, "who are you?").into_response();
        }
        match self.mood {
            Mood::Well => (date, Json(json!({ "pair": pair, "price": price }))).into_response(),
            Mood::Renamed => (date, Json(json!({ "pair": pair, "last": price }))).into_response(),
            Mood::Garbage => (date, "<html>down for maintenance, price: 0</html>").into_response(),
            Mood::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap();
                (status, date, "{\"price\":\"0\"}").into_response()
            }
        }
    }
}

fn write(folder: &Path, provider: &str, api: &str, policies: &[(u32, &str)]) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("spot.toml", DEFINITION);
    write("cover.toml", COVER);
    write("attestor.key", &ATTESTOR_KEY.to_string());
    write("spot.key", "first");
    write(
        "tocsin.toml",
        &format!(
            r#"database = "tocsin.db"
policies = ["policies.csv"]

[[covers]]
file          = "cover.toml"
evaluate_from = "{BEGINNING}"

[api]
listen = "{api}"
open_writes = true
[feeds."feed:spot"]
definition  = "spot.toml"
keys        = [{{ name = "main", secret = "file:spot.key", per_day = 10_000_000 }}]
url         = "{provider}"
archive_for = "1d"
concurrency = 32

[attestor]
verifier  = "eip155:31337:0x0000000000000000000000000000000000000001"
epoch     = 1
threshold = 1
signers   = ["{attestor:#x}"]
hold      = "0s"
valid_for = "30d"
fetched_by = ["{consumer:#x}"]
signer    = {{ kind = "raw", key = "file:attestor.key" }}
"#,
            attestor = Spot::attestor(),
            consumer = consumer(),
        ),
    );
    let terms = load_cover(&folder.join("cover.toml")).unwrap().terms_hash;
    let mut table = COLUMNS.join(",") + "\n";
    for (number, asset) in policies {
        table += &format!(
            "{number},spot-fall,{terms},eip155:31337:{:#x},{:#x},1000000,{BEGINNING},{},price:{asset}-USD\n",
            consumer(),
            Address::repeat_byte(0x40),
            BEGINNING + 30 * 86_400,
        );
    }
    write("policies.csv", &table);
}

fn consumer() -> Address {
    Address::repeat_byte(0x30)
}

const DEFINITION: &str = r#"provider      = "spot"
documentation = "https://example.com/docs"

[subject]
pattern = "price:{base}-{quote}"
example = "price:AAA-USD"

[request]
url = "https://api.example.com/prices/{base}-{quote}"

[request.headers]
x-api-key = "{key}"

[values.price]
path  = "$.price"
least = "0.000001"
most  = "1000000"

[poll]
every    = "10s"
patience = "60s"
retry    = ["10s"]

[limits]
attempts   = 1
per_second = 100_000
in_flight  = 32
breaker    = 1000
"#;

const COVER: &str = r#"name    = "spot-fall"
title   = "A price that falls under 0.9 for 30 s"
version = 1
peril   = "price-fall"

[inputs.price]
metric = "price"
source = "feed:spot"

[trigger]
when  = "holds(price <= 0.9, for: 30s, recover: price >= 0.95, confirm: time)"
rearm = "never"

[payout]
fraction = "clamp(1 - price, 0, 50%)"

[policy]
waiting         = "0s"
event_inclusion = "[inception, expiry)"
claim_deadline  = "7d"
"#;
