//! The listener for other attestors: so many connections and no more, and nobody keeps one by saying nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::node::Node;
use crate::server::router;

/// The most connections at once. A quorum has no more than 255 attestors, and each needs one or two.
const CONNECTIONS: usize = 512;

/// How long a connection may be without the headers of its next request.
const HEADERS: Duration = Duration::from_secs(10);

/// How long what has begun may go on after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(5);

/// After a failure to take a connection in, which is of a lack of something.
const PAUSE: Duration = Duration::from_millis(100);

/// The listener ended.
#[derive(Debug, thiserror::Error)]
#[error("the listener for other attestors failed")]
pub struct ServeError(#[from] io::Error);

/// Answers other attestors until `shutdown`, then finishes what has begun, as long as that takes a few seconds only.
pub async fn serve(
    listener: TcpListener,
    node: Arc<Node>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    serve_router(listener, router(node), HEADERS, shutdown).await
}

async fn serve_router(
    listener: TcpListener,
    router: Router,
    headers: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(headers);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = core::pin::pin!(shutdown);
    loop {
        // It is never closed.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut shutdown => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // Of one connection that has gone, or of too many files open: the listener itself does not fail.
            Err(error) => {
                tracing::warn!(%error, "another attestor's connection could not be taken in");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of another attestor broke off");
            }
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if tokio::time::timeout(FAREWELL, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some of what other attestors have asked is not answered any more");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_says_nothing_is_hung_up_on_and_keeps_nobody_from_stopping() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "there"));
        let (stop, stopped) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_router(
            listener,
            router,
            Duration::from_millis(200),
            async move {
                stopped.await.unwrap();
            },
        ));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n")
            .await
            .unwrap();
        let mut said = Vec::new();
        let read = slow.read_to_end(&mut said);
        tokio::time::timeout(Duration::from_secs(2), read)
            .await
            .expect("the connection is still open")
            .unwrap();

        let mut well = TcpStream::connect(address).await.unwrap();
        well.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 15];
        well.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(2), tasks.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
    }
}
