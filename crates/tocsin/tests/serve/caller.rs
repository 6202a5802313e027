//! Callers: somebody with a key, who signs for the one name that both processes have.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client as Http, Method, Response, StatusCode};
use serde_json::{Value, json};
use tocsin::clock::{Clock, SystemClock};
use tocsin_auth::digest::ContentDigest;
use tocsin_auth::nonce::Nonce;
use tocsin_auth::request::Request;
use tocsin_auth::seal::random;
use tocsin_auth::sign::{Stamp, sign};
use tocsin_auth::{KeyId, SigningKey, UnixTime};

use crate::pair::{AUTHORITY, Place, Process};

/// Somebody with a key.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) id: KeyId,
    pub(crate) key: SigningKey,
}

/// A request as it goes over the wire: it can be sent twice, to either process.
pub(crate) struct Signed {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Caller {
    /// One who manages keys, made by a command in `folder`.
    pub(crate) fn manager(place: &Place, folder: &str) -> Self {
        let mut seed = [0; 32];
        random(&mut seed).unwrap();
        let key = SigningKey::ed25519(&seed).unwrap();
        let public = alloy::hex::encode(key.public().unwrap().unwrap());
        let add = [
            "clients",
            "add",
            "boss",
            "--scope",
            "keys:manage",
            "--scope",
            "read",
        ];
        let add = place.say(folder, &[&add[..], &["--public-key", &public]].concat());
        let said = String::from_utf8(add.stdout).unwrap();
        let id = said.lines().find_map(|line| line.strip_prefix("key id: "));
        Self {
            id: id.unwrap().parse().unwrap(),
            key,
        }
    }

    /// Does something to keys.
    pub(crate) async fn act(&self, http: &Http, at: &Process, act: &Value) -> Value {
        let answer = self.sign(Method::POST, "/v1/keys", &act.to_string());
        let answer = answer.send(http, at).await;
        assert_eq!(answer.status(), StatusCode::OK, "{act}");
        answer.json().await.unwrap()
    }

    /// Makes a client, and its first key.
    pub(crate) async fn make(
        &self,
        http: &Http,
        at: &Process,
        client: &str,
        scopes: &[&str],
    ) -> Self {
        let act = json!({"act": "add_client", "client": client, "scopes": scopes});
        Self::told(&self.act(http, at, &act).await)
    }

    /// Whoever is told of a new key.
    pub(crate) fn told(said: &Value) -> Self {
        Self {
            id: said["key"].as_str().unwrap().parse().unwrap(),
            key: SigningKey::hmac(said["secret"].as_str().unwrap().as_bytes()).unwrap(),
        }
    }

    /// What becomes of a request that says nothing.
    pub(crate) async fn calls(&self, http: &Http, at: &Process) -> StatusCode {
        let signed = self.sign(Method::GET, "/v1/caller", "");
        signed.send(http, at).await.status()
    }

    /// Signs a request.
    pub(crate) fn sign(&self, method: Method, path: &str, body: &str) -> Signed {
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            headers.insert(HeaderName::from_static(name), value);
        };
        let nonce = || {
            let mut bytes = [0; 16];
            random(&mut bytes).unwrap();
            Nonce::new(bytes)
        };
        add("host", AUTHORITY);
        if !body.is_empty() {
            add("content-type", "application/json");
            add(
                "content-digest",
                &ContentDigest::of(body.as_bytes()).header(),
            );
        }
        if method != Method::GET {
            add("idempotency-key", nonce().as_str());
        }
        let now = UnixTime(SystemClock.now().0);
        let stamp = Stamp {
            created: now,
            expires: now.plus(60),
            nonce: nonce(),
        };
        let request = Request {
            method: &method,
            authority: AUTHORITY,
            path,
            query: None,
            headers: &headers,
        };
        let signature = sign(&request, &self.id, &self.key, &stamp).unwrap();
        for (name, value) in [
            ("signature-input", &signature.input),
            ("signature", &signature.signature),
        ] {
            let value = HeaderValue::from_str(value).unwrap();
            headers.insert(HeaderName::from_static(name), value);
        }
        Signed {
            method,
            path: path.to_owned(),
            headers,
            body: body.as_bytes().to_vec(),
        }
    }
}

impl Signed {
    /// Sends it to one of the processes.
    pub(crate) async fn send(&self, http: &Http, at: &Process) -> Response {
        let request = http.request(self.method.clone(), format!("{}{}", at.base, self.path));
        let request = request
            .headers(self.headers.clone())
            .body(self.body.clone());
        request.send().await.unwrap()
    }
}
