//! Covers as they are insured: their terms, what their inputs listen to, and their risks.

use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tocsin_domain::cover::Cover;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_store::look::NewLook;

use super::feeds::Feeds;
use super::offers::Offers;
use super::{ConfigError, file, invalid, read};

/// A cover, and the risks under it that are known without the books.
#[derive(Debug, Clone)]
pub struct InsuredCover {
    /// Where it comes from.
    pub origin: Origin,
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

/// Where a cover comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file that the configuration names.
    File(PathBuf),
    /// A client declared it, then.
    Declared(Timestamp),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Declared(at) => write!(f, "a declaration of {at}"),
        }
    }
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
    /// A cover whose inputs listen to what they may listen to.
    pub(super) fn new(
        origin: Origin,
        cover: Cover,
        inputs: Vec<Listening>,
        subject: Option<String>,
        evaluate_from: Timestamp,
    ) -> Self {
        let mut insured = Self {
            origin,
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
        insured
    }

    /// Whether the terms say what is insured. Otherwise every policy does.
    pub fn names_its_subject(&self) -> bool {
        self.subject.is_some()
    }

    /// From when on it is evaluated.
    pub fn evaluate_from(&self) -> Timestamp {
        self.evaluate_from
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

    /// What is to be asked of feeds for the risks that are known, from `now` on; it was checked that it can be.
    pub fn looks(&self, feeds: &Feeds, now: Timestamp) -> Vec<NewLook> {
        let mut looks = Vec::new();
        for stream in self.risks.values().flat_map(|risk| self.streams(risk)) {
            let first = feeds
                .get(&stream.source)
                .and_then(|feed| feed.first_look(&stream.subject).ok());
            if let Some(due_at) = first {
                looks.push(NewLook {
                    source: stream.source,
                    subject: stream.subject,
                    // A question is asked when somebody can ask it.
                    due_at: due_at.max(now),
                });
            }
        }
        looks.sort();
        looks.dedup();
        looks
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
    offers: &Offers,
) -> Result<Vec<InsuredCover>, ConfigError> {
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
                    twin.origin,
                    path.display()
                ),
            ));
        }
        let evaluate_from = Timestamp::parse(&entry.evaluate_from)
            .map_err(|error| invalid(config, format!("covers.evaluate_from: {error}")))?;
        let insured = offers.insure(cover, evaluate_from, Origin::File(path.clone()));
        covers.push(insured.map_err(|misfit| invalid(&path, misfit.to_string()))?);
    }
    Ok(covers)
}
