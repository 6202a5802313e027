//! Why a policy is paid or not, in plain sentences.
//!
//! For people: every sentence restates something that was recorded, and nothing is decided here.

mod unmet;

pub use unmet::{Unmet, unmet};

use crate::claim::{Claim, Eligibility, Refusal};
use crate::cover::{Cover, Input};
use crate::determination::Determination;
use crate::eval::outcome::Unknown;
use crate::policy::Policy;
use crate::value::{Type, Value};

/// What was seen, what the terms say to it, and what follows for the policy.
pub fn sentences(
    cover: &Cover,
    policy: &Policy,
    loss: &Determination,
    claim: &Claim,
) -> Vec<String> {
    let mut said = vec![
        format!(
            "The terms are \"{}\", version {}; policy and attestation name their hash, {}.",
            cover.title, cover.version, cover.terms_hash
        ),
        format!(
            "The loss began at {}: {}.",
            loss.occurred_at,
            as_written(cover, "trigger", "when")
        ),
        format!("By the terms it counts from {} on.", loss.confirmed_at),
    ];
    let names: Vec<&str> = cover
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    for (input, value) in cover.inputs.iter().zip(&loss.inputs) {
        said.push(in_force(input, value, &names));
    }
    for (name, holds) in guards(cover, loss) {
        said.push(match holds {
            Ok(true) => format!("The guard `{name}` held; guards decide nothing."),
            Ok(false) => format!("The guard `{name}` did not hold; guards decide nothing."),
            Err(unknown) => format!(
                "Whether the guard `{name}` held is not known: {}; guards decide nothing.",
                unknown.describe(&names)
            ),
        });
    }
    if let Ok(fraction) = &loss.payout {
        let written = as_written(cover, "payout", "fraction");
        said.push(match cover.payout.settle {
            None => format!("So {written} = {fraction} of the sum insured."),
            Some(_) => format!(
                "The largest that {written} was until {} is {fraction} of the sum insured.",
                loss.settled_at
            ),
        });
    }
    said.push(in_words(policy, &claim.eligibility, &names));
    said
}

/// The guards of `cover` by name, with what `loss` recorded of each.
pub fn guards<'a>(
    cover: &'a Cover,
    loss: &'a Determination,
) -> impl Iterator<Item = (&'a str, &'a Result<bool, Unknown>)> {
    let names = cover.guards.iter().map(|guard| guard.name.as_str());
    names.zip(&loss.guards)
}

/// What an input said at the confirmation. An event says something by being there.
fn in_force(input: &Input, value: &Result<Value, Unknown>, input_names: &[&str]) -> String {
    let name = &input.name;
    match (input.ty, value) {
        (Type::Event, Ok(value)) => format!("By that instant {name} had happened, with {value}."),
        (Type::Event, Err(Unknown::NoValue { since, .. })) => {
            format!("By that instant {name} had happened, at {since} for the last time.")
        }
        (Type::Event, Err(Unknown::NoObservation { .. })) => {
            format!("By that instant {name} had not been seen to happen.")
        }
        (_, Ok(value)) => format!("At that instant {name} was {value}."),
        (_, Err(unknown)) => format!(
            "At that instant {name} was not known: {}.",
            unknown.describe(input_names)
        ),
    }
}

/// What follows for the policy, in one sentence.
fn in_words(policy: &Policy, eligibility: &Eligibility, input_names: &[&str]) -> String {
    let number = policy.number;
    match eligibility {
        Eligibility::Eligible { fraction, amount } => format!(
            "Policy {number} was in force from {} to {} and past its waiting period: it is owed {fraction} × {} = \
             {amount} units.",
            policy.inception, policy.expiry, policy.sum_insured
        ),
        Eligibility::Refused(Refusal::VerdictUnknown { unknown }) => format!(
            "Whether policy {number} is paid cannot be said, and a person has to look: {}.",
            unknown.describe(input_names)
        ),
        Eligibility::Refused(refusal) => format!(
            "Policy {number} is not paid: {}.",
            refused(refusal, input_names)
        ),
    }
}

fn refused(refusal: &Refusal, input_names: &[&str]) -> String {
    match refusal {
        Refusal::BeforeInception {
            event_at,
            inception,
        } => {
            format!("the loss at {event_at} came before the policy began at {inception}")
        }
        Refusal::WaitingPeriod { occurred_at, ends } => {
            format!("the loss began at {occurred_at}, before the waiting period ended at {ends}")
        }
        Refusal::AfterExpiry { event_at, expiry } => {
            format!("the loss at {event_at} came when the policy had ended at {expiry}")
        }
        Refusal::ClaimDeadline {
            deadline,
            determined_at,
        } => {
            format!(
                "it was decided at {determined_at}, after the last instant for a claim, {deadline}"
            )
        }
        Refusal::OtherTerms => "it was bought under other terms, or on another risk".to_owned(),
        Refusal::VerdictUnknown { unknown } => unknown.describe(input_names).to_string(),
    }
}

/// An expression of the cover as its author wrote it.
fn as_written(cover: &Cover, table: &str, key: &str) -> String {
    let terms: Result<serde_json::Value, _> = serde_json::from_str(&cover.canonical_terms);
    // A checked cover has canonical terms with both expressions in them.
    terms
        .ok()
        .and_then(|terms| terms.get(table)?.get(key)?.as_str().map(str::to_owned))
        .unwrap_or_default()
}
