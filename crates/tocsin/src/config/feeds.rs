//! Feeds that are polled, as they are configured.

use core::fmt;
use core::num::NonZeroUsize;
use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin_domain::cover::Input;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Seconds;
use tocsin_sources::feed::Feed;

use super::covers::Listening;
use super::misfit::Misfit;
use super::offers::check_type;

/// A feed and how it is used.
#[derive(Clone)]
pub struct FeedConfig {
    /// The feed.
    pub feed: Arc<Feed>,
    /// Requests that are under way at the same time, at most.
    pub concurrency: NonZeroUsize,
    /// How long raw responses are kept at least; those that a claim may rest on stay longer.
    pub archive_for: Seconds,
}

impl fmt::Debug for FeedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedConfig")
            .field("feed", self.feed.id())
            .field("concurrency", &self.concurrency)
            .field("archive_for", &self.archive_for)
            .finish()
    }
}

/// Every feed, by its identity.
#[derive(Clone, Debug, Default)]
pub struct Feeds(BTreeMap<SourceId, FeedConfig>);

impl Feeds {
    /// The feed that is this source, if it is one.
    pub fn get(&self, source: &SourceId) -> Option<&Feed> {
        self.0.get(source).map(|configured| &*configured.feed)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &FeedConfig> {
        self.0.values()
    }

    /// How often those say again what has not changed that do.
    pub(super) fn repeats(&self) -> impl Iterator<Item = (SourceId, Seconds)> {
        let repeats = |(id, configured): (&SourceId, &FeedConfig)| {
            Some((id.clone(), configured.feed.repeats()?))
        };
        self.0.iter().filter_map(repeats)
    }

    /// What an input listens to, where its source is a feed.
    pub(super) fn offers(&self, input: &Input) -> Result<Option<Listening>, Misfit> {
        let Some((source, feed)) = input
            .source
            .as_ref()
            .and_then(|source| Some((source, self.get(source)?)))
        else {
            return Ok(None);
        };
        let offers = feed.offers();
        let Some((_, given)) = offers.iter().find(|(metric, _)| *metric == input.metric) else {
            let known: Vec<&str> = offers.iter().map(|(metric, _)| metric.as_str()).collect();
            let problem = format!(
                "inputs.{} wants {}, and `{source}` gives {}",
                input.name,
                input.metric,
                known.join(", ")
            );
            return Err(Misfit::of_input(input, "metric", problem)
                .with_remedy("correct the input's metric, or the feed's definition"));
        };
        check_type(input, source, *given)?;
        if let Some(subject) = &input.subject {
            feed.first_look(subject).map_err(|error| {
                let reason = crate::report::chain(&error);
                let problem = format!("inputs.{}.subject: {reason}", input.name);
                Misfit::of_input(input, "subject", problem)
            })?;
        }
        Ok(Some(Listening {
            source: source.clone(),
            subject: input.subject.clone(),
            metric: input.metric.clone(),
        }))
    }
}

impl FromIterator<FeedConfig> for Feeds {
    fn from_iter<I: IntoIterator<Item = FeedConfig>>(feeds: I) -> Self {
        let by_id = |configured: FeedConfig| (configured.feed.id().clone(), configured);
        Self(feeds.into_iter().map(by_id).collect())
    }
}
