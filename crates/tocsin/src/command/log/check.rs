//! `tocsin log check`: what a proof about one policy shows to somebody who has nothing but the key of the log.
//!
//! Shown are the leaves that the proof holds. That the log holds no other ones about the policy is for an audit to find,
//! which reads them all; but the outcome is one statement of the log's, and stands or falls with its signature.

use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tocsin_log::{Checkpoint, Hash, VerifierKey, leaf_hash, verify_inclusion};
use tocsin_store::log::Fact;

use crate::report::{self, Report};

#[derive(Deserialize)]
struct Proof {
    policy: String,
    checkpoint: String,
    leaves: Vec<Proven>,
}

#[derive(Deserialize)]
struct Proven {
    index: u64,
    entry: String,
    proof: Vec<String>,
}

/// Checks and tells; returns whether everything holds.
pub fn run(path: &Path, key: &str, out: &mut dyn Write) -> Result<bool, Report> {
    let key: VerifierKey = key
        .parse()
        .map_err(|error| Report::bad_input(format!("`{key}`: {error}")))?;
    let text = std::fs::read_to_string(path)?;
    let proof: Proof = serde_json::from_str(&text).map_err(|error| {
        Report::bad_input(format!(
            "{} is no proof of the log: {error}",
            path.display()
        ))
    })?;
    let checkpoint = match Checkpoint::verify(&proof.checkpoint, &key) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            writeln!(out, "DOES NOT HOLD: {}", report::chain(&error))?;
            return Ok(false);
        }
    };
    let mut facts = Vec::with_capacity(proof.leaves.len());
    for leaf in &proof.leaves {
        match proven(leaf, &checkpoint) {
            Ok(fact) => facts.push(fact),
            Err(why) => {
                writeln!(out, "DOES NOT HOLD: leaf {}: {why}", leaf.index)?;
                return Ok(false);
            }
        }
    }
    writeln!(
        out,
        "{} leaves are in the log `{}` of {} leaves",
        facts.len(),
        checkpoint.origin,
        checkpoint.size
    )?;
    tell(&proof.policy, &facts, out)?;
    Ok(true)
}

fn proven(leaf: &Proven, checkpoint: &Checkpoint) -> Result<Fact, String> {
    let hashes = leaf.proof.iter().map(|text| Hash::from_base64(text));
    let hashes: Option<Vec<Hash>> = hashes.collect();
    let hashes = hashes.ok_or("its proof is not made of hashes")?;
    let hash = leaf_hash(leaf.entry.as_bytes());
    verify_inclusion(hash, leaf.index, checkpoint.size, &hashes, checkpoint.root)
        .map_err(|error| error.to_string())?;
    serde_json::from_str(&leaf.entry).map_err(|error| error.to_string())
}

/// What the leaves say, the newest of each.
fn tell(policy: &str, facts: &[Fact], out: &mut dyn Write) -> std::io::Result<()> {
    let newest = |kind: &str| {
        let about = |fact: &&Fact| fact.kind == kind && fact.subject == policy;
        facts.iter().rev().find(about)
    };
    let Some(bought) = newest("policy") else {
        return writeln!(out, "none of them says what policy {policy} insures");
    };
    let (risk, terms) = (&bought.body["risk"], &bought.body["terms_hash"]);
    writeln!(out, "policy     {policy}")?;
    writeln!(out, "terms      {}", text(terms))?;
    writeln!(out, "risk       {}", text(risk))?;
    writeln!(
        out,
        "period     {} to {}",
        bought.body["inception"], bought.body["expiry"]
    )?;
    let of_risk =
        |fact: &&Fact| fact.kind == "determination" && Some(fact.subject.as_str()) == risk.as_str();
    for loss in facts.iter().filter(of_risk) {
        writeln!(
            out,
            "loss {}     {}, occurred at {}",
            loss.ordinal,
            text(&loss.body["verdict"]),
            loss.body["occurred_at"]
        )?;
    }
    for claim in facts
        .iter()
        .filter(|fact| fact.kind == "claim" && fact.subject == policy)
    {
        writeln!(
            out,
            "claim {}    {}",
            claim.ordinal,
            text(&claim.body["decision"])
        )?;
    }
    for fact in facts.iter().filter(|fact| fact.kind == "coverage") {
        match fact.body["undone_from_block"].as_u64() {
            Some(block) => writeln!(
                out,
                "read       {}: taken back from block {block} on",
                fact.subject
            )?,
            None => writeln!(
                out,
                "read       {}: blocks {} to {}, until {}",
                fact.subject,
                fact.body["first_block"],
                fact.body["last_block"],
                fact.body["seen_until"]
            )?,
        }
    }
    match newest("outcome") {
        Some(outcome) => writeln!(
            out,
            "outcome    {}, evaluated until {}",
            text(&outcome.body["verdict"]),
            outcome.body["evaluated_to"]
        ),
        None => writeln!(
            out,
            "outcome    none yet: nothing says how the policy ended"
        ),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("not said")
}
