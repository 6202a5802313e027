//! Streams of events that a key has opened.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tocsin_auth::{Environment, Scope, SigningKey};
use tocsin_tests::signed::{SignedApi, settings};

use super::http;

/// A stream ends soon after its key does, and no sooner.
#[tokio::test]
async fn a_stream_does_not_outlive_its_key() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let (http, manager) = (http(), api.manager("manager").await);
    let closed = api.closed().await;
    let key = SigningKey::hmac(&[7; 32]).unwrap();
    let desk = api.holder("desk", key, &[Scope::Read]).await;
    assert_eq!(
        http.get(format!("{closed}/v1/events"))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::UNAUTHORIZED
    );
    let signed = desk.sign(Method::GET, &closed, "/v1/events", b"");
    let mut stream = signed.send(&http).await;
    assert_eq!(stream.status(), StatusCode::OK);
    let open = tokio::time::timeout(Duration::from_secs(3), stream.chunk()).await;
    assert!(
        open.is_err(),
        "it follows as long as the key is good: {open:?}"
    );
    let revoke = json!({"act": "revoke", "key": desk.id}).to_string();
    let revoke = manager.sign(Method::POST, &api.base, "/v1/keys", revoke.as_bytes());
    assert_eq!(revoke.send(&http).await.status(), StatusCode::OK);
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await;
    assert_eq!(ended.unwrap().unwrap(), None);
}

/// One address does not take the places of all.
#[tokio::test]
async fn an_address_has_so_many_streams() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let http = http();
    let mut streams = Vec::new();
    for _ in 0..16 {
        let stream = http
            .get(format!("{}/v1/events", api.base))
            .send()
            .await
            .unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        streams.push(stream);
    }
    let more = http
        .get(format!("{}/v1/events", api.base))
        .send()
        .await
        .unwrap();
    assert_eq!(more.status(), StatusCode::TOO_MANY_REQUESTS);
}
