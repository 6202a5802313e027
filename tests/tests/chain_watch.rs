//! What a running service says of a chain that it watches: that its finality stands still, and that a second look differs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::life::Life;
use tocsin_tests::market::{FEES, Market, Submitter, View};
use tocsin_tests::rpc_fault::{Fault, FaultyNode};
use url::Url;

/// Blocks after which one is final.
const CONFIRMATIONS: u64 = 4;

const PATIENCE: Duration = Duration::from_secs(30);

/// A market, and a service's configuration with some more keys in the section of its chain.
async fn market(keys: &str) -> (Market, PathBuf, Url) {
    let market = Market::open(&CONFIRMATIONS.to_string()).await;
    let (config, api) = market.write_service(&View {
        url: market.anvil.url(),
        websocket: None,
        sinks: Vec::new(),
        submitter: Submitter::First,
        fees: FEES,
        finality: CONFIRMATIONS.to_string(),
        poll_ms: 50,
        warnings: false,
    });
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("stalled_after    = \"7d\"", keys);
    std::fs::write(&config, text).unwrap();
    (market, config, api)
}

fn service(market: &Market, config: &Path) -> Life {
    let node = env!("CARGO_BIN_EXE_node").as_ref();
    Life::of(node, config, &market.anvil.url(), market.folder())
}

/// Waits until the answer at a path is such.
async fn until(api: &Url, path: &str, what: &str, holds: impl AsyncFn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    let mut last = Value::Null;
    while begun.elapsed() < PATIENCE {
        if let Ok(answer) = reqwest::get(api.join(path).unwrap()).await {
            last = answer.json().await.unwrap();
            if holds(&last).await {
                return last;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not yet: {what}; last: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_grows_and_whose_finality_stands_still_is_reported_with_both_heads() {
    let (mut market, config, api) = market("stalled_after = \"1h\"").await;
    market.post(false).await;
    market.anvil.mine(CONFIRMATIONS + 1).await;
    let mut service = service(&market, &config);
    until(&api, "health/ready", "ready", async |ready| {
        ready["ready"] == true
    })
    .await;

    // The chain goes on, by less blocks than make one of the new ones final, and time with it.
    let head = market.anvil.block("latest").await;
    let later = tocsin_tests::anvil::quantity(&head["timestamp"]) + 2 * 3_600;
    market.anvil.set_next_time(later).await;
    market.anvil.mine(1).await;
    let newest = market.anvil.head().await;
    let both = format!(
        "its newest block is {newest}, its newest final block {}",
        newest - CONFIRMATIONS
    );
    let ready = until(&api, "health/ready", &both, async |ready| {
        ready["reasons"].to_string().contains(&both)
    })
    .await;
    assert_eq!(ready["ready"], false, "{ready}");
    assert!(service.is_running());

    // Once it moves again, all is well.
    market.anvil.mine(CONFIRMATIONS).await;
    until(&api, "health/ready", "ready again", async |ready| {
        ready["ready"] == true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_are_not_what_another_endpoint_has_halt_their_source() {
    let second = "stalled_after = \"7d\"\nrecheck_every = \"1s\"";
    let (mut market, config, api) = market(second).await;
    let text = std::fs::read_to_string(&config).unwrap();
    // The same node under another name: it had no say in what is stored.
    let url = market.anvil.url();
    let mut other = url.clone();
    other.set_host(Some("localhost")).unwrap();
    let endpoint = format!("url = \"{url}\"\n");
    let both = format!(
        "{endpoint}\n[[chains.\"eip155:31337\".endpoints]]\nurl = \"{other}\"\nweight = 0\n"
    );
    std::fs::write(&config, text.replacen(&endpoint, &both, 1)).unwrap();

    market.fall_and_rise().await;
    market.anvil.mine(CONFIRMATIONS + 1).await;
    let mut first = service(&market, &config);
    let seen = |api: Url| async move {
        until(
            &api,
            "v1/sources",
            "a second look that agrees",
            async |sources| {
                sources["sources"][0]["rechecks"][0]["differs"].is_null()
                    && sources["sources"][0]["rechecks"][0].is_object()
            },
        )
        .await
    };
    // The clock, and with it the choice of what is looked at, follows the chain.
    market.anvil.mine(1).await;
    seen(api.clone()).await;
    first.kill();

    // Somebody changes what was seen.
    let database = market.folder().join("tocsin.db");
    SqliteStore::open(&database).await.unwrap().close().await;
    let mut bytes = std::fs::read(&database).unwrap();
    let row: &[u8] = b"decimal0.99";
    let places: Vec<usize> = (0..bytes.len() - row.len())
        .filter(|at| bytes[*at..].starts_with(row))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + row.len() - 1] = b'8';
    }
    std::fs::write(&database, bytes).unwrap();

    let mut second = service(&market, &config);
    let halted = until(&api, "v1/sources", "halted", async |sources| {
        market.anvil.mine(1).await;
        !sources["sources"][0]["halted"].is_null()
    })
    .await;
    let cause = halted["sources"][0]["halted"]["cause"]["says_otherwise"].to_string();
    assert!(
        cause.contains("1 stored observations are not there, 1 are there"),
        "{halted}"
    );
    assert!(second.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_added_catches_up_without_keeping_the_others_waiting() {
    let keys = "stalled_after = \"7d\"\nmax_blocks_per_step = 1";
    let (mut market, config, api) = market(keys).await;
    market.post(false).await;
    market.anvil.mine(300).await;
    let read = |source: &'static str| {
        move |sources: &Value| {
            let sources = sources["sources"].as_array().unwrap().iter();
            let mut of = sources.filter(|of| of["source"].as_str().unwrap().starts_with(source));
            of.next().map_or(0, |of| of["block"].as_u64().unwrap_or(0))
        }
    };
    let (old, new) = (read("chainlink:"), read("event:"));
    let mut first = service(&market, &config);
    let final_head = market.anvil.head().await - CONFIRMATIONS;
    until(&api, "v1/sources", "everything", async |sources| {
        old(sources) == final_head
    })
    .await;
    first.kill();

    // The same contract's other event, from the beginning, through a node that takes its time.
    let slow = FaultyNode::start(market.anvil.url()).await;
    slow.spoil("eth_getBlockReceipts", Fault::Delay(30));
    let text = std::fs::read_to_string(&config).unwrap();
    let source = text.split("[sources.\"chainlink:").nth(1).unwrap();
    let (feed, rest) = source.split_once('"').unwrap();
    let rest = rest
        .split_once("[attestor]")
        .unwrap()
        .0
        .replace("\"price\"", "\"rounds\"");
    let added = format!("\n[sources.\"event:{feed}#AnswerUpdated(int256,uint256,uint256)\"{rest}");
    let text = text.replace(market.anvil.url().as_str(), slow.url().as_str());
    std::fs::write(&config, text + &added).unwrap();

    let mut second = service(&market, &config);
    market.post(false).await;
    market.anvil.mine(CONFIRMATIONS).await;
    let final_head = market.anvil.head().await - CONFIRMATIONS;
    let sources = until(&api, "v1/sources", "the new blocks", async |sources| {
        old(sources) == final_head
    })
    .await;
    assert!(new(&sources) < final_head, "{sources}");
    until(&api, "v1/sources", "caught up", async |sources| {
        new(sources) == final_head
    })
    .await;
    assert!(second.is_running());
}
