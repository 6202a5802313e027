//! What records of polled sources must fulfil.

use alloy_primitives::{B256, keccak256};
use tocsin_domain::time::Timestamp;

use super::{Flaw, derived, require, text};
use crate::look::{Look, LookState, NewLook, Usage};
use crate::response::Response;

/// Texts that can be stored.
pub fn new_look(look: &NewLook) -> Result<(), Flaw> {
    text("source", look.source.as_str())?;
    text("subject", look.subject.as_str())
}

/// One that is open is due, one that is over is not asked about, and what it tells can be stored.
pub fn look(look: &Look) -> Result<(), Flaw> {
    text("source", look.source.as_str())?;
    text("subject", look.subject.as_str())?;
    for (what, said) in [("memory", &look.memory), ("trouble", &look.trouble)] {
        said.as_deref().map_or(Ok(()), |said| text(what, said))?;
    }
    match &look.state {
        LookState::Open => require(look.due_at.is_some(), || {
            "it is open and never due".to_owned()
        }),
        LookState::Over => Ok(()),
        LookState::NeedsPerson(reason) => {
            require(!reason.is_empty(), || {
                "it needs a person and does not say why".to_owned()
            })?;
            text("reason", reason)
        }
    }
}

/// A subject's watermark does not go back, and one that is closed stays so until a person decides otherwise.
pub fn looked(from: &Look, to: &Look) -> Result<(), Flaw> {
    look(to)?;
    require(from.state == to.state || !from.state.is_closed(), || {
        "it is closed, and only a person can change that".to_owned()
    })?;
    require(to.watermark >= from.watermark, || {
        format!(
            "its watermark would go back from {} to {}",
            shown(from.watermark),
            shown(to.watermark)
        )
    })
}

fn shown(watermark: Option<Timestamp>) -> String {
    watermark.map_or_else(|| "nothing".to_owned(), |at| at.to_string())
}

/// The name of a key.
pub fn usage(usage: &Usage) -> Result<(), Flaw> {
    text("source", usage.source.as_str())?;
    text("key", &usage.key)
}

/// The hash is the body's.
pub fn response(response: &Response) -> Result<(), Flaw> {
    text("source", response.source.as_str())?;
    text("url", &response.url)?;
    body(response.hash, &response.body)
}

/// The hash is the body's.
pub fn body(hash: B256, body: &[u8]) -> Result<(), Flaw> {
    derived("hash", hash, keccak256(body))
}
