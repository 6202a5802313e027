//! What some blocks say, from their headers and logs.
//!
//! Promises: the same blocks give the same observations, however they are split, and whichever way their logs were read.

use std::collections::BTreeMap;

use tocsin_domain::observation::Observation;
use tocsin_domain::time::Timestamp;

use super::ChainSource;
use super::header::{BlockHeader, watermark};
use super::logs::Found;
use super::observe::{OpenTime, Said, observe, once_a_place};
use super::wanted::Wanted;

/// What the state said after some blocks, by their positions.
pub(crate) type Readings = BTreeMap<usize, Vec<Observation>>;

/// How blocks become observations.
pub(crate) struct Assembly<'a> {
    pub(crate) chain_id: u64,
    pub(crate) strictly_rising: bool,
    pub(crate) wanted: &'a Wanted<'a>,
}

impl Assembly<'_> {
    /// The watermark after a block of this time.
    pub(crate) fn watermark(&self, timestamp: Timestamp) -> Timestamp {
        watermark(timestamp, self.strictly_rising)
    }

    /// The times that observations of these blocks may have.
    pub(crate) fn open_times(
        &self,
        parent: Option<Timestamp>,
        headers: &[BlockHeader],
    ) -> Vec<OpenTime> {
        let before =
            core::iter::once(parent).chain(headers.iter().map(|header| Some(header.timestamp)));
        before
            .zip(headers)
            .map(|(before, header)| OpenTime {
                after: before.map(|before| self.watermark(before)),
                until: header.timestamp,
            })
            .collect()
    }

    /// The observations of these blocks, which follow one of time `parent`, or none, by block, log index and source. What
    /// the state said after a block comes after its logs.
    pub(crate) fn observations(
        &self,
        parent: Option<Timestamp>,
        headers: &[BlockHeader],
        found: Vec<Found>,
        mut readings: Readings,
    ) -> Vec<Observation> {
        let mut observations = Vec::with_capacity(found.len());
        let mut found = found.into_iter().peekable();
        let mut said = Said::new();
        let open_times = self.open_times(parent, headers);
        for (block, (header, open)) in headers.iter().zip(open_times).enumerate() {
            said.clear();
            while let Some(Found {
                index,
                log,
                raw_hash,
                ..
            }) = found.next_if(|log| log.block == block)
            {
                for (place, source) in self.wanted.readers(&log) {
                    let seen = match source {
                        ChainSource::Event(source) => {
                            source.reads(header.number, &log).then(|| {
                                observe(source, self.chain_id, header, open, index, &log, raw_hash)
                            })
                        }
                        ChainSource::Rounds(source) => {
                            source.observe(self.chain_id, header, open, index, &log, raw_hash)
                        }
                        // Its events only wake it.
                        ChainSource::State(_) => None,
                    };
                    let new =
                        seen.and_then(|seen| once_a_place(place, seen, &mut said, &observations));
                    observations.extend(new);
                }
            }
            observations.extend(readings.remove(&block).into_iter().flatten());
        }
        observations
    }
}
