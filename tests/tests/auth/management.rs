//! Keys that are managed over the API.

use reqwest::{Client as Http, Method, StatusCode};
use serde_json::{Value, json};
use tocsin_auth::{Environment, Scope, SigningKey};
use tocsin_store::credential::{Credentials, MOST_PROPOSALS};
use tocsin_tests::signed::{Holder, SignedApi, now, settings};

use super::closed::beside;
use super::http;

async fn act(http: &Http, api: &SignedApi, by: &Holder, act: Value) -> (StatusCode, Value) {
    let body = act.to_string();
    let signed = by.sign(Method::POST, &api.base, "/v1/keys", body.as_bytes());
    let answer = signed.send(http).await;
    (answer.status(), answer.json().await.unwrap())
}

async fn calls(http: &Http, base: &str, holder: &Holder) -> StatusCode {
    let signed = holder.sign(Method::GET, base, "/v1/caller", b"");
    signed.send(http).await.status()
}

fn with_secret(said: &Value) -> Holder {
    let secret = said["secret"].as_str().unwrap();
    assert!(secret.starts_with("tocsin_sk_"));
    Holder {
        id: said["key"].as_str().unwrap().parse().unwrap(),
        key: SigningKey::hmac(secret.as_bytes()).unwrap(),
    }
}

#[tokio::test]
async fn a_client_comes_rotates_and_goes() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let (http, manager) = (http(), api.manager("manager").await);
    let add = json!({"act": "add_client", "client": "desk", "scopes": ["read"]});
    let (status, said) = act(&http, &api, &manager, add.clone()).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let first = with_secret(&said);
    assert_eq!(calls(&http, &api.base, &first).await, StatusCode::OK);
    assert_eq!(
        act(&http, &api, &manager, add).await.0,
        StatusCode::CONFLICT
    );
    let rotate = json!({"act": "rotate", "client": "desk"});
    let (_, said) = act(&http, &api, &manager, rotate).await;
    let second = with_secret(&said);
    assert_eq!(said["changed"][first.id.as_str()], "retiring");
    for holder in [&first, &second] {
        assert_eq!(calls(&http, &api.base, holder).await, StatusCode::OK);
    }
    let back = json!({"act": "roll_back", "key": first.id});
    let (_, said) = act(&http, &api, &manager, back.clone()).await;
    assert_eq!(said["changed"][first.id.as_str()], "active");
    assert_eq!(
        act(&http, &api, &manager, back).await.0,
        StatusCode::CONFLICT
    );
    let retire = json!({"act": "retire", "key": first.id});
    act(&http, &api, &manager, retire).await;
    assert_eq!(
        calls(&http, &api.base, &first).await,
        StatusCode::UNAUTHORIZED
    );
    let revoke = json!({"act": "revoke", "key": second.id});
    let (_, said) = act(&http, &api, &manager, revoke).await;
    assert_eq!(said["changed"][second.id.as_str()], "revoked");
    assert_eq!(
        calls(&http, &api.base, &second).await,
        StatusCode::UNAUTHORIZED
    );
    for (wrong, status) in [
        (
            json!({"act": "add_key", "client": "nobody", "scopes": ["read"]}),
            404,
        ),
        (
            json!({"act": "add_key", "client": "desk", "scopes": ["keys:manage"]}),
            422,
        ),
        (
            json!({"act": "add_key", "client": "desk", "scopes": []}),
            422,
        ),
        (json!({"act": "rotate", "client": "desk"}), 409),
        (
            json!({"act": "revoke", "key": "tk_test_00000000000000000000000000000000"}),
            404,
        ),
        (json!({"act": "dance"}), 400),
        (
            json!({"act": "add_client", "client": "Desk", "scopes": ["read"]}),
            400,
        ),
    ] {
        let (found, said) = act(&http, &api, &manager, wrong.clone()).await;
        assert_eq!(found.as_u16(), status, "{wrong}: {said}");
    }
}

/// A revocation counts on another node that shares the database, which has the key in its memory.
#[tokio::test]
async fn a_revocation_is_seen_by_other_nodes() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let (http, manager) = (http(), api.manager("manager").await);
    let other = api.beside().await;
    let desk = SigningKey::hmac(&[7; 32]).unwrap();
    let desk = api.holder("desk", desk, &[Scope::Read]).await;
    assert_eq!(calls(&http, &other, &desk).await, StatusCode::OK);
    let revoke = json!({"act": "revoke", "key": desk.id});
    act(&http, &api, &manager, revoke).await;
    assert_eq!(
        calls(&http, &api.base, &desk).await,
        StatusCode::UNAUTHORIZED
    );
    // As long as these settings let it believe what it has read.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(calls(&http, &other, &desk).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn in_production_it_takes_two_people() {
    let api = SignedApi::serve(settings(Environment::Prod)).await;
    let http = http();
    let (one, two) = (api.manager("one").await, api.manager("two").await);
    let same = api.manager("one").await;
    let add = json!({"act": "add_client", "client": "desk", "scopes": ["read"]});
    let (status, said) = act(&http, &api, &one, add).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{said}");
    assert_eq!(said["outcome"], "proposed");
    let id = said["proposal"].as_str().unwrap().to_owned();
    let listed = two.sign(Method::GET, &api.base, "/v1/keys/proposals", b"");
    let listed: Value = listed.send(&http).await.json().await.unwrap();
    assert_eq!(listed["proposals"][0]["act"]["client"], "desk");
    let path = format!("/v1/keys/proposals/{id}/approval");
    let approve = async |by: &Holder| {
        let signed = by.sign(Method::POST, &api.base, &path, b"");
        let answer = signed.send(&http).await;
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    for by in [&one, &same] {
        assert_eq!(approve(by).await.0, StatusCode::FORBIDDEN);
    }
    let (status, said) = approve(&two).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let desk = with_secret(&said);
    assert_eq!(calls(&http, &api.base, &desk).await, StatusCode::OK);
    assert_eq!(approve(&two).await.0, StatusCode::NOT_FOUND);
    // What a revoked key has proposed nobody approves any more; and a revocation waits for nobody.
    let (_, said) = act(
        &http,
        &api,
        &one,
        json!({"act": "rotate", "client": "desk"}),
    )
    .await;
    let late = said["proposal"].as_str().unwrap().to_owned();
    let (status, _) = act(&http, &api, &two, json!({"act": "revoke", "key": one.id})).await;
    assert_eq!(status, StatusCode::OK);
    let path = format!("/v1/keys/proposals/{late}/approval");
    let signed = two.sign(Method::POST, &api.base, &path, b"");
    assert_eq!(signed.send(&http).await.status(), StatusCode::CONFLICT);
}

