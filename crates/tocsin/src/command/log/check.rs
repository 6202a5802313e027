//! `tocsin log check`: what a proof about one policy shows to somebody who has nothing but the key of the log.
//!
//! That a policy did not trigger is taken as shown only where its terms were declared before it, and everything that its
//! risk listens to was read over the whole period. Shown are the leaves that the proof holds. That the log holds no other
//! ones about the policy is for an audit to find, which reads them all; but the outcome is one statement of the log's,
//! and stands or falls with its signature.

mod judge;
mod paid;
mod says;
mod span;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use tocsin_log::{Checkpoint, Hash, ProvenLeaf, VerifierKey};

use self::says::Placed;

use crate::config::read;
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

/// Checks and tells; returns whether everything holds, and the leaves show what they say.
pub fn run(path: &Path, key: &str, out: &mut dyn Write) -> Result<bool, Report> {
    let key: VerifierKey = key
        .parse()
        .map_err(|error| Report::bad_input(format!("`{key}`: {error}")))?;
    let text = read(path)?;
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
    let mut leaves = Vec::with_capacity(proof.leaves.len());
    for leaf in &proof.leaves {
        match proven(leaf, &checkpoint) {
            Ok(placed) => leaves.push(placed),
            Err(why) => {
                writeln!(out, "DOES NOT HOLD: leaf {}: {why}", leaf.index)?;
                return Ok(false);
            }
        }
    }
    leaves.sort_unstable_by_key(|leaf| leaf.index);
    writeln!(
        out,
        "{} leaves are in the log `{}` of {} leaves",
        leaves.len(),
        checkpoint.origin,
        checkpoint.size
    )?;
    let verdict = match judge::judge(&proof.policy, &leaves) {
        Ok(verdict) => verdict,
        Err(why) => {
            writeln!(out, "DOES NOT HOLD: {why}")?;
            return Ok(false);
        }
    };
    for (what, sentence) in &verdict.told {
        writeln!(out, "{what:<10} {sentence}")?;
    }
    for why in &verdict.not_shown {
        writeln!(out, "NOT SHOWN: {why}")?;
    }
    Ok(verdict.not_shown.is_empty())
}

fn proven(leaf: &Proven, checkpoint: &Checkpoint) -> Result<Placed, String> {
    let hashes = leaf.proof.iter().map(|text| Hash::from_base64(text));
    let hashes: Option<Vec<Hash>> = hashes.collect();
    let proven = ProvenLeaf {
        index: leaf.index,
        entry: leaf.entry.clone(),
        path: hashes.ok_or("its proof is not made of hashes")?,
    };
    proven
        .verify(checkpoint)
        .map_err(|error| error.to_string())?;
    let fact = serde_json::from_str(&leaf.entry).map_err(|error| error.to_string())?;
    Ok(Placed {
        index: leaf.index,
        fact,
    })
}
