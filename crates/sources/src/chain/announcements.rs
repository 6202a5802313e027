//! New blocks, as endpoints announce them over WebSocket.
//!
//! Promises: an announcement is a wake-up call and nothing else; nothing that it says is believed, and nothing is lost where there
//! is none. At most one connection and one subscription an endpoint, messages of a bounded size, and connections that
//! break or fall silent are made again after a rest.
//!
//! No task runs by itself: connections live as long as somebody waits for them, or comes back to it. Whoever waits first listens
//! for all, and every [`Ear`] is told what came since it was told last.

use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use futures_util::future::{pending, select_all};
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};
use url::Url;

use super::Endpoint;
use super::nodes::Nodes;

/// An announcement is a header.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Connecting and subscribing take no longer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A connection without any message for this long is given up.
const SILENCE_MAX: Duration = Duration::from_secs(120);

const FIRST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Connecting = Pin<Box<dyn Future<Output = Result<Box<Socket>, Broken>> + Send>>;

/// The lines on which new blocks are announced.
pub(crate) struct Announcements {
    lines: Mutex<Vec<Line>>,
    /// How many were heard.
    heard: watch::Sender<u64>,
}

/// One of those who are told; what comes while it is busy is told to it when it waits again.
pub(crate) struct Ear(Mutex<watch::Receiver<u64>>);

struct Line {
    url: Url,
    endpoint: Endpoint,
    state: State,
    failures: u32,
}

enum State {
    Resting(Instant),
    Connecting(Connecting),
    Open { socket: Box<Socket>, heard: Instant },
}

/// Why a line is down.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("no answer within {} s", CONNECT_LIMIT.as_secs())]
    Late,
    #[error("no TLS")]
    Tls(#[from] rustls::Error),
    #[error("the connection failed")]
    Socket(#[from] tungstenite::Error),
    #[error("the node does not announce blocks: {0}")]
    Refused(String),
    #[error("the node closed the connection")]
    Closed,
    #[error("nothing was heard for {} s", SILENCE_MAX.as_secs())]
    Silent,
}

/// The part of a message that matters.
#[derive(Deserialize)]
struct Notice {
    #[serde(default)]
    method: String,
    error: Option<serde_json::Value>,
    id: Option<u64>,
}

impl Announcements {
    pub(crate) fn of(nodes: &Nodes) -> Self {
        let lines = nodes
            .iter()
            .filter_map(|node| {
                Some(Line {
                    url: node.ws.clone()?,
                    endpoint: node.endpoint().clone(),
                    state: State::Resting(Instant::now()),
                    failures: 0,
                })
            })
            .collect();
        Self {
            lines: Mutex::new(lines),
            heard: watch::Sender::new(0),
        }
    }

    pub(crate) fn ear(&self) -> Ear {
        Ear(Mutex::new(self.heard.subscribe()))
    }

    /// Returns when some endpoint has announced a block that this ear has not heard of; never, where none does that.
    pub(crate) async fn heard(&self, ear: &Ear) {
        let mut ear = ear.0.lock().await;
        tokio::select! {
            // The sender lives as long as this.
            _told = ear.changed() => return,
            () = self.listen() => {}
        }
        ear.mark_unchanged();
    }

    async fn listen(&self) {
        let mut lines = self.lines.lock().await;
        let waiting: Vec<_> = lines
            .iter_mut()
            .map(|line| Box::pin(line.heard()))
            .collect();
        if waiting.is_empty() {
            return pending().await;
        }
        select_all(waiting).await;
        self.heard
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Line {
    /// Returns with the next announcement. What was begun goes on where this is called again.
    async fn heard(&mut self) {
        loop {
            let broken = match &mut self.state {
                State::Resting(until) => {
                    sleep_until(*until).await;
                    self.state = State::Connecting(Box::pin(connect(self.url.clone())));
                    continue;
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(socket) => {
                        let heard = Instant::now();
                        self.state = State::Open { socket, heard };
                        // Blocks may have come while nobody listened.
                        return;
                    }
                    Err(broken) => broken,
                },
                State::Open { socket, heard } => {
                    match timeout_at(*heard + SILENCE_MAX, socket.next()).await {
                        Ok(Some(Ok(message))) => {
                            *heard = Instant::now();
                            self.failures = 0;
                            if notice(&message).is_some_and(|notice| !notice.method.is_empty()) {
                                return;
                            }
                            continue;
                        }
                        Ok(Some(Err(error))) => Broken::Socket(error),
                        Ok(None) => Broken::Closed,
                        Err(_elapsed) => Broken::Silent,
                    }
                }
            };
            self.rest(&broken);
        }
    }

    fn rest(&mut self, broken: &Broken) {
        self.failures = self.failures.saturating_add(1);
        let rest = FIRST_REST
            .saturating_mul(1 << self.failures.saturating_sub(1).min(16))
            .min(LONGEST_REST);
        if self.failures == 1 {
            tracing::warn!(
                endpoint = %self.endpoint,
                error = broken as &dyn core::error::Error,
                "blocks are not announced; they are asked for until they are again"
            );
        }
        let until = Instant::now() + rand::random_range(rest / 2..=rest);
        self.state = State::Resting(until);
    }
}

async fn connect(url: Url) -> Result<Box<Socket>, Broken> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let connected = async {
        let connector = match url.scheme() {
            "wss" => Connector::Rustls(Arc::new(tls()?)),
            _ => Connector::Plain,
        };
        let (mut socket, _response) = tokio_tungstenite::connect_async_tls_with_config(
            url.as_str(),
            Some(limits),
            true,
            Some(connector),
        )
        .await?;
        let question = r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;
        socket.send(Message::text(question)).await?;
        while let Some(message) = socket.next().await {
            match notice(&message?) {
                Some(Notice {
                    error: Some(error), ..
                }) => return Err(Broken::Refused(error.to_string())),
                Some(Notice { id: Some(1), .. }) => return Ok(Box::new(socket)),
                _ => {}
            }
        }
        Err(Broken::Closed)
    };
    match timeout(CONNECT_LIMIT, connected).await {
        Ok(connected) => connected,
        Err(_elapsed) => Err(Broken::Late),
    }
}

/// As for HTTP: the system's certificates, and the same cryptography.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(config)
}

/// `None` for what is no JSON-RPC message, such as a ping, which the library answers.
fn notice(message: &Message) -> Option<Notice> {
    let text = match message {
        Message::Text(text) => text.as_str(),
        _ => return None,
    };
    serde_json::from_str(text).ok()
}
