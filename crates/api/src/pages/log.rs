//! The eligibility log: its signed state, and what was written last.

use axum::extract::State;
use maud::html;

use super::{Page, layout};
use crate::problem::Problem;
use crate::served::Served;

/// Leaves that are shown.
const SHOWN: u32 = 50;

pub(super) async fn page(State(api): State<Served>) -> Result<Page, Problem> {
    let tree = api.store.tree().await?;
    let checkpoint = api.store.checkpoint().await?;
    let first = tree.size.saturating_sub(u64::from(SHOWN));
    let mut leaves = api.store.leaves(first, SHOWN).await?;
    leaves.reverse();
    let proven = checkpoint.as_ref().map_or(0, |signed| signed.size);
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
            p { "Of " (checkpoint.size) " leaves, signed " (checkpoint.signed_at.to_string()) ": a C2SP checkpoint, also at " a href="/v1/log/checkpoint" { "/v1/log/checkpoint" } "." }
            pre { (checkpoint.note) }
        } @else {
            p { "No state is signed yet." }
        }
        h2 { "How to audit it" }
        p { "Read every leaf, compute the tree from them, and compare it with what is signed and with what was signed before:" }
        pre { "tocsin log audit --url https://…/v1/log --key '" (api.log_key.as_deref().unwrap_or("the log's key")) "' --state audited" }
        p { "Keep the file " code { "audited" } ", and get the key from somebody else than this page: a log that shows two people different pasts is found by those who compare what they were shown." }
        p { "The tiles are those of C2SP tlog-tiles, below " code { "/v1/log/tile" } "; a leaf's proof is at " code { "/v1/log/proof/inclusion" } ", that of a later state at " code { "/v1/log/proof/consistency" } "." }
        h2 { "The last leaves" }
        @if leaves.is_empty() { p { "None." } } @else {
            table {
                thead { tr { th { "Place" } th { "Kind" } th { "About" } th { "Proof" } } }
                tbody {
                    @for leaf in &leaves {
                        tr { td { a href={ "/v1/log/entries?start=" (leaf.index) "&limit=1" } { (leaf.index) } } td { (leaf.kind) } td { code { (leaf.subject) } @if leaf.ordinal > 0 { " #" (leaf.ordinal) } } td { @if leaf.index < proven { a href={ "/v1/log/proof/inclusion?index=" (leaf.index) } { "inclusion" } } @else { "not signed yet" } } }
                    }
                }
            }
        }
    };
    Ok(layout("The eligibility log", &body))
}
