//! "Am I eligible?": found by an address, a policy id, or what is insured.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::ids::PolicyId;
use tocsin_domain::policy::Policy;
use tocsin_store::browse::PolicyFilter;

use super::{Page, layout};
use crate::extract::Query;
use crate::kept::Kept;
use crate::problem::Problem;
use crate::served::Served;
use crate::views::determination_id;
use crate::{Api, eligibility};

/// Policies of a holder that are shown.
const SHOWN: u32 = 50;
/// Bytes of a question.
const QUESTION_MAX: usize = 200;

#[derive(Deserialize)]
pub(super) struct Asked {
    q: Option<String>,
}

pub(super) async fn page(
    State(api): State<Served>,
    State(kept): State<Kept>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let question = asked.q.as_deref().map(str::trim).unwrap_or_default();
    let found = if question.is_empty() {
        html! {}
    } else {
        answer(&api, &kept, question).await?
    };
    let body = html! {
        form action="/eligibility" method="get" role="search" {
            label { "Address of the holder, policy id, or subject (a flight, an asset)"
                input name="q" value=(question) maxlength="200" autocomplete="off"; }
            button { "Look" }
        }
        (found)
    };
    Ok(layout("Am I eligible?", &body))
}

async fn answer(api: &Api, kept: &Kept, question: &str) -> Result<Markup, Problem> {
    if question.len() > QUESTION_MAX {
        return Ok(html! { p class="bad" { "That is too long." } });
    }
    if let Ok(policy) = crate::extract::id::<PolicyId>(question, "a policy id") {
        let Some(policy) = api.store.policy(policy).await? else {
            return Ok(html! { p { "There is no policy with this id." } });
        };
        return reasons(kept, &policy).await;
    }
    if let Ok(holder) = crate::extract::address(question) {
        let filter = PolicyFilter {
            holder: Some(holder),
            risk: None,
        };
        let policies = api.store.browse_policies(filter, None, SHOWN).await?;
        return list(api, &policies, "No policy pays this address.").await;
    }
    let risks = api.store.risks_of_subject(question, SHOWN).await?;
    let mut policies = Vec::new();
    for risk in risks {
        let filter = PolicyFilter {
            holder: None,
            risk: Some(risk),
        };
        policies.extend(api.store.browse_policies(filter, None, SHOWN).await?);
    }
    let nothing = "Nothing is insured under this name. It has to be written as the policy has it.";
    list(api, &policies, nothing).await
}

async fn list(api: &Api, policies: &[Policy], nothing: &str) -> Result<Markup, Problem> {
    let mut answers = Vec::with_capacity(policies.len());
    for policy in policies {
        answers.push(answered(&api.store.claims_of(policy.id).await?));
    }
    Ok(html! {
        h2 { "Policies" }
        @if policies.is_empty() { p { (nothing) } } @else {
            table {
                thead { tr { th { "Number" } th { "Period" } th { "Sum insured" } th { "Decided" } } }
                tbody {
                    @for (policy, answer) in policies.iter().zip(answers) {
                        tr {
                            td { a href={ "/eligibility?q=" (policy.id) } { (policy.number) } }
                            td { (policy.inception.to_string()) " to " (policy.expiry.to_string()) }
                            td { (policy.sum_insured) }
                            td { (answer) }
                        }
                    }
                }
            }
        }
    })
}

/// What was decided of a policy, in a word; the page of the policy has the reasons.
fn answered(claims: &[Claim]) -> String {
    let accepted = claims.iter().find_map(|claim| match &claim.eligibility {
        Eligibility::Eligible { amount, .. } => Some(amount),
        Eligibility::Refused(_) => None,
    });
    match (accepted, claims.is_empty()) {
        (Some(amount), _) => format!("owed {amount}"),
        (None, false) => "refused".to_owned(),
        (None, true) => "nothing yet".to_owned(),
    }
}

/// The chain of reasons in words, as far as it has come.
async fn reasons(kept: &Kept, policy: &Policy) -> Result<Markup, Problem> {
    let said = eligibility::of(kept, policy.id).await?;
    Ok(html! {
        h2 { "Policy " (policy.number) }
        p { "Holder " code { (policy.holder) } ", insured from " (policy.inception.to_string()) " to " (policy.expiry.to_string()) ", for " (policy.sum_insured) " in the token's smallest unit." }
        p { strong { (said.state) "." } }
        @if let Some(outlook) = &said.outlook { p { (outlook.sentence) "." } }
        @for reasons in &said.claims {
            @let ordinal = reasons.claim.ordinal;
            h3 { a href={ "/determinations/" (determination_id(policy.risk, ordinal)) } { "Loss event " (ordinal) } }
            @for sentence in reasons.sentences.iter().flatten() { p { (sentence) } }
        }
        @if !said.attestations.is_empty() {
            h3 { "Attestations" }
            ul { @for id in &said.attestations { li { a href={ "/v1/attestations/" (id) } { code { (id) } } } } }
        }
        @for stopped in &said.stopped {
            p class="bad" { "Attestation " code { (stopped.attestation) } " cannot be used now: " (stopped.standing.in_words()) "." }
        }
        p { a href={ "/v1/policies/" (policy.id) "/eligibility" } { "The same in structured form" } }
    })
}
