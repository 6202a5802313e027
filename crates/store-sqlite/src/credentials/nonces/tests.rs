//! Groups, failures, and another process beside.

use tempfile::TempDir;
use tocsin_auth::{Environment, LifeCycle, SigningKey};
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials as _, MOST_NONCES, Material, Owner, OwnerName,
};

use super::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn id(number: u8) -> KeyId {
    KeyId::new(Environment::Test, [number; 16])
}

/// Clients with a key each.
async fn with_keys(store: &SqliteStore, numbers: &[u8]) {
    let mut change = CredentialChange::default();
    for &number in numbers {
        let name: OwnerName = format!("client-{number}").parse().ok().unwrap();
        let key = SigningKey::ed25519(&[number; 32]).unwrap();
        change.clients.push(Client {
            name: name.clone(),
            created_at: NOW,
        });
        change.add.push(Credential {
            id: id(number),
            owner: Owner::Client(name),
            material: Material::Public(key.public().unwrap().unwrap()),
            scopes: Default::default(),
            life: LifeCycle::pending(NOW.plus(1)),
            created_at: NOW,
        });
    }
    store.change_credentials(&change).await.unwrap();
}

async fn opened(folder: &TempDir) -> SqliteStore {
    SqliteStore::open(&folder.path().join("tocsin.db"))
        .await
        .unwrap()
}

/// Another process.
async fn beside(folder: &TempDir) -> SqliteStore {
    crate::open::beside(&folder.path().join("tocsin.db"))
        .await
        .unwrap()
        .0
}

async fn takes(store: &SqliteStore, key: u8, number: u8, now: UnixTime) -> Taken {
    let nonce = NonceHash([number; 32]);
    take(store, &id(key), nonce, now.plus(90), now).await
}

/// Asks for these at once, so that one commit takes all of them.
async fn at_once(store: &SqliteStore, asked: &[(u8, u8)]) -> Vec<Taken> {
    let each = asked.iter();
    let each = each.map(|(key, number)| takes(store, *key, *number, NOW));
    futures_util::future::join_all(each).await
}

async fn rows(store: &SqliteStore) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM request_nonces");
    count.fetch_one(&store.readers).await.unwrap()
}

