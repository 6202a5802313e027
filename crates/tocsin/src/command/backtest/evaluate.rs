//! Evaluation of all risks at once, while the rows stream by.
//!
//! What is remembered of a risk is its state; rows wait in one batch for all of them. Everything of one second goes into
//! one batch, because it acts together.

use tocsin_domain::eval::outcome::{InputObservation, LossEvent, Truth};
use tocsin_domain::eval::{Program, RiskState};
use tocsin_domain::time::Timestamp;
use tocsin_sources::file::Recording;

use super::Summary;
use super::risks::RecordedRisk;
use crate::report::{Report, chain};

/// How many rows wait at least before they are evaluated together.
const BATCH_ROWS: usize = 4096;

/// A loss event of the risk with this number.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) risk: usize,
    pub(super) event: LossEvent,
}

/// Evaluates `risks` up to `watermark` on all rows of the recording.
pub(super) fn evaluate(
    program: &Program,
    risks: &[RecordedRisk],
    recording: &Recording,
    watermark: Option<Timestamp>,
) -> Result<(Vec<Loss>, Summary), Report> {
    let mut summary = Summary {
        risks: risks.len() as u64,
        ..Summary::default()
    };
    let Some(watermark) = watermark else {
        // Nothing was recorded, and nobody said how far to look.
        summary.inconclusive = summary.risks;
        return Ok((Vec::new(), summary));
    };
    let listeners = listeners(risks, recording.streams().len());
    let mut evaluation = Evaluation {
        program,
        risks,
        states: vec![RiskState::new(program, None); risks.len()],
        losses: Vec::new(),
        batch: Vec::new(),
        of_risk: Vec::new(),
    };
    let mut second = Timestamp(i64::MIN);
    for row in recording.rows().map_err(refused)? {
        let row = row.map_err(refused)?;
        let listening = &listeners[row.stream];
        summary.observations += listening.risks;
        if row.observed_at > watermark {
            continue;
        }
        if row.observed_at > second {
            if evaluation.batch.len() >= BATCH_ROWS {
                evaluation.advance(second)?;
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
            evaluation.batch.push((*risk, seen));
        }
    }
    evaluation.finish(second, watermark, &mut summary)?;
    Ok((evaluation.losses, summary))
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

/// All risks while rows stream by.
struct Evaluation<'e> {
    program: &'e Program,
    risks: &'e [RecordedRisk],
    states: Vec<RiskState>,
    losses: Vec<Loss>,
    /// Rows that wait, by risk.
    batch: Vec<(usize, InputObservation)>,
    of_risk: Vec<InputObservation>,
}

impl Evaluation<'_> {
    /// Evaluates the rows that wait, which are complete up to `watermark`.
    fn advance(&mut self, watermark: Timestamp) -> Result<(), Report> {
        let mut batch = core::mem::take(&mut self.batch);
        batch.sort_unstable_by_key(|(risk, row)| (*risk, row.observed_at, row.input, row.sequence));
        let mut rest = batch.drain(..).peekable();
        while let Some((risk, first)) = rest.next() {
            self.of_risk.clear();
            self.of_risk.push(first);
            while let Some((_, row)) = rest.next_if(|(next, _)| *next == risk) {
                self.of_risk.push(row);
            }
            self.advance_one(risk, watermark)?;
        }
        drop(rest);
        self.batch = batch;
        Ok(())
    }

    /// Advances one risk with the rows that are laid out for it.
    fn advance_one(&mut self, risk: usize, watermark: Timestamp) -> Result<(), Report> {
        let events = self
            .program
            .advance(&mut self.states[risk], &self.of_risk, watermark)
            .map_err(|error| {
                let subject = &self.risks[risk].subject;
                Report::bad_input(format!("{subject}: {}", chain(&error)))
            })?;
        self.losses
            .extend(events.into_iter().map(|event| Loss { risk, event }));
        Ok(())
    }

    /// Advances every risk to the end, and counts how they stand.
    fn finish(
        &mut self,
        second: Timestamp,
        watermark: Timestamp,
        summary: &mut Summary,
    ) -> Result<(), Report> {
        self.advance(second)?;
        self.of_risk.clear();
        for risk in 0..self.states.len() {
            self.advance_one(risk, watermark)?;
        }
        let mut events = vec![Events::default(); self.states.len()];
        for loss in &self.losses {
            let events = &mut events[loss.risk];
            events.any = true;
            events.pays |= loss.event.payout.is_ok();
        }
        for (state, events) in self.states.iter().zip(events) {
            events.count(&self.program.truth(state), summary);
        }
        Ok(())
    }
}

/// Whether a risk has loss events, and whether one of them pays.
#[derive(Clone, Copy, Debug, Default)]
struct Events {
    any: bool,
    pays: bool,
}

impl Events {
    /// A risk with a loss event that pays is triggered, whatever the trigger says at the end: loss events are latched.
    fn count(self, truth: &Truth, summary: &mut Summary) {
        if self.pays {
            summary.triggered += 1;
        } else if !self.any && *truth == Truth::False {
            summary.not_triggered += 1;
        } else {
            summary.inconclusive += 1;
        }
    }
}

/// The recording cannot be used.
pub(super) fn refused(error: tocsin_sources::SourceError) -> Report {
    Report::bad_input(chain(&error))
}
