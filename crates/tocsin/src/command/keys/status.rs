//! `tocsin keys status`: which keys, which epoch signs now, until when what it signs is accepted, and what waits under it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use alloy::primitives::Address;
use tocsin_attest::Signer;
use tocsin_auth::{State, UnixTime};
use tocsin_domain::attestation::Epoch;
use tocsin_store::StoreError;
use tocsin_store::attestor::life;
use tocsin_store_sqlite::SqliteStore;

use super::rotate::time;
use crate::cli::Sending;
use crate::command::verifier::{Place, open_keys};
use crate::config::Config;
use crate::report::Report;

/// Prints it, as the newest block has it.
pub async fn status(config: &Path, out: &mut dyn Write) -> Result<(), Report> {
    let place = Place::open(config, &Sending::default()).await?;
    let attestor = place.attestor()?;
    let keys = open_keys(attestor).await?;
    let own: Vec<Address> = keys.iter().map(Signer::address).collect();
    let epochs = place.submitter.newest_epochs().await?;
    let now = place.submitter.chain_time().await?;
    let authorities = place.submitter.authorities().await?;
    writeln!(out, "verifier   {}", place.submitter.settings().verifier)?;
    writeln!(out, "owner      {}", authorities.owner)?;
    writeln!(out, "guardian   {}", authorities.guardian)?;
    for key in &own {
        writeln!(out, "this node  {key}")?;
    }
    let signing = epochs.iter().rev().filter(|epoch| epoch.signs_at(now));
    let signing = signing.map(Epoch::number).next();
    let unredeemed = unredeemed(&place.config, out).await?;
    let mut seats = epochs.iter().rev().filter(|epoch| epoch.signs_at(now));
    let serving = seats.find(|epoch| has_one_of(&own, epoch));
    let serving = serving.map(Epoch::number);
    for epoch in &epochs {
        show(epoch, now, serving, &own, out)?;
        match &unredeemed {
            Some(counts) => {
                let count = counts.get(&epoch.number()).copied().unwrap_or(0);
                writeln!(out, "  unredeemed claims: {count}")?;
            }
            None => writeln!(out, "  unredeemed claims: not known here")?,
        }
    }
    match signing {
        Some(number) => writeln!(out, "epoch {number} signs now")?,
        None => writeln!(
            out,
            "NOBODY SIGNS NOW: announce an epoch with `tocsin keys rotate`"
        )?,
    }
    Ok(())
}

fn has_one_of(own: &[Address], epoch: &Epoch) -> bool {
    own.iter().any(|key| epoch.signers.index_of(*key).is_some())
}

fn show(
    epoch: &Epoch,
    now: u64,
    serving: Option<u32>,
    own: &[Address],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let at = UnixTime(i64::try_from(now).unwrap_or(i64::MAX));
    let state = match life(epoch, None, serving, at).state() {
        State::Pending => "pending, has not begun",
        State::Active { .. } => "active, signs",
        State::Retiring { .. } if epoch.signs_at(now) => {
            "retiring, could sign and leaves it to a newer one"
        }
        State::Retiring { .. } => "retiring, signs no more, is accepted",
        State::Retired { .. } => "retired, is over",
        State::Revoked { .. } => "revoked",
    };
    let signers = &epoch.signers;
    writeln!(
        out,
        "epoch {}: {state}, {} of {}",
        epoch.number(),
        signers.threshold(),
        signers.signers().len()
    )?;
    writeln!(
        out,
        "  signs {} to {}, accepted until {}",
        time(epoch.active_from),
        time(epoch.sign_until),
        time(epoch.accept_until)
    )?;
    for (index, signer) in signers.signers().iter().enumerate() {
        let mark = if own.contains(signer) {
            " (this node)"
        } else {
            ""
        };
        writeln!(out, "  {index} {signer}{mark}")?;
    }
    if !has_one_of(own, epoch) {
        writeln!(out, "  this node has no key in it")?;
    }
    Ok(())
}

/// Unpaid claims by epoch, also beside a running service; `None` where there are no books.
async fn unredeemed(
    config: &Config,
    out: &mut dyn Write,
) -> Result<Option<BTreeMap<u32, u64>>, Report> {
    let Some(attestor) = &config.attestor else {
        return Ok(None);
    };
    let books = match SqliteStore::open_attestors(&config.database).await {
        Ok(books) => books,
        Err(error @ StoreError::Open { .. }) => {
            let reason = crate::report::chain(&error);
            let where_else = config.api.map_or_else(
                || "a service that has run has them".to_owned(),
                |api| {
                    let address = api.listen;
                    format!("a running service tells them at http://{address}/v1/epochs")
                },
            );
            writeln!(
                out,
                "unredeemed claims cannot be read here ({reason}): {where_else}"
            )?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let counts = books.unredeemed(attestor.domain.domain_separator()).await?;
    Ok(Some(counts.into_iter().collect()))
}
