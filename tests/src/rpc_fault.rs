//! A node that lies: an HTTP proxy before a real one, which spoils chosen answers on their way.
//!
//! It speaks HTTP/1.1 by hand, because a proper server refuses to send half an answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::B256;
use alloy::rpc::types::Header;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// What is wrong with an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Fault {
    /// A JSON-RPC error.
    ErrorReply,
    /// This HTTP status, with a JSON-RPC answer as its body.
    Status(u16),
    /// 200 and no body.
    EmptyBody,
    /// The first half of the body, as if it were the whole.
    HalfBody,
    /// The first half of the body, and then the connection ends.
    CutConnection,
    /// No answer.
    Hang,
    /// A body without end.
    EndlessBody,
    /// The answer to another request.
    OtherId,
    /// `null`.
    Null,
    /// This result.
    Result(Value),
    /// The result with the value at a JSON pointer replaced.
    Replace(&'static str, Value),
    /// A block whose parent is another one, in a header that hashes right.
    OtherParent,
    /// A list without its last element.
    ShortByOne,
    /// The logs of this block.
    LogsOfBlock(B256),
    /// For block tags, the block with this number.
    HeadAt(u64),
}

/// Which answers are spoiled, and how.
#[derive(Clone, Debug)]
struct Rule {
    method: &'static str,
    /// The first parameter; `None` for any.
    about: Option<Value>,
    fault: Fault,
}

/// A proxy before a node.
pub struct FaultyNode {
    url: Url,
    rules: Arc<Mutex<Vec<Rule>>>,
    server: JoinHandle<()>,
}

impl FaultyNode {
    /// Starts a proxy, without faults, before `upstream`.
    pub async fn start(upstream: Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let rules: Arc<Mutex<Vec<Rule>>> = Arc::default();
        let proxy = Proxy {
            upstream,
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            rules: Arc::clone(&rules),
        };
        let server = spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let proxy = proxy.clone();
                spawn(async move { proxy.serve(connection).await });
            }
        });
        Self { url, rules, server }
    }

    /// Where it answers.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// Spoils every answer of a method.
    pub fn spoil(&self, method: &'static str, fault: Fault) {
        self.rules.lock().unwrap().push(Rule {
            method,
            about: None,
            fault,
        });
    }

    /// Spoils the answers about one block.
    pub fn spoil_block(&self, number: u64, fault: Fault) {
        let about = Some(json!(format!("{number:#x}")));
        self.rules.lock().unwrap().push(Rule {
            method: "eth_getBlockByNumber",
            about,
            fault,
        });
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.rules.lock().unwrap().clear();
    }
}

impl Drop for FaultyNode {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Proxy {
    upstream: Url,
    client: reqwest::Client,
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Proxy {
    /// Answers one request and closes the connection. A client that goes away is its own affair.
    async fn serve(&self, mut connection: TcpStream) {
        let Some(request) = read_request(&mut connection).await else {
            return;
        };
        let fault = self.fault_of(&request);
        let mut body = self.answer(request, fault.as_ref()).await;
        let (mut status, mut cut) = (200, false);
        match fault {
            Some(Fault::Status(code)) => status = code,
            Some(Fault::EmptyBody) => body.clear(),
            Some(Fault::HalfBody) => body.truncate(body.len() / 2),
            Some(Fault::CutConnection) => cut = true,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::EndlessBody) => return endless(connection).await,
            _ => {}
        }
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        if cut {
            body.truncate(body.len() / 2);
        }
        let answer = [head.into_bytes(), body].concat();
        if connection.write_all(&answer).await.is_ok() {
            connection.shutdown().await.unwrap_or_default();
        }
    }

    /// The fault of a request, or of the first request of a batch that has one.
    fn fault_of(&self, request: &Value) -> Option<Fault> {
        let single = std::slice::from_ref(request);
        let calls = request.as_array().map_or(single, Vec::as_slice);
        calls.iter().find_map(|call| self.fault_of_call(call))
    }

    fn fault_of_call(&self, call: &Value) -> Option<Fault> {
        let rules = self.rules.lock().unwrap();
        let applies = |rule: &&Rule| {
            let tag = call["params"][0]
                .as_str()
                .is_some_and(|block| !block.starts_with("0x"));
            rule.method == call["method"]
                && rule
                    .about
                    .as_ref()
                    .is_none_or(|about| *about == call["params"][0])
                && (tag || !matches!(rule.fault, Fault::HeadAt(_)))
        };
        rules.iter().find(applies).map(|rule| rule.fault.clone())
    }

    async fn answer(&self, mut request: Value, fault: Option<&Fault>) -> Vec<u8> {
        match fault {
            Some(Fault::LogsOfBlock(hash)) => request["params"][0]["blockHash"] = json!(hash),
            Some(Fault::HeadAt(number)) => {
                let first = if request.is_array() {
                    &mut request[0]
                } else {
                    &mut request
                };
                first["params"][0] = json!(format!("{number:#x}"));
            }
            _ => {}
        }
        let answer = self
            .client
            .post(self.upstream.clone())
            .json(&request)
            .send()
            .await
            .unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        match fault {
            Some(Fault::ErrorReply) => {
                let error = json!({"code": -32000, "message": "the server is out of order"});
                answer = json!({"jsonrpc": "2.0", "id": request["id"], "error": error});
            }
            Some(Fault::OtherId) => answer["id"] = json!(4_000_000),
            Some(Fault::Null) => answer["result"] = Value::Null,
            Some(Fault::Result(result)) => answer["result"] = result.clone(),
            Some(Fault::Replace(pointer, value)) => {
                *answer["result"]
                    .pointer_mut(pointer)
                    .expect("the result has the value") = value.clone();
            }
            Some(Fault::OtherParent) => {
                answer["result"]["parentHash"] = json!(B256::repeat_byte(0xbb));
                let header: Header = serde_json::from_value(answer["result"].clone()).unwrap();
                answer["result"]["hash"] = json!(header.inner.hash_slow());
            }
            Some(Fault::ShortByOne) => {
                answer["result"].as_array_mut().unwrap().pop();
            }
            _ => {}
        }
        serde_json::to_vec(&answer).unwrap()
    }
}

/// The JSON body of an HTTP request; `None` where the client went away.
async fn read_request(connection: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.expect("a content length").trim().parse().unwrap();
            if bytes.len() >= end + 4 + length {
                return Some(serde_json::from_slice(&bytes[end + 4..]).unwrap());
            }
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Sends blanks, which JSON allows, until the client has had enough.
async fn endless(mut connection: TcpStream) {
    let blanks = vec![b' '; 1 << 16];
    let mut sent = connection
        .write_all(b"HTTP/1.1 200 -\r\nconnection: close\r\n\r\n")
        .await;
    while sent.is_ok() {
        sent = connection.write_all(&blanks).await;
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the proxy lives and dies with its test"
    )]
    tokio::spawn(task)
}
