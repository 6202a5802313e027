//! Keys: found again, changed by one, used once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::seal::{MasterKey, Seal};
use tocsin_auth::{Environment, Failure, KeyId, LifeCycle, Scope, UnixTime};
use tocsin_domain::time::Timestamp;

use crate::conformance::sample::registration;
use crate::conformance::{Fault, assert_fault};
use crate::credential::{
    Client, Credential, CredentialChange, LifeChange, MOST_NETWORKS, MOST_PROPOSALS, Material,
    Owner, OwnerName, Proposal, Uses,
};
use crate::log::AuditEntry;
use crate::{Store, StoreError};

const NOW: UnixTime = UnixTime(1_800_000_000);
const LATER: UnixTime = UnixTime(1_900_000_000);

fn name(text: &str) -> OwnerName {
    text.parse().unwrap()
}

fn id(number: u8) -> KeyId {
    KeyId::new(Environment::Test, [number; 16])
}

fn seal() -> Seal {
    Seal::new(MasterKey::new(&[7; 32]).unwrap(), Vec::new())
}

fn key(number: u8, owner: Owner) -> Credential {
    let id = id(number);
    let sealed = seal().seal(id.as_str(), &[number; 32]).unwrap();
    let material = match (&owner, number % 2) {
        (Owner::Client(_), 0) => Material::Public([number; 32]),
        (Owner::Webhook(_), 0) => Material::Pair {
            public: [number; 32],
            private: sealed,
        },
        _ => Material::Secret(sealed),
    };
    Credential {
        material,
        owner,
        scopes: [Scope::Read, Scope::PoliciesWrite].into_iter().collect(),
        life: LifeCycle::pending(LATER),
        created_at: UnixTime(i64::from(number)),
        id,
    }
}

fn ours(number: u8) -> Credential {
    key(number, Owner::Client(name("desk")))
}

fn adding(add: Vec<Credential>) -> CredentialChange {
    CredentialChange {
        add,
        ..CredentialChange::default()
    }
}

fn joining(client: &str, created_at: UnixTime) -> CredentialChange {
    let client = Client {
        name: name(client),
        created_at,
    };
    CredentialChange {
        clients: vec![client],
        ..CredentialChange::default()
    }
}

async fn with_keys<S: Store>(store: &S, keys: &[Credential]) {
    let mut change = joining("desk", NOW);
    change.add = keys.to_vec();
    store.change_credentials(&change).await.unwrap();
}

/// Keys of both algorithms in every state, and of both owners.
pub async fn are_found_again<S: Store + 'static>(store: Arc<S>) {
    let active = LifeCycle::pending(LATER).activate(NOW).unwrap();
    let lives = [
        LifeCycle::pending(LATER),
        active,
        active.retire(NOW, 60).unwrap(),
        active.retire(NOW, 0).unwrap(),
        active.revoke(NOW),
    ];
    let mut keys: Vec<Credential> = (1..=5).map(ours).collect();
    for (key, life) in keys.iter_mut().zip(lives) {
        key.life = life;
    }
    with_keys(&*store, &keys).await;
    let hook = registration(1);
    store.add_endpoint(&hook, 9).await.unwrap();
    let owner = hook.endpoint.id.owner();
    let mut others: Vec<Credential> = (6..=7).map(|number| key(number, owner.clone())).collect();
    let added = adding(others.clone());
    store.change_credentials(&added).await.unwrap();
    others.push(hook.secret);
    for key in &keys {
        assert_eq!(store.credential(&key.id).await.unwrap().as_ref(), Some(key));
    }
    assert_eq!(store.credential(&id(9)).await.unwrap(), None);
    let desk = Owner::Client(name("desk"));
    assert_eq!(store.credentials_of(&desk).await.unwrap(), keys);
    assert_eq!(store.credentials_of(&owner).await.unwrap(), others);
    assert_eq!(store.credentials().await.unwrap().len(), 8);
    assert_eq!(store.clients().await.unwrap().len(), 1);
    let nobody = key(9, Owner::Client(name("nobody")));
    let nowhere = key(9, registration(2).endpoint.id.owner());
    let no_id = key(9, Owner::Webhook(name("desk")));
    for (wrong, fault) in [
        (nobody, Fault::Missing),
        (nowhere, Fault::Missing),
        (no_id, Fault::Missing),
        (ours(1), Fault::Conflict),
    ] {
        let mut change = joining("other", NOW);
        change.add = vec![key(8, Owner::Client(name("other"))), wrong];
        assert_fault(store.change_credentials(&change).await, fault);
    }
    let mut again = joining("desk", LATER);
    again.add = vec![ours(8)];
    assert_fault(store.change_credentials(&again).await, Fault::Conflict);
    assert_eq!(store.credential(&id(8)).await.unwrap(), None);
    assert_eq!(store.clients().await.unwrap().len(), 1);
}

