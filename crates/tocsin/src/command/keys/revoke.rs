//! `tocsin keys revoke`: an epoch is stopped for good.

use std::io::Write;
use std::path::Path;

use tocsin_delivery::onchain::AdminCall;

use crate::cli::Sending;
use crate::command::verifier::{Place, Role};
use crate::report::Report;

/// Revokes the epoch, or prints the call that does.
pub async fn revoke(
    config: &Path,
    number: u32,
    sending: &Sending,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let place = Place::open(config, sending).await?;
    let epochs = place.submitter.newest_epochs().await?;
    let known = epochs.iter().find(|epoch| epoch.number() == number);
    match known {
        None => {
            return Err(Report::bad_input(format!(
                "the verifier has no epoch {number}: it has announced {}",
                epochs.len()
            )));
        }
        Some(epoch) if epoch.revoked => {
            writeln!(out, "epoch {number} is revoked already")?;
            return Ok(());
        }
        Some(_) => {}
    }
    let now = place.submitter.chain_time().await?;
    let call = AdminCall::RevokeEpoch(number);
    place
        .perform(&call, Role::OwnerOrGuardian, sending, out)
        .await?;
    let mut others = epochs.iter().filter(|epoch| epoch.number() != number);
    if others.any(|epoch| epoch.signs_at(now)) {
        writeln!(
            out,
            "what it signed and nobody has redeemed is attested anew by the epoch that signs now"
        )?;
    } else {
        writeln!(
            out,
            "NOBODY SIGNS NOW: announce the next epoch with `tocsin keys rotate`; what the revoked one signed and \
             nobody has redeemed is attested anew by it"
        )?;
    }
    Ok(())
}
