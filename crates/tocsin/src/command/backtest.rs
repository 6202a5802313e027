//! `tocsin backtest`: what a cover would have decided on recorded observations.
//!
//! The interface is stable, outsiders drive it: one JSON object per determination in order of confirmation, then one
//! summary. Exit status 0 if it ran, whatever it found; 2 for input that it cannot use. Rows stream by: memory grows with
//! the risks and their losses, not with the files.

mod batches;
mod evaluate;
mod evidence;
mod history;
mod plot;
mod print;
mod progress;
mod risks;
mod sweep;

use core::num::NonZeroU16;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::{Decimal, Rounding};
use tocsin_domain::eval::Program;
use tocsin_domain::eval::outcome::LossEvent;
use tocsin_domain::ids::EventId;
use tocsin_domain::time::Timestamp;
use tocsin_sources::file::{Recording, Settings};

use self::evaluate::{Loss, Question};
pub use self::history::{History, history};
use self::progress::Progress;
use self::risks::RecordedRisk;
use crate::cli;
use crate::config::load_cover;
use crate::report::Report;

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
    /// Loss events that pay, per risk, cut to 18 digits; `None` without risks.
    pub loss_frequency: Option<Decimal>,
    /// The sum of all payout fractions: what is paid in all, per sum insured of a risk.
    pub total_payout: Decimal,
}

/// Runs a backtest and prints what it found.
pub fn run(arguments: &cli::Backtest, out: &mut dyn Write) -> Result<(), Report> {
    if !arguments.sweep.is_empty() {
        if arguments.plot.is_some() {
            return Err(Report::bad_input(
                "--plot draws one set of terms: leave --sweep out",
            ));
        }
        let swept = sweep::sweep(arguments)?;
        return match arguments.format {
            cli::Format::Jsonl => sweep::json_lines(&swept, out),
            cli::Format::Table => sweep::rows(&swept, false, out),
            cli::Format::Csv => sweep::rows(&swept, true, out),
        };
    }
    let begun = Instant::now();
    let mut outcome = backtest(arguments)?;
    outcome.summary.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match arguments.format {
        cli::Format::Jsonl => print::json_lines(&outcome, out),
        cli::Format::Table => print::table(&outcome, out),
        cli::Format::Csv => print::csv(&outcome, out, &mut std::io::stderr()),
    }
}

fn backtest(arguments: &cli::Backtest) -> Result<Outcome, Report> {
    let cover = load_cover(&arguments.cover)?;
    let as_of = time("--as-of", arguments.as_of.as_deref())?;
    let inception = time("--inception", arguments.inception.as_deref())?;
    let progress = Progress::on_terminal();
    let recording = read(&cover, &arguments.observations, arguments.memory, &progress)?;
    let watermark = as_of.or(recording.last_observed_at());
    let risks = risks::find(&cover, recording.streams(), arguments.each_subject)
        .map_err(Report::bad_input)?;
    remark_on(&cover, &risks)?;
    let program = Program::compile(&cover);
    let question = Question {
        cover: &cover,
        program: &program,
        inception,
        watermark,
    };
    progress.begin("evaluating", recording.bytes());
    let (losses, summary) = evaluate::evaluate(question, &risks, &recording)?;
    progress.begin("collecting evidence", recording.bytes());
    let mut found = record(losses, &risks, &recording)?;
    found.sort_by(|a, b| (a.loss.confirmed_at, &a.subject).cmp(&(b.loss.confirmed_at, &b.subject)));
    if let (Some(path), Some(watermark)) = (&arguments.plot, watermark) {
        progress.begin("plotting", recording.bytes());
        plot::write(path, &cover, &risks, &found, &recording, watermark)?;
    }
    Ok(Outcome {
        cover,
        found,
        summary,
    })
}

/// A backtest that finds nothing because it was shown nothing looks like one without a loss.
fn remark_on(cover: &Cover, risks: &[RecordedRisk]) -> Result<(), Report> {
    for input in risks::unrecorded(cover, risks) {
        let (name, metric) = (&input.name, &input.metric);
        let of = match &input.subject {
            Some(subject) => format!(" of {subject}"),
            None => String::new(),
        };
        writeln!(
            std::io::stderr(),
            "note: nothing was recorded for input `{name}`: no row is `{metric}`{of}"
        )?;
    }
    Ok(())
}

/// A time given on the command line.
fn time(option: &str, given: Option<&str>) -> Result<Option<Timestamp>, Report> {
    let parsed = given.map(Timestamp::parse).transpose();
    parsed.map_err(|error| Report::bad_input(format!("{option}: {error}")))
}

/// `memory`: how many MiB of rows are held at once.
fn read(
    cover: &Cover,
    observations: &[PathBuf],
    memory: NonZeroU16,
    progress: &Progress,
) -> Result<Recording, Report> {
    let inputs = cover.inputs.iter();
    let types = inputs.map(|input| (input.metric.clone(), input.ty));
    let mut settings = Settings::new(types.collect(), std::env::temp_dir());
    settings.memory_bytes = usize::from(memory.get()).saturating_mul(1 << 20);
    settings.progress = progress.reader();
    // Only for progress: what cannot be found is said when it is opened.
    let sizes = observations.iter().map(std::fs::metadata);
    let total = sizes.flatten().map(|metadata| metadata.len()).sum();
    progress.begin("reading", total);
    Recording::open(observations, settings).map_err(evaluate::refused)
}

fn record(
    losses: Vec<Loss>,
    risks: &[RecordedRisk],
    recording: &Recording,
) -> Result<Vec<Found>, Report> {
    let evidence = evidence::collect(&losses, risks, recording)?;
    let found = losses.into_iter().zip(evidence).map(|(loss, evidence)| {
        let subject = &risks[loss.risk].subject;
        Found {
            event_id: EventId::derive(subject, loss.event.ordinal),
            subject: subject.clone(),
            loss: loss.event,
            evidence_root: evidence.root,
            observations: evidence.observations,
        }
    });
    Ok(found.collect())
}

impl Summary {
    /// What an underwriter asks first: how often, and how much.
    fn add_payouts<'l>(
        &mut self,
        losses: impl Iterator<Item = &'l LossEvent>,
    ) -> Result<(), Report> {
        let uncountable = || Report::bad_input("there are more loss events than can be counted");
        let count = |number: u64| i64::try_from(number).map_err(|_too_many| uncountable());
        let mut paying: u64 = 0;
        for fraction in losses.flat_map(|loss| &loss.payout) {
            paying += 1;
            self.total_payout = self
                .total_payout
                .checked_add(*fraction)
                .ok_or_else(uncountable)?;
        }
        let paying = Decimal::from_integer(count(paying)?);
        let risks = Decimal::from_integer(count(self.risks)?);
        self.loss_frequency = paying.checked_div(risks, Rounding::Truncate);
        Ok(())
    }
}
