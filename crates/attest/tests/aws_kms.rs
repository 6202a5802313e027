//! Keys in AWS KMS, against a server that speaks its protocol.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

#[path = "kms/vault.rs"]
mod kms;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kms::{Answer, Mood, Vault};
use serde_json::{Value as Json, json};
use tocsin_attest::{KeySettings, Signer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// AWS's JSON protocol 1.1: the operation is in a header, every request is signed.
async fn answer(State(vault): State<Arc<Vault>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let credential = header("authorization");
    assert!(
        credential.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
            && credential.contains("/eu-central-1/kms/aws4_request"),
        "{credential}"
    );
    assert_eq!(header("content-type"), "application/x-amz-json-1.1");
    let asked: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!(asked["KeyId"], KEY);
    match header("x-amz-target").as_str() {
        "TrentService.GetPublicKey" => said(
            StatusCode::OK,
            json!({
                "KeyId": KEY,
                "KeySpec": "ECC_SECG_P256K1",
                "KeyUsage": "SIGN_VERIFY",
                "PublicKey": BASE64_STANDARD.encode(vault.public_key_der()),
                "SigningAlgorithms": ["ECDSA_SHA_256"],
            }),
        ),
        "TrentService.Sign" => {
            assert_eq!(asked["MessageType"], "DIGEST");
            assert_eq!(asked["SigningAlgorithm"], "ECDSA_SHA_256");
            let digest = BASE64_STANDARD
                .decode(asked["Message"].as_str().unwrap())
                .unwrap();
            match vault.sign(&digest).await {
                Answer::Signature(der) => said(
                    StatusCode::OK,
                    json!({
                        "KeyId": KEY,
                        "Signature": BASE64_STANDARD.encode(der),
                        "SigningAlgorithm": "ECDSA_SHA_256",
                    }),
                ),
                Answer::Throttled => said(
                    StatusCode::BAD_REQUEST,
                    json!({ "__type": "ThrottlingException", "message": "Rate exceeded" }),
                ),
                Answer::Denied => said(
                    StatusCode::BAD_REQUEST,
                    json!({
                        "__type": "AccessDeniedException",
                        "message": "User is not authorized to perform: kms:Sign",
                    }),
                ),
            }
        }
        other => said(
            StatusCode::BAD_REQUEST,
            json!({ "__type": "UnknownOperationException", "message": other }),
        ),
    }
}

fn said(status: StatusCode, body: Json) -> Response {
    let form = [("content-type", "application/x-amz-json-1.1")];
    (status, form, body.to_string()).into_response()
}

async fn serve(vault: &Arc<Vault>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/", post(answer))
        .with_state(Arc::clone(vault));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

fn credentials(folder: &Path) -> PathBuf {
    let path = folder.join("credentials");
    let text = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n";
    std::fs::write(&path, text).unwrap();
    path
}

fn settings(endpoint: &str, folder: &Path) -> KeySettings {
    KeySettings::AwsKms {
        key: KEY.to_owned(),
        region: None,
        endpoint: Some(endpoint.parse().unwrap()),
        credentials: Some(credentials(folder)),
        timeout: Duration::from_millis(2_500),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_service_signs_verifies_and_what_it_does_wrong_is_found() {
    let (vault, folder) = (Arc::new(Vault::new()), tempfile::tempdir().unwrap());
    let endpoint = serve(&vault).await;
    let signer = Signer::connect(&settings(&endpoint, folder.path()))
        .await
        .unwrap();
    assert_eq!(signer.address(), vault.address());
    let attestor = kms::attestor(signer);
    kms::every_mood(&vault, &attestor, Mood::Throttled(u32::MAX)).await;

    // A request that is turned away once is made again by itself.
    vault.set(Mood::Throttled(1));
    kms::attest(&attestor).await.unwrap();
    assert_eq!(vault.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_cannot_be_reached_may_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let error = Signer::connect(&settings("http://127.0.0.1:9", folder.path()))
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{}", kms::said(&error));
}

/// The first byte that a client sends to a server that says nothing: 0x16 is TLS.
async fn first_byte(listener: TcpListener) -> u8 {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_u8().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_is_spoken_to_in_tls() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let settings = settings(&endpoint, folder.path());
    let (first, opened) = tokio::join!(first_byte(listener), Signer::connect(&settings));
    assert_eq!(first, 0x16);
    assert!(opened.unwrap_err().is_transient());
}
