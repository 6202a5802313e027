//! Whether an accepted claim follows from what else is in the log: the loss event that it is on, and what the policy insures.

use std::collections::BTreeSet;

use alloy::primitives::U256;
use serde::Deserialize;
use tocsin_domain::claim;
use tocsin_domain::decimal::Decimal;

use super::says::Placed;

#[derive(Deserialize)]
struct Insured {
    risk: String,
    sum_insured: U256,
}

#[derive(Deserialize)]
struct Loss {
    verdict: String,
    payout: Option<String>,
}

#[derive(Deserialize)]
struct Claim {
    decision: String,
    risk: Option<String>,
    fraction: Option<String>,
    amount: Option<U256>,
}

/// Why the newest claims of a policy that were accepted are not what their loss events and the policy make of them. Leaves that
/// cannot be read are told of elsewhere.
pub(super) fn unearned(policy: &str, leaves: &[Placed]) -> Result<Vec<String>, String> {
    let Some(bought) = leaves.iter().find(|leaf| leaf.is("policy", policy)) else {
        return Ok(Vec::new());
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for leaf in leaves.iter().rev().filter(|leaf| leaf.is("claim", policy)) {
        let ordinal = leaf.fact.ordinal;
        let claim: Claim = leaf.says()?;
        if !seen.insert(ordinal) || claim.decision != "accepted" {
            continue;
        }
        let insured: Insured = bought.says()?;
        let loss = leaves
            .iter()
            .rev()
            .find(|leaf| leaf.is("determination", &insured.risk) && leaf.fact.ordinal == ordinal);
        let Some(loss) = loss else {
            found.push(format!(
                "claim {ordinal} was accepted, and no leaf says what happened"
            ));
            continue;
        };
        let loss: Loss = loss.says()?;
        if loss.verdict != "triggered" || claim.risk.as_ref() != Some(&insured.risk) {
            found.push(format!(
                "claim {ordinal} was accepted, and the loss event did not trigger"
            ));
            continue;
        }
        let due = claim
            .fraction
            .filter(|fraction| Some(fraction) == loss.payout.as_ref())
            .and_then(|fraction| fraction.parse::<Decimal>().ok())
            .and_then(|fraction| claim::due(insured.sum_insured, fraction));
        if due.is_none() || due != claim.amount {
            found.push(format!(
                "claim {ordinal} is of another fraction or amount than its loss event and the sum insured make"
            ));
        }
    }
    Ok(found)
}
