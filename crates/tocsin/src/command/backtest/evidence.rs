//! What each loss rests on, found in a further reading of the recording.
//!
//! Which rows are evidence is known only once the loss is confirmed, and few risks have one; so nothing is kept while
//! risks are evaluated. Here the rows of a loss are held from the beginning of its evidence to its end.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use tocsin_domain::evidence;
use tocsin_domain::observation::Observation;
use tocsin_domain::time::Timestamp;
use tocsin_sources::file::{RecordedRow, Recording};

use super::evaluate::{Loss, refused};
use super::risks::RecordedRisk;
use crate::report::Report;

/// What a loss rests on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    pub(super) root: B256,
    pub(super) observations: u32,
}

/// The evidence of each loss, in their order.
pub(super) fn collect(
    losses: &[Loss],
    risks: &[RecordedRisk],
    recording: &Recording,
) -> Result<Vec<Evidence>, Report> {
    if losses.is_empty() {
        return Ok(Vec::new());
    }
    let mut collection = Collection::begin(losses, risks, recording);
    for row in recording.rows().map_err(refused)? {
        let row = row.map_err(refused)?;
        collection.finish_before(row.observed_at)?;
        if collection.is_complete() {
            break;
        }
        collection.take(row);
    }
    collection.finish_before(Timestamp(i64::MAX))?;
    Ok(collection.found)
}

struct Collection<'c> {
    losses: &'c [Loss],
    risks: &'c [RecordedRisk],
    recording: &'c Recording,
    /// The streams that matter, by number.
    streams: BTreeMap<usize, Watched>,
    /// The rows of each loss so far.
    rows: Vec<Vec<Observation>>,
    /// The losses by the end of their evidence, and how many of them are finished.
    by_end: Vec<usize>,
    finished: usize,
    found: Vec<Evidence>,
}

/// A stream of risks with losses.
#[derive(Default)]
struct Watched {
    last: Option<RecordedRow>,
    /// Losses whose evidence has not begun, the next one last.
    ahead: Vec<usize>,
    /// Losses whose evidence is being collected.
    open: Vec<usize>,
}

impl<'c> Collection<'c> {
    fn begin(losses: &'c [Loss], risks: &'c [RecordedRisk], recording: &'c Recording) -> Self {
        let mut streams: BTreeMap<usize, Watched> = BTreeMap::new();
        for (number, loss) in losses.iter().enumerate() {
            for stream in risks[loss.risk].distinct() {
                streams.entry(stream).or_default().ahead.push(number);
            }
        }
        for watched in streams.values_mut() {
            watched
                .ahead
                .sort_by_key(|loss| core::cmp::Reverse(losses[*loss].extent.after));
        }
        let mut by_end: Vec<usize> = (0..losses.len()).collect();
        by_end.sort_by_key(|loss| losses[*loss].extent.until);
        Self {
            losses,
            risks,
            recording,
            streams,
            rows: vec![Vec::new(); losses.len()],
            by_end,
            finished: 0,
            found: vec![Evidence::default(); losses.len()],
        }
    }

    fn is_complete(&self) -> bool {
        self.finished == self.losses.len()
    }

    fn take(&mut self, row: RecordedRow) {
        let Some(watched) = self.streams.get_mut(&row.stream) else {
            return;
        };
        let stream = &self.recording.streams()[row.stream].stream;
        while let Some(loss) = watched
            .ahead
            .pop_if(|loss| self.losses[*loss].extent.after < row.observed_at)
        {
            if let Some(last) = &watched.last {
                self.rows[loss].push(last.to_observation(stream));
            }
            watched.open.push(loss);
        }
        for loss in &watched.open {
            self.rows[*loss].push(row.to_observation(stream));
        }
        watched.last = Some(row);
    }

    /// Finishes the losses whose evidence ends before `now`.
    fn finish_before(&mut self, now: Timestamp) -> Result<(), Report> {
        while let Some(number) = self.by_end.get(self.finished).copied() {
            let loss = &self.losses[number];
            if loss.extent.until >= now {
                break;
            }
            self.finished += 1;
            let risk = &self.risks[loss.risk];
            let mut rows = core::mem::take(&mut self.rows[number]);
            for place in risk.distinct() {
                let Some(watched) = self.streams.get_mut(&place) else {
                    continue;
                };
                watched.open.retain(|open| *open != number);
                // A stream that says nothing after the beginning only carries a value in.
                if let Some(ahead) = watched.ahead.iter().position(|ahead| *ahead == number) {
                    watched.ahead.remove(ahead);
                    let stream = &self.recording.streams()[place].stream;
                    rows.extend(
                        watched
                            .last
                            .as_ref()
                            .map(|last| last.to_observation(stream)),
                    );
                }
            }
            self.found[number] = commit(loss, risk, &rows)?;
        }
        Ok(())
    }
}

fn commit(loss: &Loss, risk: &RecordedRisk, rows: &[Observation]) -> Result<Evidence, Report> {
    let rows = evidence::select(&risk.streams, rows, loss.extent)
        .map_err(|error| Report::bad_input(error.to_string()))?;
    let (root, observations) = evidence::commit(&rows).ok_or_else(|| {
        Report::bad_input(format!(
            "{}: more evidence than can be counted",
            risk.subject
        ))
    })?;
    Ok(Evidence { root, observations })
}
