//! Observe: read what is new and final on one chain, evaluate it, and commit both with the cursors.
//!
//! Guarantee: a cursor moves only together with everything that was seen up to it. A failed read moves nothing. A chain that
//! takes back a final block halts its sources: nothing of it is read or signed until a person lets it go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin_api::chains::{ChainStatus, EndpointStatus};
use tocsin_domain::coverage::Coverage;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_sources::chain::{EndpointReport, Standing};
use tocsin_sources::{BlockBatch, BlockSource, SourceError, Watched};
use tocsin_store::step::{SourceAdvance, SourceProgress, Step};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::bell::Bell;
use super::evaluate::{self, Evaluator, News};
use super::{Stage, StageError, Turn, Work, halt};

/// How long sources that stand at one place are read before those at other places have their turn.
const SHARE: Duration = Duration::from_secs(1);

/// The observer of one chain.
pub struct Observer {
    name: String,
    chain: Arc<dyn BlockSource>,
    pace: Pace,
    evaluator: Arc<Evaluator>,
    /// Risks may listen to several chains: a step reads their states, evaluates, and writes them back, and two steps that
    /// did so at the same time would only make one of them start again.
    step: Arc<Mutex<()>>,
    next: Bell,
}

/// How often a chain is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a new block is asked for where none is announced.
    pub poll_interval: Duration,
    /// Nothing new that is final for this long, by the clock: not ready.
    pub stalled_after: Seconds,
}

impl Observer {
    /// An observer of `chain` that evaluates with `evaluator` and rings `next` when something was decided.
    pub fn new(
        chain: Arc<dyn BlockSource>,
        pace: Pace,
        evaluator: Arc<Evaluator>,
        step: Arc<Mutex<()>>,
        next: Bell,
    ) -> Self {
        Self {
            name: format!("observe {}", chain.chain()),
            chain,
            pace,
            evaluator,
            step,
            next,
        }
    }

    /// Sources that stand at the same place are read together; one that was added later catches up by itself first.
    async fn groups(&self, stage: &Stage) -> Result<Vec<Group>, StageError> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, watched) in self.chain.watched().iter().enumerate() {
            let progress = stage.store.progress(&watched.id).await?;
            // Its cursor would say that blocks were read which were read for something else.
            if progress
                .as_ref()
                .is_some_and(|progress| progress.reading != watched.reading)
            {
                return Err(StageError::OtherReading(watched.id.clone()));
            }
            let cursor = progress.as_ref().map(|progress| progress.cursor);
            let together = groups.iter_mut().find(|group| {
                group.cursor == cursor
                    && (cursor.is_some() || group.from_block == watched.from_block)
            });
            match together {
                Some(group) => group.which.push(index),
                None => groups.push(Group {
                    cursor,
                    from_block: watched.from_block,
                    seen_until: progress.map(|progress| progress.watermark),
                    which: vec![index],
                }),
            }
        }
        Ok(groups)
    }

    /// A node that keeps answering the same blocks is no proof that nothing happens.
    async fn check_that_time_moves(
        &self,
        stage: &Stage,
        groups: &[Group],
    ) -> Result<(), StageError> {
        if groups.iter().any(|group| group.cursor.is_none()) {
            let heads = self.chain.heads().await?;
            if heads.final_head.is_none() {
                let chain = self.chain.chain().to_owned();
                return Err(StageError::NothingFinal { chain, heads });
            }
        }
        let oldest = groups.iter().filter_map(|group| group.seen_until).min();
        match oldest {
            Some(seen_until) if stage.clock.now() > seen_until + self.pace.stalled_after => {
                Err(StageError::Stalled {
                    chain: self.chain.chain().to_owned(),
                    seen_until,
                    heads: self.chain.heads().await?,
                })
            }
            _ => Ok(()),
        }
    }

    fn report(&self, stage: &Stage) {
        let watched = self.chain.watched();
        let status = ChainStatus {
            endpoints: self.chain.endpoints().into_iter().map(seen).collect(),
            sources: watched.iter().map(|watched| watched.id.clone()).collect(),
        };
        stage.chains.report(self.chain.chain(), status);
    }

    /// Reads as far as there is something, while what was read before is committed; where there are `others`, for a while
    /// only, because one that has a long way to go must not keep them waiting.
    async fn read(&self, stage: &Stage, group: &Group, others: bool) -> Result<Turn, StageError> {
        let begun = Instant::now();
        let mut from = group.cursor;
        let Some(mut batch) = self.chain.next(from.as_ref(), &group.which).await? else {
            return Ok(Turn::Idle);
        };
        loop {
            // Catching up takes many batches, and whoever waits for it wants to know who is asked.
            self.report(stage);
            let cursor = batch.cursor;
            if others && begun.elapsed() > SHARE {
                self.commit(stage, group, from, batch).await?;
                return Ok(Turn::Worked);
            }
            // A task of its own, so that checking what is read and evaluating what was read do not wait for each other.
            let (chain, which) = (self.chain.clone(), group.which.clone());
            #[expect(
                clippy::disallowed_methods,
                reason = "awaited below, and aborted where this turn ends early"
            )]
            let ahead = AbortOnDropHandle::new(tokio::spawn(async move {
                chain.next(Some(&cursor), &which).await
            }));
            self.commit(stage, group, from, batch).await?;
            from = Some(cursor);
            let ahead = match ahead.await {
                Ok(ahead) => ahead,
                Err(stopped) => match stopped.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime is being stopped, and this task with it.
                    Err(_cancelled) => std::future::pending().await,
                },
            };
            match ahead? {
                Some(next) if !stage.shutdown.is_requested() => batch = next,
                _ => return Ok(Turn::Worked),
            }
        }
    }

    async fn commit(
        &self,
        stage: &Stage,
        group: &Group,
        from: Option<SourceCursor>,
        batch: BlockBatch,
    ) -> Result<(), StageError> {
        let watched = self.chain.watched();
        let read: Vec<&Watched> = group.which.iter().map(|index| &watched[*index]).collect();
        let watermarks = read
            .iter()
            .map(|source| (source.id.clone(), batch.watermark))
            .collect();
        let news = News {
            watermarks: &watermarks,
            observations: &batch.observations,
        };
        let _one_step_at_a_time = self.step.lock().await;
        let verdicts = self
            .evaluator
            .evaluate(&*stage.store, news, stage.clock.now())
            .await?;
        evaluate::tell(&verdicts.determinations);
        let step = Step {
            sources: read
                .iter()
                .map(|source| SourceAdvance {
                    from,
                    to: SourceProgress {
                        source: source.id.clone(),
                        cursor: batch.cursor,
                        watermark: batch.watermark,
                        reading: source.reading,
                    },
                    coverage: Some(Coverage {
                        // The weaker of what shows the blocks and what shows the source's share of them.
                        proof: batch.coverage.proof.max(source.proof),
                        ..batch.coverage.clone()
                    }),
                })
                .collect(),
            observations: batch.observations,
            risks: verdicts.risks,
            determinations: verdicts.determinations,
            ..Step::default()
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
        self.pace.poll_interval
    }

    async fn stirred(&self) {
        self.chain.stirred().await;
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        self.report(stage);
        let turn = self.look(stage).await;
        self.report(stage);
        turn
    }
}

