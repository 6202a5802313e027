//! What the stages do is logged as JSON, a line each, and traced to a collector that speaks OTLP over HTTP, from the first turn to the last.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::net::TcpListener;

/// A collector: what it is sent, decoded.
async fn collect(State(told): State<Sender<ExportTraceServiceRequest>>, body: Bytes) {
    told.send(ExportTraceServiceRequest::decode(body).unwrap())
        .unwrap();
}

#[tokio::test]
async fn turns_of_stages_reach_a_collector() {
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
    let text =
        format!("database = \"t.db\"\n[telemetry]\ntraces = \"http://{address}/v1/traces\"\n");
    std::fs::write(&config, text).unwrap();
    let service = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["run", "--json-logs", "--config"])
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ended = Command::new("kill")
        .args(["-TERM", &service.id().to_string()])
        .status();
    assert!(ended.unwrap().success());
    let ended = tokio::task::spawn_blocking(move || service.wait_with_output().unwrap());
    let ended = ended.await.unwrap();
    let logs = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{logs}");
    for line in logs.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }

    let mut stages = Vec::new();
    for request in told.try_iter() {
        for resource in request.resource_spans {
            let named = format!("{:?}", resource.resource);
            assert!(named.contains("tocsin"), "{named}");
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                assert_eq!(span.name, "turn");
                assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
                stages.push(format!("{:?}", span.attributes));
            }
        }
    }
    let has = |stage: &str| stages.iter().any(|stages| stages.contains(stage));
    assert!(has("claim"), "{stages:?}");
}
