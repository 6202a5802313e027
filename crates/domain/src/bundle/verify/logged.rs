//! That the eligibility log holds the decision: its leaves are in a signed state, and say what the bundle says.

use alloy_primitives::B256;
use serde::Deserialize;
use serde_json::Value as Json;
use tocsin_log::{Checkpoint, Note, VerifierKey};

use crate::bundle::{EvidenceBundle, LogProof, Report};
use crate::claim::Eligibility;
use crate::replay::Finding;

/// The members of an entry that tell what it is about.
#[derive(Deserialize)]
struct Entry {
    kind: String,
    subject: String,
    ordinal: u64,
    body: Json,
}

/// Each leaf is in the tree, and the newest about the claim and about its loss event say what the bundle says.
pub(super) fn check(bundle: &EvidenceBundle, log: &LogProof, key: Option<&VerifierKey>) -> Finding {
    let state = match key {
        Some(key) => Checkpoint::verify(&log.checkpoint, key),
        None => log
            .checkpoint
            .parse()
            .and_then(|note: Note| Checkpoint::try_from(&note)),
    };
    let state = state.map_err(|error| format!("its signed state: {error}"))?;
    let mut entries = Vec::with_capacity(log.leaves.len());
    for leaf in &log.leaves {
        let refused = |why: String| format!("leaf {}: {why}", leaf.index);
        leaf.verify(&state)
            .map_err(|error| refused(error.to_string()))?;
        let entry: Entry =
            serde_json::from_str(&leaf.entry).map_err(|error| refused(error.to_string()))?;
        entries.push((leaf.index, entry));
    }
    let about = |kind: &str, subject: String| {
        let ordinal = u64::from(bundle.determination.ordinal);
        let newest = entries.iter().filter(|(_, entry)| {
            entry.kind == kind && entry.subject == subject && entry.ordinal == ordinal
        });
        let newest = newest.max_by_key(|(index, _)| *index);
        newest.ok_or_else(|| format!("none of its leaves is of the {kind} on {subject}"))
    };
    let (claimed, claim) = about("claim", bundle.policy.id.to_string())?;
    says(claim, "decision", "accepted")?;
    says(claim, "risk", &bundle.risk.id.to_string())?;
    if bundle.quorum.is_some() {
        // What one attestor saw by itself may differ from what they found together.
        return Ok(format!(
            "that the claim is accepted is leaf {claimed} of the {} of `{}`",
            state.size, state.origin
        ));
    }
    if let Eligibility::Eligible { fraction, amount } = bundle.claim.eligibility {
        says(claim, "fraction", &fraction.to_string())?;
        says(claim, "amount", &format!("{:#x}", B256::from(amount)))?;
    }
    let (decided, loss) = about("determination", bundle.risk.id.to_string())?;
    let root = format!("{:#x}", bundle.determination.evidence_root);
    says(loss, "verdict", "triggered")?;
    says(loss, "evidence_root", &root)?;
    Ok(format!(
        "the decision is leaf {decided}, the accepted claim leaf {claimed} of the {} of `{}`",
        state.size, state.origin
    ))
}

fn says(entry: &Entry, member: &str, wanted: &str) -> Result<(), String> {
    let said = entry.body.get(member).and_then(Json::as_str);
    if said == Some(wanted) {
        return Ok(());
    }
    let said = said.unwrap_or("nothing");
    Err(format!(
        "its leaf of the {} says `{said}` as its {member}, the bundle `{wanted}`",
        entry.kind
    ))
}

/// What a proof cannot show by itself.
pub(super) fn say_what_is_open(
    bundle: &EvidenceBundle,
    key: Option<&VerifierKey>,
    report: &mut Report,
) {
    match (&bundle.log, key) {
        (None, _) => report.leave_open(
            "that the decision is in the eligibility log: this bundle carries no log proof",
        ),
        (Some(_), None) => report.leave_open(
            "whose eligibility log that is, and that it has only one history: name its key, which you have from elsewhere, to \
             check the signature here (--log-key)",
        ),
        (Some(_), Some(_)) => report.leave_open(
            "that the eligibility log has only one history: an audit compares its states (`tocsin log audit`)",
        ),
    }
}
