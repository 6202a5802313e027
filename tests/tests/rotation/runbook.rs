//! The runbook for attestors' keys (docs/runbooks/attestor-keys.md), walked through: a rollover, a rollback, a compromise, and the
//! end of an epoch that nobody follows. Each key goes through the states that clients' keys have, every change and every notice
//! is said once, whenever the service dies.

use std::time::Duration;

use serde_json::{Value, json};
use tocsin_tests::http::client;
use tocsin_tests::life::Life;
use tocsin_tests::market::{Market, attestor};
use tocsin_tests::mortal::Death;
use tocsin_tests::operator::{address, as_owner, attestations, edit, get, tocsin, until};
use tokio::time::{Instant, timeout};
use url::Url;

use super::{CONFIRMATIONS, assert_paid_once, epoch, market, now, service};

const DAY: u64 = 86_400;
/// What a revocation may take at the most.
const A_MINUTE: Duration = Duration::from_secs(60);

/// The address of the key with which every service of a market begins.
fn first() -> String {
    format!("{:#x}", attestor().address())
}

/// The address of the key with this number.
fn numbered(number: u8) -> String {
    format!("{:#x}", address(number))
}

/// What a service says of one key.
fn key<'a>(answer: &'a Value, address: &str) -> &'a Value {
    let mut keys = answer["attestors"].as_array().into_iter().flatten();
    let found = keys.find(|key| key["address"] == address);
    found.unwrap_or(&Value::Null)
}

/// Waits until keys are in these states.
async fn until_states(market: &Market, api: &Url, wanted: &[(&str, &str)]) -> Value {
    let what = format!("{wanted:?}");
    until(market, api, "v1/attestors", &what, |answer| {
        let mut wanted = wanted.iter();
        wanted.all(|(address, state)| key(answer, address)["state"] == *state)
    })
    .await
}

/// Waits until so many unpaid claims are under an epoch.
async fn until_waiting(market: &Market, api: &Url, number: usize, claims: u64) {
    let what = format!("{claims} claims under epoch {number}");
    until(market, api, "v1/epochs", &what, |answer| {
        answer["epochs"][number - 1]["unredeemed_claims"] == claims
    })
    .await;
}

/// Lets time pass on the chain.
async fn pass(market: &Market, seconds: u64) {
    let later = now(market).await + seconds;
    market.anvil.set_next_time(later).await;
    market.anvil.mine(CONFIRMATIONS + 1).await;
}

/// Everything that the log says of attestors, in order.
async fn leaves(api: &Url) -> Vec<Value> {
    let (mut found, mut start) = (Vec::new(), 0);
    loop {
        let page = get(api, &format!("v1/log/entries?start={start}"))
            .await
            .unwrap();
        let entries = page["entries"].as_array().unwrap().clone();
        if entries.is_empty() {
            return found;
        }
        start += entries.len();
        let facts = entries.into_iter().map(|entry| entry["says"].clone());
        let of_them = |fact: &Value| fact["kind"].as_str().unwrap().starts_with("attestor.");
        found.extend(facts.filter(of_them));
    }
}

/// The kinds of the events that a client hears from the beginning on, as far as they are about attestors.
async fn heard(api: &Url, count: usize) -> Vec<String> {
    let url = api.join("v1/events?after=0").unwrap();
    let mut stream = client().get(url).send().await.unwrap();
    let mut text = String::new();
    let kinds = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("event: "));
        lines
            .filter(|kind| kind.starts_with("attestor."))
            .map(str::to_owned)
            .collect()
    };
    // What there is comes at once; that nothing more comes shows in a little while.
    while let Ok(Ok(Some(chunk))) = timeout(Duration::from_millis(700), stream.chunk()).await {
        text += &String::from_utf8_lossy(&chunk);
        if kinds(&text).len() > count {
            break;
        }
    }
    kinds(&text)
}

/// The states that a key went through, by epoch.
fn path(leaves: &[Value], address: &str, epoch: u64) -> Vec<String> {
    let of_it = leaves.iter().filter(|fact| {
        fact["kind"] == "attestor.state" && fact["subject"] == address && fact["ordinal"] == epoch
    });
    let states = of_it.map(|fact| {
        let was = fact["body"]["was"].as_str().unwrap_or("-");
        format!("{was} {}", fact["body"]["state"].as_str().unwrap())
    });
    states.collect()
}

