//! An API whose callers sign, on a database of its own and on the machine's clock; and callers.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client as Http, Method, Response};
use tempfile::TempDir;
use tocsin::clock::{Clock, SystemClock};
use tocsin::pipeline::bell::Bell;
use tocsin::pipeline::webhooks;
use tocsin::pipeline::webhooks::desk::TellersDesk;
use tocsin::supervisor::Shutdown;
use tocsin_api::Api;
use tocsin_api::auth::{Auth, AuthSettings};
use tocsin_api::metrics::Metrics;
use tocsin_api::webhooks::Desk;
use tocsin_auth::digest::ContentDigest;
use tocsin_auth::life::DAY;
use tocsin_auth::nonce::Nonce;
use tocsin_auth::request::Request;
use tocsin_auth::seal::random;
use tocsin_auth::sign::{Stamp, sign};
use tocsin_auth::{Environment, KeyId, LifeCycle, Scope, SigningKey, UnixTime};
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials, Material, Owner, OwnerName,
};
use tocsin_store::event::{Events, NewEvent};
use tocsin_store_sqlite::SqliteStore;
use tokio::net::TcpListener;

use crate::teller;

/// Signs nothing of worth.
pub const SHARED_SECRET: &str = "it signs for tests, and for nothing else";
/// Signs nothing of worth.
pub const SEED: [u8; 32] = [9; 32];

/// An API that serves until the runtime ends.
pub struct SignedApi {
    /// Where it is, without a slash at the end.
    pub base: String,
    /// Its keys.
    pub store: Arc<SqliteStore>,
    /// Its door.
    pub auth: Auth,
    settings: AuthSettings,
    /// Where the database is.
    pub folder: TempDir,
}

/// Somebody with a key.
#[derive(Clone)]
pub struct Holder {
    /// The key's name.
    pub id: KeyId,
    /// The key.
    pub key: SigningKey,
}

/// The machine's time.
pub fn now() -> UnixTime {
    UnixTime(SystemClock.now().0)
}

impl SignedApi {
    /// Serves on a new database.
    pub async fn serve(settings: AuthSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db"))
            .await
            .unwrap();
        let store = Arc::new(store);
        let settings = AuthSettings {
            seal: Some(teller::seal()),
            ..settings
        };
        let desk = desk(&store);
        let (base, auth) = serve(Arc::clone(&store), settings.clone(), Some(desk), true).await;
        Self {
            base,
            store,
            auth,
            settings,
            folder,
        }
    }

    /// One more API on the same database, with a memory of its own.
    pub async fn beside(&self) -> String {
        serve(Arc::clone(&self.store), self.settings.clone(), None, true)
            .await
            .0
    }

    /// The same, where operational reads take a key.
    pub async fn closed(&self) -> String {
        serve(Arc::clone(&self.store), self.settings.clone(), None, false)
            .await
            .0
    }

    /// A client, if it is new, and a key of it.
    pub async fn holder(&self, client: &str, key: SigningKey, scopes: &[Scope]) -> Holder {
        let name: OwnerName = client.parse().unwrap();
        let mut bytes = [0; 16];
        random(&mut bytes).unwrap();
        let id = KeyId::new(self.settings.environment, bytes);
        let material = match &key {
            SigningKey::Ed25519(_) => Material::Public(key.public().unwrap().unwrap()),
            SigningKey::HmacSha256(secret) => {
                let seal = self.settings.seal.as_ref().unwrap();
                Material::Secret(seal.seal(id.as_str(), secret).unwrap())
            }
        };
        let life = LifeCycle::pending(now().plus(90 * DAY));
        let credential = Credential {
            id: id.clone(),
            owner: Owner::Client(name.clone()),
            material,
            scopes: scopes.iter().copied().collect(),
            life: life.activate(now()).unwrap(),
            created_at: now(),
        };
        let known = self.store.clients().await.unwrap();
        let new = Client {
            name,
            created_at: now(),
        };
        let change = CredentialChange {
            clients: if known.iter().any(|known| known.name == new.name) {
                Vec::new()
            } else {
                vec![new]
            },
            add: vec![credential],
            ..CredentialChange::default()
        };
        self.store.change_credentials(&change).await.unwrap();
        Holder { id, key }
    }

