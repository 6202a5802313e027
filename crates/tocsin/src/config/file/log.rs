//! `[log]`: the eligibility log.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tocsin_log::KeyName;

use crate::config::LogConfig;

/// Without a word, so often.
const COVERAGE_EVERY: &str = "5min";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct LogSection {
    origin: Option<String>,
    key_file: Option<String>,
    state_file: Option<String>,
    coverage_every: Option<String>,
}

impl LogSection {
    /// The settings; the key is beside the database where nothing is said, and the last signed state beside the key.
    pub(in crate::config) fn resolve(
        self,
        base: &Path,
        database: &Path,
    ) -> Result<LogConfig, String> {
        let at = |problem: String| format!("[log]: {problem}");
        let origin = self.origin.map(|origin| origin.parse::<KeyName>());
        let origin = origin.transpose().map_err(|error| at(error.to_string()))?;
        let beside = |file: &Path, ending: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let key_file = self.key_file.map(|name| base.join(name));
        let key_file = key_file.unwrap_or_else(|| beside(database, ".log-key"));
        let state_file = self.state_file.map(|name| base.join(name));
        let state_file = state_file.unwrap_or_else(|| beside(&key_file, ".signed"));
        let every = self.coverage_every.as_deref().unwrap_or(COVERAGE_EVERY);
        let coverage_every =
            super::span(every).map_err(|error| at(format!("coverage_every `{every}`: {error}")))?;
        Ok(LogConfig {
            origin,
            key_file,
            state_file,
            coverage_every,
        })
    }
}
