//! `tocsin log prove`: what the log says of one policy, in one file, with a proof of each leaf, for somebody who has
//! nothing but the key that verifies the log.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use tocsin_domain::ids::PolicyId;
use tocsin_store::check::Flaw;
use tocsin_store::log::{Log, prove};
use tocsin_store::policy::Policies;
use tocsin_store_sqlite::SqliteStore;

use crate::config::Config;
use crate::report::Report;

/// How many leaves about one subject are proven.
const LEAVES: u32 = 10_000;

/// Prints the proof of what became of a policy.
pub async fn run(config: &Path, policy: &str, out: &mut dyn Write) -> Result<(), Report> {
    let id: PolicyId = policy.parse().map_err(|_not_hex| {
        Report::bad_input(format!(
            "`{policy}` is not a policy id: write its 32 bytes as 0x and 64 digits"
        ))
    })?;
    let config = Config::load(config)?;
    let store = SqliteStore::open(&config.database).await?;
    let known = store.policy(id).await?;
    let known = known.ok_or_else(|| Report::bad_input(format!("there is no policy {id}")))?;
    let checkpoint = store.checkpoint().await?;
    let checkpoint = checkpoint.ok_or_else(|| {
        Report::bad_input("no state of the log is signed yet: let the service run")
    })?;
    let mut leaves = Vec::new();
    for (subject, kind) in [
        (known.terms_hash.to_string(), Some("cover")),
        (known.terms_hash.to_string(), Some("declaration")),
        (known.risk.to_string(), None),
        (id.to_string(), None),
    ] {
        leaves.extend(store.leaves_about(&subject, kind, LEAVES).await?);
    }
    let mut coverage = BTreeSet::new();
    for leaf in leaves.iter().filter(|leaf| leaf.kind == "risk") {
        let says: Value = serde_json::from_str(&leaf.entry)
            .map_err(|error| Flaw(error.to_string()).invalid_row("leaf", leaf.index))?;
        for stream in says["body"]["streams"].as_array().into_iter().flatten() {
            let (Some(source), Some(subject)) =
                (stream["source"].as_str(), stream["subject"].as_str())
            else {
                continue;
            };
            coverage.insert((source.to_owned(), "coverage"));
            coverage.insert((format!("{subject}@{source}"), "look"));
        }
    }
    for (about, kind) in &coverage {
        leaves.extend(store.leaves_about(about, Some(kind), LEAVES).await?);
    }
    leaves.retain(|leaf| leaf.index < checkpoint.size);
    leaves.sort_unstable_by_key(|leaf| leaf.index);
    let mut proven = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let leaf = prove(&store, leaf, checkpoint.size).await?;
        let path: Vec<String> = leaf.path.iter().map(ToString::to_string).collect();
        proven.push(json!({ "index": leaf.index, "entry": leaf.entry, "proof": path }));
    }
    let proof = json!({ "policy": id, "checkpoint": checkpoint.note, "leaves": proven });
    writeln!(out, "{proof:#}")?;
    store.close().await;
    Ok(())
}
