//! From a mined block to what is durable, on a chain with a block every 250 ms that is announced over WebSocket.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use crate::market::{FEES, Market, Submitter, View};
use crate::mortal::{Side, Told};

/// The time between two blocks.
const BLOCK: Duration = Duration::from_millis(250);

/// Blocks before the measuring begins.
const WARM_UP: usize = 8;

/// What came of each block, as times since it was asked to be mined.
#[derive(Debug)]
pub struct Latency {
    /// A bare client has its logs.
    pub bare: Vec<Duration>,
    /// The observation is durable.
    pub persisted: Vec<Duration>,
    /// The attestation of the loss is durable; every other block is one.
    pub attested: Vec<Duration>,
}

/// Mines so many blocks, every one with a round of the feed.
pub async fn measure(blocks: usize) -> Latency {
    let mut market = Market::open("0").await;
    let websocket = websocket_of(&market.anvil.url());
    let (config, _api) = market.write_service(&View {
        url: market.anvil.url(),
        websocket: Some(websocket.clone()),
        sinks: Vec::new(),
        submitter: Submitter::First,
        fees: FEES,
        finality: "\"instant\"".to_owned(),
        poll_ms: 1_000,
        warnings: false,
    });
    let service = Service::start(&config, &market);
    let bare = Arc::new(Mutex::new(Vec::new()));
    let client = bare_client(websocket, market.anvil.url(), Arc::clone(&bare)).await;
    service.until_it_speaks(&mut market).await;

    let mut mined = Vec::new();
    let mut beat = tokio::time::interval(BLOCK);
    for nth in 0..blocks + WARM_UP {
        market.post(nth % 2 == 0).await;
        beat.tick().await;
        mined.push(Instant::now());
        market.anvil.mine(1).await;
    }
    tokio::time::sleep(BLOCK).await;
    client.abort();
    let heard = bare.lock().unwrap().clone();
    let told = service.told.lock().unwrap().clone();
    let of = |write: &str| -> Vec<Instant> {
        let after = told.iter().filter(|(told, _)| told.side == Side::After);
        let named = after.filter(|(told, _)| told.write == write);
        named.map(|(_, at)| *at).collect()
    };
    let measured = &mined[WARM_UP..];
    let losses: Vec<Instant> = measured.iter().copied().step_by(2).collect();
    Latency {
        bare: after_each(measured, &heard),
        persisted: after_each(measured, &of("commit")),
        attested: after_each(&losses, &of("add_attestations")),
    }
}

/// How long after each beginning the next end came. Everything must have ended before the next beginning, and once.
fn after_each(begun: &[Instant], ended: &[Instant]) -> Vec<Duration> {
    let last = begun[begun.len() - 1] + BLOCK * 2;
    let nexts = begun.iter().skip(1).copied().chain([last]);
    let mut took = Vec::new();
    for (&begin, next) in begun.iter().zip(nexts) {
        let within: Vec<&Instant> = ended
            .iter()
            .filter(|&&end| end >= begin && end < next)
            .collect();
        // One that came too late counts as long as it is known to have taken.
        let end = within.first().map_or(next, |&&end| end);
        took.push(end.duration_since(begin));
    }
    took.sort();
    took
}

/// The value that so many of a hundred do not exceed.
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted[place]
}

fn websocket_of(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_scheme("ws").expect("one web scheme for another");
    url
}

/// The service, and when it said what.
struct Service {
    process: Child,
    told: Arc<Mutex<Vec<(Told, Instant)>>>,
}

impl Service {
    fn start(config: &Path, market: &Market) -> Self {
        use std::io::{BufRead, BufReader};
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("node")
            .arg(config)
            .arg(market.anvil.url().as_str())
            .arg("die=never")
            .current_dir(market.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .env("RUST_LOG", "error")
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let now = Instant::now();
                heard
                    .lock()
                    .unwrap()
                    .push((Told::parse(&line).unwrap(), now));
            }
        });
        Self { process, told }
    }

    /// Waits until a block makes it write.
    async fn until_it_speaks(&self, market: &mut Market) {
        let begun = Instant::now();
        while self.told.lock().unwrap().len() < 10 {
            market.post(false).await;
            market.anvil.mine(1).await;
            tokio::time::sleep(BLOCK).await;
            assert!(begun.elapsed() < Duration::from_secs(30), "no write");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A client that asks for the logs of each block that it hears of, and notes when it has them.
async fn bare_client(
    websocket: Url,
    url: Url,
    heard: Arc<Mutex<Vec<Instant>>>,
) -> tokio::task::JoinHandle<()> {
    let (mut socket, _) = connect_async(websocket.as_str()).await.unwrap();
    let subscribe =
        json!({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]});
    socket
        .send(Message::text(subscribe.to_string()))
        .await
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let task = async move {
        while let Some(Ok(message)) = socket.next().await {
            let notice: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            let hash = &notice["params"]["result"]["hash"];
            if hash.is_string() {
                let logs = json!({"jsonrpc": "2.0", "id": 2, "method": "eth_getLogs",
                    "params": [{"blockHash": hash}]});
                let answer = client.post(url.clone()).json(&logs).send().await.unwrap();
                let _logs: Value = answer.json().await.unwrap();
                heard.lock().unwrap().push(Instant::now());
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "it is ended by its caller")]
    tokio::spawn(task)
}
