//! An operator at a market: runs commands as they are written in the documentation, while the chain goes on.

#![expect(
    clippy::panic,
    reason = "what does not happen in time is a failed test"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use serde_json::Value;
use tocsin::cli::{Cli, Command};
use tocsin::clock::SetClock;
use tocsin::command::{claims, keys};
use tocsin_domain::time::Timestamp;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::anvil::quantity;
use crate::http::client;
use crate::market::Market;

/// The first of the accounts that every anvil funds, which deploys everything: owner and guardian.
const OWNER_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// The key with this number, which is nobody's.
fn key(number: u8) -> B256 {
    B256::repeat_byte(number)
}

/// Its address.
pub fn address(number: u8) -> Address {
    PrivateKeySigner::from_bytes(&key(number))
        .unwrap()
        .address()
}

/// Replaces text in a file, which must be there.
pub fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// Gives a service a further key.
pub fn add_key(config: &Path, number: u8) {
    let file = format!("key{number}");
    std::fs::write(config.with_file_name(&file), key(number).to_string()).unwrap();
    let section =
        format!("[[attestor.keys]]\nkind = \"raw\"\nkey  = \"file:{file}\"\n\n[delivery.");
    edit(config, "[delivery.", &section);
}

/// The same configuration for commands that the owner and guardian sends.
pub fn as_owner(config: &Path) -> PathBuf {
    let own = config.with_file_name("owner.toml");
    std::fs::write(config.with_file_name("owner.key"), OWNER_KEY).unwrap();
    std::fs::copy(config, &own).unwrap();
    edit(&own, "file:submitter.key", "file:owner.key");
    own
}

/// Runs a command line, while blocks come; gives what it prints, or what it says of its failure.
pub async fn tocsin(market: &Market, line: &str) -> Result<String, String> {
    let words = ["tocsin"].into_iter().chain(line.split('|').map(str::trim));
    let parsed = Cli::read(words)?;
    let head = market.anvil.block("latest").await;
    let now = i64::try_from(quantity(&head["timestamp"])).unwrap();
    let clock = SetClock::new(Timestamp(now));
    let mut out = Vec::new();
    let command = async {
        match parsed.command {
            Command::Keys(asked) => keys::run(*asked, &clock, &mut out).await,
            Command::Claims(asked) => claims::run(asked, &clock, &mut out).await,
            other => panic!("{other:?}"),
        }
    };
    let outcome = tokio::select! {
        outcome = command => outcome,
        never = blocks(market) => never,
    };
    outcome.map_err(|report| report.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

async fn blocks<T>(market: &Market) -> T {
    loop {
        sleep(Duration::from_millis(50)).await;
        market.anvil.mine(1).await;
    }
}

/// Mines blocks until the service's answer at a path is such.
pub async fn until(
    market: &Market,
    api: &Url,
    path: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    let begun = Instant::now();
    let mut last = Value::Null;
    while begun.elapsed() < PATIENCE {
        // A service that is about to start does not answer yet.
        if let Some(answer) = get(api, path).await {
            last = answer;
            if holds(&last) {
                return last;
            }
        }
        market.anvil.mine(1).await;
        sleep(Duration::from_millis(40)).await;
    }
    panic!("not yet: {what}; last: {last}");
}

/// What a service answers; `None` where it does not.
pub async fn get(api: &Url, path: &str) -> Option<Value> {
    let answer = client().get(api.join(path).unwrap()).send().await.ok()?;
    answer.json().await.ok()
}

/// The attestations that a service lists, whole, oldest first.
pub async fn attestations(api: &Url) -> Vec<Value> {
    let Some(listed) = get(api, "v1/attestations").await else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for one in listed["attestations"].as_array().unwrap().iter().rev() {
        let path = format!("v1/attestations/{}", one["id"].as_str().unwrap());
        found.extend(get(api, &path).await);
    }
    found
}
