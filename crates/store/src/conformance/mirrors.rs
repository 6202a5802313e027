//! Mirrors: made once of what is recorded, for each contract.

use std::sync::Arc;

use alloy_primitives::U256;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::attestation::{ClaimAttestation, QuorumSignature};
use tocsin_domain::ids::AttestationId;

use crate::Store;
use crate::conformance::sample::{LATE, Paid, address, hash, store_paid};
use crate::conformance::{Fault, assert_fault};
use crate::mirror::MirrorRecord;
use crate::revocation::ClaimNews;

fn contract(version: &str) -> EasContract {
    EasContract {
        chain_id: 1,
        address: address("eas"),
        version: version.to_owned(),
    }
}

fn mirror(paid: &Paid, n: u8) -> MirrorRecord {
    let (r, s) = (U256::from(n), U256::from(1));
    let bytes = [&r.to_be_bytes::<32>()[..], &s.to_be_bytes::<32>(), &[27]].concat();
    MirrorRecord {
        attestation: paid.attestation.id,
        contract: contract("0.26"),
        signer: address("signer"),
        signature: QuorumSignature::from_bytes(&bytes.try_into().unwrap()).unwrap(),
        mirrored_at: LATE,
    }
}

fn epoch(paid: &Paid) -> u32 {
    let said = ClaimAttestation::from_bytes(&paid.reservation.payload).unwrap();
    said.signerEpoch
}

async fn awaited(
    store: &impl Store,
    paid: &Paid,
    version: &str,
    after: u64,
) -> Vec<(u64, AttestationId)> {
    let (domain, epochs) = (paid.attestation.domain_separator, [epoch(paid)]);
    let found = store
        .unmirrored(domain, &contract(version), &epochs, after, 9)
        .await;
    let found = found.unwrap().into_iter();
    found
        .map(|one| (one.position, one.attestation.id))
        .collect()
}

/// The first mirror of a contract stays; another contract has its own; without an attestation there is none.
pub async fn are_made_once_of_what_is_recorded<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 3).await;
    let ids: Vec<_> = paid.iter().map(|paid| paid.attestation.id).collect();
    let waiting = awaited(&*store, &paid[0], "0.26", 0).await;
    assert_eq!(waiting.iter().map(|(_, id)| *id).collect::<Vec<_>>(), ids);
    assert_eq!(
        awaited(&*store, &paid[0], "0.26", waiting[0].0).await,
        waiting[1..]
    );
    let (domain, other) = (paid[0].attestation.domain_separator, [epoch(&paid[0]) + 1]);
    let none = store
        .unmirrored(domain, &contract("0.26"), &other, 0, 9)
        .await;
    assert_eq!(none.unwrap(), []);
    let none = store
        .unmirrored(hash("other"), &contract("0.26"), &[epoch(&paid[0])], 0, 9)
        .await;
    assert_eq!(none.unwrap(), []);

    let first = mirror(&paid[1], 1);
    store
        .add_mirrors(std::slice::from_ref(&first))
        .await
        .unwrap();
    let again = mirror(&paid[1], 2);
    store
        .add_mirrors(std::slice::from_ref(&again))
        .await
        .unwrap();
    let kept = store.mirror(ids[1], &contract("0.26")).await.unwrap();
    assert_eq!(kept, Some(first));
    assert_eq!(store.mirror(ids[1], &contract("0.27")).await.unwrap(), None);
    assert_eq!(
        awaited(&*store, &paid[0], "0.26", 0).await,
        [waiting[0], waiting[2]]
    );
    assert_eq!(awaited(&*store, &paid[0], "0.27", 0).await, waiting);

    let mut stray = mirror(&paid[0], 1);
    stray.attestation = AttestationId(hash("nowhere"));
    let both = [mirror(&paid[0], 1), stray];
    assert_fault(store.add_mirrors(&both).await, Fault::Missing);
    assert_eq!(store.mirror(ids[0], &contract("0.26")).await.unwrap(), None);
}

/// A statement below the least revision that stands waits for no mirror; a correction does.
pub async fn are_not_made_of_what_is_revoked<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let said = ClaimAttestation::from_bytes(&paid[0].reservation.payload).unwrap();
    let domain = paid[0].attestation.domain_separator;
    let waiting = awaited(&*store, &paid[0], "0.26", 0).await;
    let news = |min_revision| ClaimNews {
        claim_key: paid[0].reservation.claim_key,
        consumed: false,
        hold: Some(1),
        min_revision,
    };
    store
        .put_standings(domain, None, &[news(said.revision)])
        .await
        .unwrap();
    assert_eq!(awaited(&*store, &paid[0], "0.26", 0).await, waiting);
    store
        .put_standings(domain, None, &[news(said.revision + 1)])
        .await
        .unwrap();
    assert_eq!(awaited(&*store, &paid[0], "0.26", 0).await, waiting[1..]);
}
