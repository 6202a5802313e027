//! What some blocks say, from their headers and logs.
//!
//! Promises: the same blocks give the same observations, however they are split, and whichever way their logs were read.

use tocsin_domain::observation::Observation;
use tocsin_domain::time::Timestamp;

use super::header::{BlockHeader, watermark};
use super::logs::Found;
use super::observe::{OpenTime, Said, observe, once_a_place};
use super::wanted::Wanted;

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

    /// The observations of these blocks, which follow one of time `parent`, or none, by block, log index and source. What
    /// the state said after a block belongs after its logs.
    pub(crate) fn observations(
        &self,
        parent: Option<Timestamp>,
        headers: &[BlockHeader],
        found: Vec<Found>,
    ) -> Vec<Observation> {
        let mut closed = parent.map(|parent| self.watermark(parent));
        let mut observations = Vec::with_capacity(found.len());
        let mut found = found.into_iter().peekable();
        let mut said = Said::new();
        for (block, header) in headers.iter().enumerate() {
            let open = OpenTime {
                after: closed,
                until: header.timestamp,
            };
            said.clear();
            while let Some(Found { index, log, .. }) = found.next_if(|log| log.block == block) {
                for (place, source) in self.wanted.readers(&log) {
                    if source.reads(header.number, &log) {
                        let seen = observe(source, self.chain_id, header, open, index, &log);
                        let new = once_a_place(place, seen, &mut said, &observations);
                        observations.extend(new);
                    }
                }
            }
            closed = Some(self.watermark(header.timestamp));
        }
        observations
    }
}
