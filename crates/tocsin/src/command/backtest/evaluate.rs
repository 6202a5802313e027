//! Evaluation of all risks at once, while the rows stream by. What is remembered of a risk is its state.

use tocsin_domain::cover::Cover;
use tocsin_domain::eval::outcome::{LossEvent, Truth};
use tocsin_domain::eval::{Part, Program, RiskState, Start};
use tocsin_domain::evidence::Extent;
use tocsin_domain::time::Timestamp;
use tocsin_sources::file::Recording;

use super::Summary;
use super::batches::{self, Batch};
use super::risks::RecordedRisk;
use crate::report::{Report, chain};

/// How many rows wait at least before they are evaluated together.
const BATCH_ROWS: usize = 4096;

/// A loss event of the risk with this number.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) risk: usize,
    pub(super) event: LossEvent,
    /// Which observations it rests on.
    pub(super) extent: Extent,
}

/// What is asked of the recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    pub(super) cover: &'q Cover,
    pub(super) program: &'q Program,
    /// When the policy begins; by default with the first observation of a risk.
    pub(super) inception: Option<Timestamp>,
    /// How far time is known to have advanced.
    pub(super) watermark: Option<Timestamp>,
}

impl Question<'_> {
    /// Where the evaluation of a risk starts.
    pub(super) fn start(&self, risk: &RecordedRisk, recording: &Recording) -> Start {
        let streams = recording.streams();
        let firsts = risk.distinct().into_iter();
        let firsts = firsts.map(|stream| streams[stream].first_observed_at);
        let inception = self.inception.or_else(|| firsts.min());
        Start {
            evaluate_from: None,
            inception: inception.filter(|_| self.cover.mentions_inception()),
        }
    }
}

/// Evaluates `risks` on all rows of the recording.
pub(super) fn evaluate(
    question: Question<'_>,
    risks: &[RecordedRisk],
    recording: &Recording,
) -> Result<(Vec<Loss>, Summary), Report> {
    let Some(watermark) = question.watermark else {
        // Nothing was recorded, and nobody said how far to look.
        let risks = risks.len() as u64;
        let summary = Summary {
            risks,
            inconclusive: risks,
            ..Summary::default()
        };
        return Ok((Vec::new(), summary));
    };
    let mut run = Run::new(question, risks, recording);
    let take = |batch: &Batch| run.advance(batch);
    let observations = batches::each(risks, recording, watermark, BATCH_ROWS, take)?;
    let mut summary = run.finish(watermark)?;
    summary.observations = observations;
    Ok((run.losses, summary))
}

/// All risks under one set of terms, while rows stream by.
pub(super) struct Run<'r> {
    question: Question<'r>,
    risks: &'r [RecordedRisk],
    starts: Vec<Start>,
    states: Vec<RiskState>,
    pub(super) losses: Vec<Loss>,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        question: Question<'r>,
        risks: &'r [RecordedRisk],
        recording: &Recording,
    ) -> Self {
        let starts: Vec<Start> = risks
            .iter()
            .map(|risk| question.start(risk, recording))
            .collect();
        let states = starts
            .iter()
            .map(|start| RiskState::new(question.program, *start));
        Self {
            question,
            risks,
            states: states.collect(),
            starts,
            losses: Vec::new(),
        }
    }

    /// Evaluates everything of a batch.
    pub(super) fn advance(&mut self, batch: &Batch) -> Result<(), Report> {
        self.advance_each(batch.risks().map(|(risk, observations)| Part {
            risk,
            observations,
            watermark: batch.watermark,
        }))
    }

    fn advance_each<'b>(&mut self, parts: impl Iterator<Item = Part<'b>>) -> Result<(), Report> {
        let Self {
            question,
            risks,
            starts,
            states,
            losses,
        } = self;
        let met = |risk: usize, event: LossEvent| {
            let inception = starts[risk].inception;
            let extent = Extent::of(
                question.cover,
                inception,
                event.evidence_from,
                event.settled_at,
            );
            losses.push(Loss {
                risk,
                event,
                extent,
            });
        };
        let advanced = question.program.advance_each(states, parts, met);
        advanced.map_err(|refused| {
            let subject = &risks[refused.risk].subject;
            Report::bad_input(format!("{subject}: {}", chain(&refused.reason)))
        })
    }

    /// Advances every risk to the end, and counts how they stand.
    pub(super) fn finish(&mut self, watermark: Timestamp) -> Result<Summary, Report> {
        self.advance_each((0..self.states.len()).map(|risk| Part {
            risk,
            observations: &[],
            watermark,
        }))?;
        let mut summary = Summary {
            risks: self.risks.len() as u64,
            ..Summary::default()
        };
        let mut events = vec![Events::default(); self.states.len()];
        for loss in &self.losses {
            let events = &mut events[loss.risk];
            events.any = true;
            events.pays |= loss.event.payout.is_ok();
        }
        for (state, events) in self.states.iter().zip(events) {
            events.count(&self.question.program.truth(state), &mut summary);
        }
        summary.add_payouts(self.losses.iter().map(|loss| &loss.event))?;
        Ok(summary)
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