/// Two clients with one pair of keys are one person.
#[tokio::test]
async fn a_public_key_is_one_persons() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let (http, manager) = (http(), api.manager("manager").await);
    let pair = SigningKey::ed25519(&[5; 32]).unwrap();
    let public = alloy::hex::encode(pair.public().unwrap().unwrap());
    let add = |client: &str| json!({"act": "add_client", "client": client, "scopes": ["keys:manage"], "public_key": public});
    let (status, said) = act(&http, &api, &manager, add("alice")).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let key = said["key"].clone();
    let (status, said) = act(&http, &api, &manager, add("carol")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    assert!(
        said["detail"].as_str().unwrap().contains("public key"),
        "{said}"
    );
    // Nor does one that was revoked come again.
    act(&http, &api, &manager, json!({"act": "revoke", "key": key})).await;
    let (status, _) = act(&http, &api, &manager, add("carol")).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

/// An act that is sent twice is done once, and its secret shown once.
#[tokio::test]
async fn an_act_is_done_once() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let (http, manager) = (http(), api.manager("manager").await);
    let add = json!({"act": "add_client", "client": "desk", "scopes": ["read"]});
    act(&http, &api, &manager, add).await;
    let rotate = json!({"act": "rotate", "client": "desk"}).to_string();
    let send = async |body: &str| {
        let signed =
            manager.sign_again(Method::POST, &api.base, "/v1/keys", body.as_bytes(), "once");
        let answer = signed.send(&http).await;
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (_, first) = send(&rotate).await;
    let (status, second) = send(&rotate).await;
    assert_eq!(status, StatusCode::OK, "{second}");
    assert_eq!(first["key"], second["key"]);
    assert!(first["secret"].is_string() && second["secret"].is_null());
    assert!(second["secret_lost"].is_string());
    let keys = api.store.credentials().await.unwrap();
    assert_eq!(keys.len(), 3);
    let other = json!({"act": "rotate", "client": "manager"}).to_string();
    let (status, said) = send(&other).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
}

/// What cannot be done is not kept for a second person, nobody fills the list, and all of it is in the log.
#[tokio::test]
async fn proposals_are_sound_and_few() {
    let api = SignedApi::serve(settings(Environment::Prod)).await;
    let (http, one) = (http(), api.manager("one").await);
    let padded = "=".repeat(70_000);
    for wrong in [
        json!({"act": "rotate", "client": "nobody"}),
        json!({"act": "add_client", "client": "x", "scopes": ["read"], "public_key": padded}),
        json!({"act": "add_client", "client": "x", "scopes": []}),
    ] {
        let (status, said) = act(&http, &api, &one, wrong).await;
        assert!(status.is_client_error(), "{status} {said}");
    }
    assert_eq!(api.store.proposals(now()).await.unwrap(), []);
    let mut last = StatusCode::ACCEPTED;
    let mut accepted = 0;
    for number in 0..=MOST_PROPOSALS {
        let add = json!({"act": "add_client", "client": format!("c{number}"), "scopes": ["read"]});
        last = act(&http, &api, &one, add).await.0;
        accepted += u32::from(last == StatusCode::ACCEPTED);
    }
    assert_eq!((accepted, last), (MOST_PROPOSALS, StatusCode::CONFLICT));
    let two = api.manager("two").await;
    let theirs = json!({"act": "add_client", "client": "late", "scopes": ["read"]});
    assert_eq!(act(&http, &api, &two, theirs).await.0, StatusCode::ACCEPTED);
    let queued: Vec<String> = sqlx::query_scalar(
        "SELECT json_extract(body, '$.action') FROM log_queue WHERE kind = 'audit'",
    )
    .fetch_all(&mut beside(&api).await)
    .await
    .unwrap();
    let count = |action: &str| queued.iter().filter(|queued| *queued == action).count();
    assert_eq!(count("key-act-refused"), 4);
    let proposed = usize::try_from(accepted).unwrap() + 1;
    assert_eq!(count("key-act-proposed"), proposed);
}
