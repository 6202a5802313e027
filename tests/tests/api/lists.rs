//! Claims, attestations and deliveries over HTTP: found, listed a page at a time, and a delivery that was given up sent again.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tocsin_api::health::Health;
use tocsin_domain::attestation::{Epoch, QuorumSignature, SignatureSet, SignerSet};
use tocsin_domain::cover::Cover;
use tocsin_domain::risk::Risk;
use tocsin_store::attestation::{AttestationRecord, Attestations, Reservations, Signed};
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample::{self, Paid};
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::delivery::{Deliveries, DeliveryState};
use tocsin_store::epoch::{EpochOrigin, Epochs};
use tocsin_store::policy::Policies;
use tocsin_store::step::{Step, Steps};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::http;

use super::super::{GUARDED, get, log, serve_as};

async fn paid(count: u64) -> (String, Arc<SqliteStore>, Vec<Paid>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let store = Arc::new(store);
    let paid = sample::store_paid(&*store, count).await;
    let writable = |api: &mut tocsin_api::Api| api.open_writes = true;
    let base = serve_as(Arc::clone(&store), &Health::default(), writable).await;
    (base, store, paid, folder)
}

async fn json(base: &str, path: &str) -> Value {
    let answer = get(base, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

/// The members `name` of all pages of a list.
async fn whole(base: &str, path: &str, list: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut place = path.to_owned();
    loop {
        let page = json(base, &place).await;
        let entries = page[list].as_array().unwrap();
        let names = entries.iter().map(|entry| entry[name].as_str().unwrap());
        found.extend(names.map(str::to_owned));
        let Some(next) = page["next"].as_str() else {
            return found;
        };
        place = format!("{path}&cursor={next}");
    }
}

#[tokio::test]
async fn claims_are_found_by_id_by_key_and_by_how_far_they_have_come() {
    let (base, _store, paid, _folder) = paid(5).await;
    let mut ids: Vec<String> = paid
        .iter()
        .map(|paid| format!("{}-1", paid.policy.id))
        .collect();
    ids.sort();
    let listed = whole(&base, "/v1/claims?limit=2", "claims", "id").await;
    assert_eq!(listed, ids);
    let listed = whole(&base, "/v1/claims?state=waiting&limit=2", "claims", "id").await;
    assert_eq!(listed, Vec::<String>::new());
    let one = &paid[0];
    for path in [
        format!("/v1/claims?holder={:#x}&limit=9", one.policy.holder),
        format!("/v1/claims?policy={}&state=attested&limit=9", one.policy.id),
    ] {
        let listed = whole(&base, &path, "claims", "id").await;
        assert_eq!(listed, [format!("{}-1", one.policy.id)], "{path}");
    }
    let by_id = json(&base, &format!("/v1/claims/{}-1", one.policy.id)).await;
    let by_key = json(&base, &format!("/v1/claims/{}", one.attestation.claim_key)).await;
    assert_eq!(by_id, by_key);
    assert_eq!(by_id["state"], "attested");
    assert_eq!(by_id["claim_key"], json!(one.attestation.claim_key));
    assert_eq!(by_id["attestations"][0]["id"], json!(one.attestation.id));
    for (path, status) in [
        (format!("/v1/claims/{}-2", one.policy.id), 404),
        (format!("/v1/claims/{}-0", one.policy.id), 404),
        (format!("/v1/claims/{}", one.policy.id), 404),
        ("/v1/claims/0x12".to_owned(), 400),
        ("/v1/claims?state=lost".to_owned(), 400),
        ("/v1/claims?cursor=x".to_owned(), 400),
    ] {
        assert_eq!(get(&base, &path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn attestations_are_listed_newest_first_and_by_what_they_are_of() {
    let (base, _store, paid, _folder) = paid(5).await;
    let ids: Vec<String> = paid
        .iter()
        .rev()
        .map(|paid| paid.attestation.id.to_string())
        .collect();
    let one = &paid[1];
    for path in [
        "/v1/attestations?limit=2".to_owned(),
        format!(
            "/v1/attestations?determination={}-1&limit=2",
            one.policy.risk
        ),
    ] {
        assert_eq!(whole(&base, &path, "attestations", "id").await, ids);
    }
    for path in [
        format!("/v1/attestations?policy={}&limit=9", one.policy.id),
        format!("/v1/attestations?holder={:#x}&limit=9", one.policy.holder),
    ] {
        let listed = whole(&base, &path, "attestations", "id").await;
        assert_eq!(listed, [one.attestation.id.to_string()], "{path}");
    }
    let both = format!(
        "/v1/attestations?policy={}&holder={:#x}",
        one.policy.id, one.policy.holder
    );
    // A cursor of another list, which names no attestation.
    let claims = json(&base, "/v1/policies?limit=1").await;
    let strange = format!(
        "/v1/attestations?cursor={}",
        claims["next"].as_str().unwrap()
    );
    for path in [both, strange] {
        let answer = get(&base, &path).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn a_delivery_that_was_given_up_is_found_and_queued_again() {
    let (base, store, paid, _folder) = paid(3).await;
    let (dead, done) = (paid[0].attestation.id, paid[1].attestation.id);
    store.give_up(dead, "it reverts").await.unwrap();
    store.finish(done, sample::hash("paid"), 9).await.unwrap();
    let listed = whole(&base, "/v1/deliveries?limit=2", "deliveries", "attestation").await;
    let all: Vec<String> = paid
        .iter()
        .rev()
        .map(|paid| paid.attestation.id.to_string())
        .collect();
    assert_eq!(listed, all);
    let failed = "/v1/deliveries?state=failed&limit=9";
    let listed = whole(&base, failed, "deliveries", "attestation").await;
    assert_eq!(listed, [dead.to_string()]);

    let replay = async |id: String, key: &str| {
        let path = format!("{base}/v1/deliveries/{id}/replay");
        let request = http::client().post(path).header("idempotency-key", key);
        request.send().await.unwrap()
    };
    // The second time it is under way already.
    for key in ["once", "twice"] {
        let answer = replay(dead.to_string(), key).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said["delivery"]["state"], "queued");
    }
    let stored = store.delivery(dead).await.unwrap().unwrap();
    assert_eq!(stored.state, DeliveryState::Queued);
    // Who repeats a request that was answered does not queue it again when it was given up again.
    store.give_up(dead, "it reverts still").await.unwrap();
    let answer = replay(dead.to_string(), "once").await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let stored = store.delivery(dead).await.unwrap().unwrap();
    assert_eq!(stored.state, DeliveryState::Failed);
    let other = replay(done.to_string(), "once").await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        replay(done.to_string(), "done").await.status(),
        StatusCode::CONFLICT
    );
    let nobody = format!("0x{}", "11".repeat(32));
    assert_eq!(
        replay(nobody, "nobody").await.status(),
        StatusCode::NOT_FOUND
    );
    // Who did it is in the log.
    log(&store).await;
    let entries = json(&base, "/v1/log/entries?limit=256").await;
    let audits: Vec<&Value> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["says"]["kind"] == "audit")
        .collect();
    let [audit] = audits[..] else {
        panic!("{audits:?}")
    };
    assert_eq!(audit["says"]["body"]["action"], "delivery-replayed");
    assert_eq!(audit["says"]["subject"], json!(dead));
}

/// The page of a loss event names the signers, and leads to the leaves and their proofs.
#[tokio::test]
async fn the_page_of_a_loss_event_shows_who_signed_and_where_the_log_proves_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let store = Arc::new(store);
    let cover = Cover::parse(GUARDED).unwrap().0;
    let risk = Risk::new(cover.terms_hash, "s".to_owned(), None, sample::at(0));
    let record = RiskRecord {
        risk: risk.clone(),
        streams: vec![sample::stream(0, 0)],
        initial_state: Vec::new(),
    };
    let terms = CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name,
        version: cover.version,
        canonical_terms: cover.canonical_terms,
    };
    store.add_cover(&terms, &[record]).await.unwrap();
    let policy = sample::policy(&risk, 1);
    store
        .add_policies(std::slice::from_ref(&policy))
        .await
        .unwrap();
    let loss = sample::determination(&risk, 1, 100);
    let step = Step {
        determinations: vec![loss.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    store
        .add_claims(&[sample::claim(&policy, &loss)])
        .await
        .unwrap();
    let reservation = sample::reservation(0, &sample::payload(&policy, &loss));
    store.reserve(&reservation).await.unwrap();
    let signer = sample::address("signer");
    let signature = [&[0_u8; 31][..], &[1], &[0; 31], &[1], &[27]].concat();
    let signature = QuorumSignature::from_bytes(&signature.try_into().unwrap()).unwrap();
    let attestation = AttestationRecord {
        signed: Signed::Alone(SignatureSet::single(0, signature).encode()),
        ..sample::attestation(&reservation, &policy, &loss)
    };
    store.add_attestation(&attestation, &[]).await.unwrap();
    let epoch = Epoch::unbounded(SignerSet::new(1, 1, vec![signer]).unwrap());
    let put = store.put_epochs(
        attestation.domain_separator,
        EpochOrigin::Announced,
        std::slice::from_ref(&epoch),
    );
    put.await.unwrap();
    log(&store).await;
    let base = serve_as(Arc::clone(&store), &Health::default(), |_api| {}).await;
    let path = format!("/determinations/{}-1", risk.id);
    let answer = get(&base, &path).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = answer.text().await.unwrap();
    for shown in [
        attestation.id.to_string(),
        attestation.claim_key.to_string(),
        signer.to_checksum(None),
    ] {
        assert!(page.contains(&shown), "{shown} is not on the page: {page}");
    }
    // What it leads to is there, and is about what it says.
    let mut about = Vec::new();
    for link in page.split("href=\"").skip(1) {
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        if link.ends_with("/evidence") || link == "/v1/epochs" {
            // The observations of a sample are nowhere, and this service has no attestor.
            continue;
        }
        let answer = get(&base, &link).await;
        assert_eq!(answer.status(), StatusCode::OK, "{link}");
        if link.starts_with("/v1/log/entries") {
            let said: Value = answer.json().await.unwrap();
            about.push(
                said["entries"][0]["says"]["kind"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    assert_eq!(about, ["determination", "attestation"]);
}

/// Reasons are paged as everything else is.
#[tokio::test]
async fn the_reasons_of_many_policies_are_read_a_page_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let cover = Cover::parse(GUARDED).unwrap().0;
    let risk = Risk::new(cover.terms_hash, "s".to_owned(), None, sample::at(0));
    let record = RiskRecord {
        risk: risk.clone(),
        streams: vec![sample::stream(0, 0)],
        initial_state: Vec::new(),
    };
    let terms = CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name,
        version: cover.version,
        canonical_terms: cover.canonical_terms,
    };
    store.add_cover(&terms, &[record]).await.unwrap();
    let policies: Vec<_> = (1..=45).map(|n| sample::policy(&risk, n)).collect();
    store.add_policies(&policies).await.unwrap();
    let base = serve_as(Arc::new(store), &Health::default(), |_api| {}).await;

    let first = format!("/v1/eligibility?risk={}", risk.id);
    let (mut path, mut pages, mut found) = (first.clone(), 0, Vec::new());
    loop {
        let page = json(&base, &path).await;
        let chains = page["eligibility"].as_array().unwrap();
        found.extend(
            chains
                .iter()
                .map(|chain| chain["policy"]["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("{first}&cursor={next}");
    }
    let mut ids: Vec<String> = policies.iter().map(|one| one.id.to_string()).collect();
    ids.sort();
    assert_eq!((found, pages), (ids, 3));
    for strange in ["cursor=x", "after=0x12"] {
        let answer = get(&base, &format!("{first}&{strange}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{strange}");
    }
}
