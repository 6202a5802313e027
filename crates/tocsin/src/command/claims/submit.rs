//! `tocsin claims submit`: what a quorum has signed, to the verifier.

use std::io::Write;
use std::path::{Path, PathBuf};

use tocsin_delivery::onchain::AdminCall;

use super::file::{Signed, Travelling};
use crate::cli::Sending;
use crate::command::verifier::{Place, Role};
use crate::report::Report;

/// Puts the signatures of the files together and sends the statement, or prints the call that does.
pub async fn submit(
    config: &Path,
    files: &[PathBuf],
    sending: &Sending,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let whole = combine(files)?;
    let place = Place::open(config, sending).await?;
    if place.attestor()?.domain != whole.domain.into() {
        return Err(Report::bad_input("the files are for another verifier"));
    }
    let epochs = place.submitter.newest_epochs().await?;
    let mut epochs = epochs.iter();
    let epoch = epochs.find(|epoch| epoch.number() == whole.signer_epoch);
    let epoch = epoch.ok_or_else(|| {
        Report::bad_input(format!("the verifier has no epoch {}", whole.signer_epoch))
    })?;
    let signatures = whole.quorum(&epoch.signers)?;
    let call = match whole.signed() {
        Signed::Revocation(revocation, _) => AdminCall::Revoke(revocation, signatures),
        Signed::Release(release) => AdminCall::Release(release, signatures),
    };
    place.perform(&call, Role::Anybody, sending, out).await
}

fn combine(files: &[PathBuf]) -> Result<Travelling, Report> {
    let mut whole: Option<Travelling> = None;
    for path in files {
        let part = Travelling::find(path)?
            .ok_or_else(|| Report::bad_input(format!("there is no file {}", path.display())))?;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) if whole.is_same(&part) => whole.signatures.extend(part.signatures),
            Some(_) => {
                return Err(Report::bad_input(format!(
                    "{} says something else than the files before it: every operator signs the same statement, so the \
                     second one signs into the first one's file, or a copy of it",
                    path.display()
                )));
            }
        }
    }
    whole.ok_or_else(|| Report::bad_input("name the file, or files, with the signatures"))
}
