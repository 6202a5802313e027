//! How the stages of the pipeline turn, and what waits for them.

use core::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tocsin_store::StoreError;
use tocsin_store::backlog::Waiting;

use super::number;
use crate::Api;

/// How a turn of a stage ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
pub enum TurnOutcome {
    /// There was something to do, and it is done.
    Worked,
    /// There was nothing to do.
    Idle,
    /// It had no effect; it will be tried again.
    Failed,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct TurnLabels {
    stage: String,
    outcome: TurnOutcome,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct StageLabels {
    stage: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

pub(super) struct Stages {
    turns: Family<TurnLabels, Counter>,
    seconds: Family<StageLabels, Histogram>,
    waiting: Family<QueueLabels, Gauge<i64>>,
    oldest: Family<QueueLabels, Gauge<i64>>,
}

/// From 1 ms to a minute and more: a turn reads and writes one database, or asks the world.
fn turn_seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 9))
}

impl Stages {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let stages = Self {
            turns: Family::default(),
            seconds: Family::new_with_constructor(turn_seconds),
            waiting: Family::default(),
            oldest: Family::default(),
        };
        registry.register(
            "stage_turns",
            "Turns of the stages, by how they ended",
            stages.turns.clone(),
        );
        registry.register_with_unit(
            "stage_turn",
            "How long the turns of a stage took that had something to do, or failed",
            Unit::Seconds,
            stages.seconds.clone(),
        );
        registry.register(
            "queue_waiting",
            "What waits for a stage: determinations without their claims, eligible claims without an attestation, \
             attestations that are not delivered",
            stages.waiting.clone(),
        );
        registry.register(
            "queue_oldest_timestamp_seconds",
            "Since when the oldest of them waits, in unix seconds; 0 where nothing waits",
            stages.oldest.clone(),
        );
        stages
    }

    pub(super) fn turned(&self, stage: &str, outcome: TurnOutcome, took: Duration) {
        let labels = TurnLabels {
            stage: stage.to_owned(),
            outcome,
        };
        self.turns.get_or_create(&labels).inc();
        if outcome != TurnOutcome::Idle {
            let labels = StageLabels {
                stage: stage.to_owned(),
            };
            self.seconds
                .get_or_create(&labels)
                .observe(took.as_secs_f64());
        }
    }

    /// What waits now.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        let backlog = api.store.backlog().await?;
        self.queue("claim", backlog.determinations);
        self.queue("attest", backlog.claims);
        self.queue("deliver", backlog.deliveries);
        Ok(())
    }

    fn queue(&self, queue: &'static str, waiting: Waiting) {
        let labels = QueueLabels { queue };
        let count = self.waiting.get_or_create(&labels);
        count.set(number(waiting.count));
        let oldest = waiting.oldest.map_or(0, |since| since.0);
        self.oldest.get_or_create(&labels).set(oldest);
    }
}
