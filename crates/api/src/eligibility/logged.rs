//! What the eligibility log says of a policy, with the proof of each leaf under the newest signed state: so that nobody has
//! to believe the answer that it is in.

use serde::Serialize;
use serde_json::Value;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_store::Store;
use utoipa::ToSchema;

use crate::log::{self, EntryView};
use crate::problem::Problem;

/// How many leaves about one subject are shown, newest first.
const LEAVES: u32 = 50;

/// What the log says, under its newest signed state.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoggedView {
    /// The signed state: a C2SP checkpoint.
    checkpoint: String,
    /// In the order of the log.
    leaves: Vec<ProvenEntry>,
}

/// A leaf, with the proof that the state holds it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProvenEntry {
    #[serde(flatten)]
    entry: EntryView,
    /// The hashes from the leaf to the root, in base64.
    proof: Vec<String>,
}

/// The newest leaves about the policy and its risk; `None` while no state is signed.
pub(super) async fn about(
    store: &dyn Store,
    policy: PolicyId,
    risk: RiskId,
) -> Result<Option<LoggedView>, Problem> {
    let Some(checkpoint) = store.checkpoint().await? else {
        return Ok(None);
    };
    let mut leaves = Vec::new();
    for subject in [risk.to_string(), policy.to_string()] {
        leaves.extend(store.leaves_about(&subject, None, LEAVES).await?);
    }
    for record in store.attestations_of(policy).await? {
        let subject = record.id.to_string();
        leaves.extend(store.leaves_about(&subject, None, LEAVES).await?);
    }
    leaves.retain(|leaf| leaf.index < checkpoint.size);
    leaves.sort_unstable_by_key(|leaf| leaf.index);
    let mut shown = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        shown.push(ProvenEntry {
            entry: log::described(leaf)?,
            proof: log::included(store, leaf.index, checkpoint.size).await?,
        });
    }
    Ok(Some(LoggedView {
        checkpoint: checkpoint.note,
        leaves: shown,
    }))
}

/// How the log says that the policy ended, in a sentence; `None` while it does not.
pub(super) async fn outcome(
    store: &dyn Store,
    policy: PolicyId,
) -> Result<Option<String>, Problem> {
    let subject = policy.to_string();
    let newest = store.leaves_about(&subject, Some("outcome"), 1).await?;
    let Some(leaf) = newest.first() else {
        return Ok(None);
    };
    let says: Value =
        serde_json::from_str(&leaf.entry).map_err(|error| Problem::Failed(error.to_string()))?;
    let body = &says["body"];
    let verdict = match body["verdict"].as_str() {
        Some("triggered") => {
            "a loss event fell to this policy, and its claim was accepted".to_owned()
        }
        Some("not_triggered") => {
            "no loss event fell to this policy within its period, all of which was evaluated"
                .to_owned()
        }
        _ => format!(
            "whether a loss event fell to this policy is not known: {}",
            body["reason"].as_str().unwrap_or("no reason is given")
        ),
    };
    Ok(Some(format!(
        "{verdict} (leaf {} of the eligibility log)",
        leaf.index
    )))
}
