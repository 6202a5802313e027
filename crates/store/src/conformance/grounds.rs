//! Grounds: what every noun says of a policy by itself, in one read.

use std::sync::Arc;

use tocsin_domain::ids::PolicyId;
use tocsin_domain::time::Timestamp;

use crate::Store;
use crate::conformance::looks::{answered, current, looks, new_look, said, stream as feed_stream};
use crate::conformance::sample::{
    advance, at, cover, determination, hash, observation, policy, risk, store_paid, stream,
};
use crate::grounds::{Attested, Grounds, Heard};
use crate::revocation::ClaimNews;
use crate::step::Step;

/// Panics unless the grounds of a policy are what the nouns say of it one by one.
pub(super) async fn agree<S: Store>(store: &S, id: PolicyId) {
    assert_eq!(
        store.grounds(id).await.unwrap(),
        one_by_one(store, id).await
    );
}

async fn one_by_one<S: Store>(store: &S, id: PolicyId) -> Option<Grounds> {
    let policy = store.policy(id).await.unwrap()?;
    let risk = store.risk(policy.risk).await.unwrap().unwrap();
    let end = Timestamp(i64::MAX);
    let mut inputs = Vec::new();
    for stream in risk.streams {
        let progress = store.progress(&stream.source).await.unwrap();
        let one = core::slice::from_ref(&stream);
        inputs.push(Heard {
            last: store.history(one, end, end).await.unwrap().pop(),
            look: store.look(&stream.source, &stream.subject).await.unwrap(),
            watermark: progress.map(|progress| progress.watermark),
            stream,
        });
    }
    let mut attestations = Vec::new();
    for record in store.attestations_of(id).await.unwrap() {
        let standing = store.claim_standing(record.domain_separator, record.claim_key);
        attestations.push(Attested {
            standing: standing.await.unwrap(),
            record,
        });
    }
    Some(Grounds {
        inputs,
        determinations: store.determinations_of(policy.risk).await.unwrap(),
        claims: store.claims_of(id).await.unwrap(),
        attestations,
        policy,
    })
}

/// Of a risk that hears two streams of a chain and one of a feed, twice: what each said last, and how far it is known.
pub async fn say_what_was_heard<S: Store + 'static>(store: Arc<S>) {
    let unknown = PolicyId(hash("nobody"));
    assert_eq!(store.grounds(unknown).await.unwrap(), None);

    let cover = cover(0);
    let flight = feed_stream(1, "status");
    let streams = [stream(0, 1), flight.clone(), stream(0, 0), flight];
    let risk = risk(&cover, 0, &streams);
    store
        .add_cover(&cover, core::slice::from_ref(&risk))
        .await
        .unwrap();
    let policy = policy(&risk.risk, 1);
    store
        .add_policies(core::slice::from_ref(&policy))
        .await
        .unwrap();
    let grounds = async || store.grounds(policy.id).await.unwrap().unwrap();
    let silent = streams.clone().map(|stream| Heard {
        stream,
        last: None,
        look: None,
        watermark: None,
    });
    assert_eq!(grounds().await.inputs, silent);
    agree(&*store, policy.id).await;

    // The last by time, and of one second by the source's own order; never what another stream said later.
    let newest = observation(&streams[2], 7, 9, "0.9");
    let observations = vec![
        observation(&streams[2], 7, 8, "0.8"),
        newest.clone(),
        observation(&streams[2], 5, 10, "0.7"),
        observation(&stream(0, 2), 8, 11, "0.6"),
    ];
    store
        .commit(&Step {
            sources: vec![advance(0, None, 9)],
            observations,
            ..Step::default()
        })
        .await
        .unwrap();
    store.add_looks(&[new_look(1, 0)]).await.unwrap();
    let look = answered(&current(&*store, 1).await, 6);
    let last = said(1, 6);
    store
        .commit(&Step {
            observations: vec![last.clone()],
            ..looks(vec![look])
        })
        .await
        .unwrap();
    let look = current(&*store, 1).await;
    let [other, flight, price, again] = <[Heard; 4]>::try_from(grounds().await.inputs).unwrap();
    assert_eq!((other.last, other.watermark), (None, Some(at(9))));
    assert_eq!((price.last, price.watermark), (Some(newest), Some(at(9))));
    assert_eq!((&flight.last, &flight.look), (&Some(last), &Some(look)));
    assert_eq!(again, flight);
    agree(&*store, policy.id).await;

    let loss = determination(&risk.risk, 1, 100);
    store
        .commit(&Step {
            determinations: vec![loss.clone()],
            ..Step::default()
        })
        .await
        .unwrap();
    assert_eq!(grounds().await.determinations, [loss]);
    agree(&*store, policy.id).await;
}

/// Each policy has its own claims and attestations, with what became of them.
pub async fn say_what_followed<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let held = ClaimNews {
        claim_key: paid[1].reservation.claim_key,
        consumed: false,
        hold: Some(3),
        min_revision: 0,
    };
    let domain = paid[1].reservation.domain_separator;
    store.put_standings(domain, None, &[held]).await.unwrap();
    for paid in &paid {
        let grounds = store.grounds(paid.policy.id).await.unwrap().unwrap();
        assert_eq!(grounds.claims, std::slice::from_ref(&paid.claim));
        let [Attested { record, standing }] = &*grounds.attestations else {
            panic!("{grounds:?}");
        };
        assert_eq!(*record, paid.attestation);
        let news = standing.map(|standing| standing.news);
        let is_held = held.claim_key == paid.reservation.claim_key;
        assert_eq!(news, is_held.then_some(held));
        agree(&*store, paid.policy.id).await;
    }
}
