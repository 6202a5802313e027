//! Sending a body in a way that no library would.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Fault;

/// Whether the connection goes on after a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    GoOn,
    End,
}

/// Sends a body after its head, which says how long it is.
pub(super) async fn transmit(
    stream: &mut TcpStream,
    head: &[u8],
    body: &[u8],
    manner: Option<&Fault>,
) -> io::Result<Then> {
    match manner {
        Some(Fault::CutConnection) => {
            stream
                .write_all(&[head, &body[..body.len() / 2]].concat())
                .await?;
            stream.shutdown().await?;
            Ok(Then::End)
        }
        Some(Fault::EndlessBody) => {
            stream.write_all(head).await?;
            // JSON allows blanks. It ends when the client has had enough.
            let blanks = vec![b' '; 1 << 16];
            loop {
                stream.write_all(&blanks).await?;
            }
        }
        Some(Fault::Drip(every_ms)) => {
            stream.set_nodelay(true)?;
            stream.write_all(head).await?;
            for byte in body {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(*every_ms)).await;
            }
            Ok(Then::GoOn)
        }
        _ => {
            stream.write_all(&[head, body].concat()).await?;
            Ok(Then::GoOn)
        }
    }
}
