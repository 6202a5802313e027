//! What is done to endpoints over the API: once for each key, in every state that a key can be in, and never unsaid.

use reqwest::Method;
use serde_json::{Value, json};
use tocsin::clock::{Clock, SystemClock};
use tocsin_auth::{Environment, Scope};
use tocsin_domain::time::Seconds;
use tocsin_store::credential::Credentials;
use tocsin_store::log::{Appending, Log};
use tocsin_store::webhook::Webhooks;
use tocsin_tests::signed::{SignedApi, settings};

use super::api::caller;

/// Whoever repeats a registration has one endpoint, and is told what to do without its secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_registration_registers_once() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let owner = caller(&api, "owner", &[Scope::WebhooksManage]).await;
    let wanted = json!({ "url": "http://127.0.0.1:9/hook" });
    let register = async |wanted: &Value, key: &str| owner.write("/v1/webhooks", wanted, key).await;
    let (many, one) = tokio::join!(
        futures_util::future::join_all((0..4).map(|_| register(&wanted, "at-once"))),
        register(&wanted, "first")
    );
    let shown = many.iter().filter(|(_, said)| said["secret"].is_string());
    assert_eq!(shown.count(), 1, "{many:?}");
    for (status, said) in &many {
        assert_eq!(*status, 201, "{said}");
        assert_eq!(said["id"], many[0].1["id"]);
        assert_ne!(said["id"], one.1["id"]);
        assert_ne!(said["secret"].is_string(), said["secret_lost"].is_string());
    }
    assert_eq!(api.store.endpoints().await.unwrap().len(), 2);
    let other = json!({ "url": "http://127.0.0.1:9/other" });
    let (status, problem) = register(&other, "first").await;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/idempotency-key-reused"))
    );

    // The same with a new secret of an endpoint.
    let path = format!("/v1/webhooks/{}/secrets", one.1["id"].as_str().unwrap());
    let (_, first) = owner.write(&path, &json!({}), "rotate").await;
    let (status, again) = owner.write(&path, &json!({}), "rotate").await;
    assert_eq!((status, &again["key"]), (201, &first["key"]));
    assert!(first["secret"].is_string() && again["secret"].is_null());
    let (_, listed) = owner.call(Method::GET, &path, None).await;
    assert_eq!(listed["secrets"].as_array().unwrap().len(), 2);
}

/// A secret waits, becomes active, is rolled back to, retires, and is revoked; the log has each act with who did it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_live_as_keys_do_and_the_log_says_who_did_what() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let owner = caller(&api, "owner", &[Scope::WebhooksManage]).await;
    let other = caller(&api, "other", &[Scope::WebhooksManage]).await;
    let wanted = json!({ "url": "http://127.0.0.1:9/a-secret-path" });
    let (_, made) = owner.call(Method::POST, "/v1/webhooks", Some(wanted)).await;
    let (id, first) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let path = format!("/v1/webhooks/{id}");
    let secrets = format!("{path}/secrets");
    let pending = json!({ "scheme": "ed25519", "pending": true });
    let (_, second) = owner.call(Method::POST, &secrets, Some(pending)).await;
    let second = second["key"].as_str().unwrap();
    let states = |list: &Value| -> Vec<(String, String)> {
        let lines = list["secrets"].as_array().unwrap().iter();
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        lines
            .map(|line| (text(line, "key"), text(line, "state")))
            .collect()
    };
    let is = |key: &str, state: &str| (key.to_owned(), state.to_owned());
    let (_, listed) = owner.call(Method::GET, &secrets, None).await;
    let mut found = states(&listed);
    found.sort();
    let mut expected = vec![is(first, "active"), is(second, "pending")];
    expected.sort();
    assert_eq!(found, expected);
    let act = async |key: &str, what: Value| {
        owner
            .call(Method::POST, &format!("{secrets}/{key}"), Some(what))
            .await
    };
    for (key, what, first_is, second_is) in [
        (second, json!({ "act": "activate" }), "retiring", "active"),
        (first, json!({ "act": "roll_back" }), "active", "active"),
        (
            second,
            json!({ "act": "retire", "overlap_seconds": 60 }),
            "active",
            "retiring",
        ),
    ] {
        let (status, listed) = act(key, what).await;
        assert_eq!(status, 200, "{listed}");
        let found = states(&listed);
        for expected in [is(first, first_is), is(second, second_is)] {
            assert!(found.contains(&expected), "{found:?}");
        }
    }
    let (_, listed) = act(second, json!({ "act": "revoke" })).await;
    assert_eq!(states(&listed), [is(first, "active")]);
    for (what, status) in [
        (json!({ "act": "roll_back" }), 409),
        (json!({ "act": "activate" }), 409),
        (json!({ "act": "dance" }), 400),
        (json!({ "act": "retire", "overlap_seconds": -1 }), 400),
    ] {
        assert_eq!(act(second, what.clone()).await.0, status, "{what}");
    }
    let strange = format!("{secrets}/{first}");
    let revoke = Some(json!({ "act": "revoke" }));
    assert_eq!(other.call(Method::POST, &strange, revoke).await.0, 404);
    let paused = Some(json!({ "standing": "paused" }));
    owner
        .call(Method::POST, &format!("{path}/standing"), paused)
        .await;
    assert_eq!(owner.call(Method::DELETE, &path, None).await.0, 204);
    let keys = api.store.credentials().await.unwrap();
    let left = keys.iter().filter(|key| key.owner.kind() == "webhook");
    assert!(
        left.into_iter()
            .all(|key| !key.life.verifies(key.created_at.plus(60)))
    );

    let appending = Appending {
        now: SystemClock.now(),
        limit: 1_000,
        coverage_every: Seconds(300),
        slack: &[],
    };
    api.store.append(&appending).await.unwrap();
    let leaves = api.store.leaves_about(id, Some("audit"), 99).await.unwrap();
    let actor = format!("owner ({})", owner.holder.id);
    let mut actions = Vec::new();
    for leaf in leaves.iter().rev() {
        // The path of a URL may be a secret of the receiver's.
        assert!(!leaf.entry.contains("a-secret-path"));
        let entry: Value = serde_json::from_str(&leaf.entry).unwrap();
        assert_eq!(entry["body"]["actor"], json!(actor));
        actions.push(entry["body"]["action"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        actions,
        [
            "webhook-registered",
            "webhook-secret-made",
            "webhook-secret-activated",
            "webhook-secret-rolled-back",
            "webhook-secret-retired",
            "webhook-secret-revoked",
            "webhook-paused",
            "webhook-removed",
        ]
    );
}
