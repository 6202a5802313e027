//! Connections: how many, how slow, and how they end.

mod patience;
mod writing;

use core::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower_service::Service;

use self::patience::Patience;
use self::writing::Writing;
use crate::addresses::{Address, Addresses};
use crate::events::streams::Streams;
use crate::served::Served;
use crate::{Api, routes};

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1_024;
/// Connections of one address at once: whoever wants to keep everybody else out has to come from several.
const CONNECTIONS_OF_ONE: usize = 256;
/// How long a client may read nothing of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a client may take to send its headers, also between two requests of a connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How many headers a request may have.
const HEADERS: usize = 64;
/// How many bytes all of them may have.
const HEADER_BYTES: usize = 32 << 10;
/// How long what has begun may take once the service is to end.
const DRAIN: Duration = Duration::from_secs(8);
/// A listener that fails (no file descriptors left) is left alone for so long.
const REST: Duration = Duration::from_millis(200);

/// The API ended.
#[derive(Debug, thiserror::Error)]
#[error("the API failed to serve")]
pub struct ServeError(#[from] std::io::Error);

/// Whoever is at the other end of a connection; each of its requests says so.
struct Caller {
    router: Router,
    peer: SocketAddr,
    address: Arc<Address>,
}

impl hyper::service::Service<Request<Incoming>> for Caller {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(self.peer));
        extensions.insert(Arc::clone(&self.address));
        self.router.clone().call(request)
    }
}

/// Serves until `shutdown`, then finishes the requests that have begun, for some seconds; streams are told to end.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (end, ending) = tokio::sync::watch::channel(false);
    let addresses = Addresses::new(api.requests_per_second);
    let router = routes::router(Served::new(api, Streams::new(ending)));
    let mut http = http1::Builder::new();
    http.header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
            Some(_ended) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Some(connected) = addresses.connect(peer.ip(), CONNECTIONS_OF_ONE) else {
            tracing::debug!(%peer, "a connection is one too many of its address");
            continue;
        };
        let stream = Writing::new(stream, WRITE_TIMEOUT);
        let caller = Caller {
            router: router.clone(),
            peer,
            address: Arc::clone(&connected.address),
        };
        let connection = http
            .timer(Patience::default())
            .serve_connection(TokioIo::new(stream), caller);
        let watched = graceful.watch(connection);
        connections.spawn(async move {
            let _counted = (place, connected);
            if let Err(error) = watched.await {
                // A client that goes away, or never speaks HTTP, is its own affair.
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    end.send_replace(true);
    if tokio::time::timeout(DRAIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests had not ended when the service did");
    }
    connections.shutdown().await;
    Ok(())
}
