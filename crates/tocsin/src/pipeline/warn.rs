//! Warn: what the blocks that are not final yet would mean, if they stay.
//!
//! Guarantee: nothing here reaches a determination, a claim or a signature. A warning says what the risk's stored state and
//! the blocks after the final head give; it is computed from those anew whenever they change, so that a reorganisation of
//! any depth leaves exactly the warnings of the blocks that are there now. A chain that is halted has none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::time::Timestamp;
use tocsin_sources::BlockSource;
use tocsin_sources::chain::{ChainReader, Tip};
use tocsin_store::warning::{NewWarning, Warning, WarningChange};
use tokio::sync::Mutex;

use super::evaluate::{Evaluator, Foreseen, News};
use super::{Stage, StageError, Turn, Work, halt};

/// Watches the blocks of one chain that are not final.
pub struct Forewarner {
    name: String,
    chain: Arc<ChainReader>,
    poll_interval: Duration,
    evaluator: Arc<Evaluator>,
    /// Taken while states are read, so that none of them is from another step than the cursor.
    step: Arc<Mutex<()>>,
    /// The blocks after the final head. A restart reads them again.
    tip: Mutex<Option<Tip>>,
}

/// Sources that have been read as far as any of their chain.
struct Abreast {
    cursor: SourceCursor,
    watermark: Timestamp,
    sources: Vec<SourceId>,
}

impl Forewarner {
    /// A forewarner of `chain` that evaluates with `evaluator`.
    pub fn new(
        chain: Arc<ChainReader>,
        poll_interval: Duration,
        evaluator: Arc<Evaluator>,
        step: Arc<Mutex<()>>,
    ) -> Self {
        Self {
            name: format!("warn {}", chain.chain()),
            chain,
            poll_interval,
            evaluator,
            step,
            tip: Mutex::new(None),
        }
    }

    /// Those that catch up have nothing to say about the newest blocks yet.
    async fn abreast(&self, stage: &Stage) -> Result<Option<Abreast>, StageError> {
        let mut abreast: Option<Abreast> = None;
        for watched in self.chain.watched() {
            let Some(progress) = stage.store.progress(&watched.id).await? else {
                continue;
            };
            match &mut abreast {
                Some(others) if others.cursor == progress.cursor => {
                    others.sources.push(watched.id.clone());
                }
                Some(others) if others.cursor.number >= progress.cursor.number => {}
                _ => {
                    abreast = Some(Abreast {
                        cursor: progress.cursor,
                        watermark: progress.watermark,
                        sources: vec![watched.id.clone()],
                    });
                }
            }
        }
        Ok(abreast)
    }

    /// What the blocks at the tip would mean.
    async fn foresee(
        &self,
        stage: &Stage,
        abreast: &Abreast,
        tip: &Tip,
    ) -> Result<Vec<NewWarning>, StageError> {
        let until = tip
            .blocks()
            .next_back()
            .map_or(abreast.watermark, |newest| newest.watermark);
        let watermarks: BTreeMap<SourceId, Timestamp> = abreast
            .sources
            .iter()
            .map(|source| (source.clone(), until))
            .collect();
        let observations: Vec<Observation> = tip
            .blocks()
            .flat_map(|block| &block.observations)
            .filter(|seen| watermarks.contains_key(&seen.source))
            .cloned()
            .collect();
        let news = News {
            watermarks: &watermarks,
            observations: &observations,
        };
        let foreseen = self.evaluator.foresee(&*stage.store, news).await?;
        Ok(foreseen
            .into_iter()
            .filter_map(|foreseen| self.warning(foreseen, abreast.watermark, tip))
            .collect())
    }

    /// Nobody knows which blocks the chain has: what was foreseen of them is taken back.
    async fn stand_down(&self, stage: &Stage) -> Result<(), StageError> {
        *self.tip.lock().await = None;
        let _between_steps = self.step.lock().await;
        self.change(stage, Vec::new()).await
    }

