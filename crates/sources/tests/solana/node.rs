//! A node that replays recorded exchanges over HTTP, and can be told to fail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is wrong with the answers to a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The connection ends in the middle of the body.
    Truncated,
    /// The body never seems to end.
    Oversized,
    /// The body is the beginning of JSON.
    HalfJson,
    /// The answer is that to another question.
    OtherId,
}

#[derive(Default)]
struct Script {
    /// Answers by method and parameters, the next one last.
    answers: HashMap<String, Vec<Value>>,
    faults: HashMap<String, Fault>,
    asked: Vec<String>,
}

/// The node.
pub(crate) struct Node {
    script: Arc<Mutex<Script>>,
    url: url::Url,
    server: JoinHandle<()>,
}

impl Node {
    /// Serves `tests/solana/NAME.json`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the node of a test ends with it, and nothing supervises it"
    )]
    pub(crate) async fn replay(name: &str) -> Self {
        let path = format!("{}/tests/solana/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let recording: Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut script = Script::default();
        for exchange in recording["exchanges"].as_array().unwrap().iter().rev() {
            let answers = script.answers.entry(question(exchange)).or_default();
            answers.push(exchange.clone());
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/key", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(script));
        let served = Arc::clone(&script);
        let server = tokio::task::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let script = Arc::clone(&served);
                tokio::task::spawn(answer(stream, script));
            }
        });
        Self {
            script,
            url: url.parse().unwrap(),
            server,
        }
    }

    pub(crate) fn url(&self) -> url::Url {
        self.url.clone()
    }

    /// From now on this question has another answer: a `result`, or an `error`.
    pub(crate) fn answer(&self, method: &str, params: &Value, with: Value) {
        let mut exchange = json!({ "method": method, "params": params });
        let (key, value) = with.as_object().unwrap().iter().next().unwrap();
        exchange[key] = value.clone();
        let question = question(&exchange);
        self.script
            .lock()
            .unwrap()
            .answers
            .insert(question, vec![exchange]);
    }

    /// Changes a recorded answer.
    pub(crate) fn change(&self, method: &str, params: &Value, change: impl Fn(&mut Value)) {
        let question = question(&json!({ "method": method, "params": params }));
        let mut script = self.script.lock().unwrap();
        script
            .answers
            .get_mut(&question)
            .unwrap()
            .iter_mut()
            .for_each(change);
    }

    /// Answers to this method are broken in this way, until it is healed.
    pub(crate) fn fail(&self, method: &str, fault: Fault) {
        self.script
            .lock()
            .unwrap()
            .faults
            .insert(method.to_owned(), fault);
    }

    /// Answers as it should again.
    pub(crate) fn heal(&self) {
        self.script.lock().unwrap().faults.clear();
    }

    /// Which methods were asked since the last time, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().asked)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn question(exchange: &Value) -> String {
    format!(
        "{} {}",
        exchange["method"].as_str().unwrap(),
        exchange["params"]
    )
}

async fn answer(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let request = read_request(&mut stream).await;
    let (exchange, fault) = {
        let mut script = script.lock().unwrap();
        let method = request["method"].as_str().unwrap();
        script.asked.push(method.to_owned());
        let fault = script.faults.get(method).copied();
        let question = question(&request);
        let answers = script.answers.get_mut(&question);
        let exchange = match answers {
            Some(answers) if answers.len() > 1 => answers.pop().unwrap(),
            Some(answers) => answers[0].clone(),
            None => {
                json!({ "error": { "code": -32601, "message": format!("not recorded: {question}") } })
            }
        };
        (exchange, fault)
    };
    let id = match fault {
        Some(Fault::OtherId) => json!(987_654_321),
        _ => request["id"].clone(),
    };
    let mut response = json!({ "jsonrpc": "2.0", "id": id });
    for key in ["result", "error"] {
        if let Some(value) = exchange.get(key) {
            response[key] = value.clone();
        }
    }
    let body = response.to_string();
    let half = &body[..body.len() / 2];
    match fault {
        Some(Fault::Truncated) => send(&mut stream, body.len(), half.as_bytes()).await,
        Some(Fault::HalfJson) => send(&mut stream, half.len(), half.as_bytes()).await,
        Some(Fault::Oversized) => {
            let spaces = vec![b' '; 33 << 20];
            send(&mut stream, spaces.len(), &spaces).await;
        }
        Some(Fault::OtherId) | None => send(&mut stream, body.len(), body.as_bytes()).await,
    }
}

async fn read_request(stream: &mut TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "the question was cut off");
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        // A body that is not complete yet does not parse.
        if let Ok(request) = serde_json::from_slice(&bytes[end + 4..]) {
            return request;
        }
    }
}

async fn send(stream: &mut TcpStream, length: usize, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // A reader that has seen enough hangs up.
    for part in [head.as_bytes(), body] {
        if stream.write_all(part).await.is_err() {
            return;
        }
    }
}
