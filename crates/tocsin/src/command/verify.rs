//! `tocsin verify`: re-executes an evidence bundle offline and says what it checked.

use std::io::Write;
use std::path::Path;

use alloy::primitives::Address;
use tocsin_domain::attestation::KnownEpochs;
use tocsin_domain::bundle::{self, EvidenceBundle};

use crate::config::read;
use crate::report::Report;

/// Reads a bundle and re-executes it.
pub fn check(path: &Path, trusted: &[Address]) -> Result<bundle::Report, Report> {
    check_with(path, trusted, None)
}

/// The same for who knows from elsewhere who may sign: `epochs` is a file with the answer of `GET /v1/epochs`.
pub fn check_with(
    path: &Path,
    trusted: &[Address],
    epochs: Option<&Path>,
) -> Result<bundle::Report, Report> {
    let epochs: Option<KnownEpochs> = epochs.map(read_epochs).transpose()?;
    let text = read(path)?;
    let bundle: EvidenceBundle = serde_json::from_str(&text).map_err(|error| {
        Report::tampered(format!(
            "{}: this is not an evidence bundle as Tocsin writes it: {error}",
            path.display()
        ))
    })?;
    let options = bundle::VerifyOptions {
        trusted_signers: (!trusted.is_empty()).then(|| trusted.to_vec()),
        epochs,
        ..Default::default()
    };
    Ok(bundle::verify(&bundle, &options))
}

fn read_epochs(path: &Path) -> Result<KnownEpochs, Report> {
    serde_json::from_str(&read(path)?).map_err(|error| {
        Report::bad_input(format!(
            "{}: this is not what `GET /v1/epochs` answers: {error}",
            path.display()
        ))
    })
}

/// Prints every check, and what was not checked.
pub fn print(report: &bundle::Report, out: &mut dyn Write) -> std::io::Result<()> {
    for check in report.checks() {
        writeln!(out, "  {} {}", if check.is_ok() { "✓" } else { "✗" }, check)?;
    }
    for gap in report.not_checked() {
        writeln!(out, "  – not checked: {gap}")?;
    }
    Ok(())
}
