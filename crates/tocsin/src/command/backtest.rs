//! `tocsin backtest`: what a cover would have decided on recorded observations.
//!
//! The interface is stable, outsiders drive it: one JSON object per determination in order of confirmation, then one
//! summary. Exit status 0 if it ran, whatever it found; 2 for input that it cannot use.

mod print;
mod risks;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use tocsin_domain::cover::Cover;
use tocsin_domain::eval::Program;
use tocsin_domain::eval::RiskState;
use tocsin_domain::eval::outcome::{InputObservation, LossEvent, Truth};
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::ids::EventId;
use tocsin_domain::observation::Observation;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;
use tocsin_sources::file::read_files;

use crate::cli;
use crate::config::load_cover;
use crate::report::{Report, chain};

/// One decided loss event of a backtest.
#[derive(Debug)]
pub struct Found {
    /// The insured subject.
    pub subject: String,
    /// What was decided.
    pub loss: LossEvent,
    /// Derived from subject and ordinal.
    pub event_id: EventId,
    /// What it rests on.
    pub evidence_root: alloy::primitives::B256,
    /// How many observations that is.
    pub observations: u32,
}

/// What a backtest found.
#[derive(Debug)]
pub struct Outcome {
    /// The cover.
    pub cover: Cover,
    /// In order of confirmation, ties by subject.
    pub found: Vec<Found>,
    /// How the risks stand at the end.
    pub summary: Summary,
}

/// How the risks stand at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Risks.
    pub risks: u64,
    /// Observations of the cover's inputs.
    pub observations: u64,
    /// Risks with a loss event that pays.
    pub triggered: u64,
    /// Risks without a loss event whose trigger is false at the end.
    pub not_triggered: u64,
    /// Risks of which it cannot be said.
    pub inconclusive: u64,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// Runs a backtest and prints what it found.
pub fn run(arguments: &cli::Backtest, out: &mut dyn Write) -> Result<(), Report> {
    let begun = Instant::now();
    let mut outcome = backtest(arguments)?;
    outcome.summary.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match arguments.format {
        cli::Format::Jsonl => print::json_lines(&outcome, out),
        cli::Format::Table => print::table(&outcome, out),
    }
}

fn backtest(arguments: &cli::Backtest) -> Result<Outcome, Report> {
    let cover = load_cover(&arguments.cover)?;
    let as_of = arguments
        .as_of
        .as_deref()
        .map(Timestamp::parse)
        .transpose()
        .map_err(|error| Report::bad_input(format!("--as-of: {error}")))?;
    let types: BTreeMap<_, Type> = cover
        .inputs
        .iter()
        .map(|input| (input.metric.clone(), input.ty))
        .collect();
    let recorded = read_files(&arguments.observations, &|metric| {
        types.get(metric).copied()
    })
    .map_err(|error| Report::bad_input(chain(&error)))?;
    let last = recorded.last_observed_at;
    let risks = risks::split(&cover, recorded.observations, arguments.each_subject)
        .map_err(Report::bad_input)?;
    let program = Program::compile(&cover);
    let mut summary = Summary::default();
    let mut found = Vec::new();
    for risk in risks {
        summary.risks += 1;
        summary.observations += u64::try_from(risk.observations.len()).unwrap_or(u64::MAX);
        let Some(watermark) = as_of.or(last) else {
            summary.inconclusive += 1;
            continue;
        };
        let (losses, truth) = evaluate(&program, &risk, watermark)?;
        count(&losses, &truth, &mut summary);
        for loss in losses {
            found.push(record(&cover, &risk, loss)?);
        }
    }
    found.sort_by(|a, b| (a.loss.confirmed_at, &a.subject).cmp(&(b.loss.confirmed_at, &b.subject)));
    Ok(Outcome {
        cover,
        found,
        summary,
    })
}

fn evaluate(
    program: &Program,
    risk: &risks::RecordedRisk,
    watermark: Timestamp,
) -> Result<(Vec<LossEvent>, Truth), Report> {
    let mut due: Vec<InputObservation> = Vec::with_capacity(risk.observations.len());
    for observation in risk
        .observations
        .iter()
        .filter(|row| row.observed_at <= watermark)
    {
        let stream = Stream::of(observation);
        for (input, listened) in risk.streams.iter().enumerate() {
            if *listened == stream {
                due.push(InputObservation {
                    input,
                    observed_at: observation.observed_at,
                    sequence: observation.sequence,
                    value: observation.value.clone(),
                });
            }
        }
    }
    due.sort_by_key(|row| (row.observed_at, row.input, row.sequence));
    let mut state = RiskState::new(program, None);
    let losses = program
        .advance(&mut state, &due, watermark)
        .map_err(|error| Report::bad_input(format!("{}: {}", risk.subject, chain(&error))))?;
    Ok((losses, program.truth(&state)))
}

fn record(cover: &Cover, risk: &risks::RecordedRisk, loss: LossEvent) -> Result<Found, Report> {
    let rows: Vec<Observation> = evidence::select(
        &risk.streams,
        &risk.observations,
        Extent::of(cover, None, loss.evidence_from, loss.settled_at),
    )
    .map_err(|error| Report::bad_input(error.to_string()))?;
    let (evidence_root, observations) = evidence::commit(&rows).ok_or_else(|| {
        Report::bad_input(format!(
            "{}: more evidence than can be counted",
            risk.subject
        ))
    })?;
    Ok(Found {
        event_id: EventId::derive(&risk.subject, loss.ordinal),
        subject: risk.subject.clone(),
        evidence_root,
        observations,
        loss,
    })
}

/// A risk with a loss event that pays is triggered, whatever the trigger says at the end: loss events are latched.
fn count(losses: &[LossEvent], truth: &Truth, summary: &mut Summary) {
    if losses.iter().any(|loss| loss.payout.is_ok()) {
        summary.triggered += 1;
    } else if losses.is_empty() && *truth == Truth::False {
        summary.not_triggered += 1;
    } else {
        summary.inconclusive += 1;
    }
}
