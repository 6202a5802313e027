//! The lanes that are told at the moment, and those that could not be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tocsin_store::webhook::lane::LaneId;
use tokio::task::JoinError;

use super::{NAME, unwell};
use crate::pipeline::{Stage, StageError};

/// A lane that was told as far as it goes, or not.
pub(super) type Ended = Result<(LaneId, Result<(), StageError>), JoinError>;

pub(super) struct Running {
    /// Whether nothing can be written down at the moment.
    stuck: Arc<AtomicBool>,
    lanes: BTreeSet<LaneId>,
    /// What keeps us, and not its receiver, from telling a lane.
    ill: BTreeMap<LaneId, String>,
}

impl Running {
    pub(super) fn new(stuck: Arc<AtomicBool>) -> Self {
        Self {
            stuck,
            lanes: BTreeSet::new(),
            ill: BTreeMap::new(),
        }
    }

    /// There was a look for what is due. The stage is well if we can tell all of it.
    pub(super) fn found(&mut self, due: &[LaneId], stage: &Stage) {
        // What was paused or removed meanwhile waits for nothing of ours.
        self.ill
            .retain(|id, _| due.contains(id) || self.lanes.contains(id));
        stage.metrics.webhook_lanes(self.lanes.len());
        if self.stuck.load(Ordering::Relaxed) {
            // The books have said so.
            return;
        }
        match self.ill.first_key_value() {
            None => stage.health.well(NAME),
            Some((_, reason)) => {
                let count = self.ill.len();
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
                self.ill.remove(&id);
                let Err(error) = told else { return Ok(()) };
                self.ill.insert(id, crate::report::chain(&error));
                unwell(stage, error)
            }
            Err(broken) if broken.is_panic() => std::panic::resume_unwind(broken.into_panic()),
            Err(_cancelled) => Ok(()),
        }
    }
}
