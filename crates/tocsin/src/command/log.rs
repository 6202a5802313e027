//! `tocsin log`: audits of the eligibility log, and the key that verifies it.

pub mod audit;
pub mod check;
mod fetch;
pub mod prove;

use std::io::Write;
use std::path::Path;

use crate::config::Config;
use crate::log_key;
use crate::report::Report;

/// Prints what verifies the log of a configuration, as `name+hash+base64`. Makes its key if there is none.
pub fn key(config: &Path, out: &mut dyn Write) -> Result<(), Report> {
    let config = Config::load(config)?;
    let key = log_key::open(&config.log.key_file, config.log.origin.as_ref())
        .map_err(crate::service::ServiceError::from)?;
    writeln!(out, "{}", key.verifier())?;
    Ok(())
}
