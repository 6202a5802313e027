//! Covers as they are insured: their terms, what their inputs listen to, and their risks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tocsin_domain::cover::{Cover, Finality};
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;

use super::chain::{Chain, Offer};
use super::feeds::Feeds;
use super::{ConfigError, file, invalid, read};

/// A cover, and the risks under it that are known from the configuration.
#[derive(Debug, Clone)]
pub struct InsuredCover {
    /// Where it was read from.
    pub path: PathBuf,
    /// The terms.
    pub cover: Cover,
    /// By subject, where the terms name none, and by inception, where they mention it. A cover whose terms do neither has
    /// one risk; of the others, those of the policies that the configuration names.
    pub risks: BTreeMap<RiskKey, Risk>,
    /// What its inputs listen to, in their order.
    pub inputs: Vec<Listening>,
    subject: Option<String>,
    evaluate_from: Timestamp,
}

/// What tells the risks of a cover apart.
pub type RiskKey = (Option<Subject>, Option<Timestamp>);

/// What an input listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The source.
    pub source: SourceId,
    /// The subject; that of the risk where the terms name none.
    pub subject: Option<Subject>,
    /// The metric.
    pub metric: Metric,
}

impl InsuredCover {
    /// Whether the terms say what is insured. Otherwise every policy does.
    pub fn names_its_subject(&self) -> bool {
        self.subject.is_some()
    }

    /// The risk of a policy that begins at `inception`, on `subject` where the terms name none.
    pub fn risk(&self, subject: Option<Subject>, inception: Timestamp) -> Risk {
        let inception = self.cover.mentions_inception().then_some(inception);
        let of_terms = || self.subject.clone().unwrap_or_default();
        let subject = subject.map_or_else(of_terms, |subject| subject.to_string());
        Risk::new(
            self.cover.terms_hash,
            subject,
            inception,
            self.evaluate_from,
        )
    }

    /// What the inputs of a risk of it listen to.
    pub fn streams(&self, risk: &Risk) -> Vec<Stream> {
        let of_risk = || Subject::from(risk.subject.as_str());
        let stream = |input: &Listening| Stream {
            source: input.source.clone(),
            subject: input.subject.clone().unwrap_or_else(of_risk),
            metric: input.metric.clone(),
        };
        self.inputs.iter().map(stream).collect()
    }

    /// Adds a risk; one that is there already stays.
    pub(super) fn add(&mut self, risk: Risk) {
        let subject = self
            .subject
            .is_none()
            .then(|| Subject::from(risk.subject.as_str()));
        self.risks.entry((subject, risk.inception)).or_insert(risk);
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
    feeds: &Feeds,
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
        let mut inputs = Vec::with_capacity(cover.inputs.len());
        for input in &cover.inputs {
            let listening = match feeds.offers(&path, input)? {
                Some(listening) => listening,
                None => resolve_input(&path, input, &known, feeds, &cover.finality)?,
            };
            inputs.push(listening);
        }
        let subject = Risk::subject_of(&cover);
        if subject.is_none()
            && let Some(named) = inputs.iter().find(|input| input.subject.is_some())
        {
            return Err(invalid(
                &path,
                format!(
                    "one input names {}, and another one no subject: name all of them, or none where every policy names its own",
                    named
                        .subject
                        .as_ref()
                        .map_or("", |subject| subject.as_str())
                ),
            ));
        }
        let mut insured = InsuredCover {
            path,
            cover,
            risks: BTreeMap::new(),
            inputs,
            subject,
            evaluate_from,
        };
        // Without a policy, a cover that mentions the inception or leaves the subject open has no risk yet.
        if insured.names_its_subject() && !insured.cover.mentions_inception() {
            let only = insured.risk(None, evaluate_from);
            insured.add(only);
        }
        covers.push(insured);
    }
    Ok(covers)
}

fn resolve_input(
    path: &Path,
    input: &tocsin_domain::cover::Input,
    known: &BTreeMap<SourceId, Offer>,
    feeds: &Feeds,
    finality: &[(String, Finality)],
) -> Result<Listening, ConfigError> {
    let name = &input.name;
    let incomplete = || {
        invalid(
            path,
            format!(
                "inputs.{name} names no subject or no source: a cover that is run says what it watches and where (a feed that is \
                 polled can leave the subject to the policies)"
            ),
        )
    };
    let source = input.source.as_ref().ok_or_else(incomplete)?;
    let Some(offer) = known.get(source) else {
        let is_feed = source.as_str().starts_with("feed:");
        let names: Vec<&str> = if is_feed {
            let ids = feeds.all().map(|configured| configured.feed.id().as_str());
            ids.collect()
        } else {
            known.keys().map(SourceId::as_str).collect()
        };
        return Err(invalid(
            path,
            format!(
                "inputs.{name}.source `{source}` is not configured: add [{}.\"{source}\"] to the service \
                 configuration (configured: {})",
                if is_feed { "feeds" } else { "sources" },
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ),
        ));
    };
    let subject = input.subject.as_ref().ok_or_else(incomplete)?;
    if offer.subject != *subject || offer.metric != input.metric {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} wants {} of {subject}, but source `{source}` is configured as {} of {}",
                input.metric, offer.metric, offer.subject
            ),
        ));
    }
    check_type(path, input, source, offer.value_type)?;
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
    Ok(Listening {
        source: source.clone(),
        subject: Some(subject.clone()),
        metric: input.metric.clone(),
    })
}

/// That an input can have what its source gives.
pub(super) fn check_type(
    path: &Path,
    input: &tocsin_domain::cover::Input,
    source: &SourceId,
    given: Type,
) -> Result<(), ConfigError> {
    // An event counts by being there, and the decimal that it may carry is its amount.
    if given == input.ty || (input.ty, given) == (Type::Event, Type::Decimal) {
        return Ok(());
    }
    Err(invalid(
        path,
        format!(
            "inputs.{} is a {}, but `{source}` gives a {given}: correct the input's type or the source's value",
            input.name, input.ty
        ),
    ))
}
