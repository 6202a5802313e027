//! The lanes that are told at the moment, and those that could not be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tocsin_store::webhook::lane::LaneId;
use tokio::task::JoinError;

use super::NAME;
use crate::pipeline::{Stage, StageError};

/// A lane that was told as far as it goes, or not.
pub(super) type Ended = Result<(LaneId, Result<(), StageError>), JoinError>;

pub(super) struct Running {
    /// Whether nothing can be written down at the moment.
    stuck: Arc<AtomicBool>,
    lanes: BTreeSet<LaneId>,
    ill: Ill,
}

/// What keeps us, and not its receiver, from telling a lane. It is tried again all the time, and said once.
#[derive(Default)]
struct Ill(BTreeMap<LaneId, String>);

impl Ill {
    /// Whether that is news.
    fn fell(&mut self, id: LaneId, reason: &str) -> bool {
        let before = self.0.insert(id, reason.to_owned());
        before.is_none_or(|before| before != reason)
    }

    /// Whether it was otherwise before.
    fn rose(&mut self, id: LaneId) -> bool {
        self.0.remove(&id).is_some()
    }
}

impl Running {
    pub(super) fn new(stuck: Arc<AtomicBool>) -> Self {
        Self {
            stuck,
            lanes: BTreeSet::new(),
            ill: Ill::default(),
        }
    }

    /// There was a look for what is due. The stage is well if we can tell all of it.
    pub(super) fn found(&mut self, due: &[LaneId], stage: &Stage) {
        // What was paused or removed meanwhile waits for nothing of ours.
        let ill = &mut self.ill.0;
        ill.retain(|id, _| due.contains(id) || self.lanes.contains(id));
        stage.metrics.webhook_lanes(self.lanes.len(), ill.len());
        if self.stuck.load(Ordering::Relaxed) {
            // The books have said so.
            return;
        }
        match ill.first_key_value() {
            None => stage.health.well(NAME),
            Some((_, reason)) => {
                let count = ill.len();
                stage.health.unwell(
                    NAME,
                    format!("{count} lanes wait, the first because: {reason}"),
                );
            }
        }
    }

    /// Whether a lane is not told yet, and is from now on.
    pub(super) fn begins(&mut self, id: LaneId) -> bool {
        self.lanes.insert(id)
    }

    pub(super) fn ended(&mut self, ended: Ended, stage: &Stage) -> Result<(), StageError> {
        match ended {
            Ok((id, told)) => {
                self.lanes.remove(&id);
                let Err(error) = told else {
                    if self.ill.rose(id) {
                        tracing::info!(stage = NAME, lane = id.0, "a lane is told again");
                    }
                    return Ok(());
                };
                if !error.is_transient() {
                    return Err(error);
                }
                let reason = crate::report::chain(&error);
                if self.ill.fell(id, &reason) {
                    tracing::warn!(stage = NAME, lane = id.0, error = %reason, "will try again, and say no more of it until that changes");
                }
                stage.health.unwell(NAME, reason);
                Ok(())
            }
            Err(broken) if broken.is_panic() => std::panic::resume_unwind(broken.into_panic()),
            Err(_cancelled) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_news_once() {
        let mut ill = Ill::default();
        let (one, two) = (LaneId(1), LaneId(2));
        assert!(ill.fell(one, "the secret cannot be used"));
        assert!(!ill.fell(one, "the secret cannot be used"));
        assert!(ill.fell(two, "the secret cannot be used"));
        assert!(ill.fell(one, "the database is busy"));
        assert!(ill.rose(one));
        assert!(!ill.rose(one));
        assert!(ill.fell(one, "the database is busy"));
    }
}
