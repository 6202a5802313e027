//! What answers mean for the looks that they are about.

use std::collections::BTreeMap;

use tocsin_api::feeds::{FeedStatus, KeyStatus};
use tocsin_domain::observation::Subject;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_sources::feed::{self, Answer, BreakerState, Feed, FeedHealth, Next, Seen};
use tocsin_store::StoreError;
use tocsin_store::look::{Look, LookState};
use tocsin_store::response::Response;

use super::super::polled_news::{PolledNews, SubjectNews};
use super::super::{Stage, StageError};

/// When a subject is asked about again whose answer cannot be used at all.
const AGAIN: Seconds = Seconds(60);

/// Some answers, as the store takes them.
#[derive(Default)]
pub(super) struct Answers {
    /// The looks that were answered, as they are from now on.
    pub(super) looks: Vec<Look>,
    /// What was said.
    pub(super) news: PolledNews,
    /// What came.
    pub(super) responses: Vec<Response>,
    /// Of the subjects that were asked about, why nothing is known any more where the feed was silent for too long.
    pub(super) silent: Vec<(Subject, Option<String>)>,
}

/// A look as its feed wants it.
pub(super) fn asked(look: &Look) -> Result<feed::Look, StageError> {
    let memory = look.memory.as_deref().map(serde_json::from_str).transpose();
    Ok(feed::Look {
        subject: look.subject.clone(),
        due_at: look.due_at.unwrap_or(Timestamp(0)),
        watermark: look.watermark,
        memory: memory.map_err(|error| StoreError::InvalidRow {
            noun: "look",
            key: format!("{} of {}", look.subject, look.source),
            reason: format!("its memory cannot be read: {error}"),
        })?,
    })
}

impl Answers {
    /// What `answers` say, each with what was asked; takes those of the `looks` out that they are about.
    pub(super) fn read(
        feed: &Feed,
        stage: &Stage,
        looks: &mut BTreeMap<Subject, Look>,
        answers: impl Iterator<Item = (Vec<Subject>, Answer)>,
    ) -> Self {
        let mut read = Self::default();
        for (about, answer) in answers {
            read.responses
                .extend(answer.responses.into_iter().map(|response| Response {
                    hash: response.hash,
                    body: response.body.to_vec(),
                    source: feed.id().clone(),
                    url: response.url,
                    status: response.status,
                    fetched_at: response.fetched_at,
                    reading: feed.reading(),
                }));
            for seen in answer.seen {
                // Of what nobody asked for, the next look sees the same.
                if let Some(look) = looks.remove(&seen.subject) {
                    read.see(stage, look, seen);
                }
            }
            for look in about.iter().filter_map(|subject| looks.remove(subject)) {
                let trouble = "was asked about, and no answer is about it".to_owned();
                stage.metrics.feed_trouble(&look.source, "unanswered");
                read.put_off(stage, look, trouble);
            }
        }
        read
    }

    fn see(&mut self, stage: &Stage, look: Look, seen: Seen) {
        for trouble in &seen.troubles {
            stage
                .metrics
                .feed_trouble(&look.source, trouble.kind.as_str());
        }
        let out_of_time = seen.observations.iter().find(|said| {
            Some(said.observed_at) <= look.watermark || Some(said.observed_at) > seen.watermark
        });
        if let Some(said) = out_of_time {
            let trouble = format!(
                "{} was read as of {}, which is not after what is known and up to what is complete",
                said.metric, said.observed_at
            );
            stage.metrics.feed_trouble(&look.source, "out_of_time");
            return self.put_off(stage, look, trouble);
        }
        let (state, due_at) = match seen.next {
            Next::At(at) => (LookState::Open, Some(at)),
            Next::Over => (LookState::Over, None),
            Next::NeedsPerson(reason) => (LookState::NeedsPerson(reason), None),
        };
        let troubles: Vec<String> = seen.troubles.iter().map(ToString::to_string).collect();
        let is_silent = seen.is_silent && state == LookState::Open;
        let silent = is_silent.then(|| troubles.join("; "));
        self.silent.push((look.subject.clone(), silent));
        let after = Look {
            state,
            due_at,
            watermark: seen.watermark.max(look.watermark),
            memory: Some(seen.memory.to_string()),
            trouble: (!troubles.is_empty()).then(|| troubles.join("; ")),
            looked_at: Some(stage.clock.now()),
            ..look.clone()
        };
        tell(&look, &after);
        let news = SubjectNews {
            watermark: after.watermark,
            observations: seen.observations,
        };
        let subject = (after.source.clone(), after.subject.clone());
        self.news.subjects.insert(subject, news);
        self.looks.push(after);
    }

    /// Nothing is known of the look that was not before; it is tried again later.
    fn put_off(&mut self, stage: &Stage, look: Look, trouble: String) {
        let now = stage.clock.now();
        let after = Look {
            due_at: Some(now + AGAIN),
            trouble: Some(trouble),
            looked_at: Some(now),
            ..look.clone()
        };
        tell(&look, &after);
        self.looks.push(after);
    }
}

/// A trouble is told when it begins, and when it is over.
fn tell(before: &Look, after: &Look) {
    let (feed, subject) = (&after.source, &after.subject);
    if before.trouble != after.trouble {
        match &after.trouble {
            Some(trouble) => tracing::warn!(%feed, %subject, %trouble, "a feed is in trouble"),
            None => tracing::info!(%feed, %subject, "the trouble of a feed is over"),
        }
    }
    if let LookState::NeedsPerson(reason) = &after.state {
        tracing::error!(%feed, %subject, reason, "a subject cannot be found out: a person has to look");
    }
}

/// How a feed is doing, for the API.
pub(super) fn status(health: &FeedHealth) -> FeedStatus {
    FeedStatus {
        breaker: match health.breaker {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        }
        .to_owned(),
        keys: health
            .keys
            .iter()
            .map(|key| KeyStatus {
                name: key.name.clone(),
                used_today: key.used,
                per_day: key.per_day,
                left_today: key.per_day.map(|limit| limit.saturating_sub(key.used)),
                resting: key.resting.clone(),
            })
            .collect(),
        last_answer_at: health.last_answer_at.map(|at| at.to_string()),
        last_trouble: health.last_trouble.clone(),
        last_trouble_at: health.last_trouble_at.map(|at| at.to_string()),
    }
}

/// Why nothing can be asked now, if that is so.
pub(super) fn why_down(health: &FeedHealth) -> Option<String> {
    let keys_rest = !health.keys.is_empty() && health.keys.iter().all(|key| key.resting.is_some());
    let what = match (health.breaker, keys_rest) {
        (BreakerState::Open, _) => "it failed too often in a row and is left alone for a while",
        (_, true) => "none of its keys can be used now",
        _ => return None,
    };
    let trouble = health
        .last_trouble
        .as_deref()
        .unwrap_or("no trouble is known");
    Some(format!("{what}: {trouble}"))
}
