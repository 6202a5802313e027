//! `tocsin verify`: re-executes an evidence bundle offline and says what it checked.

use std::io::Write;
use std::path::Path;

use alloy::primitives::Address;
use tocsin_domain::attestation::KnownEpochs;
use tocsin_domain::bundle::{self, EvidenceBundle};
use tocsin_log::VerifierKey;

use crate::config::read;
use crate::report::Report;

/// What whoever checks a bundle knows from elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The signers that count; the bundle's own where there are none.
    pub signers: &'a [Address],
    /// A file with what `GET /v1/epochs` answered.
    pub epochs: Option<&'a Path>,
    /// What verifies the eligibility log.
    pub log_key: Option<&'a VerifierKey>,
}

/// Reads a bundle and re-executes it.
pub fn check(path: &Path, trusted: &[Address]) -> Result<bundle::Report, Report> {
    let known = Known {
        signers: trusted,
        ..Known::default()
    };
    check_with(path, known)
}

/// The same with all that is known.
pub fn check_with(path: &Path, known: Known<'_>) -> Result<bundle::Report, Report> {
    let epochs: Option<KnownEpochs> = known.epochs.map(read_epochs).transpose()?;
    let text = read(path)?;
    let bundle: EvidenceBundle = serde_json::from_str(&text).map_err(|error| {
        Report::tampered(format!(
            "{}: this is not an evidence bundle as Tocsin writes it: {error}",
            path.display()
        ))
    })?;
    let options = bundle::VerifyOptions {
        trusted_signers: (!known.signers.is_empty()).then(|| known.signers.to_vec()),
        epochs,
        log_key: known.log_key.cloned(),
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
