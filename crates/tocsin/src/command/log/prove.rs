//! `tocsin log prove`: what the log says of one policy, in one file, with a proof of each leaf, for somebody who has
//! nothing but the key that verifies the log.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use tocsin_domain::ids::PolicyId;
use tocsin_log::{Tiles, inclusion_proof};
use tocsin_store::check::Flaw;
use tocsin_store::log::{Leaf, Log};
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
        (known.risk.to_string(), None),
        (id.to_string(), None),
    ] {
        leaves.extend(store.leaves_about(&subject, kind, LEAVES).await?);
    }
    let mut sources = Vec::new();
    for leaf in leaves.iter().filter(|leaf| leaf.kind == "risk") {
        let says: Value = serde_json::from_str(&leaf.entry)
            .map_err(|error| Flaw(error.to_string()).invalid_row("leaf", leaf.index))?;
        let streams = says["body"]["streams"].as_array();
        let named = streams.into_iter().flatten();
        sources.extend(named.filter_map(|stream| stream["source"].as_str().map(str::to_owned)));
    }
    sources.sort_unstable();
    sources.dedup();
    for source in &sources {
        leaves.extend(store.leaves_about(source, Some("coverage"), LEAVES).await?);
    }
    leaves.retain(|leaf| leaf.index < checkpoint.size);
    leaves.sort_unstable_by_key(|leaf| leaf.index);
    let mut proven = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        proven.push(prove(&store, leaf, checkpoint.size).await?);
    }
    let proof = json!({ "policy": id, "checkpoint": checkpoint.note, "leaves": proven });
    writeln!(out, "{proof:#}")?;
    store.close().await;
    Ok(())
}

async fn prove(store: &SqliteStore, leaf: &Leaf, size: u64) -> Result<Value, Report> {
    let broken =
        |error: tocsin_log::LogError| Flaw(error.to_string()).invalid_row("leaf", leaf.index);
    let nodes = inclusion_proof(leaf.index, size).map_err(broken)?;
    let mut tiles = Tiles::default();
    for id in nodes.tiles() {
        let bytes = store.tile(id).await?.unwrap_or_default();
        tiles.add(id, 1, &bytes).map_err(broken)?;
    }
    let proof = nodes.hashes(&tiles).map_err(broken)?;
    let proof: Vec<String> = proof.iter().map(ToString::to_string).collect();
    Ok(json!({ "index": leaf.index, "entry": leaf.entry, "proof": proof }))
}