    /// Publishes an event now and then, until the runtime ends: something to be told of.
    pub fn tick(&self) {
        let store = Arc::clone(&self.store);
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            for n in 0_u64.. {
                let event = NewEvent {
                    kind: "warning.raised".to_owned(),
                    at: SystemClock.now(),
                    terms: None,
                    holder: None,
                    body: serde_json::json!({
                        "warning": n, "provisional": true, "risk": "0x01", "terms_hash": "0x02",
                        "insured": "Wasserstoß ≤ 1 €", "ordinal": 1,
                    })
                    .to_string(),
                };
                store.publish(&[event]).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        });
    }

    /// A client that manages keys.
    pub async fn manager(&self, client: &str) -> Holder {
        let mut seed = [0; 32];
        random(&mut seed).unwrap();
        let key = SigningKey::ed25519(&seed).unwrap();
        self.holder(client, key, &[Scope::KeysManage, Scope::Read])
            .await
    }

    /// What the stage of payout services tells them.
    pub async fn described(&self) -> serde_json::Value {
        let shared = SigningKey::hmac(SHARED_SECRET.as_bytes()).unwrap();
        let shared = self
            .holder("shared", shared, &[Scope::Read, Scope::WebhooksManage])
            .await;
        let own = SigningKey::ed25519(&SEED).unwrap();
        // All but the keys themselves: whoever tries everything would take its own away.
        let scopes = Scope::ALL.map(|scope| match scope {
            Scope::KeysManage => Scope::Read,
            other => other,
        });
        let own = self.holder("own", own, &scopes).await;
        serde_json::json!({
            "api": self.base,
            "hmac_key": shared.id,
            "hmac_secret": SHARED_SECRET,
            "ed25519_key": own.id,
            "ed25519_seed": alloy::hex::encode(SEED),
        })
    }
}

/// Tells webhook endpoints until the runtime ends.
fn desk(store: &Arc<SqliteStore>) -> Arc<dyn Desk> {
    let teller = teller::teller(&[1, 1]);
    let stage = teller::stage(Arc::clone(store) as _, &Shutdown::default());
    let bell = Bell::default();
    let told = webhooks::run(Arc::clone(&teller), stage.clone(), bell.clone());
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(told);
    Arc::new(TellersDesk::new(teller, stage, bell, 64))
}

async fn serve(
    store: Arc<SqliteStore>,
    settings: AuthSettings,
    webhooks: Option<Arc<dyn Desk>>,
    open_reads: bool,
) -> (String, Auth) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::default();
    let auth = Auth::new(
        settings,
        Arc::clone(&store) as _,
        Arc::new(now),
        metrics.clone(),
    );
    let api = Api {
        auth: auth.clone(),
        chains: tocsin_api::chains::Chains::default(),
        quorum: tocsin_api::quorum::Quorum::default(),
        feeds: tocsin_api::feeds::Feeds::default(),
        metrics,
        store,
        health: tocsin_api::health::Health::default(),
        open_reads,
        beside: false,
        books: None,
        open_writes: false,
        requests_per_second: None,
        webhooks,
        mirrors: None,
        log_key: None,
        attestor: None,
    };
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(tocsin_api::serve(listener, api, std::future::pending()));
    (format!("http://{address}"), auth)
}

/// A request with all its headers, signed.
pub struct Signed {
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// With what.
    pub headers: HeaderMap,
    /// And what.
    pub body: Vec<u8>,
}

impl Holder {
    /// Signs a request; one with a body or another method than GET is a write.
    pub fn sign(&self, method: Method, base: &str, path: &str, body: &[u8]) -> Signed {
        let mut random_bytes = [0; 16];
        random(&mut random_bytes).unwrap();
        let key = Nonce::new(random_bytes);
        self.sign_again(method, base, path, body, key.as_str())
    }

    /// Signs a request whose writes have an idempotency key of their own.
    pub fn sign_again(
        &self,
        method: Method,
        base: &str,
        path: &str,
        body: &[u8],
        key: &str,
    ) -> Signed {
        self.sign_as(method, base, path, ("application/json", body), key)
    }

    /// The same, with a body of this type.
    pub fn sign_as(
        &self,
        method: Method,
        base: &str,
        path: &str,
        (kind, body): (&str, &[u8]),
        key: &str,
    ) -> Signed {
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            headers.insert(HeaderName::from_static(name), value);
        };
        let mut random_bytes = [0; 16];
        random(&mut random_bytes).unwrap();
        if !body.is_empty() {
            add("content-type", kind);
            add("content-digest", &ContentDigest::of(body).header());
        }
        if method != Method::GET {
            add("idempotency-key", key);
        }
        let stamp = Stamp {
            created: now(),
            expires: now().plus(60),
            nonce: Nonce::new(random_bytes),
        };
        let (plain, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let authority = base.strip_prefix("http://").unwrap();
        let request = Request {
            method: &method,
            authority,
            path: plain,
            query,
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
            url: format!("{base}{path}"),
            headers,
            body: body.to_vec(),
        }
    }
}

impl Signed {
    /// Sends it.
    pub async fn send(&self, http: &Http) -> Response {
        let request = http.request(self.method.clone(), &self.url);
        let request = request
            .headers(self.headers.clone())
            .body(self.body.clone());
        request.send().await.unwrap()
    }
}

/// Settings for `environment` under which what other processes do counts after a second.
pub fn settings(environment: Environment) -> AuthSettings {
    AuthSettings {
        environment,
        cached_for: std::time::Duration::from_secs(1),
        per_second: 10_000,
        burst: 10_000,
        body_patience: std::time::Duration::from_millis(500),
        ..AuthSettings::default()
    }
}
