//! Secrets of endpoints: rotated under load, revoked, sealed.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tocsin_store::credential::Credentials;
use tocsin_store::webhook::{Filter, Standing, Webhooks};
use tocsin_tests::teller::{rotate, said};

use super::desk::{Telling, publish, until};
use super::sink::{Mood, Sink};

/// A receiver refuses whatever it cannot verify with the one secret that it has installed; while messages come without a
/// pause, the secret is rotated, the receiver takes up the new one some time later, and the old one ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_rotated_under_load_and_no_message_fails() {
    let telling = Telling::begin(&[1]).await;
    let sink = Sink::open(Mood::Verifying).await;
    let (id, first) = telling.register_shown(&sink, Filter::default()).await;
    sink.install(&first);
    let load = async {
        for n in 0..75 {
            publish(&telling.store, 1 + n * 10, 10).await;
            telling.bell.ring();
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    };
    let rotation = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        // Clocks show whole seconds: both sign for two seconds at least.
        let second = rotate(&telling.store, id, 3).await;
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        sink.install(&second);
        second
    };
    let ((), second) = tokio::join!(load, rotation);
    until(async || sink.taken().len() >= 750).await;
    let seen = sink.seen();
    assert_eq!(seen.len(), 750, "none was refused or sent twice");
    let signed = |secret: &SecretString| {
        let signed = seen.iter().map(|seen| seen.is_signed_with(secret));
        signed.collect::<Vec<_>>()
    };
    let (with_first, with_second) = (signed(&first), signed(&second));
    let begins = with_second.iter().position(|signed| *signed).unwrap();
    let ends = with_first.iter().rposition(|signed| *signed).unwrap();
    // Both for a while, and each without a gap.
    assert!(0 < begins && begins < ends && ends < 749, "{begins} {ends}");
    assert!(with_second[begins..].iter().all(|signed| *signed));
    assert!(with_first[..=ends].iter().all(|signed| *signed));
    telling.end().await;
}

/// Once no secret signs, nothing is sent; the endpoint is disabled, loses nothing, and is told when it has one again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_that_nobody_can_verify() {
    let telling = Telling::begin(&[1]).await;
    let sink = Sink::open(Mood::Taking).await;
    let id = telling.register(&sink, Filter::default()).await;
    telling.revoke(id).await;
    publish(&telling.store, 1, 3).await;
    telling.bell.ring();
    let standing = async || telling.store.endpoint(id).await.unwrap().unwrap().standing;
    until(async || matches!(standing().await, Standing::Disabled { .. })).await;
    assert_eq!(sink.seen().len(), 0);
    let second = rotate(&telling.store, id, 60).await;
    let active = said(id, "webhook-activated");
    let set = telling.store.set_standing(id, &Standing::Active, &active);
    set.await.unwrap();
    telling.bell.ring();
    until(async || sink.taken().len() >= 3).await;
    assert!(sink.taken().iter().all(|seen| seen.is_signed_with(&second)));
    telling.end().await;
}

/// Whoever has the database has no secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_not_in_the_database() {
    let telling = Telling::begin(&[1]).await;
    let sink = Sink::open(Mood::Taking).await;
    let (id, shown) = telling.register_shown(&sink, Filter::default()).await;
    let stored = telling.store.credentials_of(&id.owner()).await.unwrap();
    assert_eq!(stored.len(), 1);
    let folder = telling.folder();
    let store = Arc::clone(&telling.store);
    telling.end().await;
    drop(store);
    let text = shown.expose_secret().strip_prefix("whsec_").unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let written = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [text.as_bytes(), &bytes[..]] {
            assert!(!written.windows(secret.len()).any(|window| window == secret));
        }
    }
}