/// Waits until the log says last that a key has gone through this change; gives all that it says of attestors.
async fn until_said(api: &Url, address: &str, epoch: u64, change: &str) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let said = leaves(api).await;
        let states = path(&said, address, epoch);
        if states.last().is_some_and(|last| last == change) {
            return said;
        }
        assert!(begun.elapsed() < A_MINUTE, "not {change}: {states:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollover_a_rollback_and_a_compromise_by_the_runbook() {
    let (mut market, config, api) = market().await;
    // Claims wait for their veto, so that there is something under each epoch.
    edit(&config, "hold      = \"0s\"", "hold      = \"2h\"");
    let owner = as_owner(&config);
    let owner = owner.display().to_string();
    let (one, two, three) = (first(), numbered(2), numbered(3));
    let mut running = service(&market, &config);
    market.fall_and_rise().await;
    until_waiting(&market, &api, 1, 1).await;
    let answer = until_states(&market, &api, &[(&one, "active")]).await;
    assert_eq!(key(&answer, &one)["signatures"], 1, "{answer}");

    // Rollover, 1: the next epoch is announced. Its key is known, and signs nothing yet.
    let begins = now(&market).await + 600;
    let rotate = |signer: &str, from: u64| {
        format!(
            "keys|rotate|--config|{owner}|--signer|{signer}|--from|{from}|--lasts|10d|--grace|40d"
        )
    };
    tocsin(&market, &rotate(&two, begins)).await.unwrap();
    until_states(&market, &api, &[(&one, "active"), (&two, "pending")]).await;
    // 2: It begins. Whenever the service dies while it writes that down, it is written down once.
    running.kill();
    pass(&market, 700).await;
    for death in ["before:change_attestors", "after:change_attestors"] {
        let death: Death = death.parse().unwrap();
        let node = env!("CARGO_BIN_EXE_node").as_ref();
        let url = market.anvil.url();
        let mut dying = Life::of_until(node, &config, &url, market.folder(), &death);
        while dying.is_running() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    running = service(&market, &config);
    let answer = until_states(&market, &api, &[(&one, "retiring"), (&two, "active")]).await;
    // What the old epoch signed is accepted and still waits: the report names it.
    let waiting = answer["laggards"]["claims"].as_array().unwrap();
    assert_eq!(waiting.len(), 1, "{answer}");
    assert_eq!(waiting[0]["epoch"], 1);
    let attested = attestations(&api).await;
    assert_eq!(waiting[0]["claim_key"], attested[0]["claim_key"]);
    // 3: New claims are signed with the new key. It lasts less than the notice, so its end is said at once.
    market.fall_and_rise().await;
    until_waiting(&market, &api, 2, 1).await;
    let answer = until(&market, &api, "v1/epochs", "said", |answer| {
        answer["epochs"][1]["notices"]["ending"].is_string()
    })
    .await;
    assert_eq!(answer["epochs"][0]["life"]["state"], "retiring", "{answer}");
    assert!(
        answer["epochs"][1]["notices"]["unsucceeded"].is_null(),
        "{answer}"
    );

    // Rollback: the new key does not do. The old epoch has not ended, so it signs again, also what the new one had signed.
    let said = tocsin(&market, &format!("keys|revoke|2|--config|{owner}"))
        .await
        .unwrap();
    assert!(said.contains("attested anew"), "{said}");
    let begun = Instant::now();
    until_states(&market, &api, &[(&one, "active"), (&two, "revoked")]).await;
    until_waiting(&market, &api, 1, 2).await;
    assert!(begun.elapsed() < A_MINUTE, "{:?}", begun.elapsed());
    market.fall_and_rise().await;
    until_waiting(&market, &api, 1, 3).await;

    // Compromise of the first key: somebody else goes on, then its epoch is revoked.
    let begins = now(&market).await + 1;
    tocsin(&market, &rotate(&three, begins)).await.unwrap();
    until_states(&market, &api, &[(&one, "retiring"), (&three, "active")]).await;
    tocsin(&market, &format!("keys|revoke|1|--config|{owner}"))
        .await
        .unwrap();
    let begun = Instant::now();
    let answer = until_states(&market, &api, &[(&one, "revoked"), (&three, "active")]).await;
    let before = key(&answer, &one)["signatures"].clone();
    until_waiting(&market, &api, 3, 3).await;
    assert!(begun.elapsed() < A_MINUTE, "{:?}", begun.elapsed());
    market.fall_and_rise().await;
    until_waiting(&market, &api, 3, 4).await;
    let answer = get(&api, "v1/attestors").await.unwrap();
    // From the revocations on nothing was signed with the revoked keys, and nothing waits under their epochs.
    assert_eq!(key(&answer, &one)["signatures"], before, "{answer}");
    assert_eq!(key(&answer, &two)["signatures"], 1, "{answer}");
    assert_eq!(
        answer["laggards"],
        json!({"claims": [], "more": false, "keys": []})
    );
    let listed = tocsin(&market, &format!("keys|list|--config|{owner}"))
        .await
        .unwrap();
    assert!(listed.contains(&format!("{one} revoked")), "{listed}");
    assert!(
        listed.contains("epoch 3: said to be unsucceeded"),
        "{listed}"
    );

    // Each claim is paid once, by what the last key has signed of it.
    pass(&market, 3 * 3_600).await;
    until_waiting(&market, &api, 3, 0).await;
    assert_paid_once(&market.paid().await, 4);
    let last: Vec<Value> = attestations(&api).await.split_off(4);
    assert_eq!(last.len(), 4, "{last:?}");
    assert!(last.iter().all(|one| epoch(one) == 3), "{last:?}");

    // Who listens hears what the log says, each once.
    let said = leaves(&api).await;
    let kinds = said
        .iter()
        .map(|fact| fact["kind"].as_str().unwrap().to_owned());
    let kinds: Vec<String> = kinds.collect();
    assert_eq!(heard(&api, kinds.len()).await, kinds);

    // The end of an epoch that nobody follows, which nothing brings back.
    pass(&market, 10 * DAY).await;
    until_states(&market, &api, &[(&three, "retiring")]).await;
    until_said(&api, &three, 3, "active retiring").await;
    pass(&market, 40 * DAY).await;
    until_states(&market, &api, &[(&three, "retired")]).await;
    let said = until_said(&api, &three, 3, "retiring retired").await;
    assert_eq!(
        path(&said, &one, 1),
        [
            "- active",
            "active retiring",
            "retiring active",
            "active retiring",
            "retiring revoked"
        ]
    );
    assert_eq!(
        path(&said, &two, 2),
        ["- pending", "pending active", "active revoked"]
    );
    let notices: Vec<(&str, u64)> = said
        .iter()
        .filter(|fact| fact["kind"] != "attestor.state")
        .map(|fact| {
            (
                fact["kind"].as_str().unwrap(),
                fact["ordinal"].as_u64().unwrap(),
            )
        })
        .collect();
    let ending = "attestor.ending";
    assert_eq!(
        notices,
        [(ending, 2), (ending, 3), ("attestor.unsucceeded", 3)]
    );
    running.kill();
}
