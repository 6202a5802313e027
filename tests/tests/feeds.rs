//! A whole service that polls a provider: what falls is paid, what cannot be known is said, and no fault of the provider's and no
//! sudden death of the service loses, repeats or invents anything.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "feeds/unsaid.rs"]
mod unsaid;

use std::time::{Duration, Instant};

use alloy::primitives::{B256, keccak256};
use serde_json::Value;
use tocsin::clock::SetClock;
use tocsin::command::log::prove;
use tocsin::command::{feeds, verify};
use tocsin_domain::observation::{Observation, Provenance};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::look::{Looks, NewLook};
use tocsin_store::response::Archive;
use tocsin_store::step::Steps;
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::life::Life;
use tocsin_tests::random::Random;
use tocsin_tests::spot::{Mood, Spot};

fn live(spot: &Spot) -> Life {
    Life::of(
        env!("CARGO_BIN_EXE_node").as_ref(),
        &spot.config(),
        &spot.clock(),
        spot.folder(),
    )
}

/// What the books of a stopped service have of an asset, each with the response that it was read from.
async fn booked(spot: &Spot, asset: &str) -> Vec<(Observation, Option<Vec<u8>>)> {
    let store = SqliteStore::open(&spot.folder().join("tocsin.db"))
        .await
        .unwrap();
    let stream = Stream {
        source: "feed:spot".into(),
        subject: format!("price:{asset}-USD").as_str().into(),
        metric: "price".into(),
    };
    let (always, ever) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let history = store.history(&[stream], always, ever).await.unwrap();
    let mut booked = Vec::new();
    for seen in history {
        let Provenance::Raw { hash } = seen.provenance else {
            panic!("{seen:?} comes from a chain");
        };
        let response = store.response(hash).await.unwrap();
        booked.push((seen, response.map(|response| response.body)));
    }
    store.close().await;
    booked
}

