//! A folder with everything that the measured service needs: a cover, a feed, policies, keys of clients, webhook endpoints.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;
use tocsin::clock::{Clock, SystemClock};
use tocsin::command::policies;
use tocsin::config::load_cover;
use tocsin::insure::csv::COLUMNS;
use tocsin_auth::life::DAY;
use tocsin_auth::seal::random;
use tocsin_auth::{Environment, KeyId, LifeCycle, Scope, SigningKey};
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials, Material, Owner,
};
use tocsin_store::webhook::{EndpointId, Filter, Profile, Webhooks};
use tocsin_store_sqlite::SqliteStore;
use tokio::net::TcpListener;

use crate::signed::{Holder, now};
use crate::teller;

/// Risks among which the policies are spread.
const SUBJECTS: u32 = 1_000;

/// Where the service will be.
pub struct Place {
    folder: TempDir,
    /// Where it will listen.
    pub address: SocketAddr,
    terms: String,
}

impl Place {
    /// A folder with `policies` policies in its database, whose prices come from `sink`.
    pub async fn new(policies: u32, sink: SocketAddr) -> Self {
        let folder = TempDir::new().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("cover.toml", COVER);
        write("spot.toml", &FEED.replace("1min", "60min"));
        write("spot.key", "a key of no worth");
        write("master.key", &alloy::hex::encode(teller::MASTER));
        write("tocsin.toml", &config(address, sink));
        let terms = load_cover(&folder.path().join("cover.toml")).unwrap();
        let terms = terms.terms_hash.to_string();
        let place = Self {
            folder,
            address,
            terms,
        };
        let mut rows = COLUMNS.join(",") + "\n";
        for number in 0..policies {
            let policy = place.policy(number);
            let values = COLUMNS.map(|name| policy[name].as_str().unwrap());
            writeln!(rows, "{}", values.join(",")).unwrap();
        }
        std::fs::write(place.path("policies.csv"), rows).unwrap();
        let mut out = std::io::sink();
        policies::import(
            &place.path("policies.csv"),
            &place.path("tocsin.toml"),
            &SystemClock,
            &mut out,
        )
        .await
        .unwrap();
        place
    }

    /// A policy as clients write it.
    pub fn policy(&self, number: u32) -> serde_json::Value {
        let begin = SystemClock.now().0 / 86_400 * 86_400;
        serde_json::json!({
            "number": number.to_string(),
            "cover": "fall",
            "terms_hash": self.terms,
            "consumer": "eip155:1:0x0000000000000000000000000000000000000003",
            "holder": format!("0x{:040x}", number + 1),
            "sum_insured": "1000",
            "inception": begin.to_string(),
            "expiry": (begin + 90 * 86_400).to_string(),
            "subject": format!("price:T{}-USD", number % SUBJECTS),
        })
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database, which the service must not have at the same time.
    pub async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path("tocsin.db")).await.unwrap()
    }

    /// Clients with an ed25519 key each, which may write.
    pub async fn holders(&self, count: u8) -> Vec<Holder> {
        let store = self.store().await;
        let mut holders = Vec::new();
        for number in 0..count {
            let key = SigningKey::ed25519(&[number; 32]).unwrap();
            let name: tocsin_store::credential::OwnerName =
                format!("client-{number}").parse().ok().unwrap();
            let client = Client {
                name: name.clone(),
                created_at: now(),
            };
            let mut bytes = [0; 16];
            random(&mut bytes).unwrap();
            let id = KeyId::new(Environment::Test, bytes);
            let life = LifeCycle::pending(now().plus(90 * DAY));
            let credential = Credential {
                id: id.clone(),
                owner: Owner::Client(name),
                material: Material::Public(key.public().unwrap().unwrap()),
                scopes: [Scope::Read, Scope::PoliciesWrite].into_iter().collect(),
                life: life.activate(now()).unwrap(),
                created_at: now(),
            };
            let change = CredentialChange {
                clients: vec![client],
                add: vec![credential],
                ..CredentialChange::default()
            };
            store.change_credentials(&change).await.unwrap();
            holders.push(Holder { id, key });
        }
        store.close().await;
        holders
    }
}

/// Registers endpoints that want everything, told at `sink`.
pub async fn register(store: &SqliteStore, sink: SocketAddr, count: u8) {
    for number in 0..count {
        let profile = Profile {
            url: format!("http://{sink}/hook/{number}"),
            description: String::new(),
            filter: Filter::default(),
        };
        let id = EndpointId([number + 1; 16].into());
        let (registration, _secret) = teller::registration(id, profile);
        store.add_endpoint(&registration, 99).await.unwrap();
    }
}

fn config(address: SocketAddr, sink: SocketAddr) -> String {
    format!(
        r#"database = "tocsin.db"

[[covers]]
file = "cover.toml"
evaluate_from = "2026-03-01T00:00:00Z"

[feeds."feed:spot"]
definition = "spot.toml"
url        = "http://{sink}"
per_second = 500

[api]
listen = "{address}"
late_policies = "2d"

[auth]
environment         = "test"
master_key          = "file:master.key"
requests_per_second = 1_000_000
burst               = 1_000_000

[log]
origin = "bench.example/log"

[webhooks]
allow      = ["127.0.0.0/8"]
plain_http = true
"#
    )
}

const COVER: &str = include_str!("../../samples/fall/cover.toml");

const FEED: &str = include_str!("../../samples/fall/feed.toml");
