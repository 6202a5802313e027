//! A provider on this machine: one answer after another, over HTTP, and a record of what was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tocsin_domain::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the provider answers.
#[derive(Clone)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    /// How much of the body is sent before the connection ends.
    pub(crate) cut_after: Option<usize>,
}

impl Canned {
    pub(crate) fn json(body: impl ToString) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            body: body.to_string(),
            cut_after: None,
        }
    }
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Canned>,
    asked: Vec<String>,
    at: u64,
}

/// The provider.
pub(crate) struct Provider {
    script: Arc<Mutex<Script>>,
    url: url::Url,
    server: JoinHandle<()>,
}

impl Provider {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server of a test ends with it, and nothing supervises it"
    )]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let served = Arc::clone(&script);
        let server = tokio::task::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::task::spawn(answer(stream, Arc::clone(&served)));
            }
        });
        Self {
            script,
            url,
            server,
        }
    }

    pub(crate) fn url(&self) -> url::Url {
        self.url.clone()
    }

    /// The next answer, dated `at`. The last one is repeated.
    pub(crate) fn answers(&self, at: Timestamp, with: Canned) {
        let mut script = self.script.lock().unwrap();
        script.at = at.to_u64().unwrap();
        script.answers = VecDeque::from([with]);
    }

    /// What was asked since the last time: the head of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().asked)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_closed) => return,
        }
    }
    let (canned, at) = {
        let mut script = script.lock().unwrap();
        script.asked.push(String::from_utf8(head).unwrap());
        let canned = match script.answers.len() {
            0 | 1 => script.answers.front().cloned(),
            _several => script.answers.pop_front(),
        };
        (canned.unwrap(), script.at)
    };
    let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    let head = format!(
        "HTTP/1.1 {} Said\r\ndate: {date}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        canned.status,
        canned.content_type,
        canned.body.len(),
    );
    let body = canned.body.as_bytes();
    let sent = &body[..canned.cut_after.unwrap_or(body.len())];
    // Whoever asked may have gone.
    for part in [head.as_bytes(), sent] {
        if stream.write_all(part).await.is_err() {
            return;
        }
    }
}
