//! The story of a loss event: what was seen, when, what the terms say of it, who is paid, and what shows it.

use axum::extract::State;
use maud::html;
use tocsin_domain::determination::Determination;
use tocsin_domain::evidence::Extent;
use tocsin_domain::observation::Provenance;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::browse::AttestationFilter;
use tocsin_store::{Store, StoreError};

use super::signed::{SignedClaim, leaf, proof};
use super::{Page, layout};
use crate::extract::{Path, determination};
use crate::kept;
use crate::problem::Problem;
use crate::served::Served;
use crate::views::delivery::in_words;
use crate::views::determination_id;

/// Observations and claims that are shown; the API has all.
const SHOWN: usize = 50;
const CLAIMS: u32 = 50;
/// Attestations that are shown with their signatures.
const SIGNED: usize = 20;

pub(super) async fn page(
    State(api): State<Served>,
    Path(text): Path<String>,
) -> Result<Page, Problem> {
    let (risk, ordinal) = determination(&text)?;
    let nothing = || Problem::NotFound(format!("there is no loss event {ordinal} of risk {risk}"));
    let loss = api
        .store
        .determination(risk, ordinal)
        .await?
        .ok_or_else(nothing)?;
    let record = api.store.risk(risk).await?.ok_or_else(nothing)?;
    let cover = kept::stored(&*api.store, loss.terms_hash).await?;
    let extent = Extent::of(
        &cover,
        record.risk.inception,
        loss.evidence_from,
        loss.settled_at,
    );
    let seen = api
        .store
        .history(&record.streams, extent.after, extent.until)
        .await?;
    let claims = api.store.browse_claims(risk, ordinal, None, CLAIMS).await?;
    let filter = AttestationFilter::Determination(risk, ordinal);
    let records = api.store.browse_attestations(filter, None, CLAIMS).await?;
    let mut decided_on = Vec::new();
    for claim in &claims {
        let of_claim = |record: &&AttestationRecord| record.policy == claim.policy;
        let attested = records.iter().find(of_claim);
        let (delivery, is_paid) = match attested {
            Some(record) => (
                api.store.delivery(record.id).await?,
                is_paid(&*api.store, record).await?,
            ),
            None => (None, false),
        };
        let stage = Stage::of(attested.is_some(), is_paid);
        decided_on.push((claim, attested.map(|record| record.id), delivery, stage));
    }
    let more_signed = records.len() > SIGNED;
    let mut signed = Vec::new();
    for record in records.iter().take(SIGNED) {
        signed.push(SignedClaim::of(&*api.store, record.clone()).await?);
    }
    let subject = risk.to_string();
    let number = u64::from(ordinal);
    let decided = leaf(&*api.store, &subject, "determination", number).await?;
    let left_out = seen.len().saturating_sub(SHOWN);
    let names = cover.input_names();
    let body = html! {
        p { (said(&loss)) }
        table {
            tbody {
                tr { th { "Breach began" } td { (loss.occurred_at.to_string()) } }
                tr { th { "Confirmed" } td { (loss.confirmed_at.to_string()) } }
                tr { th { "Decided" } td { (loss.determined_at.to_string()) } }
                tr { th { "Cover" } td { a href={ "/v1/covers/" (loss.terms_hash) } { (cover.name) " version " (cover.version) } } }
                tr { th { "In the log" } td { (proof(decided)) } }
                tr { th { "Evidence" } td { (loss.evidence_count) " observations, root " code { (loss.evidence_root) } } }
                @if let Some(place) = &loss.confirmed_on {
                    tr { th { "Confirmed by" } td { "eip155:" (place.chain_id) " block " (place.block) " " code { (place.block_hash) } } }
                }
            }
        }
        h2 { "What the inputs were when it was confirmed" }
        table {
            tbody {
                @for (input, value) in cover.inputs.iter().zip(&loss.inputs) {
                    tr {
                        th { (input.name) }
                        td { @match value { Ok(value) => (value.to_string()), Err(unknown) => { "not known: " (unknown.describe(&names).to_string()) } } }
                    }
                }
            }
        }
        h2 { "What was seen" }
        @if left_out > 0 { p { "The last " (SHOWN) "; " (left_out) " earlier ones are in the evidence bundle." } }
        table {
            thead { tr { th { "When" } th { "Metric" } th { "Value" } th { "Where" } } }
            tbody {
                @for observation in seen.iter().skip(left_out) {
                    tr {
                        td { (observation.observed_at.to_string()) }
                        td { (observation.metric.to_string()) }
                        td { @match &observation.value { Some(value) => (value.to_string()), None => "no value" } }
                        td { @match &observation.provenance {
                            Provenance::Chain(place) => { "block " (place.block) },
                            Provenance::Raw { hash } => { a href={ "/v1/responses/" (hash) "/fetches" } { "response" } },
                        } }
                    }
                }
            }
        }
        h2 { "What was decided for each policy" }
        @if decided_on.is_empty() { p { "No claim has been decided." } }
        table {
            tbody {
                @for (claim, attested, delivery, stage) in decided_on {
                    @let view = crate::views::ClaimView::from(claim);
                    tr {
                        td { a href={ "/eligibility?q=" (claim.policy) } { code { (claim.policy) } } }
                        td { @if let Some(amount) = view.amount() { span class="good" { (stage.in_words()) " " (amount) } } @else { span class="bad" { "refused" } } }
                        td { @if let Some(id) = &attested { a href={ "/v1/attestations/" (id) } { "attested" } " (" a href={ "/v1/attestations/" (id) "/evidence" } { "evidence" } ")" } }
                        td { @if let Some(delivery) = delivery { (in_words(&delivery)) } }
                    }
                }
            }
        }
        @if claims.len() >= SHOWN { p { "More are at " a href={ "/v1/determinations/" (determination_id(risk, ordinal)) "/claims" } { "the API" } "." } }
        h2 { "What was signed" }
        @if signed.is_empty() { p { "Nothing yet." } }
        @for one in &signed { (one.shown()) }
        @if more_signed { p { "The last " (SIGNED) "; all are at " a href={ "/v1/attestations?determination=" (determination_id(risk, ordinal)) } { "the API" } "." } }
    };
    Ok(layout(&format!("{} #{ordinal}", loss.subject), &body))
}

/// Whether a final block says that the claim was paid.
async fn is_paid(store: &dyn Store, record: &AttestationRecord) -> Result<bool, StoreError> {
    let found = store
        .claim_standing(record.domain_separator, record.claim_key)
        .await?;
    Ok(found.is_some_and(|standing| standing.news.consumed))
}

/// How far an accepted claim has come.
enum Stage {
    /// It is accepted, and nothing is signed.
    Decided,
    /// It is signed: the consumer may be asked to pay.
    Attested,
    /// A final block says so.
    Paid,
}

impl Stage {
    fn of(is_attested: bool, is_paid: bool) -> Self {
        match (is_attested, is_paid) {
            (true, true) => Self::Paid,
            (true, false) => Self::Attested,
            (false, _) => Self::Decided,
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            Self::Decided => "decided, not attested:",
            Self::Attested => "attested, not paid yet:",
            Self::Paid => "paid",
        }
    }
}

fn said(loss: &Determination) -> String {
    match &loss.payout {
        Ok(fraction) => format!(
            "The terms were met: {fraction} of the sum insured is owed to each policy that it falls to."
        ),
        Err(_) => "It cannot be said whether the terms were met: a person has to look.".to_owned(),
    }
}
