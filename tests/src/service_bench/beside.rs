//! What runs in processes of its own: the service, the bare handler that bounds it, and whoever is told or asked.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use tocsin::clock::SystemClock;
use tocsin::config::Config;
use tocsin::service;
use tokio::net::{TcpListener, TcpStream};

use crate::chain_bench::process::processor_time;

/// A part of this program that runs beside, ended with its guard.
pub struct Beside {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Beside {
    /// Starts this program again with these words; it says where it listens.
    pub fn start(words: &[&str]) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .env("RUST_LOG", "error")
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.strip_prefix("Listening on ").expect(&line);
        let address = address.trim().parse().unwrap();
        Self { process, address }
    }

    /// The service on a configuration that has it listen on `address`.
    pub async fn service(config: &str, address: SocketAddr) -> Self {
        let service = Self::start(&["serve", config, &address.to_string()]);
        let mut looks = 0;
        while TcpStream::connect(address).await.is_err() {
            looks += 1;
            assert!(looks < 400, "the service does not listen on {address}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service
    }

    /// Its processor time so far.
    pub fn busy(&self) -> Duration {
        processor_time(&self.process.id().to_string())
    }

    /// The memory that it holds now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<u64>().unwrap() * 1_024
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Runs the service.
pub async fn serve(config: &str, address: &str, say: impl Fn(&str)) -> Result<(), String> {
    let config = Config::load(config.as_ref()).map_err(|error| error.to_string())?;
    let _traces = tocsin::telemetry::start(false, config.traces.as_ref())
        .map_err(|error| tocsin::report::chain(&error))?;
    let shutdown = service::shutdown_on_signal().map_err(|error| error.to_string())?;
    say(&format!("Listening on {address}"));
    service::run(config, Arc::new(SystemClock), shutdown)
        .await
        .map_err(|error| tocsin::report::chain(&error))
}

/// Answers with the bytes of a file: to a read of what the service is asked for, and to a write, once its body is there.
pub async fn bare(file: &str, say: impl Fn(&str)) -> Result<(), String> {
    let body = Bytes::from(std::fs::read(file).map_err(|error| error.to_string())?);
    let answer = move || {
        let answer = ([(CONTENT_TYPE, "application/json")], body.clone());
        std::future::ready(answer)
    };
    let taken = answer.clone();
    let router = Router::new()
        .route("/v1/policies/{policy}/eligibility", get(answer))
        .route("/v1/caller", post(move |_written: Bytes| taken()));
    listen(router, say).await
}

/// Takes every message, says at `/taken` how many it has taken, and gives prices at `/prices/…`.
pub async fn sink(say: impl Fn(&str)) -> Result<(), String> {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let take = move |request: Request| {
        let taken = Arc::clone(&taken);
        async move {
            let signed = request.headers().contains_key("webhook-signature");
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
            if signed && body.is_ok() {
                taken.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let router = Router::new()
        .route("/hook/{endpoint}", any(take))
        .route(
            "/taken",
            get(move || std::future::ready(count.load(Ordering::Relaxed).to_string())),
        )
        .route(
            "/prices/{pair}",
            get(|| {
                let price = ([(CONTENT_TYPE, "application/json")], r#"{"price": "1.01"}"#);
                std::future::ready(price.into_response())
            }),
        );
    listen(router, say).await
}

async fn listen(router: Router, say: impl Fn(&str)) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say(&format!("Listening on {address}"));
    let served = axum::serve(listener, router).await;
    served.map_err(|error| error.to_string())
}
