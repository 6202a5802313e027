//! The storm, end to end: 5,000 policies, a provider that shows the recorded flights as time passes, signed batches, a contract
//! that pays, and a count by a program that shares no line with the service.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be set up is a failed test"
)]

use std::process::Command;

use alloy::primitives::{B256, U256, keccak256};
use serde_json::Value as Json;
use tocsin::demo::DemoError;
use tocsin::demo::storm::provider::Fault;
use tocsin::demo::storm::slice::{self, Fate, Flight};
use tocsin::demo::storm::{Aftermath, COUNTS, Hours, Outcome, POLICIES, RECORDED, Sold, Storm};
use tocsin_domain::attestation::{
    AttestationBatch, AttestationDomain, ClaimAttestation, Membership,
};
use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions, verify};
use tocsin_domain::observation::Provenance;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::look::LookCounts;
use tocsin_tests::anvil;

const POLICIES_SOLD: u64 = 5_000;

/// One flight in so many, to be quick.
const ONE_IN: usize = 5;

/// Flights that departed and did not arrive as they should.
const ASTRAY: [&str; 3] = [
    "flight:EV4099/2013-02-08/EWR",
    "flight:WN1558/2013-02-08/EWR",
    "flight:US2122/2013-02-08/LGA",
];

fn flights() -> Vec<Flight> {
    let all = slice::flights().unwrap().into_iter().enumerate();
    let some = all.filter(|(place, flight)| {
        place % ONE_IN == 0 || ASTRAY.contains(&flight.subject().as_str())
    });
    some.map(|(_, flight)| flight).collect()
}

/// Lets the provider fail for half a day.
struct Trouble {
    until: Timestamp,
    healed: bool,
}

impl Hours for Trouble {
    fn show(&mut self, now: Timestamp, storm: &Storm, _: LookCounts) -> Result<(), DemoError> {
        if now >= self.until && !self.healed {
            storm.provider.heal();
            self.healed = true;
        }
        Ok(())
    }
}

async fn get(storm: &Storm, path: &str) -> Json {
    let url = format!("http://{}{path}", storm.api);
    // The service starts beside whoever asks.
    for _ in 0..200 {
        if let Ok(answer) = reqwest::get(&url).await {
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            return answer.json().await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nobody answers at {url}");
}

async fn eligibility(storm: &Storm, sold: &Sold) -> Json {
    get(storm, &format!("/v1/policies/{}/eligibility", sold.id)).await
}

fn find(over: &Aftermath, outcome: Outcome, paid: bool) -> &Sold {
    let fits = |sold: &&Sold| sold.outcome == outcome && sold.amount.is_some() == paid;
    over.sold.iter().find(fits).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_is_paid_for_once_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let storm = Storm::prepare(
        &anvil::binary(),
        folder.path(),
        flights(),
        POLICIES_SOLD,
        &mut told,
    )
    .await
    .unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("5000 of them are new"), "{told}");

    let mut arrived = storm
        .flights
        .iter()
        .filter(|flight| matches!(flight.fate, Fate::Arrived { .. }) && flight.date.day() == 8);
    for fault in [Fault::Html, Fault::ServerError, Fault::UnheardOfStatus] {
        let flight = arrived.next().unwrap();
        storm.provider.fail(&flight.ident(), fault);
    }

    let result = storm
        .with_service(async |store| {
            let first = PolicyOf(&storm).first();
            let before = get(&storm, &format!("/v1/policies/{first}/eligibility")).await;
            let sentence = before["outlook"]["sentence"].as_str().unwrap();
            assert!(
                sentence.starts_with(
                    "not decided yet: nothing was seen so far; next look at 2013-02-0"
                ),
                "{sentence}"
            );
            assert_eq!(before["outlook"]["decided"], "not_yet");

            let mut trouble = Trouble {
                until: Timestamp::parse("2013-02-09T06:00:00Z").unwrap(),
                healed: false,
            };
            let over = storm.pass(&*store, Seconds(3_600), &mut trouble).await?;
            assert!(trouble.healed);
            storm.write_counts(&over)?;
            explained(&storm, &over).await;
            proven(&storm, &over, &store).await;
            Ok(over)
        })
        .await;
    let over = result.unwrap();
    assert_eq!(over.tally.open, 0);
    counted_again(&storm);
    paid_on_chain(&storm, &over);
}

/// The id of the first policy with the payout service.
struct PolicyOf<'a>(&'a Storm);

impl PolicyOf<'_> {
    fn first(&self) -> tocsin_domain::ids::PolicyId {
        let sellers = self.0.sellers;
        tocsin_domain::ids::PolicyId::derive(sellers.chain_id, sellers.service, U256::ONE)
    }
}

