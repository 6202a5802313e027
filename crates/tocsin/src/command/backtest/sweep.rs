//! `--sweep name=0.90..0.99:0.01`: the same recording under many values of the cover's parameters.
//!
//! All sets are evaluated while the rows stream by once, shared out to the machine's cores. Each set is terms of its own,
//! with a terms hash of its own.

mod range;

use std::path::Path;
use std::thread;

use serde_json::{Map, Value as Json, json};
use std::io::Write;
use tocsin_domain::cover::Cover;
use tocsin_domain::diagnostic::Diagnostic;
use tocsin_domain::eval::Program;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::lang::suggest;

use self::range::Range;
use super::batches;
use super::evaluate::{Question, Run};
use super::{Summary, read, remark_on, risks, time};
use crate::cli;
use crate::config::{ConfigError, read as read_file};
use crate::report::Report;

/// More rows at once than for one set of terms, so that threads have something to do.
const BATCH_ROWS: usize = 1 << 16;

/// More sets than this are a slip of the pen.
const SETS_MAX: usize = 1_000_000;

/// One set of parameters and what became of it.
#[derive(Debug)]
pub(super) struct Swept {
    /// Names and values, in the order of the options.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) terms_hash: TermsHash,
    pub(super) summary: Summary,
}

/// The terms of one set.
struct Set {
    parameters: Vec<(String, String)>,
    cover: Cover,
    program: Program,
}

/// Runs every set; those of the first option change slowest.
pub(super) fn sweep(arguments: &cli::Backtest) -> Result<Vec<Swept>, Report> {
    let text = read_file(&arguments.cover)?;
    let ranges = arguments
        .sweep
        .iter()
        .map(|option| Range::parse(option))
        .collect::<Result<Vec<Range>, String>>()
        .map_err(|reason| Report::bad_input(format!("--sweep: {reason}")))?;
    declared(&arguments.cover, &text, &ranges)?;
    let sets = sets(&arguments.cover, &text, &combinations(&ranges)?)?;
    let Some(first) = sets.first() else {
        return Ok(Vec::new());
    };
    let progress = super::Progress::on_terminal();
    let recording = read(
        &first.cover,
        &arguments.observations,
        arguments.memory,
        &progress,
    )?;
    let as_of = time("--as-of", arguments.as_of.as_deref())?;
    let inception = time("--inception", arguments.inception.as_deref())?;
    let watermark = as_of.or(recording.last_observed_at());
    let risks = risks::find(&first.cover, recording.streams(), arguments.each_subject)
        .map_err(Report::bad_input)?;
    remark_on(&first.cover, &risks)?;
    let mut runs: Vec<Run<'_>> = sets
        .iter()
        .map(|set| Question {
            cover: &set.cover,
            program: &set.program,
            inception,
            watermark,
        })
        .map(|question| Run::new(question, &risks, &recording))
        .collect();
    progress.begin("sweeping", recording.bytes());
    let mut summaries = vec![Summary::default(); runs.len()];
    if let Some(watermark) = watermark {
        let observations = batches::each(&risks, &recording, watermark, BATCH_ROWS, |batch| {
            shared_out(&mut runs, |run| run.advance(batch)).map(drop)
        })?;
        summaries = shared_out(&mut runs, |run| run.finish(watermark))?;
        for summary in &mut summaries {
            summary.observations = observations;
        }
    }
    let swept = sets.into_iter().zip(summaries);
    let swept = swept.map(|(set, summary)| Swept {
        parameters: set.parameters,
        terms_hash: set.cover.terms_hash,
        summary,
    });
    Ok(swept.collect())
}

/// Refuses to vary what the cover as written does not declare.
fn declared(path: &Path, text: &str, ranges: &[Range]) -> Result<(), Report> {
    let (cover, _warnings) =
        Cover::parse(text).map_err(|diagnostics| not_a_cover(path, text, diagnostics))?;
    let names: Vec<&str> = cover
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    let Some(unknown) = ranges
        .iter()
        .map(|range| range.name.as_str())
        .find(|name| !names.contains(name))
    else {
        return Ok(());
    };
    let remedy = match suggest::nearest(unknown, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "it declares none: name the figure in [parameters], and \
                                     write the name in the expression"
            .to_owned(),
        None => format!("it declares {}", names.join(", ")),
    };
    Err(Report::bad_input(format!(
        "--sweep: {} has no parameter `{unknown}`; {remedy}",
        path.display()
    )))
}

