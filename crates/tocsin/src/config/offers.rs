//! What covers can listen to, and what a cover means with it.

use std::collections::BTreeMap;

use tocsin_domain::cover::{Cover, Finality, Input};
use tocsin_domain::observation::SourceId;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;

use super::chain::{Chain, Offer};
use super::covers::{InsuredCover, Listening, Origin};
use super::feeds::Feeds;
use super::misfit::Misfit;

/// The sources of the chains that are read, and the feeds that are polled.
#[derive(Clone, Debug)]
pub struct Offers {
    sources: BTreeMap<SourceId, Offer>,
    feeds: Feeds,
    /// How long the sources that promise it are silent at the most.
    heartbeats: BTreeMap<SourceId, Seconds>,
}

impl Offers {
    pub(super) fn of(
        chains: &[Chain],
        feeds: &Feeds,
        heartbeats: &BTreeMap<SourceId, Seconds>,
    ) -> Self {
        Self {
            sources: chains.iter().flat_map(Chain::offers).collect(),
            feeds: feeds.clone(),
            heartbeats: heartbeats.clone(),
        }
    }

    /// The feeds among them.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// A cover as it is insured, evaluated from an instant on; or the first thing about it that does not fit what is
    /// configured, and what to do.
    pub fn insure(
        &self,
        cover: Cover,
        evaluate_from: Timestamp,
        origin: Origin,
    ) -> Result<InsuredCover, Misfit> {
        let mut inputs = Vec::with_capacity(cover.inputs.len());
        for input in &cover.inputs {
            let listening = match self.feeds.offers(input)? {
                Some(listening) => listening,
                None => self.resolve(input, &cover.finality)?,
            };
            inputs.push(listening);
        }
        let subject = Risk::subject_of(&cover);
        if subject.is_none()
            && let Some(named) = inputs.iter().find_map(|input| input.subject.as_ref())
            && let Some(silent) = cover.inputs.iter().find(|input| input.subject.is_none())
        {
            let problem = format!("one input names {named}, and another one no subject");
            return Err(Misfit::of_input(silent, "subject", problem)
                .with_remedy("name all of them, or none where every policy names its own"));
        }
        Ok(InsuredCover::new(
            origin,
            cover,
            inputs,
            subject,
            evaluate_from,
        ))
    }

    /// Inputs that become unknown between two observations of a source that does what it promises.
    pub fn impatient_inputs(&self, insured: &InsuredCover) -> Vec<Misfit> {
        let mut found = Vec::new();
        for (input, listening) in insured.cover.inputs.iter().zip(&insured.inputs) {
            let heartbeat = self.heartbeats.get(&listening.source).copied();
            if let (Some(max_age), Some(heartbeat)) = (input.max_age, heartbeat)
                && max_age < heartbeat
            {
                let problem = format!(
                    "the max_age of input `{}` ({max_age}) is shorter than the heartbeat of its source ({heartbeat})",
                    input.name
                );
                let effect = "it will be unknown between two observations";
                found.push(Misfit::of_input(input, "max_age", problem).with_remedy(effect));
            }
        }
        found
    }

    /// What an input listens to, where its source is on a chain.
    fn resolve(&self, input: &Input, finality: &[(String, Finality)]) -> Result<Listening, Misfit> {
        let name = &input.name;
        let incomplete = |key| {
            Misfit::of_input(input, key, format!("inputs.{name} names no subject or no source")).with_remedy(
                "a cover that is run says what it watches and where (a feed that is polled can leave the subject to the policies)",
            )
        };
        let source = input.source.as_ref().ok_or_else(|| incomplete("source"))?;
        let Some(offer) = self.sources.get(source) else {
            return Err(self.not_configured(input, source));
        };
        let subject = input
            .subject
            .as_ref()
            .ok_or_else(|| incomplete("subject"))?;
        if offer.subject != *subject || offer.metric != input.metric {
            let key = if offer.subject == *subject {
                "metric"
            } else {
                "subject"
            };
            let problem = format!(
                "inputs.{name} wants {} of {subject}, but source `{source}` is configured as {} of {}",
                input.metric, offer.metric, offer.subject
            );
            return Err(Misfit::of_input(input, key, problem));
        }
        check_type(input, source, offer.value_type)?;
        let chain = &offer.chain;
        if let Some((_, wanted)) = finality.iter().find(|(name, _)| name == chain)
            && let Some(configured) = offer.finality.filter(|configured| configured != wanted)
        {
            let problem = format!(
                "the terms take {chain} as final by {wanted:?}, but [chains.\"{chain}\"] is configured with {configured:?}"
            );
            return Err(Misfit::at(&["finality", chain], problem)
                .with_remedy("make the configuration agree with the terms"));
        }
        Ok(Listening {
            source: source.clone(),
            subject: Some(subject.clone()),
            metric: input.metric.clone(),
        })
    }

    fn not_configured(&self, input: &Input, source: &SourceId) -> Misfit {
        let is_feed = source.as_str().starts_with("feed:");
        let names: Vec<&str> = if is_feed {
            let ids = self.feeds.all();
            ids.map(|configured| configured.feed.id().as_str())
                .collect()
        } else {
            self.sources.keys().map(SourceId::as_str).collect()
        };
        let problem = format!("inputs.{}.source `{source}` is not configured", input.name);
        Misfit::of_input(input, "source", problem).with_remedy(format!(
            "add [{}.\"{source}\"] to the service configuration (configured: {})",
            if is_feed { "feeds" } else { "sources" },
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ))
    }
}

/// That an input can have what its source gives.
pub(super) fn check_type(input: &Input, source: &SourceId, given: Type) -> Result<(), Misfit> {
    // An event counts by being there, and the decimal that it may carry is its amount.
    if given == input.ty || (input.ty, given) == (Type::Event, Type::Decimal) {
        return Ok(());
    }
    let problem = format!(
        "inputs.{} is a {}, but `{source}` gives a {given}",
        input.name, input.ty
    );
    Err(Misfit::of_input(input, "type", problem)
        .with_remedy("correct the input's type or the source's value"))
}
