//! The newest block that the books and the chain share.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use alloy::primitives::B256;
use tocsin_domain::observation::{Provenance, SourceId};
use tocsin_domain::time::Timestamp;
use tocsin_sources::SourceError;
use tocsin_sources::chain::ChainReader;
use tocsin_store::halt::{Cause, Halted};
use tocsin_store::unwind::Mark;
use tocsin_store::{Store, StoreError};

use crate::report::Report;

/// How many blocks are looked through at first; then ten times as many, and so on.
const FIRST_LOOK_BLOCKS: u64 = 10_000;

/// The blocks that something was read of, by number.
type Known = BTreeMap<u64, B256>;

/// The newest block up to which the books say what the chain says; `None` where there is none.
pub(super) async fn newest(
    store: &dyn Store,
    reader: &ChainReader,
    halted: &[Halted],
) -> Result<Option<Mark>, Report> {
    let sources: Vec<SourceId> = halted.iter().map(|halted| halted.source.clone()).collect();
    let mark = newest_block(store, reader, &sources).await?;
    // Blocks may be the same and what was read of them wrong.
    let doubted = halted
        .iter()
        .filter(|halted| matches!(halted.halt.cause, Cause::SaysOtherwise(_)))
        .map(|halted| halted.halt.number)
        .min();
    match (mark, doubted) {
        (Some(mark), Some(doubted)) if mark.cursor.number >= doubted => {
            let Some(before) = doubted.checked_sub(1) else {
                return Ok(None);
            };
            let place = reader.final_place(before).await?;
            Ok(place.map(|(cursor, watermark)| Mark { cursor, watermark }))
        }
        (mark, _) => Ok(mark),
    }
}

/// The newest block of which the sources read something that is final on the chain now. What one chain shares with another
/// are their oldest blocks, so it is found by halving.
async fn newest_block(
    store: &dyn Store,
    reader: &ChainReader,
    sources: &[SourceId],
) -> Result<Option<Mark>, Report> {
    let mut known = cursors(store, sources).await?;
    let Some((&newest, _)) = known.last_key_value() else {
        return Ok(None);
    };
    let (mut last, mut look) = (newest, FIRST_LOOK_BLOCKS);
    loop {
        let first = last.saturating_sub(look);
        known.extend(seen(store, sources, first..=last).await?);
        if let Some(mark) = newest_of(reader, &known).await? {
            return Ok(Some(mark));
        }
        let Some(before) = first.checked_sub(1) else {
            return Ok(None);
        };
        known.clear();
        (last, look) = (before, look.saturating_mul(10));
    }
}

async fn cursors(store: &dyn Store, sources: &[SourceId]) -> Result<Known, StoreError> {
    let mut known = Known::new();
    for source in sources {
        if let Some(progress) = store.progress(source).await? {
            known.insert(progress.cursor.number, progress.cursor.hash);
        }
    }
    Ok(known)
}

async fn seen(
    store: &dyn Store,
    sources: &[SourceId],
    blocks: RangeInclusive<u64>,
) -> Result<Known, StoreError> {
    let always = Timestamp(i64::MIN)..=Timestamp(i64::MAX);
    let mut known = Known::new();
    for source in sources {
        let observed = store
            .observed(source, blocks.clone(), always.clone())
            .await?;
        known.extend(observed.iter().filter_map(|seen| match seen.provenance {
            Provenance::Chain(place) => Some((place.block, place.block_hash)),
            Provenance::Raw { .. } => None,
        }));
    }
    Ok(known)
}

async fn newest_of(reader: &ChainReader, known: &Known) -> Result<Option<Mark>, SourceError> {
    let blocks: Vec<(u64, B256)> = known
        .iter()
        .map(|(number, hash)| (*number, *hash))
        .collect();
    let (mut shared, mut beyond) = (0, blocks.len());
    let mut newest = None;
    // Blocks before `shared` are on the chain, those from `beyond` on are not.
    while shared < beyond {
        let middle = shared + (beyond - shared) / 2;
        let (number, hash) = blocks[middle];
        match reader.final_place(number).await? {
            Some((cursor, watermark)) if cursor.hash == hash => {
                newest = Some(Mark { cursor, watermark });
                shared = middle + 1;
            }
            Some(_) | None => beyond = middle,
        }
    }
    Ok(newest)
}
