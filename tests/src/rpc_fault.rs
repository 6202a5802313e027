//! A node that fails and lies: a JSON-RPC proxy before a real one, which spoils chosen answers on their way.
//!
//! It speaks HTTP and, at the same address, WebSocket; subscriptions are passed on. Tests run it in their own process, and
//! the program `fault_proxy` runs it for anything else. HTTP/1.1 is written by hand, because a proper server refuses to send
//! half an answer.

mod answer;
mod connection;
mod control;
mod edit;
mod fault;
mod lag;
mod rule;
mod transmit;
mod upstream;
mod websocket;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

pub use fault::{Fault, Pointer};
pub use rule::{Rule, Transport};

use rule::Rules;
use upstream::Upstream;

/// The method of a subscription's notices, for rules. Their first parameter is the number of the block.
pub const NOTICE: &str = "eth_subscription";

/// A request that has been made.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Its parameters.
    pub params: Value,
    /// When.
    pub at: Instant,
    /// How.
    pub over: Transport,
    /// How many requests came with it in one batch, itself included; `None` for one that came alone.
    pub batch: Option<usize>,
}

/// A proxy before a node.
pub struct FaultyNode {
    url: Url,
    proxy: Arc<Proxy>,
    server: JoinHandle<()>,
}

/// What connections share.
struct Proxy {
    upstream: Upstream,
    rules: Mutex<Rules>,
    asked: Mutex<Vec<Asked>>,
    line: watch::Sender<Line>,
}

/// The state of the WebSockets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Line {
    /// Connections that began before the last cut are ended.
    cuts: u64,
    /// Nothing is read or sent.
    silent: bool,
    /// No new ones.
    refused: bool,
}

impl FaultyNode {
    /// Starts a proxy, without faults, before `upstream`.
    pub async fn start(upstream: Url) -> Self {
        Self::listen(upstream, ([127, 0, 0, 1], 0).into(), 1).await
    }

    /// Starts a proxy at this address; `seed` decides what happens by chance.
    pub async fn listen(upstream: Url, address: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let proxy = Arc::new(Proxy {
            upstream: Upstream::new(upstream),
            rules: Mutex::new(Rules::new(seed)),
            asked: Mutex::default(),
            line: watch::Sender::default(),
        });
        let shared = Arc::clone(&proxy);
        let server = spawn(async move {
            // Ends with the server, and so do the connections.
            let mut connections = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                connections.spawn(connection::serve(Arc::clone(&shared), connection));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, proxy, server }
    }

    /// Where it answers over HTTP.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// Where it answers over WebSocket.
    pub fn websocket_url(&self) -> Url {
        let mut url = self.url();
        url.set_scheme("ws").expect("one web scheme for another");
        url
    }

    /// Spoils every answer of a method.
    pub fn spoil(&self, method: &str, fault: Fault) {
        self.add(Rule::new(fault).of(method));
    }

    /// Spoils the answers about one block.
    pub fn spoil_block(&self, number: u64, fault: Fault) {
        let mut rule = Rule::new(fault).of("eth_getBlockByNumber");
        rule.about = Some(json!(format!("{number:#x}")));
        self.add(rule);
    }

    /// Spoils what the rule says.
    pub fn add(&self, rule: Rule) {
        self.proxy.rules.lock().unwrap().add(rule);
    }

    /// Ends all faults, also those of the WebSockets. What hangs goes on hanging.
    pub fn heal(&self) {
        self.proxy.rules.lock().unwrap().clear();
        self.proxy.line.send_modify(|line| {
            line.silent = false;
            line.refused = false;
        });
    }

    /// Ends every WebSocket; new ones can be made.
    pub fn cut_websockets(&self) {
        self.proxy.line.send_modify(|line| line.cuts += 1);
    }

    /// WebSockets stay open, and nothing is read from them or sent on them, not even an answer to a ping.
    pub fn silence_websockets(&self, silent: bool) {
        self.proxy.line.send_modify(|line| line.silent = silent);
    }

    /// No new WebSockets are made.
    pub fn refuse_websockets(&self, refused: bool) {
        self.proxy.line.send_modify(|line| line.refused = refused);
    }

    /// The requests for a method since the last [`Self::forget`].
    pub fn asked(&self, method: &str) -> Vec<Asked> {
        let asked = self.proxy.asked.lock().unwrap();
        let of_method = asked.iter().filter(|asked| asked.method == method);
        of_method.cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.proxy.asked.lock().unwrap().clear();
    }

    /// Returns when the server has ended, which it does not do by itself.
    pub async fn ended(&mut self) {
        (&mut self.server).await.unwrap();
    }
}

impl Drop for FaultyNode {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the proxy lives and dies with its test"
    )]
    tokio::spawn(task)
}