impl Observer {
    async fn look(&self, stage: &Stage) -> Result<Turn, StageError> {
        if let Some(halt) = halt::of(stage, &*self.chain).await? {
            return Err(StageError::Halted(Box::new(halt)));
        }
        let mut turn = Turn::Idle;
        let mut trouble = None;
        let groups = self.groups(stage).await?;
        for group in &groups {
            match self.read(stage, group, groups.len() > 1).await {
                Ok(Turn::Worked) => turn = Turn::Worked,
                Ok(Turn::Idle) => {}
                Err(StageError::Source(error @ SourceError::ForkBelowFinality { .. })) => {
                    return Err(halt::judge(stage, &*self.chain, error).await?);
                }
                // What one source lacks (an old block, say) does not keep the others from being read.
                Err(error) if error.is_transient() => trouble = Some(error),
                Err(error) => return Err(error),
            }
        }
        if turn == Turn::Idle && trouble.is_none() {
            self.check_that_time_moves(stage, &groups).await?;
        }
        trouble.map_or(Ok(turn), Err)
    }
}

/// An endpoint, for the API.
fn seen(report: EndpointReport) -> EndpointStatus {
    let (standing, reason) = match report.standing {
        Standing::Trusted => ("trusted", None),
        Standing::Benched { reason, .. } => ("benched", Some(reason)),
        Standing::Probation { reason, .. } => ("probation", Some(reason)),
        Standing::Refused { reason } => ("refused", Some(reason)),
    };
    EndpointStatus {
        endpoint: report.endpoint.to_string(),
        standing: standing.to_owned(),
        reason,
        resting: report.resting,
        final_head: report.final_head,
        behind: report.behind,
        last_trouble: report.last_trouble,
        troubles: BTreeMap::from([
            ("failed", report.troubles.failed),
            ("unusable", report.troubles.unusable),
            ("unreachable", report.troubles.unreachable),
            ("lied", report.troubles.lied),
            ("forked", report.troubles.forked),
        ])
        .into_iter()
        .map(|(kind, count)| (kind.to_owned(), count))
        .collect(),
    }
}

/// Sources that stand at the same place.
struct Group {
    cursor: Option<SourceCursor>,
    /// Where reading begins without a cursor.
    from_block: u64,
    /// The watermark there.
    seen_until: Option<Timestamp>,
    /// Indices of the chain's sources.
    which: Vec<usize>,
}