/// Everybody who is not paid is told why, in a sentence and in structure.
async fn explained(storm: &Storm, over: &Aftermath) {
    let on_time = eligibility(storm, find(over, Outcome::OnTime, false)).await;
    let outlook = &on_time["outlook"];
    assert_eq!(outlook["decided"], "no_loss");
    let sentence = outlook["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("no loss: status is \"landed\", not one of")
            && sentence.contains("less than 45min"),
        "{sentence}"
    );
    let unmet = outlook["unmet"].as_array().unwrap();
    let delay = unmet
        .iter()
        .find(|unmet| unmet["input"] == "delay")
        .unwrap();
    assert_eq!(delay["needed"], "at least 45min");
    assert!(delay["value"]["duration"].as_i64().unwrap() < 45 * 60);
    assert_eq!(outlook["looks"][0]["state"], "over");

    let lost = eligibility(storm, find(over, Outcome::Unresolved, false)).await;
    assert_eq!(lost["outlook"]["decided"], "needs_person");
    let sentence = lost["outlook"]["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("needs a person: how flight:"),
        "{sentence}"
    );

    // From the number on the policy to the same answer, and from the flight to what was seen of it.
    let sold = find(over, Outcome::OnTime, false);
    let query = format!(
        "consumer=eip155:31337:{:#x}&number={}",
        sold.seller, sold.number
    );
    let named = get(storm, &format!("/v1/policies?{query}")).await;
    let named = &named["policies"][0];
    assert_eq!(named["id"], sold.id.to_string());
    let path = named["eligibility"].as_str().unwrap();
    assert_eq!(get(storm, path).await["policy"]["id"], sold.id.to_string());
    let flight = storm.flights[sold.flight].subject();
    let subject = get(storm, &format!("/v1/feeds/feed:aeroapi/subjects/{flight}")).await;
    let seen = subject["seen"].as_array().unwrap();
    let status = seen.iter().find(|seen| seen["metric"] == "status").unwrap();
    assert_eq!(status["value"]["text"], "landed");
    let response = status["response"].as_str().unwrap();
    let fetches = get(storm, &format!("/v1/responses/{response}/fetches")).await;
    assert!(!fetches.is_null());

    let ended = eligibility(storm, find(over, Outcome::Cancelled, false)).await;
    let sentences = ended["claims"][0]["sentences"].as_array().unwrap();
    let last = sentences.last().unwrap().as_str().unwrap();
    assert!(
        last.contains("is not paid")
            && last.contains("the policy had ended at 2013-02-08T00:00:00Z"),
        "{last}"
    );
}

/// A batched attestation is served with its proof, which leads to the signed root, and its evidence re-executes.
async fn proven(storm: &Storm, over: &Aftermath, store: &tocsin_store_sqlite::SqliteStore) {
    use tocsin_store::attestation::{Attestations, Signed};

    let (batches, largest) = (&over.tally.batches, over.tally.batches.values().max());
    assert!(largest.is_some_and(|largest| *largest >= 50), "{batches:?}");
    let paid = over
        .sold
        .iter()
        .filter(|sold| sold.amount.is_some())
        .count();
    let signed = batches.values().sum::<u64>() + over.tally.alone;
    assert_eq!(u64::try_from(paid).unwrap(), signed);

    let mut batched = None;
    for sold in over.sold.iter().filter(|sold| sold.amount.is_some()) {
        let record = store.attestations_of(sold.id).await.unwrap().remove(0);
        if !matches!(record.signed, Signed::Alone(_)) {
            batched = Some(record);
            break;
        }
    }
    let record = batched.unwrap();
    let path = format!("/v1/attestations/{}", record.id);
    let shown = get(storm, &path).await;
    let attestation: ClaimAttestation =
        serde_json::from_value(shown["attestation"].clone()).unwrap();
    let batch: AttestationBatch = serde_json::from_value(shown["batch"]["signed"].clone()).unwrap();
    let proof: Vec<B256> = serde_json::from_value(shown["batch"]["proof"].clone()).unwrap();
    let membership = Membership { batch, proof };
    membership.check(&attestation, record.id).unwrap();
    assert!(shown["signatures"].as_str().unwrap().len() > 2 * 97);

    let bundle = get(storm, &format!("{path}/evidence")).await;
    let bundle: EvidenceBundle = serde_json::from_value(bundle).unwrap();
    let domain: AttestationDomain = bundle.domain.verifier().unwrap();
    assert_eq!(
        shown["batch"]["id"],
        domain.batch_digest(&membership.batch).to_string()
    );
    let options = VerifyOptions {
        trusted_signers: Some(vec![storm.attestor()]),
        ..VerifyOptions::default()
    };
    let report = verify(&bundle, &options);
    assert!(report.is_valid(), "{:?}", report.checks());
    assert!(report.checks().iter().any(|check| check.name() == "batch"));
    // What the report leaves to its reader can be done: the provider's own words, by their hash.
    let gaps = report.not_checked().join("\n");
    assert!(gaps.contains("GET /v1/responses/HASH"), "{gaps}");
    for observation in &bundle.observations {
        let Provenance::Raw { hash } = observation.provenance else {
            panic!("it comes from a feed");
        };
        let url = format!("http://{}/v1/responses/{hash}", storm.api);
        let body = reqwest::get(&url).await.unwrap().bytes().await.unwrap();
        assert_eq!(keccak256(&body), hash);
        let said: Json = serde_json::from_slice(&body).unwrap();
        let ident = observation
            .subject
            .as_str()
            .split([':', '/'])
            .nth(1)
            .unwrap();
        assert_eq!(said["flights"][0]["ident_iata"], ident);
    }
}

/// From the recorded flights and the policies, by the words of the terms.
fn counted_again(storm: &Storm) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/storm/count.mjs");
    let file = |name| storm.layout.file(name);
    let counted = Command::new("node")
        .arg(script)
        .args([file(RECORDED), file(POLICIES), file(COUNTS)])
        .output()
        .unwrap();
    assert!(
        counted.status.success(),
        "{}",
        String::from_utf8_lossy(&counted.stderr)
    );
}

fn paid_on_chain(storm: &Storm, over: &Aftermath) {
    let of_contract = over
        .sold
        .iter()
        .filter(|sold| sold.seller == storm.sellers.contract);
    let owed: Vec<U256> = of_contract.filter_map(|sold| sold.amount).collect();
    assert!(owed.len() > 5);
    assert_eq!(over.paid_on_chain, (owed.len(), owed.into_iter().sum()));
}