#[tokio::test]
async fn each_of_a_group_is_judged_for_itself() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder).await;
    with_keys(&store, &[1, 2, 3]).await;
    // The third has as many as it may have, which somebody else has taken.
    let full = "INSERT INTO request_nonces (credential, nonces, keep_until, forgotten) VALUES (?1, randomblob(?2), ?3, 0)";
    sqlx::query(full)
        .bind(id(3).as_str())
        .bind(MOST_NONCES * 32)
        .bind(NOW.plus(40).0)
        .execute(&store.writer)
        .await
        .unwrap();
    assert_eq!(
        takes(&store, 1, 1, NOW).await.ok().unwrap(),
        NonceUse::Fresh
    );
    let before = rows(&store).await;
    let asked = [
        (1, 1),
        (1, 2),
        (1, 2),
        (2, 1),
        (3, 1),
        (9, 1),
        (9, 1),
        (1, 3),
    ];
    let outcomes = at_once(&store, &asked).await;
    let said: Vec<Option<NonceUse>> = outcomes
        .iter()
        .map(|taken| taken.as_ref().ok().copied())
        .collect();
    let (fresh, repeated) = (Some(NonceUse::Fresh), Some(NonceUse::Repeated));
    assert_eq!(
        said,
        [
            repeated,
            fresh,
            repeated,
            fresh,
            Some(NonceUse::Full),
            None,
            None,
            fresh
        ]
    );
    for unknown in &outcomes[5..7] {
        assert!(
            matches!(unknown, Err(StoreError::Missing { .. })),
            "{unknown:?}"
        );
    }
    // One for each key that had something fresh.
    assert_eq!(rows(&store).await - before, 2);
    // Once its time is over, there is room again.
    let later = NOW.plus(80);
    assert_eq!(
        takes(&store, 3, 1, later).await.ok().unwrap(),
        NonceUse::Fresh
    );
    store.close().await;

    let again = opened(&folder).await;
    for (key, number) in [(1, 1), (1, 2), (1, 3), (2, 1)] {
        let used = takes(&again, key, number, NOW).await.ok().unwrap();
        assert_eq!(used, NonceUse::Repeated, "{key} {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_take_each_nonce_once() {
    let folder = TempDir::new().unwrap();
    let one = opened(&folder).await;
    with_keys(&one, &[1]).await;
    let two = beside(&folder).await;
    for number in 0..20 {
        let (first, second) = if number % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        let used = takes(first, 1, number, NOW).await.unwrap();
        assert_eq!(used, NonceUse::Fresh, "{number}");
        let used = takes(second, 1, number, NOW).await.unwrap();
        assert_eq!(used, NonceUse::Repeated, "{number}");
    }
    let both = (20..120_u8).flat_map(|number| [(&one, number), (&two, number)]);
    let asked: Vec<_> = both
        .map(|(store, number)| async move { (number, takes(store, 1, number, NOW).await.unwrap()) })
        .collect();
    let mut fresh: Vec<u8> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .filter_map(|(number, used)| (used == NonceUse::Fresh).then_some(number))
        .collect();
    fresh.sort_unstable();
    assert!(fresh.iter().copied().eq(20..120), "{fresh:?}");
    two.close().await;
    one.close().await;
}

/// What could not be committed was not taken, and is not remembered.
#[tokio::test]
async fn a_failure_is_everybodys_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder).await;
    with_keys(&store, &[1, 2]).await;
    let trigger = "CREATE TEMP TRIGGER failure BEFORE INSERT ON request_nonces
                   BEGIN SELECT RAISE(ROLLBACK, 'the disk failed'); END";
    sqlx::raw_sql(trigger).execute(&store.writer).await.unwrap();
    let (one, two) = tokio::join!(takes(&store, 1, 1, NOW), takes(&store, 2, 1, NOW));
    for failed in [one, two] {
        let error = failed.unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("the disk failed"), "{cause}");
    }
    // The trigger went with its connection.
    for (key, used) in [
        (1, NonceUse::Fresh),
        (1, NonceUse::Repeated),
        (2, NonceUse::Fresh),
    ] {
        assert_eq!(takes(&store, key, 1, NOW).await.unwrap(), used);
    }
}

/// Old rows go as new ones come, in memory and in the table.
#[tokio::test]
async fn the_table_does_not_grow() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder).await;
    with_keys(&store, &[1]).await;
    let old = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1500)
               INSERT INTO request_nonces (credential, nonces, keep_until, forgotten) SELECT ?1, randomblob(32), ?2, 0 FROM n";
    sqlx::query(old)
        .bind(id(1).as_str())
        .bind(NOW.0 - 1)
        .execute(&store.writer)
        .await
        .unwrap();
    for number in 0..130 {
        assert_eq!(
            takes(&store, 1, number, NOW).await.unwrap(),
            NonceUse::Fresh
        );
    }
    assert_eq!(rows(&store).await, 130);
}

/// A step back makes no signature good again whose nonce is forgotten: not here, not after a restart, not in another process.
#[tokio::test]
async fn what_is_forgotten_is_not_taken_when_the_clock_is_set_back() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder).await;
    with_keys(&store, &[1]).await;
    assert_eq!(takes(&store, 1, 1, NOW).await.unwrap(), NonceUse::Fresh);
    // The clock is an hour ahead, long enough for the table to be swept.
    let ahead = NOW.plus(3_600);
    for number in 2..80 {
        let used = takes(&store, 1, number, ahead).await.unwrap();
        assert_eq!(used, NonceUse::Fresh);
    }
    assert_eq!(rows(&store).await, 78);
    let refused = async |store: &SqliteStore, new: u8| {
        assert_eq!(takes(store, 1, 1, NOW).await.unwrap(), NonceUse::Unknown);
        // Of what ends later nothing is forgotten.
        let used = takes(store, 1, new, NOW.plus(1)).await.unwrap();
        assert_eq!(used, NonceUse::Fresh);
    };
    refused(&store, 100).await;
    let other = beside(&folder).await;
    refused(&other, 101).await;
    other.close().await;
    store.close().await;
    refused(&opened(&folder).await, 102).await;
}