/// Who has read an old state changes nothing.
pub async fn change_from_where_they_were_read<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(1)]).await;
    let pending = LifeCycle::pending(LATER);
    let active = pending.activate(NOW).unwrap();
    let change = |from, to| CredentialChange {
        change: vec![LifeChange {
            id: id(1),
            from,
            to,
        }],
        ..CredentialChange::default()
    };
    let activate = change(pending, active);
    store.change_credentials(&activate).await.unwrap();
    assert_fault(store.change_credentials(&activate).await, Fault::Stale);
    let revoke = change(active, active.revoke(NOW));
    store.change_credentials(&revoke).await.unwrap();
    assert_fault(store.change_credentials(&revoke).await, Fault::Stale);
    let stored = store.credential(&id(1)).await.unwrap().unwrap();
    assert_eq!(stored.life, active.revoke(NOW));
    let mut missing = activate;
    missing.change[0].id = id(2);
    assert_fault(store.change_credentials(&missing).await, Fault::Missing);
    let seals = Seal::new(
        MasterKey::new(&[8; 32]).unwrap(),
        vec![MasterKey::new(&[7; 32]).unwrap()],
    );
    let Material::Secret(old) = stored.material else {
        panic!("key 1 is a secret");
    };
    let new = seals.reseal(id(1).as_str(), &old).unwrap().unwrap();
    store.reseal(&id(1), &old, &new).await.unwrap();
    assert_fault(store.reseal(&id(1), &old, &new).await, Fault::Stale);
    let stored = store.credential(&id(1)).await.unwrap().unwrap();
    assert_eq!(stored.material, Material::Secret(new));
}

/// The new key is there if and only if the old one retires.
pub async fn rotate_in_one_step<S: Store + 'static>(store: Arc<S>) {
    let active = LifeCycle::pending(LATER).activate(NOW).unwrap();
    let mut old = ours(1);
    old.life = active;
    with_keys(&*store, &[old]).await;
    let retiring = active.retire(NOW, 60).unwrap();
    let mut rotation = adding(vec![ours(2)]);
    rotation.change.push(LifeChange {
        id: id(1),
        from: retiring,
        to: active,
    });
    assert_fault(store.change_credentials(&rotation).await, Fault::Stale);
    assert_eq!(store.credential(&id(2)).await.unwrap(), None);
    rotation.change[0].from = active;
    rotation.change[0].to = retiring;
    store.change_credentials(&rotation).await.unwrap();
    assert_eq!(store.credential(&id(2)).await.unwrap(), Some(ours(2)));
    assert_eq!(
        store.credential(&id(1)).await.unwrap().unwrap().life,
        retiring
    );
}

/// The same nonce of another key is another one; after its time it may be taken out, and not before.
pub async fn take_a_nonce_once<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(1), ours(2)]).await;
    let nonce = NonceHash([3; 32]);
    let take = async |key: u8, now: UnixTime| {
        store
            .use_nonce(&id(key), nonce, NOW.plus(90), now)
            .await
            .unwrap()
    };
    assert_eq!(take(1, NOW).await, NonceUse::Fresh);
    assert_eq!(take(1, NOW).await, NonceUse::Repeated);
    assert_eq!(take(2, NOW).await, NonceUse::Fresh);
    assert_eq!(take(1, NOW.plus(90)).await, NonceUse::Repeated);
    assert_eq!(take(1, NOW.plus(91)).await, NonceUse::Fresh);
    let unknown = store.use_nonce(&id(9), nonce, LATER, NOW).await;
    assert_fault(unknown, Fault::Missing);
}

