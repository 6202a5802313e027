//! A service that cannot write a nonce, or read a key, lets nobody in.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tocsin_auth::{Environment, Scope, SigningKey};
use tocsin_tests::signed::{Holder, SignedApi, settings};

use super::http;

/// Whoever has the database besides the service.
pub(super) async fn beside(api: &SignedApi) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(api.folder.path().join("t.db"))
        .busy_timeout(Duration::from_secs(5));
    options.connect().await.unwrap()
}

async fn write(api: &SignedApi, by: &Holder) -> (StatusCode, bool, Value) {
    let signed = by.sign(Method::POST, &api.base, "/v1/caller", b"{}");
    let answer = signed.send(&http()).await;
    let later = answer.headers().contains_key("retry-after");
    (answer.status(), later, answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_nonce_store_no_write_is_accepted() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let keys = [
        SigningKey::hmac(&[1; 32]).unwrap(),
        SigningKey::ed25519(&[2; 32]).unwrap(),
    ];
    let manager = api.manager("manager").await;
    let mut holders = Vec::new();
    for key in keys {
        holders.push(api.holder("desk", key, &[Scope::Read]).await);
    }
    let open = async || {
        for holder in &holders {
            assert_eq!(write(&api, holder).await.0, StatusCode::OK);
        }
    };
    let closed = async |why: &str| {
        for holder in &holders {
            let (status, later, said) = write(&api, holder).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{why}: {said}");
            assert!(later, "{why}: {said}");
        }
    };
    open().await;
    let mut other = beside(&api).await;

    // Somebody else writes and does not end.
    let mut hogging = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("DELETE FROM proposals")
        .execute(&mut *hogging)
        .await
        .unwrap();
    let (one, two) = tokio::join!(write(&api, &holders[0]), write(&api, &holders[1]));
    for (status, later, said) in [one, two] {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "busy: {said}");
        assert!(later, "{said}");
    }
    hogging.rollback().await.unwrap();
    open().await;

    // The nonces are gone; the keys are still in memory.
    rename(&mut other, "request_nonces", "lost").await;
    closed("no nonces").await;
    let keys = manager.sign(Method::GET, &api.base, "/v1/keys", b"");
    let keys = keys.send(&http()).await.status();
    assert_eq!(keys, StatusCode::SERVICE_UNAVAILABLE);
    rename(&mut other, "lost", "request_nonces").await;
    open().await;

    // The keys are gone, and no more in memory.
    rename(&mut other, "credentials", "lost").await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    closed("no keys").await;
    rename(&mut other, "lost", "credentials").await;
    open().await;
}

async fn rename(connection: &mut SqliteConnection, from: &str, to: &str) {
    let renaming = format!("ALTER TABLE {from} RENAME TO {to}");
    sqlx::query(sqlx::AssertSqlSafe(renaming))
        .execute(connection)
        .await
        .unwrap();
}

/// A refusal says what would be taken, as RFC 9110 and RFC 9421 have it.
#[tokio::test]
async fn a_refusal_says_what_to_sign() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let url = format!("{}/v1/caller", api.base);
    let read = http().get(&url).send().await.unwrap();
    let body = http().post(&url).body("{}");
    let write = body.header("content-type", "application/json").send();
    for (answer, components) in [
        (read, "\"@method\" \"@authority\" \"@path\" \"@query\""),
        (
            write.await.unwrap(),
            "\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \"content-digest\" \"idempotency-key\"",
        ),
    ] {
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let challenge = &answer.headers()["www-authenticate"];
        assert!(challenge.to_str().unwrap().starts_with("Signature "));
        let accepted = answer.headers()["accept-signature"].to_str().unwrap();
        let expected = format!("sig1=({components});created;expires;tag=\"tocsin-api-v1\"");
        assert_eq!(accepted, expected);
    }
}
