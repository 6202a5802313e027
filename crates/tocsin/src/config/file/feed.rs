//! The sections about feeds that are polled.

use core::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tocsin_domain::observation::SourceId;
use tocsin_sources::feed::{Definition, Feed, FeedSettings, KeySettings, KeyText};

use super::chain::http_address;
use super::{refused, some_time};
use crate::config::{FeedConfig, secret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedSection {
    /// The file that says how the provider is asked and read.
    definition: String,
    #[serde(default)]
    keys: Vec<KeySection>,
    /// Another address than the definition's: a mirror, or a proxy of one's own.
    #[serde(default)]
    url: Option<String>,
    /// Requests that one key may make in a UTC day.
    #[serde(default)]
    per_day: Option<NonZeroU32>,
    #[serde(default)]
    per_second: Option<NonZeroU32>,
    /// Requests that are under way at the same time.
    #[serde(default = "concurrency")]
    concurrency: NonZeroUsize,
    /// How long raw responses are kept at least. Those that observations name stay until no claim can be made that rests on
    /// them: under terms without a `claim_deadline`, for ever.
    #[serde(default = "archive_for")]
    archive_for: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySection {
    /// What it is called in logs, metrics and the API.
    name: String,
    secret: String,
    #[serde(default)]
    per_day: Option<NonZeroU32>,
}

fn concurrency() -> NonZeroUsize {
    const { NonZeroUsize::new(8).unwrap() }
}

// A policy year and the time to dispute it.
fn archive_for() -> String {
    "400d".to_owned()
}

/// The feed of a section.
pub(super) fn resolve(base: &Path, id: &str, section: &toml::Table) -> Result<FeedConfig, String> {
    let section = FeedSection::deserialize(toml::Value::Table(section.clone()))
        .map_err(|error| refused(&error))?;
    let path = base.join(&section.definition);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!(
            "`definition`: cannot read {}: {error}; name a file of feed definitions",
            path.display()
        )
    })?;
    let definition = Definition::parse(&text, &path.display().to_string())
        .map_err(|error| crate::report::chain(&error))?;
    let settings = FeedSettings {
        keys: section
            .keys
            .iter()
            .map(|key| key.resolve(base))
            .collect::<Result<_, _>>()?,
        base_url: section
            .url
            .as_deref()
            .map(|text| http_address(base, "url", text))
            .transpose()?,
        per_day: section.per_day,
        per_second: section.per_second,
    };
    let feed = Feed::new(definition, settings).map_err(|error| crate::report::chain(&error))?;
    if *feed.id() != SourceId::from(id) {
        return Err(format!(
            "its definition {} is of `{}`: call the section that, or name another definition",
            path.display(),
            feed.id()
        ));
    }
    Ok(FeedConfig {
        feed: Arc::new(feed),
        concurrency: section.concurrency,
        archive_for: some_time("archive_for", &section.archive_for)?,
    })
}

impl KeySection {
    fn resolve(&self, base: &Path) -> Result<KeySettings, String> {
        let secret = secret::read(base, &self.secret)
            .map_err(|problem| format!("key `{}`: {problem}", self.name))?;
        // Its file is read again when it changes, so that a key is exchanged without a restart.
        let text = match self.secret.strip_prefix("file:") {
            Some(path) => KeyText::File(base.join(path)),
            None => KeyText::Text(secret),
        };
        Ok(KeySettings {
            name: self.name.clone(),
            text,
            per_day: self.per_day,
        })
    }
}