/// Of thirty-two who bring the same nonce at once, one is first.
pub async fn have_one_winner_for_a_nonce<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(1)]).await;
    let mut callers = Vec::new();
    for _ in 0..32 {
        let store = Arc::clone(&store);
        #[expect(
            clippy::disallowed_methods,
            reason = "these are joined a few lines below"
        )]
        callers.push(tokio::spawn(async move {
            store
                .use_nonce(&id(1), NonceHash([1; 32]), LATER, NOW)
                .await
                .unwrap()
        }));
    }
    let mut fresh = 0;
    for caller in callers {
        if caller.await.unwrap() == NonceUse::Fresh {
            fresh += 1;
        }
    }
    assert_eq!(fresh, 1);
}

/// In a crowd, some of whom have no key or go away, everybody else's nonce is taken once.
pub async fn take_the_nonces_of_a_crowd<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(1)]).await;
    let mut callers = Vec::new();
    for number in 0..96_u8 {
        let store = Arc::clone(&store);
        let key = if number % 8 == 1 { 9 } else { 1 };
        #[expect(
            clippy::disallowed_methods,
            reason = "these are joined or ended a few lines below"
        )]
        let caller = tokio::spawn(async move {
            store
                .use_nonce(&id(key), NonceHash([number; 32]), LATER, NOW)
                .await
        });
        callers.push((number, caller));
    }
    tokio::task::yield_now().await;
    for (number, caller) in callers {
        if number % 8 == 2 {
            caller.abort();
            // Whether it came that far is not known.
            let _ended = caller.await;
            continue;
        }
        match caller.await.unwrap() {
            Ok(taken) => {
                assert_ne!(number % 8, 1);
                assert_eq!(taken, NonceUse::Fresh, "{number}");
            }
            Err(error) => assert_eq!(number % 8, 1, "{error}"),
        }
    }
    for number in (0..96_u8).filter(|number| !matches!(number % 8, 1 | 2)) {
        let again = store
            .use_nonce(&id(1), NonceHash([number; 32]), LATER, NOW)
            .await;
        assert_eq!(again.unwrap(), NonceUse::Repeated, "{number}");
    }
}

/// Old nonces go as new ones come.
pub async fn keep_nonces_within_bounds<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(1)]).await;
    let take = async |number: u8, now: UnixTime| {
        let nonce = NonceHash([number; 32]);
        let taken = store.use_nonce(&id(1), nonce, now.plus(10), now).await;
        taken.unwrap()
    };
    for number in 0..40 {
        assert_eq!(take(number, NOW).await, NonceUse::Fresh);
    }
    // Eight go with each that comes, so these make room for all of the first.
    for number in 40..45 {
        assert_eq!(take(number, NOW.plus(11)).await, NonceUse::Fresh);
    }
    for number in 0..40 {
        assert_eq!(take(number, NOW.plus(12)).await, NonceUse::Fresh);
    }
    for number in 40..45 {
        assert_eq!(take(number, NOW.plus(12)).await, NonceUse::Repeated);
    }
}

