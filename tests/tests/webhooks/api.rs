//! Webhooks through the API: registered with a key, told by a running service, seen by nobody else.

use std::time::Duration;

use jsonschema::Validator;
use reqwest::{Client, Method};
use secrecy::SecretString;
use serde_json::{Value, json};
use tocsin_auth::{Environment, Scope, SigningKey};
use tocsin_tests::anvil::repository;
use tocsin_tests::http;
use tocsin_tests::signed::{Holder, Signed, SignedApi, settings};

use super::sink::{Mood, Sink};

pub(crate) struct Caller<'a> {
    pub(crate) api: &'a SignedApi,
    http: &'static Client,
    pub(crate) holder: Holder,
}

impl Caller<'_> {
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let signed = self.holder.sign(method, &self.api.base, path, &body);
        self.send(signed).await
    }

    /// A write under an idempotency key of its own.
    pub(crate) async fn write(&self, path: &str, body: &Value, key: &str) -> (u16, Value) {
        let body = body.to_string().into_bytes();
        let base = &self.api.base;
        let signed = self.holder.sign_again(Method::POST, base, path, &body, key);
        self.send(signed).await
    }

    async fn send(&self, signed: Signed) -> (u16, Value) {
        let answer = signed.send(self.http).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

pub(crate) async fn caller<'a>(api: &'a SignedApi, name: &str, scopes: &[Scope]) -> Caller<'a> {
    let key = SigningKey::hmac(format!("a secret of {name} that is long enough").as_bytes());
    let holder = api.holder(name, key.unwrap(), scopes).await;
    let http = http::client();
    Caller { api, http, holder }
}

async fn until(so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(so(), "it did not come to be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_registered_told_and_hidden_from_others() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let owner = caller(&api, "owner", &[Scope::WebhooksManage]).await;
    let other = caller(&api, "other", &[Scope::WebhooksManage]).await;
    let reader = caller(&api, "reader", &[Scope::Read]).await;
    let sink = Sink::open(Mood::Taking).await;
    let wanted = json!({ "url": format!("http://{}/hook", sink.address), "filter": { "kinds": ["warning.raised"] } });

    let (status, _) = reader
        .call(Method::POST, "/v1/webhooks", Some(wanted.clone()))
        .await;
    assert_eq!(status, 403);
    for (url, status) in [
        ("http://10.0.0.1/", 422),
        ("ftp://example.com/", 422),
        ("http://[::1]/", 422),
    ] {
        let (answered, problem) = owner
            .call(Method::POST, "/v1/webhooks", Some(json!({ "url": url })))
            .await;
        assert_eq!(answered, status, "{problem}");
    }
    // A kind that no event has would be told of nothing, and a list is no object.
    for (filter, word) in [
        (
            json!({ "kinds": ["claim", "claims"] }),
            "`claims` is no kind",
        ),
        (json!({ "kinds": ["warnings.*"] }), "warning.raised"),
        (json!([["claim"]]), "this is a list"),
    ] {
        let body = json!({ "url": wanted["url"], "filter": filter });
        let (status, problem) = owner.call(Method::POST, "/v1/webhooks", Some(body)).await;
        assert_eq!(status, 422, "{problem}");
        assert!(problem.to_string().contains(word), "{problem}");
    }
    let (status, made) = owner.call(Method::POST, "/v1/webhooks", Some(wanted)).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    let secret = SecretString::from(made["secret"].as_str().unwrap());
    let path = format!("/v1/webhooks/{id}");

    api.tick();
    until(|| sink.taken().len() >= 3).await;
    let schema = std::fs::read(repository().join("docs/schema/event.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let form: Validator = jsonschema::options().build(&schema).unwrap();
    for seen in sink.taken() {
        assert!(seen.is_signed_with(&secret));
        assert!(seen.id.starts_with(&id));
        form.validate(&seen.json()).unwrap();
    }
    let (status, shown) = owner.call(Method::GET, &path, None).await;
    assert_eq!((status, &shown["standing"]), (200, &json!("active")));
    assert!(!shown.to_string().contains("whsec_"));
    let (_, told) = owner
        .call(Method::GET, &format!("{path}/deliveries"), None)
        .await;
    assert_eq!(told["deliveries"][0]["outcome"], "delivered");

    // To others it is not there.
    assert_eq!(other.call(Method::GET, &path, None).await.0, 404);
    assert_eq!(other.call(Method::DELETE, &path, None).await.0, 404);
    let (_, list) = other.call(Method::GET, "/v1/webhooks", None).await;
    assert_eq!(list["webhooks"], json!([]));

    let standing = |standing| Some(json!({ "standing": standing }));
    let (status, paused) = owner
        .call(
            Method::POST,
            &format!("{path}/standing"),
            standing("paused"),
        )
        .await;
    assert_eq!((status, &paused["standing"]), (200, &json!("paused")));
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let count = sink.taken().len();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(sink.taken().len(), count);
    owner
        .call(
            Method::POST,
            &format!("{path}/standing"),
            standing("active"),
        )
        .await;
    until(|| sink.taken().len() > count + 5).await;
    let seqs: Vec<u64> = sink.taken().iter().map(|seen| seen.seq).collect();
    assert!(
        seqs.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{seqs:?}"
    );

    let (status, _) = owner
        .call(
            Method::POST,
            &format!("{path}/replays"),
            Some(json!({ "until": 2 })),
        )
        .await;
    assert_eq!(status, 202);
    let (status, answer) = owner
        .call(
            Method::POST,
            &format!("{path}/secrets"),
            Some(json!({ "scheme": "ed25519" })),
        )
        .await;
    assert_eq!(status, 201);
    assert!(answer["secret"].as_str().unwrap().starts_with("whpk_"));
    let (_, secrets) = owner
        .call(Method::GET, &format!("{path}/secrets"), None)
        .await;
    assert_eq!(secrets["secrets"].as_array().unwrap().len(), 2);
    assert_eq!(owner.call(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(owner.call(Method::GET, &path, None).await.0, 404);
}
