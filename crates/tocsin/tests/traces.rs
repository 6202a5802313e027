//! What the stages and the API do is logged as JSON, a line each, and traced to a collector that speaks OTLP over HTTP, from the
//! first turn to the last.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A collector: what it is sent, decoded.
async fn collect(State(told): State<Sender<ExportTraceServiceRequest>>, body: Bytes) {
    told.send(ExportTraceServiceRequest::decode(body).unwrap())
        .unwrap();
}

#[tokio::test]
async fn turns_of_stages_and_requests_reach_a_collector() {
    let (tell, told) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/v1/traces", post(collect))
        .with_state(tell);
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tocsin.toml");
    let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = api.local_addr().unwrap();
    drop(api);
    let text = format!(
        "database = \"t.db\"\n[api]\nlisten = \"{listen}\"\n[telemetry]\ntraces = \"http://{address}/v1/traces\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let service = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["run", "--json-logs", "--config"])
        .arg(&config)
        .env("RUST_LOG", "info,tocsin_api=debug")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    ask(listen).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ended = Command::new("kill")
        .args(["-TERM", &service.id().to_string()])
        .status();
    assert!(ended.unwrap().success());
    let ended = tokio::task::spawn_blocking(move || service.wait_with_output().unwrap());
    let ended = ended.await.unwrap();
    let logs = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{logs}");
    let mut named = 0;
    for line in logs.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        named += usize::from(line["span"]["request_id"] == "order-7");
        assert!(
            line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }
    assert!(named > 0, "no line has the name of the request: {logs}");

    let (mut stages, mut requests) = (Vec::new(), Vec::new());
    for request in told.try_iter() {
        for resource in request.resource_spans {
            let named = format!("{:?}", resource.resource);
            assert!(named.contains("tocsin"), "{named}");
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
                if span.name == "turn" {
                    stages.push(format!("{:?}", span.attributes));
                } else {
                    requests.push(span);
                }
            }
        }
    }
    let has = |stage: &str| stages.iter().any(|stages| stages.contains(stage));
    assert!(has("claim"), "{stages:?}");
    // It belongs to the trace of whoever asked.
    let mut asked = requests.iter();
    let asked = asked.find(|span| span.name == "GET /v1/policies/{policy}");
    let asked = asked.unwrap_or_else(|| panic!("{requests:?}"));
    assert_eq!(hex(&asked.trace_id), TRACE);
    assert_eq!(hex(&asked.parent_span_id), PARENT);
    assert_eq!(asked.kind(), SpanKind::Server);
    let attributes = format!("{:?}", asked.attributes);
    for part in ["order-7", "http.response.status_code", "IntValue(404)"] {
        assert!(attributes.contains(part), "{part}: {attributes}");
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks for a policy that there is not, as a part of a trace, as soon as the service listens.
async fn ask(listen: SocketAddr) {
    let request = format!(
        "GET /v1/policies/0x{} HTTP/1.1\r\nHost: {listen}\r\nX-Request-Id: order-7\r\n\
         traceparent: 00-{TRACE}-{PARENT}-01\r\nConnection: close\r\n\r\n",
        "11".repeat(32)
    );
    let begun = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(listen).await {
            Ok(stream) => break stream,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("x-request-id: order-7\r\n"), "{answer}");
}
