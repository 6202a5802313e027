//! What happens to keys is in the eligibility log, by whatever connection it was done.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;
use tocsin_auth::{Environment, Failure, KeyId, LifeCycle, Scope, UnixTime};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials, LifeChange, Material, Owner, Uses,
};
use tocsin_store::log::{Appending, Log};
use tocsin_store_sqlite::SqliteStore;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// The kinds and entries of what has been logged of keys.
async fn logged(store: &SqliteStore) -> Vec<(String, String, Value)> {
    let appending = Appending {
        now: Timestamp(NOW.0),
        limit: 1_000,
        coverage_every: Seconds(300),
        slack: &[],
    };
    store.append(&appending).await.unwrap();
    let leaves = store.leaves(0, 1_000).await.unwrap();
    let leaves = leaves
        .into_iter()
        .filter(|leaf| leaf.kind == "key" || leaf.kind == "audit");
    leaves
        .map(|leaf| {
            let entry: Value = serde_json::from_str(&leaf.entry).unwrap();
            (leaf.kind, leaf.subject, entry["body"].clone())
        })
        .collect()
}

#[tokio::test]
async fn what_happens_to_keys_becomes_leaves() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let store = SqliteStore::open(&path).await.unwrap();
    // As a command beside the service does it.
    let beside = SqliteStore::open_keys(&path).await.unwrap();
    let name: tocsin_store::credential::OwnerName = "desk".parse().unwrap();
    let client = Client {
        name: name.clone(),
        created_at: NOW,
    };
    let id = KeyId::new(Environment::Prod, [1; 16]);
    let active = LifeCycle::pending(NOW.plus(1_000)).activate(NOW).unwrap();
    let key = Credential {
        id: id.clone(),
        owner: Owner::Client(name),
        material: Material::Public([4; 32]),
        scopes: [Scope::Read].into_iter().collect(),
        life: active,
        created_at: NOW,
    };
    let add = CredentialChange {
        clients: vec![client],
        add: vec![key],
        ..CredentialChange::default()
    };
    beside.change_credentials(&add).await.unwrap();
    let revoke = CredentialChange {
        change: vec![LifeChange {
            id: id.clone(),
            from: active,
            to: active.revoke(NOW),
        }],
        ..CredentialChange::default()
    };
    beside.change_credentials(&revoke).await.unwrap();
    // What did not happen is not said.
    beside.change_credentials(&revoke).await.unwrap_err();
    for _ in 0..2 {
        let uses = Uses {
            key: None,
            answered: 0,
            failures: BTreeMap::from([(Failure::BadSignature, 7)]),
            networks: Vec::new(),
            at: NOW,
        };
        store.count_uses(&[uses]).await.unwrap();
    }
    let leaves = logged(&store).await;
    let states: Vec<_> = leaves
        .iter()
        .filter(|(kind, _, _)| kind == "key")
        .map(|(_, subject, body)| (subject.as_str(), body["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [(id.as_str(), "active"), (id.as_str(), "revoked")]);
    let refusals: Vec<_> = leaves
        .iter()
        .filter(|(_, subject, _)| subject == "unknown key")
        .map(|(_, _, body)| (body["action"].as_str(), body["detail"]["count"].as_u64()))
        .collect();
    let refused = (Some("authentication-failed"), Some(7));
    assert_eq!(refusals, [refused, refused]);
}