fn not_a_cover(path: &Path, text: &str, diagnostics: Vec<Diagnostic>) -> Report {
    Report::from(ConfigError::Cover {
        path: path.to_owned(),
        text: text.to_owned(),
        diagnostics,
    })
}

/// Every combination of values.
fn combinations(ranges: &[Range]) -> Result<Vec<Vec<(String, String)>>, Report> {
    let mut combinations = vec![Vec::new()];
    for range in ranges {
        if combinations.len().saturating_mul(range.values.len()) > SETS_MAX {
            return Err(Report::bad_input(format!(
                "--sweep: more than {SETS_MAX} sets of parameters"
            )));
        }
        combinations = combinations
            .iter()
            .flat_map(|before: &Vec<(String, String)>| {
                range.values.iter().map(move |value| {
                    let mut longer = before.clone();
                    longer.push((range.name.clone(), value.clone()));
                    longer
                })
            })
            .collect();
    }
    Ok(combinations)
}

/// The terms with each combination; the first that is no cover is the error.
fn sets(
    path: &Path,
    text: &str,
    combinations: &[Vec<(String, String)>],
) -> Result<Vec<Set>, Report> {
    let mut work: Vec<&Vec<(String, String)>> = combinations.iter().collect();
    shared_out(&mut work, |parameters| {
        let given: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let (cover, _warnings) = Cover::parse_with(text, &given)
            .map_err(|diagnostics| not_a_cover(path, text, diagnostics))?;
        let program = Program::compile(&cover);
        Ok(Set {
            parameters: parameters.to_vec(),
            cover,
            program,
        })
    })
}

/// Does the same to everything, on all cores; the results in order, or the first error.
fn shared_out<T: Send, R: Send>(
    items: &mut [T],
    work: impl Fn(&mut T) -> Result<R, Report> + Sync,
) -> Result<Vec<R>, Report> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks_mut(share)
            .map(|share| {
                let work = &work;
                scope.spawn(move || {
                    share
                        .iter_mut()
                        .map(work)
                        .collect::<Result<Vec<R>, Report>>()
                })
            })
            .collect();
        let mut results = Vec::new();
        for share in shares {
            match share.join() {
                Ok(done) => results.extend(done?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(results)
    })
}

/// One object per set.
pub(super) fn json_lines(swept: &[Swept], out: &mut dyn Write) -> Result<(), Report> {
    for set in swept {
        let parameters: Map<String, Json> = set
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let summary = set.summary;
        let line = json!({
            "parameters": parameters,
            "terms_hash": set.terms_hash,
            "risks": summary.risks,
            "triggered": summary.triggered,
            "not_triggered": summary.not_triggered,
            "inconclusive": summary.inconclusive,
            "loss_frequency": summary.loss_frequency,
            "total_payout": summary.total_payout,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// A table, or the same separated by commas.
pub(super) fn rows(swept: &[Swept], separated: bool, out: &mut dyn Write) -> Result<(), Report> {
    let Some(first) = swept.first() else {
        return Ok(());
    };
    let names = first.parameters.iter().map(|(name, _)| name.as_str());
    let columns = [
        "triggered",
        "not_triggered",
        "inconclusive",
        "loss_frequency",
        "total_payout",
    ];
    let header: Vec<String> = names.chain(columns).map(str::to_owned).collect();
    write_row(&header, separated, out)?;
    for set in swept {
        let summary = set.summary;
        let values = set.parameters.iter().map(|(_, value)| value.clone());
        let frequency = summary
            .loss_frequency
            .map_or(String::new(), |rate| rate.to_string());
        let results = [
            summary.triggered.to_string(),
            summary.not_triggered.to_string(),
            summary.inconclusive.to_string(),
            frequency,
            summary.total_payout.to_string(),
        ];
        let row: Vec<String> = values.chain(results).collect();
        write_row(&row, separated, out)?;
    }
    Ok(())
}

fn write_row(cells: &[String], separated: bool, out: &mut dyn Write) -> Result<(), Report> {
    if separated {
        writeln!(out, "{}", cells.join(","))?;
    } else {
        let padded: Vec<String> = cells.iter().map(|cell| format!("{cell:<14}")).collect();
        writeln!(out, "{}", padded.join(" ").trim_end())?;
    }
    Ok(())
}
