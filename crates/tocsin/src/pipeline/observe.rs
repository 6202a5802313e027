//! Observe: read what is new and final on one chain, evaluate it, and commit both with the cursors.
//!
//! Guarantee: a cursor moves only together with everything that was seen up to it. A failed read moves nothing.

use std::sync::Arc;
use std::time::Duration;

use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::Timestamp;
use tocsin_sources::chain::ChainReader;
use tocsin_sources::{BlockBatch, BlockSource, Watched};
use tocsin_store::step::{SourceAdvance, SourceProgress, Step};
use tokio::sync::Mutex;

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, Work};
use crate::config::Chain;

/// The observer of one chain.
pub struct Observer {
    name: String,
    reader: ChainReader,
    chain: Chain,
    evaluator: Arc<Evaluator>,
    /// Risks may listen to several chains: a step reads their states, evaluates, and writes them back, and two steps that
    /// did so at the same time would only make one of them start again.
    step: Arc<Mutex<()>>,
    next: Bell,
}

impl Observer {
    /// An observer that evaluates with `evaluator` and rings `next` when something was decided.
    pub fn new(
        reader: ChainReader,
        chain: Chain,
        evaluator: Arc<Evaluator>,
        step: Arc<Mutex<()>>,
        next: Bell,
    ) -> Self {
        let name = format!("observe eip155:{}", chain.settings.chain_id);
        Self {
            name,
            reader,
            chain,
            evaluator,
            step,
            next,
        }
    }

    /// Sources that stand at the same place are read together; one that was added later catches up by itself first.
    async fn groups(&self, stage: &Stage) -> Result<Vec<Group>, StageError> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, source) in self.reader.watched().iter().enumerate() {
            let progress = stage.store.progress(&source.id).await?;
            // Its cursor would say that blocks were read which were read for something else.
            if progress
                .as_ref()
                .is_some_and(|progress| progress.reading != source.reading)
            {
                return Err(StageError::OtherReading(source.id.clone()));
            }
            let cursor = progress.as_ref().map(|progress| progress.cursor);
            let together = groups.iter_mut().find(|group| {
                group.cursor == cursor
                    && (cursor.is_some()
                        || group
                            .sources
                            .iter()
                            .all(|other| other.from_block == source.from_block))
            });
            match together {
                Some(group) => {
                    group.which.push(index);
                    group.sources.push(source.clone());
                }
                None => groups.push(Group {
                    cursor,
                    seen_until: progress.map(|progress| progress.watermark),
                    which: vec![index],
                    sources: vec![source.clone()],
                }),
            }
        }
        Ok(groups)
    }

    /// A node that keeps answering the same blocks is no proof that nothing happens.
    fn check_that_time_moves(&self, stage: &Stage, groups: &[Group]) -> Result<(), StageError> {
        for seen_until in groups.iter().filter_map(|group| group.seen_until) {
            if stage.clock.now() > seen_until + self.chain.stalled_after {
                let chain_id = self.chain.settings.chain_id;
                return Err(StageError::Stalled {
                    chain_id,
                    seen_until,
                });
            }
        }
        Ok(())
    }

    async fn read(&self, stage: &Stage, group: &Group) -> Result<Turn, StageError> {
        let Some(batch) = self
            .reader
            .next(group.cursor.as_ref(), &group.which)
            .await?
        else {
            return Ok(Turn::Idle);
        };
        self.commit(stage, group, batch).await?;
        Ok(Turn::Worked)
    }

    async fn commit(
        &self,
        stage: &Stage,
        group: &Group,
        batch: BlockBatch,
    ) -> Result<(), StageError> {
        let sources: Vec<SourceAdvance> = group
            .sources
            .iter()
            .map(|source| SourceAdvance {
                from: group.cursor,
                to: SourceProgress {
                    source: source.id.clone(),
                    cursor: batch.cursor,
                    watermark: batch.watermark,
                    reading: source.reading,
                },
            })
            .collect();
        let _one_step_at_a_time = self.step.lock().await;
        let verdicts = self
            .evaluator
            .evaluate(
                &*stage.store,
                &sources,
                &batch.observations,
                stage.clock.now(),
            )
            .await?;
        for determination in &verdicts.determinations {
            tracing::info!(
                subject = %determination.subject,
                ordinal = determination.ordinal,
                verdict = ?determination.verdict(),
                occurred_at = %determination.occurred_at,
                confirmed_at = %determination.confirmed_at,
                "loss event determined"
            );
        }
        let step = Step {
            sources,
            observations: batch.observations,
            risks: verdicts.risks,
            determinations: verdicts.determinations,
        };
        stage.store.commit(&step).await?;
        if !step.determinations.is_empty() {
            self.next.ring();
        }
        Ok(())
    }
}

impl Work for Observer {
    fn name(&self) -> &str {
        &self.name
    }

    fn nap(&self) -> Duration {
        self.chain.poll_interval
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let mut turn = Turn::Idle;
        let mut trouble = None;
        let groups = self.groups(stage).await?;
        for group in &groups {
            match self.read(stage, group).await {
                Ok(Turn::Worked) => turn = Turn::Worked,
                Ok(Turn::Idle) => {}
                // What one source lacks (an old block, say) does not keep the others from being read.
                Err(error) if error.is_transient() => trouble = Some(error),
                Err(error) => return Err(error),
            }
        }
        if turn == Turn::Idle && trouble.is_none() {
            self.check_that_time_moves(stage, &groups)?;
        }
        trouble.map_or(Ok(turn), Err)
    }
}

/// Sources that stand at the same place.
struct Group {
    cursor: Option<SourceCursor>,
    /// The watermark there.
    seen_until: Option<Timestamp>,
    /// As the reader numbers them.
    which: Vec<usize>,
    sources: Vec<Watched>,
}
