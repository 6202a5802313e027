//! Who may change terms: whoever can be shown later to have done it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tocsin_auth::{Environment, Scope, SigningKey};
use tocsin_tests::signed::{Holder, SignedApi, settings};

use super::http;

const COVER: &[u8] = include_bytes!("../../../config/covers/usdc-depeg-24h.toml");

async fn write(api: &SignedApi, by: &Holder, path: &str) -> (StatusCode, Value) {
    let key = format!("{}{path}", by.id).replace('/', "-");
    let body = ("application/toml", COVER);
    let signed = by.sign_as(Method::POST, &api.base, path, body, &key);
    let answer = signed.send(&http()).await;
    (answer.status(), answer.json().await.unwrap())
}

/// A shared secret has the scope, and may still neither declare a cover nor have one checked; a key pair may.
#[tokio::test]
async fn a_shared_secret_declares_no_cover() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let scopes = [Scope::CoversWrite, Scope::PoliciesWrite];
    let shared = SigningKey::hmac(&[1; 32]).unwrap();
    let shared = api.holder("shared", shared, &scopes).await;
    let own = SigningKey::ed25519(&[2; 32]).unwrap();
    let own = api.holder("own", own, &scopes).await;
    let unscoped = SigningKey::ed25519(&[3; 32]).unwrap();
    let unscoped = api
        .holder("unscoped", unscoped, &[Scope::PoliciesWrite])
        .await;

    for path in ["/v1/covers", "/v1/covers/check"] {
        for (holder, word) in [(&shared, "ed25519"), (&unscoped, "covers:write")] {
            let (status, said) = write(&api, holder, path).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
            let detail = said["detail"].as_str().unwrap();
            assert!(detail.contains(word), "{said}");
        }
    }
    let (status, said) = write(&api, &own, "/v1/covers/check").await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(said["name"], "usdc-depeg-24h");
    // It comes through the door; behind it, this service has no books.
    let (status, said) = write(&api, &own, "/v1/covers").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
    let detail = said["detail"].as_str().unwrap();
    assert!(detail.contains("takes nothing from clients"), "{said}");

    // Nobody is given a shared secret with that scope in the first place.
    let manager = api.manager("manager").await;
    let add = json!({"act": "add_client", "client": "late", "scopes": ["covers:write"]});
    let add = add.to_string();
    let signed = manager.sign(Method::POST, &api.base, "/v1/keys", add.as_bytes());
    let answer = signed.send(&http()).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let said: Value = answer.json().await.unwrap();
    assert!(said["detail"].as_str().unwrap().contains("ed25519"));
}
