//! A real node of our own: anvil, on a free port, gone with its guard.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};
use serde_json::{Value, json};
use url::Url;

/// Starting takes a fraction of a second; a loaded machine gets this long.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The chain id of every anvil.
pub const CHAIN_ID: u64 = 31_337;

/// A running anvil. The newest block but two is final. Blocks are mined only on demand, each one second after its parent
/// unless its time was set, so that a test's chain is the same on every machine.
pub struct Anvil {
    process: Child,
    url: Url,
    client: reqwest::Client,
}

impl Anvil {
    /// Starts anvil with its clock at `genesis` (unix seconds) and waits until it answers.
    pub async fn start(genesis: u64) -> Self {
        let mut process = Command::new(binary())
            .args(["--port", "0", "--no-mining", "--slots-in-an-epoch", "1"])
            .args(["--timestamp", &genesis.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts; install it with `cargo xtask test`, or name it in TOCSIN_ANVIL");
        let stdout = process.stdout.take().unwrap();
        let (send, receive) = mpsc::channel();
        // Reads to the end, so that a full pipe never stops the node.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("Listening on ") {
                    send.send(address.to_owned()).unwrap();
                }
            }
        });
        let address = receive.recv_timeout(START_LIMIT);
        let client = reqwest::Client::builder()
            .timeout(START_LIMIT)
            .build()
            .unwrap();
        let mut node = Self {
            process,
            url: "http://127.0.0.1/".parse().unwrap(),
            client,
        };
        node.url = format!("http://{}/", address.expect("anvil says where it listens"))
            .parse()
            .unwrap();
        assert_eq!(
            node.ask("eth_chainId", json!([])).await,
            json!(format!("{CHAIN_ID:#x}"))
        );
        node.set_time_step(1).await;
        node
    }

    /// Where it answers JSON-RPC.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// The result of a JSON-RPC call that must succeed.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self
            .client
            .post(self.url.clone())
            .json(&request)
            .send()
            .await
            .unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }

    /// The first of the accounts that anvil funds and signs for.
    pub async fn account(&self) -> Address {
        serde_json::from_value(self.ask("eth_accounts", json!([])).await[0].take()).unwrap()
    }

    /// Sends a transaction from [`Self::account`]; `to` is `None` to deploy.
    pub async fn send(&self, to: Option<Address>, data: Bytes) -> B256 {
        let transaction =
            json!({"from": self.account().await, "to": to, "data": data, "gas": "0x4c4b40"});
        serde_json::from_value(self.ask("eth_sendTransaction", json!([transaction])).await).unwrap()
    }

    /// The receipt of a mined transaction, which must have succeeded.
    pub async fn receipt(&self, transaction: B256) -> Value {
        let receipt = self
            .ask("eth_getTransactionReceipt", json!([transaction]))
            .await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt
    }

    /// The time of the next block, unix seconds.
    pub async fn set_next_time(&self, timestamp: u64) {
        self.ask("evm_setNextBlockTimestamp", json!([timestamp]))
            .await;
    }

    /// Mines blocks, the first of them with what was sent.
    pub async fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([format!("{blocks:#x}")]))
            .await;
    }

    /// By how many seconds a block is later than its parent.
    pub async fn set_time_step(&self, seconds: u64) {
        self.ask("anvil_setBlockTimestampInterval", json!([seconds]))
            .await;
    }

    /// Replaces the newest `depth` blocks by empty ones.
    pub async fn reorganise(&self, depth: u64) {
        self.ask("anvil_reorg", json!([depth, []])).await;
    }

    /// The block with this number or tag, without transactions' bodies.
    pub async fn block(&self, which: &str) -> Value {
        self.ask("eth_getBlockByNumber", json!([which, false]))
            .await
    }

    /// The newest block's number.
    pub async fn head(&self) -> u64 {
        quantity(&self.ask("eth_blockNumber", json!([])).await)
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        if self.process.kill().is_ok() {
            self.process.wait().unwrap();
        }
    }
}

/// A JSON-RPC quantity.
pub fn quantity(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A TCP port of this machine that nobody listens on, below those that the system gives to connections: of those, one may be
/// taken by any client until it is used here. Each process looks in another place first.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const PLACES: u16 = 22_000;
    let place = u16::try_from(std::process::id() % 220).unwrap() * 100;
    let next = |_| FIRST + (place + NEXT.fetch_add(1, Ordering::Relaxed) % PLACES) % PLACES;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..PLACES).map(next).find(is_free).unwrap()
}

/// The anvil program: the one named in `TOCSIN_ANVIL`, else the one that npm installed.
pub fn binary() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "where a developer's anvil is, is no configuration of the product"
    )]
    let named = std::env::var_os("TOCSIN_ANVIL");
    named.map_or_else(
        || repository().join("contracts-abi/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
        PathBuf::from,
    )
}
