//! Covers as they are insured: their terms, what their inputs listen to, and their risks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tocsin_domain::cover::{Cover, Finality};
use tocsin_domain::ids::RiskId;
use tocsin_domain::observation::SourceId;
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;

use super::chain::{Chain, Offer};
use super::{ConfigError, file, invalid, read};

/// A cover and the risks of the subject that its inputs name.
#[derive(Debug, Clone)]
pub struct InsuredCover {
    /// Where it was read from.
    pub path: PathBuf,
    /// The terms.
    pub cover: Cover,
    /// By their inceptions: one risk without; or, of a cover that mentions the inception, one for each of its policies'.
    pub risks: BTreeMap<Option<Timestamp>, Risk>,
    /// What its inputs listen to.
    pub streams: Vec<Stream>,
    subject: String,
    evaluate_from: Timestamp,
}

impl InsuredCover {
    /// The risk of a policy that begins at `inception`; one that is new is added.
    pub(super) fn risk_from(&mut self, inception: Timestamp) -> RiskId {
        let inception = self.cover.mentions_inception().then_some(inception);
        let risk = self.risks.entry(inception).or_insert_with(|| {
            let (terms, subject) = (self.cover.terms_hash, self.subject.clone());
            Risk::new(terms, subject, inception, self.evaluate_from)
        });
        risk.id
    }
}

/// Reads a cover file and draws its diagnostics as an error.
pub fn load_cover(path: &Path) -> Result<Cover, ConfigError> {
    let text = read(path)?;
    match Cover::parse(&text) {
        Ok((cover, _warnings)) => Ok(cover),
        Err(diagnostics) => Err(ConfigError::Cover {
            path: path.to_owned(),
            text,
            diagnostics,
        }),
    }
}

pub(super) fn load_covers(
    config: &Path,
    base: &Path,
    entries: &[file::CoverEntry],
    chains: &[Chain],
) -> Result<Vec<InsuredCover>, ConfigError> {
    let known: BTreeMap<SourceId, Offer> = chains.iter().flat_map(Chain::offers).collect();
    let mut covers: Vec<InsuredCover> = Vec::new();
    for entry in entries {
        let path = base.join(&entry.file);
        let cover = load_cover(&path)?;
        let is_twin = |other: &&InsuredCover| {
            (&other.cover.name, other.cover.version) == (&cover.name, cover.version)
        };
        if let Some(twin) = covers.iter().find(is_twin) {
            return Err(invalid(
                config,
                format!(
                    "two covers are version {} of `{}`: {} and {}",
                    cover.version,
                    cover.name,
                    twin.path.display(),
                    path.display()
                ),
            ));
        }
        let evaluate_from = Timestamp::parse(&entry.evaluate_from)
            .map_err(|error| invalid(config, format!("covers.evaluate_from: {error}")))?;
        let mut streams = Vec::with_capacity(cover.inputs.len());
        for input in &cover.inputs {
            streams.push(resolve_input(&path, input, &known, &cover.finality)?);
        }
        let subject = Risk::subject_of(&cover).ok_or_else(|| {
            invalid(
                &path,
                "every input of a cover that is run names its subject".to_owned(),
            )
        })?;
        // Without a policy, a cover that mentions the inception has no risk yet.
        let without_policy = (!cover.mentions_inception())
            .then(|| Risk::new(cover.terms_hash, subject.clone(), None, evaluate_from));
        covers.push(InsuredCover {
            path,
            cover,
            risks: without_policy
                .map(|risk| (risk.inception, risk))
                .into_iter()
                .collect(),
            streams,
            subject,
            evaluate_from,
        });
    }
    Ok(covers)
}

fn resolve_input(
    path: &Path,
    input: &tocsin_domain::cover::Input,
    known: &BTreeMap<SourceId, Offer>,
    finality: &[(String, Finality)],
) -> Result<Stream, ConfigError> {
    let name = &input.name;
    let (Some(subject), Some(source)) = (&input.subject, &input.source) else {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} names no subject or no source: a cover that is run says what it watches and where"
            ),
        ));
    };
    let Some(offer) = known.get(source) else {
        let names: Vec<&str> = known.keys().map(|id| id.as_str()).collect();
        return Err(invalid(
            path,
            format!(
                "inputs.{name}.source `{source}` is not configured: add [sources.\"{source}\"] to the service \
                 configuration (configured: {})",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ),
        ));
    };
    if offer.subject != *subject || offer.metric != input.metric {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} wants {} of {subject}, but source `{source}` is configured as {} of {}",
                input.metric, offer.metric, offer.subject
            ),
        ));
    }
    let value_type = offer.value_type;
    // An event counts by being there, and the decimal that it may carry is its amount.
    let fits = value_type == input.ty || (input.ty, value_type) == (Type::Event, Type::Decimal);
    if !fits {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} is a {}, but `{source}` gives a {value_type}: correct the input's type or the source's value",
                input.ty
            ),
        ));
    }
    let chain = &offer.chain;
    if let Some((_, wanted)) = finality.iter().find(|(name, _)| name == chain)
        && let Some(configured) = offer.finality.filter(|configured| configured != wanted)
    {
        return Err(invalid(
            path,
            format!(
                "the terms take {chain} as final by {wanted:?}, but [chains.\"{chain}\"] is configured with {configured:?}: \
                 make the configuration agree with the terms"
            ),
        ));
    }
    Ok(Stream {
        source: source.clone(),
        subject: subject.clone(),
        metric: input.metric.clone(),
    })
}
