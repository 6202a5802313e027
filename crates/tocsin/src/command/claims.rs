//! `tocsin claims`: what ends a claim before it is paid, or stops it.
//!
//! A hold is the guardian's and works at once. What it leads to is a quorum's to say: each operator signs a part into a
//! file, and one of them brings it to the verifier.

mod correct;
pub mod file;
mod say;
mod status;
mod submit;

use std::io::Write;
use std::path::Path;

use alloy::primitives::B256;
use tocsin_delivery::onchain::AdminCall;
use tocsin_domain::ids::ClaimKey;

pub use correct::correct;
pub use say::{Wish, say};
pub use status::status;
pub use submit::submit;

use crate::cli::{Claims, Sending};
use crate::clock::Clock;
use crate::command::verifier::{Place, Role};
use crate::report::Report;

/// Does what was asked about claims.
pub async fn run(asked: Claims, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Report> {
    match asked {
        Claims::Hold {
            claim,
            config,
            sending,
        } => hold(&config, claim, &sending, out).await,
        Claims::Release {
            claim,
            file,
            config,
        } => say(&config, claim, Wish::Release, &file, clock, out).await,
        Claims::Revoke {
            claim,
            reason,
            file,
            config,
        } => say(&config, claim, Wish::Revoke(reason), &file, clock, out).await,
        Claims::Submit {
            files,
            config,
            sending,
        } => submit(&config, &files, &sending, out).await,
        Claims::Correct { claim, config } => correct(&config, claim, out).await,
        Claims::Status { claim, config } => status(&config, claim, out).await,
    }
}

/// Holds the claim, or prints the call that does.
pub async fn hold(
    config: &Path,
    claim: ClaimKey,
    sending: &Sending,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let place = Place::open(config, sending).await?;
    let status = place.submitter.newest_status(claim).await?;
    if status.consumed {
        return Err(Report::bad_input(format!(
            "{claim} is paid already: there is nothing to hold"
        )));
    }
    if let Some(hold) = status.hold {
        writeln!(out, "{claim} is held already, by its hold {hold}")?;
        return Ok(());
    }
    let call = AdminCall::Hold(claim);
    place.perform(&call, Role::Guardian, sending, out).await
}

/// A claim key as it is written.
pub fn claim_key(text: &str) -> Result<ClaimKey, String> {
    let word: Result<B256, _> = text.parse();
    word.map(ClaimKey).map_err(|_not_hex| {
        "write a claim key as 0x and 64 digits; /v1/attestations/{id} shows it as claim_key"
            .to_owned()
    })
}