    /// From the warnings that stand to these.
    async fn change(&self, stage: &Stage, foreseen: Vec<NewWarning>) -> Result<(), StageError> {
        let standing = stage.store.standing(Some(self.chain.chain())).await?;
        let change = difference(&standing, foreseen, stage.clock.now());
        if change.raise.is_empty() && change.withdraw.is_empty() {
            return Ok(());
        }
        stage.store.change_warnings(&change).await?;
        tell(&standing, &change);
        Ok(())
    }

    /// A loss that needs no provisional block will be determined by the next step, or was before its risk came to be evaluated
    /// from the beginning again, and needs no warning.
    fn warning(
        &self,
        Foreseen { risk, loss }: Foreseen,
        is_final: Timestamp,
        tip: &Tip,
    ) -> Option<NewWarning> {
        let rests_on = tip
            .blocks()
            .find(|block| block.watermark >= loss.settled_at)
            .filter(|_| loss.settled_at > is_final)?;
        Some(NewWarning {
            risk: risk.id,
            terms_hash: risk.terms_hash,
            subject: risk.subject,
            ordinal: loss.ordinal,
            occurred_at: loss.occurred_at,
            confirmed_at: loss.confirmed_at,
            payout: Some(loss.payout),
            chain: self.chain.chain().to_owned(),
            block: rests_on.cursor.number,
            block_hash: rests_on.cursor.hash,
        })
    }
}

impl Work for Forewarner {
    fn name(&self) -> &str {
        &self.name
    }

    fn nap(&self) -> Duration {
        self.poll_interval
    }

    async fn stirred(&self) {
        self.chain.tip_stirred().await;
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        if halt::of(stage, &*self.chain).await?.is_some() {
            self.stand_down(stage).await?;
            return Ok(Turn::Idle);
        }
        let Some(before) = self.abreast(stage).await? else {
            return Ok(Turn::Idle);
        };
        let mut kept = self.tip.lock().await;
        let tip = kept.get_or_insert_with(|| Tip::new(before.cursor));
        if *tip.anchor() != before.cursor {
            tip.settle(before.cursor);
        }
        if let Err(error) = self.chain.follow(tip).await {
            // Whoever sees it first halts the chain: every second of signing on counts.
            return Err(halt::judge(stage, &*self.chain, error).await?);
        }
        let _between_steps = self.step.lock().await;
        // The final head may have moved meanwhile; then the tip begins elsewhere.
        let Some(abreast) = self.abreast(stage).await? else {
            return Ok(Turn::Idle);
        };
        if abreast.cursor != before.cursor {
            return Ok(Turn::Worked);
        }
        let foreseen = self.foresee(stage, &abreast, tip).await?;
        self.change(stage, foreseen).await?;
        Ok(Turn::Idle)
    }
}

/// From the warnings that stand to those that should.
fn difference(standing: &[Warning], foreseen: Vec<NewWarning>, at: Timestamp) -> WarningChange {
    let withdraw = standing
        .iter()
        .filter(|stands| !foreseen.contains(&stands.warning))
        .map(|stands| stands.id)
        .collect();
    let raise = foreseen
        .into_iter()
        .filter(|new| !standing.iter().any(|stands| stands.warning == *new))
        .collect();
    WarningChange {
        withdraw,
        raise,
        at,
    }
}

fn tell(standing: &[Warning], change: &WarningChange) {
    for gone in standing
        .iter()
        .filter(|stands| change.withdraw.contains(&stands.id))
    {
        let NewWarning {
            subject,
            ordinal,
            block,
            ..
        } = &gone.warning;
        tracing::warn!(%subject, ordinal, block, "warning withdrawn: the blocks no longer show this loss");
    }
    for new in &change.raise {
        let NewWarning {
            subject,
            ordinal,
            occurred_at,
            block,
            ..
        } = new;
        tracing::warn!(%subject, ordinal, %occurred_at, block, "warning, provisional: blocks that are not final show a loss");
    }
}
