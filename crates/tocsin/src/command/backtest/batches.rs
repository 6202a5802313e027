//! The rows of a recording, laid out for evaluation: in batches, by risk. Everything of one second is in one batch,
//! because it acts together.

use core::ops::Range;

use tocsin_domain::eval::outcome::InputObservation;
use tocsin_domain::time::Timestamp;
use tocsin_sources::file::Recording;

use super::evaluate::refused;
use super::risks::RecordedRisk;
use crate::report::Report;

/// Everything of some seconds.
#[derive(Debug)]
pub(super) struct Batch {
    /// By risk; then by time, input and sequence.
    rows: Vec<InputObservation>,
    /// The risks that have rows here, and which.
    risks: Vec<(usize, Range<usize>)>,
    /// It is complete up to here.
    pub(super) watermark: Timestamp,
}

impl Batch {
    /// Each risk that has rows, and its rows.
    pub(super) fn risks(&self) -> impl Iterator<Item = (usize, &[InputObservation])> {
        self.risks
            .iter()
            .map(|(risk, rows)| (*risk, &self.rows[rows.clone()]))
    }
}

/// Hands all rows up to `watermark` to `take`, at least `rows_at_least` at once; how many observations there are in all,
/// later ones included.
pub(super) fn each(
    risks: &[RecordedRisk],
    recording: &Recording,
    watermark: Timestamp,
    rows_at_least: usize,
    mut take: impl FnMut(&Batch) -> Result<(), Report>,
) -> Result<u64, Report> {
    let listeners = listeners(risks, recording.streams().len());
    let mut observations = 0;
    let mut waiting: Vec<(usize, InputObservation)> = Vec::new();
    let mut second = Timestamp(i64::MIN);
    for row in recording.rows().map_err(refused)? {
        let row = row.map_err(refused)?;
        let listening = &listeners[row.stream];
        observations += listening.risks;
        if row.observed_at > watermark {
            continue;
        }
        if row.observed_at > second {
            if waiting.len() >= rows_at_least {
                take(&laid_out(&mut waiting, second))?;
            }
            second = row.observed_at;
        }
        for (risk, input) in &listening.inputs {
            let seen = InputObservation {
                input: *input,
                observed_at: row.observed_at,
                sequence: row.sequence,
                value: row.value.clone(),
            };
            waiting.push((*risk, seen));
        }
    }
    take(&laid_out(&mut waiting, second.min(watermark)))?;
    Ok(observations)
}

fn laid_out(waiting: &mut Vec<(usize, InputObservation)>, watermark: Timestamp) -> Batch {
    waiting.sort_unstable_by_key(|(risk, row)| (*risk, row.observed_at, row.input, row.sequence));
    let mut risks: Vec<(usize, Range<usize>)> = Vec::new();
    for (place, (risk, _)) in waiting.iter().enumerate() {
        match risks.last_mut() {
            Some((last, rows)) if last == risk => rows.end = place + 1,
            _ => risks.push((*risk, place..place + 1)),
        }
    }
    Batch {
        rows: waiting.drain(..).map(|(_, row)| row).collect(),
        risks,
        watermark,
    }
}

/// What listens to one stream of the recording.
#[derive(Clone, Debug, Default)]
struct Listening {
    /// Risk and input.
    inputs: Vec<(usize, usize)>,
    /// How many risks that are.
    risks: u64,
}

fn listeners(risks: &[RecordedRisk], streams: usize) -> Vec<Listening> {
    let mut listeners = vec![Listening::default(); streams];
    for (number, risk) in risks.iter().enumerate() {
        for (input, stream) in risk.recorded.iter().enumerate() {
            if let Some(stream) = stream {
                listeners[*stream].inputs.push((number, input));
            }
        }
        for stream in risk.distinct() {
            listeners[stream].risks += 1;
        }
    }
    listeners
}