/// The values that were booked; each must be what its own response says.
fn values(booked: &[(Observation, Option<Vec<u8>>)]) -> Vec<Option<String>> {
    let value = |(seen, body): &(Observation, Option<Vec<u8>>)| {
        let value = seen.value.as_ref().map(ToString::to_string);
        if let Some(value) = &value {
            let said: Value = serde_json::from_slice(body.as_ref().unwrap()).unwrap();
            assert_eq!(said["price"].as_str().unwrap(), value);
        }
        value
    };
    booked.iter().map(value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_falls_is_attested_with_evidence_that_anybody_can_re_execute() {
    let spot = Spot::open(&[(1, "AAA"), (2, "AAA"), (3, "BBB")]).await;
    let mut service = live(&spot);
    spot.until_seen("AAA").await;
    spot.until_seen("BBB").await;
    spot.set_price("AAA", "0.8");
    spot.set_price("BBB", "0.91");
    spot.pass_until("two policies are paid", async || {
        spot.attested().await.len() == 2
    })
    .await;
    spot.until_seen("BBB").await;

    for id in spot.attested().await {
        let bundle = spot.ask(&format!("v1/attestations/{id}/evidence")).await;
        let bundle = bundle.text().await.unwrap();
        let path = spot.folder().join("bundle.json");
        std::fs::write(&path, &bundle).unwrap();
        let report = verify::check(&path, &[Spot::attestor()]).unwrap();
        let mut printed = Vec::new();
        verify::print(&report, &mut printed).unwrap();
        assert!(report.is_valid(), "{}", String::from_utf8(printed).unwrap());

        // Whoever wants to know where an observation comes from is given the very bytes.
        let bundle: Value = serde_json::from_str(&bundle).unwrap();
        let rows = bundle["observations"].as_array().unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            let hash: B256 = serde_json::from_value(row["provenance"]["raw"]["hash"].clone())
                .unwrap_or_else(|_| panic!("{row}"));
            let answer = spot.ask(&format!("v1/responses/{hash}")).await;
            let type_of = answer.headers()["content-type"].clone();
            assert_eq!(type_of, "application/octet-stream");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let body = answer.bytes().await.unwrap();
            assert_eq!(keccak256(&body), hash);
            let fetches = spot.get(&format!("v1/responses/{hash}/fetches")).await;
            let url = fetches.unwrap()["fetches"][0]["url"].to_string();
            assert!(
                url.contains("/prices/AAA-USD") && !url.contains("first"),
                "{url}"
            );
        }
    }
    let unpaid = spot.subject("BBB").await.unwrap();
    assert_eq!(
        (&unpaid["state"], &unpaid["trouble"]),
        (&"open".into(), &Value::Null)
    );
    // Two policies on one subject share its requests.
    let feeds = spot.get("v1/feeds").await.unwrap();
    let feed = &feeds["feeds"]["feed:spot"];
    assert_eq!(feed["subjects"]["open"], 2);
    assert_eq!(feed["keys"][0]["name"], "main");
    assert_eq!(feed["keys"][0]["used_today"], spot.asked());
    assert!(!feeds.to_string().contains("first"), "{feeds}");
    assert!(service.is_running());
}

/// Lets time pass until a trouble of this kind is in the metrics.
async fn until_counted(spot: &Spot, kind: &str) {
    let line = format!("tocsin_feed_troubles_total{{feed=\"feed:spot\",kind=\"{kind}\"}}");
    spot.pass_until(kind, async || {
        let metrics = spot.ask("metrics").await.text().await.unwrap();
        metrics.contains(&line)
    })
    .await;
}

/// Lets time pass until the service says that the trouble is over.
async fn until_well(spot: &Spot) {
    spot.pass_until("the trouble is over", async || {
        spot.subject("AAA").await.unwrap()["trouble"].is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_in_trouble_is_unknown_and_loud_and_nothing_is_paid() {
    let spot = Spot::open(&[(1, "AAA")]).await;
    let mut service = live(&spot);
    spot.until_seen("AAA").await;
    let moods = [
        (Mood::Status(500), "status"),
        (Mood::Garbage, "malformed"),
        (Mood::Renamed, "missing"),
        (Mood::Status(429), "throttled"),
    ];
    for (mood, kind) in moods {
        spot.set_mood(mood);
        until_counted(&spot, kind).await;
        spot.pass_until("the subject has the trouble", async || {
            let subject = spot.subject("AAA").await.unwrap();
            let trouble = subject["trouble"].as_str();
            trouble.is_some_and(|trouble| trouble.starts_with("spot: "))
        })
        .await;
        spot.set_mood(Mood::Well);
        until_well(&spot).await;
    }
    spot.go_down();
    until_counted(&spot, "unreachable").await;
    spot.come_up().await;
    until_well(&spot).await;
    // Longer than its patience: what was known is not known any more.
    spot.set_mood(Mood::Status(502));
    spot.until_seen("AAA").await;
    spot.set_mood(Mood::Well);
    spot.until_seen("AAA").await;

    // A key that is exchanged while the service runs.
    spot.exchange_key("second");
    until_counted(&spot, "key").await;
    spot.give_key("second");
    spot.pass_until("the new key is used", async || {
        spot.last_key().as_deref() == Some("second")
    })
    .await;
    spot.until_seen("AAA").await;
    assert!(spot.attested().await.is_empty());
    assert!(service.is_running());
    service.kill();

    let booked = booked(&spot, "AAA").await;
    let values = values(&booked);
    assert!(values.contains(&None), "{values:?}");
    let known: Vec<_> = values.iter().flatten().collect();
    assert!(known.iter().all(|value| *value == "1"), "{values:?}");
}

/// A policy whose whole period lies in an outage that began before it: nobody saw anything, and nobody says that nothing was.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_an_outage_is_not_known() {
    let spot = Spot::open(&[(1, "AAA")]).await;
    let mut service = live(&spot);
    spot.until_seen("AAA").await;
    spot.set_mood(Mood::Status(500));
    let reasons = async || {
        let ready = spot.get("health/ready").await.unwrap();
        ready["reasons"]["feed:spot is silent"].clone()
    };
    spot.pass_until("it is not ready", async || reasons().await.is_string())
        .await;
    let why = reasons().await;
    assert!(why.as_str().unwrap().contains("price:AAA-USD"), "{why}");

    // Whoever buys after the beginning may know what has happened since.
    let now = spot.now();
    let late = spot
        .insure(8, "AAA", (now + Seconds(-1), now + Seconds(500)))
        .await;
    assert_eq!(late.status(), 422);
    let late: Value = late.json().await.unwrap();
    assert_eq!(late["errors"][0]["pointer"], "/inception", "{late}");

    let period = (now + Seconds(20), now + Seconds(50));
    let taken = spot.insure(7, "AAA", period).await;
    assert_eq!(taken.status(), 201);
    let taken: Value = taken.json().await.unwrap();
    let policy = taken["policies"][0].as_str().unwrap();
    let asked = format!("v1/eligibility?policy={policy}");
    let outcome = async || {
        let said = spot.get(&asked).await.unwrap();
        said["eligibility"][0]["outcome"].clone()
    };
    spot.pass_until("it ended", async || outcome().await.is_string())
        .await;
    let ended = outcome().await;
    let why = "is not known: a source had reported that it had no value";
    assert!(ended.as_str().unwrap().contains(why), "{ended}");
    spot.set_mood(Mood::Well);
    spot.pass_until("it is ready", async || reasons().await.is_null())
        .await;
    // It began before now, and is in the books already.
    assert_eq!(spot.insure(7, "AAA", period).await.status(), 201);
    assert!(service.is_running());
    service.kill();

    let mut proof = Vec::new();
    prove::run(&spot.config(), policy, &mut proof)
        .await
        .unwrap();
    let proof: Value = serde_json::from_slice(&proof).unwrap();
    let leaves = proof["leaves"].as_array().unwrap().iter();
    let said = |kind: &str| {
        let kind = format!("\"kind\":\"{kind}\"");
        let entries = leaves.clone().filter_map(|leaf| leaf["entry"].as_str());
        let said = entries.filter(|entry| entry.contains(&kind));
        said.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(said("outcome")[0].contains("\"verdict\":\"inconclusive\""));
    // The leaf before the outcome shows the same: without value since before the period, and not known again.
    let looks = said("look");
    assert!(
        looks.iter().any(|look| look.contains("\"until\":null")),
        "{looks:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_again_and_again_sees_every_price_once() {
    let spot = Spot::open(&[(1, "AAA"), (2, "BBB")]).await;
    let mut random = Random::new();
    let mut posted = vec!["1".to_owned()];
    let mut service = live(&spot);
    spot.until_seen("AAA").await;
    for life in 0..6_u32 {
        for change in 0..2_u32 {
            let price = format!("1.{life}{change}1");
            spot.set_price("AAA", &price);
            if change == 0 {
                // In the middle of whatever it does.
                let until = Duration::from_millis(u64::from(random.below(150)));
                spot.pass(10);
                tokio::time::sleep(until).await;
                assert!(service.is_running(), "it ended by itself ({random})");
                service.kill();
                service = live(&spot);
            }
            spot.until_seen("AAA").await;
            posted.push(price);
        }
    }
    spot.set_price("AAA", "0.7");
    posted.push("0.7".to_owned());
    spot.pass_until("it is paid", async || !spot.attested().await.is_empty())
        .await;
    service.kill();
    let mut last = live(&spot);
    spot.until_seen("AAA").await;
    assert_eq!(spot.attested().await.len(), 1);
    // Its keys' quota goes on where it was.
    let feeds = spot.get("v1/feeds").await.unwrap();
    let used = feeds["feeds"]["feed:spot"]["keys"][0]["used_today"].as_u64();
    assert!(used.unwrap() > 20, "{feeds}");
    last.kill();

    let booked = booked(&spot, "AAA").await;
    // Where the machine is slow the clock runs past what was known: a price is then unknown for a while, and known again.
    let mut seen = values(&booked);
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
    seen.retain(Option::is_some);
    seen.dedup();
    let seen: Vec<String> = seen.into_iter().flatten().collect();
    assert_eq!(seen, posted, "{random}");
    let times: Vec<Timestamp> = booked.iter().map(|(seen, _)| seen.observed_at).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_cannot_be_found_out_waits_for_a_person_and_nothing_else_does() {
    let spot = Spot::open(&[(1, "AAA")]).await;
    let store = SqliteStore::open(&spot.folder().join("tocsin.db"))
        .await
        .unwrap();
    let lost = NewLook {
        source: "feed:spot".into(),
        subject: "flight:UA1/2013-01-01/EWR".into(),
        due_at: spot.now(),
    };
    store.add_looks(&[lost]).await.unwrap();
    store.close().await;
    let mut service = live(&spot);
    spot.until_seen("AAA").await;
    let ready = spot.ask("health/ready").await;
    assert_eq!(ready.status(), 503);
    let reasons: Value = ready.json().await.unwrap();
    let reason = &reasons["reasons"]["feed:spot needs a person"];
    assert!(reason.as_str().unwrap().contains("1 subject"), "{reasons}");
    // It was known when the service began, before anything was asked.
    let reason = &reasons["reasons"]["subjects of feed:spot"];
    assert!(
        reason
            .as_str()
            .unwrap()
            .contains("cannot ask about flight:UA1"),
        "{reasons}"
    );
    let feeds = spot.get("v1/feeds").await.unwrap();
    let waiting = &feeds["feeds"]["feed:spot"]["needs_person"][0];
    assert_eq!(waiting["subject"], "flight:UA1/2013-01-01/EWR");
    assert!(
        waiting["needs_person"]
            .as_str()
            .unwrap()
            .contains("cannot ask")
    );
    spot.set_price("AAA", "0.8");
    spot.pass_until("the others go on", async || {
        !spot.attested().await.is_empty()
    })
    .await;
    service.kill();

    let decided = feeds::Attend {
        config: &spot.config(),
        feed: "feed:spot",
        subject: "flight:UA1/2013-01-01/EWR",
        leave: true,
    };
    let clock = SetClock::new(spot.now());
    feeds::attend(decided, &clock, &mut Vec::new())
        .await
        .unwrap();
    let mut service = live(&spot);
    spot.pass_until("it is ready", async || {
        spot.get("health/ready")
            .await
            .is_some_and(|ready| ready["ready"] == true)
    })
    .await;
    assert!(service.is_running());
}

/// Many subjects through a narrow door: the last of them is asked about long after the turn began, and its answer is as good as
/// that of the first.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_of_the_moment_when_it_was_asked_for() {
    let names: Vec<String> = (0..60).map(|n| format!("T{n}")).collect();
    let numbers = 0..60_u32;
    let policies: Vec<(u32, &str)> = numbers.zip(names.iter().map(String::as_str)).collect();
    let spot = Spot::open(&policies).await;
    spot.ask_slowly();
    let mut service = live(&spot);
    // Time flies while they wait for each other.
    let begun = Instant::now();
    while spot.asked() < 60 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            spot.asked()
        );
        spot.pass(12);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    let metrics = spot.ask("metrics").await.text().await.unwrap();
    assert!(!metrics.contains("wrong_time"), "{metrics}");
    assert!(service.is_running());
}
