//! Which observations a determination rests on.

use alloy_primitives::U256;

use super::look_back::LookBack;
use crate::cover::Cover;
use crate::observation::Observation;
use crate::risk::Stream;
use crate::time::Timestamp;

/// Why there is no evidence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvidenceError {
    /// One place in a source's order says two things.
    #[error(
        "`{source_id}` says two different things of `{subject}` at {observed_at} under sequence {sequence}"
    )]
    Contradiction {
        /// The source.
        source_id: String,
        /// What was measured.
        subject: String,
        /// When.
        observed_at: Timestamp,
        /// The source's own number.
        sequence: U256,
    },
}

/// From where to where the evidence of a loss reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Observations up to here are of interest only where they are the last of their stream.
    pub after: Timestamp,
    /// The last second.
    pub until: Timestamp,
}

impl Extent {
    /// Of a loss that is evaluated from `evidence_from` and was settled at `settled_at`, of a risk of `cover` with this
    /// inception.
    pub fn of(
        cover: &Cover,
        inception: Option<Timestamp>,
        evidence_from: Timestamp,
        settled_at: Timestamp,
    ) -> Self {
        Self {
            after: LookBack::of(cover).begins(evidence_from, inception),
            until: settled_at,
        }
    }
}

/// The evidence in `extent`: of the streams that the cover's inputs read, every observation in it, and per stream the one
/// carried into it (the last one at or before its beginning), ordered by (time, input, sequence).
///
/// `streams` are the inputs' in their order; a stream that several inputs read counts as the first one's. Observations
/// may be given in any order, with exact repeats and with others among them; they must reach back far enough to hold the
/// ones carried in.
pub fn select(
    streams: &[Stream],
    observations: &[Observation],
    extent: Extent,
) -> Result<Vec<Observation>, EvidenceError> {
    let after = extent.after;
    let mut rows: Vec<(usize, &Observation)> = observations
        .iter()
        .filter(|row| row.observed_at <= extent.until)
        .filter_map(|row| Some((input_of(streams, row)?, row)))
        .collect();
    rows.sort_by_key(|(input, row)| (row.observed_at, *input, row.sequence));
    rows.dedup();
    refuse_contradictions(&rows)?;

    let mut carried: Vec<Option<usize>> = vec![None; streams.len()];
    for (place, (input, row)) in rows.iter().enumerate() {
        if row.observed_at <= after {
            // In order, so the last place written is that of the last row.
            carried[*input] = Some(place);
        }
    }
    let evidence = rows
        .iter()
        .enumerate()
        .filter(|(place, (input, row))| row.observed_at > after || carried[*input] == Some(*place));
    Ok(evidence.map(|(_, (_, row))| (*row).clone()).collect())
}

/// The first input that reads the observation's stream.
pub(crate) fn input_of(streams: &[Stream], row: &Observation) -> Option<usize> {
    streams.iter().position(|stream| {
        stream.source == row.source && stream.subject == row.subject && stream.metric == row.metric
    })
}

fn refuse_contradictions(rows: &[(usize, &Observation)]) -> Result<(), EvidenceError> {
    for ((input, row), (next_input, next)) in rows.iter().zip(rows.iter().skip(1)) {
        if (input, row.observed_at, row.sequence) == (next_input, next.observed_at, next.sequence) {
            return Err(EvidenceError::Contradiction {
                source_id: row.source.to_string(),
                subject: row.subject.to_string(),
                observed_at: row.observed_at,
                sequence: row.sequence.0,
            });
        }
    }
    Ok(())
}
