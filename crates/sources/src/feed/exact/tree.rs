//! A JSON text as a tree, in which no name stands twice.

use serde_json::Value as Json;
use tocsin_domain::json_tree::{Numbers, Tree};

use super::guard::guarded;

/// Only those are left as numbers that give their digits back.
struct Guarded;

impl Numbers for Guarded {}

/// Reads a body. The error says where it stops being JSON.
pub(crate) fn parse(body: &[u8]) -> Result<Json, String> {
    let text = core::str::from_utf8(body).map_err(|error| format!("it is not UTF-8: {error}"))?;
    serde_json::from_str::<Tree<Guarded>>(&guarded(text))
        .map(Tree::into_json)
        .map_err(|error| error.to_string())
}
