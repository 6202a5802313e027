//! Risks: one insured subject under one cover, the thing that is evaluated.

use serde::{Deserialize, Serialize};

use crate::cover::Cover;
use crate::ids::{RiskId, TermsHash};
use crate::observation::{Metric, Observation, SourceId, Subject};
use crate::time::Timestamp;

/// One insured subject under one cover.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Risk {
    /// Derived from terms, subject and inception.
    pub id: RiskId,
    /// The terms.
    pub terms_hash: TermsHash,
    /// The insured subject; those of several inputs distinct, sorted, comma-joined.
    pub subject: String,
    /// That of its policies, exactly where the terms ask for it ([`Cover::mentions_inception`]): they have a risk for each.
    pub inception: Option<Timestamp>,
    /// Earlier observations serve look-back only, so that every node numbers loss events alike.
    pub evaluate_from: Timestamp,
}

/// What an input of a risk listens to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Stream {
    /// The source.
    pub source: SourceId,
    /// The subject.
    pub subject: Subject,
    /// The metric.
    pub metric: Metric,
}

impl Risk {
    /// The risk of `subject` under these terms; of the policies that begin at `inception`, where the terms ask for it.
    pub fn new(
        terms_hash: TermsHash,
        subject: String,
        inception: Option<Timestamp>,
        evaluate_from: Timestamp,
    ) -> Self {
        Self {
            id: RiskId::derive(terms_hash, &subject, inception),
            terms_hash,
            subject,
            inception,
            evaluate_from,
        }
    }

    /// The subject of a cover whose inputs all name theirs.
    pub fn subject_of(cover: &Cover) -> Option<String> {
        let mut subjects: Vec<&str> = Vec::with_capacity(cover.inputs.len());
        for input in &cover.inputs {
            subjects.push(input.subject.as_ref()?.as_str());
        }
        subjects.sort_unstable();
        subjects.dedup();
        Some(subjects.join(","))
    }
}

impl Stream {
    /// Whether `observation` belongs to it.
    pub fn carries(&self, observation: &Observation) -> bool {
        self.source == observation.source
            && self.subject == observation.subject
            && self.metric == observation.metric
    }

    /// The stream that `observation` belongs to.
    pub fn of(observation: &Observation) -> Self {
        Self {
            source: observation.source.clone(),
            subject: observation.subject.clone(),
            metric: observation.metric.clone(),
        }
    }
}
