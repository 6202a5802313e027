//! The first page: what is covered, what was determined last, and how the service is doing.

use axum::extract::State;
use maud::html;

use super::{Page, layout};
use crate::problem::Problem;
use crate::served::Served;
use crate::views::determination_id;

/// Entries of a list.
const LISTED: u32 = 20;

pub(super) async fn page(State(api): State<Served>) -> Result<Page, Problem> {
    let covers = api.store.covers().await?;
    let losses = api.store.browse_determinations(None, LISTED).await?;
    let warnings = api.store.standing(None).await?;
    let unwell = api.health.not_ready();
    let body = html! {
        @if unwell.is_empty() {
            p class="good" { "Every part of the service is well." }
        } @else {
            p class="bad" { "Some parts of the service are not well:" }
            ul { @for (name, reason) in &unwell { li { (name) ": " (reason) } } }
        }
        h2 { "Covers" }
        @if covers.is_empty() { p { "None." } } @else {
            table {
                thead { tr { th { "Name" } th { "Version" } th { "Terms" } } }
                tbody {
                    @for cover in &covers {
                        tr {
                            td { (cover.name) }
                            td { (cover.version) }
                            td { a href={ "/v1/covers/" (cover.terms_hash) } { code { (cover.terms_hash) } } }
                        }
                    }
                }
            }
        }
        h2 { "Loss events" }
        @if losses.is_empty() { p { "None has been determined." } } @else {
            table {
                thead { tr { th { "Subject" } th { "Confirmed" } th { "Payout" } } }
                tbody {
                    @for loss in &losses {
                        tr {
                            td { a href={ "/determinations/" (determination_id(loss.risk, loss.ordinal)) } { (loss.subject) " #" (loss.ordinal) } }
                            td { (loss.confirmed_at.to_string()) }
                            td { @match &loss.payout { Ok(fraction) => { (fraction.to_string()) " of the sum insured" }, Err(_) => { "inconclusive: a person has to look" } } }
                        }
                    }
                }
            }
        }
        h2 { "Warnings" }
        @if warnings.is_empty() { p { "None stands." } } @else {
            p { "Blocks that are not final show these. Nothing is signed or paid because of a warning." }
            ul { @for warning in &warnings { li { (warning.warning.subject) " #" (warning.warning.ordinal) ", " (warning.warning.chain) " block " (warning.warning.block) } } }
        }
    };
    Ok(layout("Overview", &body))
}
