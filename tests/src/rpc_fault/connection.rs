//! One connection of a client: requests over HTTP, or from some point on WebSocket.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::answer::Reply;
use super::transmit::{Then, transmit};
use super::{Fault, Proxy, Transport, control, websocket};
use crate::wire;

/// Answers the requests of a connection. A client that goes away is its own affair.
pub(super) async fn serve(proxy: Arc<Proxy>, mut stream: TcpStream) {
    let mut unread = Vec::new();
    while let Ok(Some(request)) = wire::read(&mut stream, &mut unread).await {
        if let Some(key) = &request.websocket {
            if let Ok(true) = upgrade(&proxy, &mut stream, key).await {
                websocket::serve(proxy, stream).await;
            }
            return;
        }
        let reply = match control::answer(&proxy, &request.method, &request.path, &request.body) {
            Some(answer) => Reply {
                body: answer.to_string().into_bytes(),
                manner: None,
            },
            None => proxy.reply(parsed(&request.body), Transport::Http).await,
        };
        let then = send(&mut stream, &reply).await;
        if !matches!(then, Ok(Then::GoOn)) {
            return;
        }
    }
}

/// What is no JSON is passed on as nothing, and the node says so.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(json!(null))
}

async fn send(stream: &mut TcpStream, reply: &Reply) -> io::Result<Then> {
    let mut head = match &reply.manner {
        Some(Fault::Status(code)) => format!("HTTP/1.1 {code} -\r\n"),
        Some(Fault::TooManyRequests(after)) => {
            let after = after.as_ref();
            let after = after.map(|after| format!("retry-after: {after}\r\n"));
            format!("HTTP/1.1 429 -\r\n{}", after.unwrap_or_default())
        }
        _ => "HTTP/1.1 200 -\r\n".to_owned(),
    };
    head.push_str("content-type: application/json\r\n");
    if reply.manner == Some(Fault::EndlessBody) {
        head.push_str("connection: close\r\n\r\n");
    } else {
        head.push_str(&format!("content-length: {}\r\n\r\n", reply.body.len()));
    }
    transmit(stream, head.as_bytes(), &reply.body, reply.manner.as_ref()).await
}

/// Agrees to speak WebSocket, unless they are refused.
async fn upgrade(proxy: &Proxy, stream: &mut TcpStream, key: &str) -> io::Result<bool> {
    if proxy.line.borrow().refused {
        let refusal = b"HTTP/1.1 503 -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(refusal).await?;
        return Ok(false);
    }
    wire::upgrade(stream, key).await?;
    Ok(true)
}
