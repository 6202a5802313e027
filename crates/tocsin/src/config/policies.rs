//! Policy files of the configuration: who is insured, on which cover, for how much, from when to when.

use std::path::Path;

use serde::Deserialize;
use tocsin_domain::policy::Policy;
use tocsin_domain::time::Timestamp;

use super::{ConfigError, Feeds, InsuredCover, invalid, read};
use crate::insure::{Insurer, Row};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    #[serde(default)]
    policy: Vec<Row>,
}

/// Whether a file has a policy a line, and so may have any number of them: it is read when they are imported.
pub(super) fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "csv")
}

/// Reads the policies of a file; all of them, or the first thing that is wrong. Adds the risks that they need.
pub(super) fn load(
    path: &Path,
    covers: &mut [InsuredCover],
    feeds: &Feeds,
    settlement: Option<u64>,
) -> Result<Vec<Policy>, ConfigError> {
    let file: PolicyFile = toml::from_str(&read(path)?)
        .map_err(|error| invalid(path, error.to_string().trim_end().to_owned()))?;
    let mut policies = Vec::with_capacity(file.policy.len());
    for row in &file.policy {
        let insurer = Insurer {
            now: Timestamp(0),
            covers,
            feeds,
            settlement,
        };
        let insured = insurer
            .insure(row)
            .and_then(|insured| Ok((insurer.looks(&insured)?, insured)));
        let (_looks, insured) = insured
            .map_err(|problem| invalid(path, format!("policy {}: {problem}", row.number)))?;
        covers[insured.cover].add(insured.risk);
        policies.push(insured.policy);
    }
    Ok(policies)
}
