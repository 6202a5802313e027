//! Keys in Google Cloud KMS, against a server that speaks its protocol, gRPC, and gives tokens for a service account.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

#[path = "kms/vault.rs"]
mod kms;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use alloy_signer_gcp::gcloud_sdk::google::cloud::kms::v1::{
    AsymmetricSignRequest, AsymmetricSignResponse, GetPublicKeyRequest, PublicKey, digest,
};
use alloy_signer_gcp::gcloud_sdk::prost::Message;
use alloy_signer_gcp::gcloud_sdk::tonic::service::Routes;
use alloy_signer_gcp::gcloud_sdk::tonic::transport::Server;
use alloy_signer_gcp::gcloud_sdk::tonic::transport::server::TcpIncoming;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body::Frame;
use kms::{Answer, Mood, Vault};
use tocsin_attest::{KeySettings, Signer};
use tokio::net::TcpListener;

const KEY: &str =
    "projects/storms/locations/europe-west3/keyRings/attestors/cryptoKeys/one/cryptoKeyVersions/1";
const TOKEN: &str = "ya29.a0-example";

/// The codes of gRPC that are answered here.
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;

/// A message in its frame: not compressed, its length, its bytes.
fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &bytes].concat()
}

fn unframed<M: Message + Default>(headers: &HeaderMap, body: &[u8]) -> M {
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(header("x-goog-request-params"), format!("name={KEY}"));
    assert_eq!(header("content-type"), "application/grpc");
    M::decode(&body[5..]).unwrap()
}

/// A status that is known at once may travel in the headers (gRPC over HTTP/2, "Trailers-Only"); with a message it must
/// come after the body.
fn answered(message: &impl Message) -> Response {
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), 0.into())]);
    let body = Framed(VecDeque::from([
        Frame::data(Bytes::from(framed(message))),
        Frame::trailers(trailers),
    ]));
    ([("content-type", "application/grpc")], Body::new(body)).into_response()
}

/// A body of frames that are ready.
struct Framed(VecDeque<Frame<Bytes>>);

impl HttpBody for Framed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

fn refused(code: u32, message: &'static str) -> Response {
    let headers = [
        ("content-type", "application/grpc".to_owned()),
        ("grpc-status", code.to_string()),
        ("grpc-message", message.to_owned()),
    ];
    (headers, ()).into_response()
}

async fn public_key(State(vault): State<Arc<Vault>>, headers: HeaderMap, body: Bytes) -> Response {
    let asked: GetPublicKeyRequest = unframed(&headers, &body);
    assert_eq!(asked.name, KEY);
    let der = BASE64_STANDARD.encode(vault.public_key_der());
    let lines: Vec<&str> = der
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    answered(&PublicKey {
        pem: format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        ),
        name: KEY.to_owned(),
        ..PublicKey::default()
    })
}

async fn sign(State(vault): State<Arc<Vault>>, headers: HeaderMap, body: Bytes) -> Response {
    let asked: AsymmetricSignRequest = unframed(&headers, &body);
    assert_eq!(asked.name, KEY);
    let Some(digest::Digest::Sha256(digest)) = asked.digest.unwrap().digest else {
        return refused(3, "a digest of the length of SHA-256 is wanted");
    };
    match vault.sign(&digest).await {
        Answer::Signature(signature) => answered(&AsymmetricSignResponse {
            signature,
            name: KEY.to_owned(),
            ..AsymmetricSignResponse::default()
        }),
        Answer::Throttled => refused(RESOURCE_EXHAUSTED, "Quota exceeded"),
        Answer::Denied => refused(PERMISSION_DENIED, "not authorized to sign"),
    }
}

/// OAuth's answer to an assertion that the service account's key signed (RFC 7523).
async fn token(body: String) -> Response {
    assert!(
        body.starts_with(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey"
        ),
        "{body}"
    );
    let given = format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":3600}}"#);
    ([("content-type", "application/json")], given).into_response()
}

async fn serve(vault: &Arc<Vault>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = "/google.cloud.kms.v1.KeyManagementService";
    let app = Router::new()
        .route(&format!("{service}/GetPublicKey"), post(public_key))
        .route(&format!("{service}/AsymmetricSign"), post(sign))
        .route("/token", post(token))
        .with_state(Arc::clone(vault));
    // HTTP/2 without TLS for gRPC, HTTP/1 for the token.
    let server = Server::builder()
        .accept_http1(true)
        .add_routes(Routes::from(app))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(async move { server.await.unwrap() });
    format!("http://{address}")
}

/// A service account whose tokens are given by `authority`, with a key that was made for this test.
fn account(folder: &Path, authority: &str) -> std::path::PathBuf {
    let path = folder.join("account.json");
    let account = serde_json::json!({
        "type": "service_account",
        "project_id": "storms",
        "private_key_id": "0123456789abcdef",
        "private_key": include_str!("kms/service_account.pem"),
        "client_email": "attestor@storms.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": format!("{authority}/token"),
    });
    std::fs::write(&path, account.to_string()).unwrap();
    path
}

fn settings(endpoint: &str, authority: &str, folder: &Path) -> KeySettings {
    KeySettings::GcpKms {
        key: KEY.to_owned(),
        endpoint: Some(endpoint.parse().unwrap()),
        credentials: Some(account(folder, authority)),
        timeout: Duration::from_millis(2_500),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_service_signs_verifies_and_what_it_does_wrong_is_found() {
    let (vault, folder) = (Arc::new(Vault::new()), tempfile::tempdir().unwrap());
    let endpoint = serve(&vault).await;
    let signer = Signer::connect(&settings(&endpoint, &endpoint, folder.path()))
        .await
        .unwrap();
    assert_eq!(signer.address(), vault.address());
    let attestor = kms::attestor(signer);
    kms::every_mood(&vault, &attestor, Mood::Throttled(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_cannot_be_reached_may_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "http://127.0.0.1:9";
    let error = Signer::connect(&settings(nowhere, nowhere, folder.path()))
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{}", kms::said(&error));
}

/// Nobody listens there; a library whose TLS lacks its cryptography would panic before it finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_has_its_cryptography() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings("https://localhost", "http://127.0.0.1:9", folder.path());
    let error = Signer::connect(&settings).await.unwrap_err();
    assert!(error.is_transient(), "{}", kms::said(&error));
}

/// The library would take the port for a part of the server's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_in_tls_has_no_port() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(
        "https://localhost:8443",
        "http://127.0.0.1:9",
        folder.path(),
    );
    let error = Signer::connect(&settings).await.unwrap_err();
    assert!(!error.is_transient());
    assert!(kms::said(&error).contains("port"), "{}", kms::said(&error));
}
