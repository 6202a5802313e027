//! HTTP/1.1 by hand, for servers whose answers no proper server would give, or not as fast.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A request, with a body of a given length.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The key of a request to speak WebSocket from here on.
    pub(crate) websocket: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Agrees to speak WebSocket from here on.
pub(crate) async fn upgrade(stream: &mut TcpStream, key: &str) -> io::Result<()> {
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 -\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

/// The next request; `None` where the client went away.
pub(crate) async fn read(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            let (mut request, length) = head(&String::from_utf8_lossy(&unread[..end]));
            let whole = end + 4 + length;
            while unread.len() < whole {
                if stream.read_buf(unread).await? == 0 {
                    return Ok(None);
                }
            }
            request.body = unread[end + 4..whole].to_vec();
            unread.drain(..whole);
            return Ok(Some(request));
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

/// A request without its body, and the length of that.
fn head(text: &str) -> (Request, usize) {
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let mut words = text.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let request = Request {
        method: word(),
        path: word(),
        websocket: field("sec-websocket-key"),
        body: Vec::new(),
    };
    let length = field("content-length").map_or(0, |length| length.parse().expect("a length"));
    (request, length)
}
