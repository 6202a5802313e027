//! Recheck: read a part of what was read again, through an endpoint that had no say in it.
//!
//! Guarantee: what is found is recorded either way. A difference halts the source: either the books or an endpoint are wrong,
//! and until somebody knows which, nothing is signed that rests on it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{B256, keccak256};
use tocsin_domain::time::Timestamp;
use tocsin_sources::chain::{ChainReader, Recheck};
use tocsin_sources::{BlockSource, SourceError, Watched};
use tocsin_store::coverage::{Finding, Recheck as Record};
use tocsin_store::halt::{Cause, Halt};
use tocsin_store::step::SourceProgress;

use super::{Stage, StageError, Turn, Work, halt};

/// Blocks that are read again at once.
const BLOCKS: u64 = 64;

/// Ranges of the coverage that a part may touch; the endpoints of all of them are passed over.
const RANGES: u32 = 8;

/// Reads parts of one chain again.
pub struct Rechecker {
    name: String,
    chain: Arc<ChainReader>,
    every: Duration,
}

impl Rechecker {
    /// A rechecker of `chain` that looks at one part of one source `every` so often.
    pub fn new(chain: Arc<ChainReader>, every: Duration) -> Self {
        Self {
            name: format!("recheck {}", chain.chain()),
            chain,
            every,
        }
    }

    /// The source and the blocks that are looked at now: which ones nobody can foresee who does not know the books.
    async fn choose(&self, stage: &Stage) -> Result<Option<Choice>, StageError> {
        let mut known = Vec::new();
        for (index, watched) in self.chain.watched().iter().enumerate() {
            if let Some(progress) = stage.store.progress(&watched.id).await? {
                known.push((index, watched.clone(), progress));
            }
        }
        let lot = lot(stage.clock.now(), &known);
        let Some((index, watched, progress)) = pick(&known, lot[0]).cloned() else {
            return Ok(None);
        };
        let first_block = watched.from_block.max(1);
        let blocks = progress.cursor.number.saturating_sub(first_block) + 1;
        let first = first_block + lot[1] % blocks;
        let last = progress.cursor.number.min(first + BLOCKS - 1);
        Ok((first <= last).then_some(Choice {
            index,
            watched,
            blocks: first..=last,
        }))
    }

    /// Everybody who had a say in these blocks.
    async fn said_by(&self, stage: &Stage, choice: &Choice) -> Result<Vec<String>, StageError> {
        let (first, last) = (*choice.blocks.start(), *choice.blocks.end());
        let before = first.checked_sub(1);
        let ranges = stage
            .store
            .coverage(&choice.watched.id, before, RANGES)
            .await?;
        let mut endpoints: Vec<String> = ranges
            .into_iter()
            .filter(|range| range.first <= last)
            .flat_map(|range| range.endpoints)
            .collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        Ok(endpoints)
    }
}

/// What is looked at again.
struct Choice {
    /// The source's place among those of the chain.
    index: usize,
    watched: Watched,
    blocks: RangeInclusive<u64>,
}

/// Two numbers that the time and the newest blocks decide.
fn lot(now: Timestamp, known: &[(usize, Watched, SourceProgress)]) -> [u64; 2] {
    let hashes: Vec<B256> = known
        .iter()
        .map(|(_, _, progress)| progress.cursor.hash)
        .collect();
    let drawn = keccak256([&now.0.to_be_bytes()[..], hashes.concat().as_slice()].concat());
    let number = |at: usize| {
        drawn[at..at + 8]
            .iter()
            .fold(0, |number: u64, byte| (number << 8) | u64::from(*byte))
    };
    [number(0), number(8)]
}

fn pick<T>(among: &[T], lot: u64) -> Option<&T> {
    let count = u64::try_from(among.len()).ok().filter(|count| *count > 0)?;
    among.get(usize::try_from(lot % count).ok()?)
}

impl Work for Rechecker {
    fn name(&self) -> &str {
        &self.name
    }

    fn nap(&self) -> Duration {
        self.every
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        // What is in doubt already is for a person to compare.
        if halt::of(stage, &*self.chain).await?.is_some() {
            return Ok(Turn::Idle);
        }
        let Some(choice) = self.choose(stage).await? else {
            return Ok(Turn::Idle);
        };
        let said_by = self.said_by(stage, &choice).await?;
        let (first, last) = (*choice.blocks.start(), *choice.blocks.end());
        let always = Timestamp(i64::MIN)..=Timestamp(i64::MAX);
        let source = &choice.watched.id;
        let stored = stage
            .store
            .observed(source, choice.blocks.clone(), always)
            .await?;
        let found = self
            .chain
            .recheck(first, last, &[choice.index], &said_by, &stored)
            .await;
        // The observer will see it too, and halt the chain.
        if let Err(SourceError::ForkBelowFinality { .. }) = found {
            return Ok(Turn::Idle);
        }
        let (endpoint, finding) = match found? {
            // With nobody left to ask, there is nothing to record.
            Recheck::NobodyElse => return Ok(Turn::Idle),
            Recheck::Agrees { endpoint } => (endpoint, Finding::Same),
            Recheck::Differs {
                endpoint,
                gone,
                unknown,
            } => {
                let how = format!(
                    "{} stored observations are not there, {} are there and not stored",
                    gone.len(),
                    unknown.len()
                );
                (endpoint, Finding::Differs(how))
            }
        };
        let at = stage.clock.now();
        let record = Record {
            source: source.clone(),
            first,
            last,
            endpoint: endpoint.to_string(),
            finding,
            at,
        };
        stage.store.add_recheck(&record).await?;
        if let Finding::Differs(how) = record.finding {
            tracing::error!(%source, first, last, %endpoint, how, "read again, it is not what was read: nothing that rests on it is signed");
            let halt = Halt {
                chain: self.chain.chain().to_owned(),
                number: first,
                cause: Cause::SaysOtherwise(how),
                endpoint: endpoint.to_string(),
                since: at,
            };
            stage
                .store
                .halt(core::slice::from_ref(source), &halt)
                .await?;
            return Err(StageError::Halted(Box::new(halt)));
        }
        Ok(Turn::Idle)
    }
}
