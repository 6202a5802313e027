//! Which observations a determination rests on.

use alloy_primitives::U256;

use crate::observation::Observation;
use crate::risk::Stream;
use crate::time::{Seconds, Timestamp};

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

/// The evidence of a loss whose first breach began at `evidence_from` and that was confirmed at `confirmed_at`: of the
/// streams that the cover's inputs read, every observation after `evidence_from` less the longest look-back up to
/// `confirmed_at`, and per stream the one carried into that time (the last one at or before its beginning), ordered by
/// (time, input, sequence).
///
/// `streams` are the inputs' in their order; a stream that several inputs read counts as the first one's. Observations
/// may be given in any order, with exact repeats and with others among them; they must reach back far enough to hold the
/// ones carried in.
pub fn select(
    streams: &[Stream],
    observations: &[Observation],
    evidence_from: Timestamp,
    confirmed_at: Timestamp,
) -> Result<Vec<Observation>, EvidenceError> {
    let after = evidence_from - longest_look_back();
    let mut rows: Vec<(usize, &Observation)> = observations
        .iter()
        .filter(|row| row.observed_at <= confirmed_at)
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

/// How far before the loss the cover's expressions look. Nothing in the language looks back yet; when windows do, this
/// becomes the longest one.
pub fn longest_look_back() -> Seconds {
    Seconds(0)
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
