//! A node that fails and lies, before a real one: see `tocsin_tests::rpc_fault`.
//!
//! `fault_proxy UPSTREAM [ADDRESS [SEED]]`: answers at ADDRESS (`127.0.0.1:8546`) over HTTP and WebSocket what the node at
//! UPSTREAM answers, spoiled by the rules that are set over `/_fault/rules`:
//!
//! ```text
//! fault_proxy http://127.0.0.1:8545 127.0.0.1:8546 7 &
//! curl -d '{"fault": "omit_log", "methods": ["eth_getLogs"], "percent": 30}' 127.0.0.1:8546/_fault/rules
//! curl -d '{"fault": {"too_many_requests": "2"}, "times": 5}'                127.0.0.1:8546/_fault/rules
//! curl -d '{"fault": {"lag": 3}, "blocks": [100, 200]}'                      127.0.0.1:8546/_fault/rules
//! curl -d '{"fault": "duplicate", "methods": ["eth_subscription"]}'          127.0.0.1:8546/_fault/rules
//! curl -X POST 127.0.0.1:8546/_fault/websocket/cut
//! curl -X DELETE 127.0.0.1:8546/_fault/rules
//! ```

use std::net::SocketAddr;
use std::process::ExitCode;

use tocsin_tests::rpc_fault::FaultyNode;
use url::Url;

#[tokio::main]
async fn main() -> ExitCode {
    let _no_collector = tocsin::telemetry::start(false, None);
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let usage = "usage: fault_proxy UPSTREAM [ADDRESS [SEED]]";
    let mut arguments = std::env::args().skip(1);
    let upstream: Url = arguments
        .next()
        .ok_or(usage)?
        .parse()
        .map_err(|error| format!("UPSTREAM: {error}; {usage}"))?;
    let address = arguments.next();
    let address: SocketAddr = address
        .as_deref()
        .unwrap_or("127.0.0.1:8546")
        .parse()
        .map_err(|error| format!("ADDRESS: {error}; {usage}"))?;
    let seed = arguments.next();
    let seed = seed
        .as_deref()
        .unwrap_or("1")
        .parse()
        .map_err(|error| format!("SEED: {error}; {usage}"))?;
    let mut node = FaultyNode::listen(upstream, address, seed).await;
    tracing::info!("faults at {}", node.url());
    node.ended().await;
    Ok(())
}
