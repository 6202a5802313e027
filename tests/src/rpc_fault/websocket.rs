//! WebSocket: requests are answered as over HTTP, subscriptions are passed on to the node, and its notices come back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::answer::Reply;
use super::transmit::{Then, transmit};
use super::{Fault, NOTICE, Proxy, Transport};

type Node = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One client, and the node for its subscriptions.
struct Session {
    proxy: Arc<Proxy>,
    client: WebSocketStream<TcpStream>,
    node: Node,
    /// What is to be sent in its time.
    waiting: JoinSet<Reply>,
}

/// Serves a connection that has agreed to speak WebSocket, until one side or a fault ends it.
pub(super) async fn serve(proxy: Arc<Proxy>, stream: TcpStream) {
    let url = proxy.upstream.websocket();
    let Ok((node, _)) = connect_async(url.as_str()).await else {
        // The node is gone: so is the connection.
        return;
    };
    let client = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let mut session = Session {
        proxy,
        client,
        node,
        waiting: JoinSet::new(),
    };
    while let Ok(Then::GoOn) = session.turn().await {}
}

impl Session {
    /// Does the next thing that there is to do.
    async fn turn(&mut self) -> Result<Then, Error> {
        let mut line = self.proxy.line.subscribe();
        let begun = *line.borrow_and_update();
        if begun.silent {
            // A sender lives as long as its proxy.
            let changed = line.changed().await;
            return Ok(if changed.is_ok() {
                self.since(begun.cuts)
            } else {
                Then::End
            });
        }
        tokio::select! {
            changed = line.changed() => {
                Ok(if changed.is_ok() { self.since(begun.cuts) } else { Then::End })
            }
            said = self.client.next() => match said {
                Some(said) => self.asked(said?).await,
                None => Ok(Then::End),
            },
            said = self.node.next() => match said {
                Some(said) => self.told(said?).await,
                None => Ok(Then::End),
            },
            Some(Ok(reply)) = self.waiting.join_next() => self.send(reply).await,
        }
    }

    fn since(&self, cuts: u64) -> Then {
        if self.proxy.line.borrow().cuts == cuts {
            Then::GoOn
        } else {
            Then::End
        }
    }

    /// A message of the client.
    async fn asked(&mut self, message: Message) -> Result<Then, Error> {
        let Message::Text(text) = message else {
            return Ok(Then::GoOn);
        };
        let request: Value = serde_json::from_str(&text).unwrap_or(json!(null));
        let subscribes = ["eth_subscribe", "eth_unsubscribe"].contains(&method(&request));
        let proxy = Arc::clone(&self.proxy);
        if subscribes {
            proxy.remember(&request, None, Transport::WebSocket);
            let spoil = proxy.spoil_of(&request, None, Transport::WebSocket).await;
            if spoil.is_none() {
                self.node.send(Message::Text(text)).await?;
                return Ok(Then::GoOn);
            }
        }
        self.waiting
            .spawn(async move { proxy.reply(request, Transport::WebSocket).await });
        Ok(Then::GoOn)
    }

    /// A message of the node: a notice, or its answer to a subscription.
    async fn told(&mut self, message: Message) -> Result<Then, Error> {
        let Message::Text(text) = message else {
            return Ok(Then::GoOn);
        };
        let mut notice: Value = serde_json::from_str(&text).unwrap_or(json!(null));
        let call = json!({"method": NOTICE, "params": [notice["params"]["result"]["number"]]});
        let spoil = match method(&notice) {
            NOTICE => self.proxy.spoil_of(&call, None, Transport::WebSocket).await,
            _ => None,
        };
        match spoil.map(|spoil| spoil.fault) {
            Some(Fault::Hang) => return Ok(Then::GoOn),
            Some(Fault::CutConnection) => return Ok(Then::End),
            Some(Fault::Delay(ms)) => {
                self.waiting.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    whole(text.as_bytes())
                });
                return Ok(Then::GoOn);
            }
            Some(Fault::Duplicate) => self.client.send(Message::Text(text.clone())).await?,
            Some(Fault::Replace(pointer, value)) => {
                if let Some(place) = notice["params"].pointer_mut(pointer) {
                    *place = value;
                }
                self.client.send(Message::text(notice.to_string())).await?;
                return Ok(Then::GoOn);
            }
            _ => {}
        }
        self.client.send(Message::Text(text)).await?;
        Ok(Then::GoOn)
    }

    async fn send(&mut self, reply: Reply) -> Result<Then, Error> {
        match &reply.manner {
            None => {
                let text = String::from_utf8_lossy(&reply.body).into_owned();
                self.client.send(Message::text(text)).await?;
                Ok(Then::GoOn)
            }
            Some(Fault::Status(_) | Fault::TooManyRequests(_)) => Ok(Then::End),
            manner => {
                self.client.flush().await?;
                let length = if *manner == Some(Fault::EndlessBody) {
                    // More than anybody takes.
                    1 << 40
                } else {
                    u64::try_from(reply.body.len()).expect("a length")
                };
                let stream = self.client.get_mut();
                let then = transmit(stream, &frame(length), &reply.body, manner.as_ref()).await?;
                Ok(then)
            }
        }
    }
}

fn method(message: &Value) -> &str {
    message["method"].as_str().unwrap_or_default()
}

fn whole(body: &[u8]) -> Reply {
    Reply {
        body: body.to_vec(),
        manner: None,
    }
}

/// The head of a text frame of this length (RFC 6455, section 5.2), always in the longest form.
fn frame(length: u64) -> Vec<u8> {
    [&[0x81, 127], length.to_be_bytes().as_slice()].concat()
}