/// Counts add up, and a network is news once, but not for a key that was never used.
pub async fn count_what_they_are_used_for<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(1)]).await;
    let uses = |key: Option<KeyId>, at: i64, networks: &[&str]| Uses {
        key,
        answered: 2,
        failures: BTreeMap::from([(Failure::Replayed, 3)]),
        networks: networks.iter().map(|&network| network.to_owned()).collect(),
        at: UnixTime(at),
    };
    let first = [
        uses(Some(id(1)), 10, &["10.0.0.0/24"]),
        uses(Some(id(9)), 10, &["10.0.0.0/24"]),
        uses(None, 10, &[]),
    ];
    assert_eq!(store.count_uses(&first).await.unwrap(), []);
    let second = [uses(Some(id(1)), 20, &["10.0.0.0/24", "10.0.1.0/24"])];
    let news = store.count_uses(&second).await.unwrap();
    assert_eq!(news, [(id(1), "10.0.1.0/24".to_owned())]);
    assert_eq!(store.count_uses(&second).await.unwrap(), []);
    let usage = store.credential_uses().await.unwrap();
    assert_eq!(usage.len(), 2);
    let of = &usage[&Some(id(1))];
    assert_eq!((of.answered, of.last_used), (6, Some(UnixTime(20))));
    assert_eq!(of.failures[&Failure::Replayed], (9, UnixTime(20)));
    assert_eq!(of.networks["10.0.1.0/24"], UnixTime(20));
    assert_eq!(usage[&None].failures[&Failure::Replayed].0, 3);
    let many: Vec<String> = (0..=MOST_NETWORKS)
        .map(|number| format!("net {number}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    store
        .count_uses(&[uses(Some(id(1)), 30, &many)])
        .await
        .unwrap();
    let usage = store.credential_uses().await.unwrap();
    let kept = usage[&Some(id(1))].networks.len();
    assert_eq!(u32::try_from(kept).unwrap(), MOST_NETWORKS);
}

/// Exactly one approves, in time.
pub async fn wait_for_a_second_person<S: Store + 'static>(store: Arc<S>) {
    with_keys(&*store, &[ours(2)]).await;
    let proposal = |number: u8| Proposal {
        id: [number; 16],
        act: "{}".to_owned(),
        proposed_by: id(2),
        proposer: name("desk"),
        proposed_at: NOW,
        expires_at: NOW.plus(100),
    };
    let said = AuditEntry {
        at: Timestamp(NOW.0),
        action: "key-act-proposed".to_owned(),
        actor: Some("desk".to_owned()),
        subject: "desk".to_owned(),
        detail: serde_json::json!({}),
    };
    for number in 1..=2 {
        store.propose(&proposal(number), &said, None).await.unwrap();
    }
    let open = store.proposals(NOW).await.unwrap();
    assert_eq!(open, [proposal(1), proposal(2)]);
    let one = async |number: u8, at| store.proposal([number; 16], at).await.unwrap();
    assert_eq!(one(1, NOW).await, Some(proposal(1)));
    assert_eq!(one(1, NOW.plus(100)).await, None);
    assert_eq!(one(9, NOW).await, None);
    // It is taken with what it proposes, once, or not at all.
    let carry_out = async |number: u8, clients: &[&str]| {
        let clients = clients.iter().map(|client| Client {
            name: name(client),
            created_at: NOW,
        });
        let change = CredentialChange {
            clients: clients.collect(),
            proposal: Some([number; 16]),
            ..CredentialChange::default()
        };
        store.change_credentials(&change).await
    };
    let taken = carry_out(1, &["new", "new"]).await;
    assert!(
        matches!(taken, Err(StoreError::Conflict { .. })),
        "{taken:?}"
    );
    assert_eq!(one(1, NOW).await, Some(proposal(1)));
    carry_out(1, &["new"]).await.unwrap();
    let again = carry_out(1, &["newer"]).await;
    assert!(
        matches!(again, Err(StoreError::Missing { .. })),
        "{again:?}"
    );
    assert_eq!(store.proposals(NOW).await.unwrap(), [proposal(2)]);
    // Nobody fills the list.
    for number in 3..=u8::try_from(MOST_PROPOSALS).unwrap() + 1 {
        store.propose(&proposal(number), &said, None).await.unwrap();
    }
    let more = store.propose(&proposal(99), &said, None).await;
    assert!(matches!(more, Err(StoreError::Refused { .. })), "{more:?}");
    // What a key that ended has proposed does not wait for anybody.
    let stored = store.credential(&id(2)).await.unwrap().unwrap();
    let change = CredentialChange {
        change: vec![LifeChange {
            id: id(2),
            from: stored.life,
            to: stored.life.revoke(NOW),
        }],
        ..CredentialChange::default()
    };
    store.change_credentials(&change).await.unwrap();
    assert_eq!(store.proposals(NOW).await.unwrap(), []);
}

/// Two clients do not have the same key, and one that ended does not come again.
pub async fn take_a_public_key_once<S: Store + 'static>(store: Arc<S>) {
    let public = |number: u8| Credential {
        material: Material::Public([7; 32]),
        ..ours(number)
    };
    with_keys(&*store, &[public(2)]).await;
    let again = async || {
        let again = store.change_credentials(&adding(vec![public(3)])).await;
        assert!(
            matches!(again, Err(StoreError::Conflict { .. })),
            "{again:?}"
        );
    };
    again().await;
    let change = CredentialChange {
        change: vec![LifeChange {
            id: id(2),
            from: public(2).life,
            to: public(2).life.revoke(NOW),
        }],
        ..CredentialChange::default()
    };
    store.change_credentials(&change).await.unwrap();
    again().await;
}
