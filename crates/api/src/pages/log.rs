//! The eligibility log: its signed state, and what was written last.

use axum::extract::State;
use maud::html;

use super::{Page, layout};
use crate::Api;
use crate::problem::Problem;

/// Leaves that are shown.
const SHOWN: u32 = 50;

pub(super) async fn page(State(api): State<Api>) -> Result<Page, Problem> {
    let tree = api.store.tree().await?;
    let checkpoint = api.store.checkpoint().await?;
    let first = tree.size.saturating_sub(u64::from(SHOWN));
    let mut leaves = api.store.leaves(first, SHOWN).await?;
    leaves.reverse();
    let body = html! {
        p { "Every decision is a leaf of this log, in order. Nothing is taken out of it: " code { "tocsin log audit" } " checks that from outside." }
        table {
            tbody {
                tr { th { "Leaves" } td { (tree.size) } }
                tr { th { "Root" } td { code { (tree.root.to_string()) } } }
                @if let Some(key) = &api.log_key { tr { th { "Key" } td { code { (key) } } } }
            }
        }
        @if let Some(checkpoint) = &checkpoint {
            h2 { "Signed state" }
            p { "Of " (checkpoint.size) " leaves, signed " (checkpoint.signed_at.to_string()) ". " a href="/v1/log/checkpoint" { "The signed note" } }
        } @else {
            p { "No state is signed yet." }
        }
        h2 { "The last leaves" }
        @if leaves.is_empty() { p { "None." } } @else {
            table {
                thead { tr { th { "Place" } th { "Kind" } th { "About" } } }
                tbody {
                    @for leaf in &leaves {
                        tr { td { (leaf.index) } td { (leaf.kind) } td { code { (leaf.subject) } @if leaf.ordinal > 0 { " #" (leaf.ordinal) } } }
                    }
                }
            }
        }
    };
    Ok(layout("The eligibility log", &body))
}
