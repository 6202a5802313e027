//! What the world is told of warnings. They are no decisions, so they have no leaves; their events are published with them.

use serde_json::json;
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::event::NewEvent;
use tocsin_store::warning::NewWarning;

use crate::column::{unsigned, word};

/// A warning was raised.
pub(super) fn raised(warning: &NewWarning, id: u64, at: Timestamp) -> NewEvent {
    let (payout, unknown) = match &warning.payout {
        None => (None, None),
        Some(Ok(payout)) => (Some(payout.to_string()), None),
        Some(Err(unknown)) => (None, Some(unknown)),
    };
    let body = json!({
        "warning": id,
        "provisional": true,
        "risk": warning.risk,
        "terms_hash": warning.terms_hash,
        "insured": warning.subject,
        "ordinal": warning.ordinal,
        "occurred_at": warning.occurred_at.0,
        "confirmed_at": warning.confirmed_at.0,
        "payout": payout,
        "unknown": unknown,
        "chain": warning.chain,
        "block": warning.block,
        "block_hash": warning.block_hash,
    });
    event("warning.raised", warning.terms_hash, &body, at)
}

/// A warning that ended, as its row says.
pub(super) struct EndedRow {
    pub(super) id: i64,
    pub(super) risk: Vec<u8>,
    pub(super) ordinal: i64,
    pub(super) terms_hash: Vec<u8>,
    pub(super) subject: String,
    pub(super) ended_at: i64,
}

/// A warning was withdrawn or confirmed.
pub(super) fn ended(kind: &str, row: EndedRow) -> Result<NewEvent, StoreError> {
    let id = row.id;
    let decode = || {
        let terms = TermsHash(word("terms_hash", &row.terms_hash)?);
        let ordinal: u32 = unsigned("ordinal", row.ordinal)?;
        let body = json!({
            "warning": id,
            "provisional": true,
            "risk": RiskId(word("risk", &row.risk)?),
            "terms_hash": terms,
            "insured": row.subject,
            "ordinal": ordinal,
        });
        Ok(event(kind, terms, &body, Timestamp(row.ended_at)))
    };
    decode().map_err(|flaw: Flaw| flaw.invalid_row(super::NOUN, id))
}

fn event(kind: &str, terms: TermsHash, body: &serde_json::Value, at: Timestamp) -> NewEvent {
    NewEvent {
        kind: kind.to_owned(),
        at,
        terms: Some(terms),
        holder: None,
        body: body.to_string(),
    }
}
