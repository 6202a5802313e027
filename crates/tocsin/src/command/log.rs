//! `tocsin log`: audits of the eligibility log, and the key that verifies it.

pub mod audit;
pub mod check;
mod fetch;
pub mod origin;
pub mod prove;

use std::io::Write;
use std::path::Path;

use crate::config::Config;
use crate::log_key::{self, LogKeyError};
use crate::report::Report;

/// Prints what verifies the log of a configuration, as `name+hash+base64`. Makes its key if there is none, and no database either.
pub fn key(config: &Path, out: &mut dyn Write) -> Result<(), Report> {
    let config = Config::load(config)?;
    let (path, name) = (&config.log.key_file, config.log.origin.as_ref());
    let key = match log_key::open(path, name) {
        Err(LogKeyError::Missing { .. }) if !config.database.try_exists()? => {
            log_key::make(path, name)
        }
        opened => opened,
    };
    let key = key.map_err(crate::service::ServiceError::from)?;
    writeln!(out, "{}", key.verifier())?;
    Ok(())
}
