//! HTTP and WebSocket at one address. The path of a URL is the chain id that is claimed: `http://127.0.0.1:8547/1`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};
use url::Url;

use super::answer::{answer, write_header};
use super::chain::{Chain, Plan};
use crate::wire;

/// A subscriber hears of a new block at most this late.
const TICK: Duration = Duration::from_millis(5);

/// The id of every subscription; there is one a connection.
const SUBSCRIPTION: &str = "0x1";

/// A server.
pub struct ReplayServer {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl ReplayServer {
    /// Makes the chain, which takes a moment, and serves it.
    pub async fn start(plan: Plan, address: SocketAddr) -> Self {
        let chain = Arc::new(Chain::new(plan));
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "the server lives and dies with its owner"
        )]
        let server = tokio::spawn(async move {
            // Ends with the server, and so do the connections.
            let mut connections = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                connections.spawn(serve(Arc::clone(&chain), connection));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, server }
    }

    /// Where the chain with this id answers.
    pub fn url(&self, chain_id: u64) -> Url {
        format!("http://{}/{chain_id}", self.address)
            .parse()
            .unwrap()
    }

    /// Returns when the server has ended, which it does not do by itself.
    pub async fn ended(&mut self) {
        (&mut self.server).await.unwrap();
    }
}

impl Drop for ReplayServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves a connection. A client that goes away is its own affair.
async fn serve(chain: Arc<Chain>, stream: TcpStream) {
    let _client_has_gone = converse(&chain, stream).await;
}

async fn converse(chain: &Chain, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    let mut out = Vec::new();
    while let Some(request) = wire::read(&mut stream, &mut unread).await? {
        let chain_id = request.path.trim_matches('/').parse().unwrap_or(1);
        if let Some(key) = &request.websocket {
            wire::upgrade(&mut stream, key).await?;
            let client = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            let _client_has_gone = notify(chain, chain_id, client).await;
            return Ok(());
        }
        out.clear();
        answer(chain, chain_id, &parsed(&request.body), &mut out);
        let length = out.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&out).await?;
    }
    Ok(())
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(json!(null))
}

/// Answers over WebSocket, and tells subscribers of every new head.
async fn notify(
    chain: &Chain,
    chain_id: u64,
    mut client: WebSocketStream<TcpStream>,
) -> Result<(), Error> {
    let mut told = None;
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            said = client.next() => {
                let Some(said) = said else {
                    return Ok(());
                };
                let Message::Text(text) = said? else {
                    continue;
                };
                let request = parsed(text.as_bytes());
                if request["method"] == "eth_subscribe" {
                    told = Some(chain.head());
                    let id = json!({"jsonrpc": "2.0", "id": request["id"], "result": SUBSCRIPTION});
                    client.send(Message::text(id.to_string())).await?;
                    continue;
                }
                let mut out = Vec::new();
                answer(chain, chain_id, &request, &mut out);
                client.send(message(&out)).await?;
            }
            _ = tick.tick() => {
                while let Some(number) = told.filter(|number| *number < chain.head()) {
                    told = Some(number + 1);
                    client.send(notice(chain, number + 1)).await?;
                }
            }
        }
    }
}

fn notice(chain: &Chain, number: u64) -> Message {
    let mut out = format!(
        r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"{SUBSCRIPTION}","result":"#
    )
    .into_bytes();
    write_header(chain, Some(number), &mut out);
    out.extend_from_slice(b"}}");
    message(&out)
}

fn message(json: &[u8]) -> Message {
    Message::text(String::from_utf8_lossy(json).into_owned())
}
