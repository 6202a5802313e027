//! `tocsin explain`: the terms in plain sentences, and what every part of them is worth at an instant.

use std::io::Write;

use tocsin_domain::cover::Cover;
use tocsin_domain::eval::Start;
use tocsin_domain::eval::reference::{Breach, inspect};
use tocsin_domain::explain::explain;
use tocsin_domain::time::Timestamp;

use super::backtest;
use crate::cli;
use crate::config::load_cover;
use crate::report::Report;

/// Prints the terms; with `--at`, the value of each part of them at that instant.
pub fn run(arguments: &cli::Explain, out: &mut dyn Write) -> Result<(), Report> {
    let cover = load_cover(&arguments.cover)?;
    match &arguments.at {
        None => terms(&cover, out),
        Some(at) => {
            let at = Timestamp::parse(at)
                .map_err(|error| Report::bad_input(format!("--at: {error}")))?;
            values(&cover, arguments, at, out)
        }
    }
}

fn values(
    cover: &Cover,
    arguments: &cli::Explain,
    at: Timestamp,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let inception = arguments.inception.as_deref().map(Timestamp::parse);
    let inception = inception
        .transpose()
        .map_err(|error| Report::bad_input(format!("--inception: {error}")))?;
    let history = backtest::history(
        cover,
        &arguments.observations,
        arguments.subject.as_deref(),
        at,
    )?;
    let start = Start {
        evaluate_from: None,
        inception,
    };
    let names = cover.input_names();
    writeln!(out, "{} of {} as of {at}", cover.title, history.subject)?;
    let Some(parts) = inspect(cover, start, &history.observations, at) else {
        writeln!(out, "nothing was observed of it by then")?;
        return Ok(());
    };
    let guards = cover
        .guards
        .iter()
        .map(|guard| format!("guard `{}`", guard.name));
    let mut headings = ["trigger".to_owned(), "payout".to_owned()]
        .into_iter()
        .chain(guards);
    for part in parts {
        if part.depth == 0 {
            let heading = headings.next().unwrap_or_default();
            writeln!(out)?;
            writeln!(out, "{heading}")?;
        }
        let indent = "  ".repeat(part.depth + 1);
        let value = match &part.value {
            Ok(value) => value.to_string(),
            Err(unknown) => format!("unknown: {}", unknown.describe(&names)),
        };
        let breach = part.breach.map(|breach| standing(breach, at));
        let breach = breach.unwrap_or_default();
        writeln!(out, "{indent}{} = {value}{breach}", part.text)?;
    }
    Ok(())
}

/// What a `holds` that is not true yet leaves unsaid.
fn standing(breach: Breach, at: Timestamp) -> String {
    match breach {
        Breach::Open { since, deadline } => {
            let ends = if deadline < at { "ended" } else { "ends" };
            format!("; a breach is open since {since}, the time to recover {ends} at {deadline}")
        }
        Breach::Met { since } => format!("; the breach began at {since}"),
    }
}

fn terms(cover: &Cover, out: &mut dyn Write) -> Result<(), Report> {
    writeln!(
        out,
        "{} (`{}`, version {})",
        cover.title, cover.name, cover.version
    )?;
    writeln!(out, "terms {}", cover.terms_hash)?;
    for section in explain(cover) {
        writeln!(out)?;
        writeln!(out, "{}", section.heading)?;
        for sentence in section.sentences {
            writeln!(out, "  - {sentence}")?;
        }
    }
    Ok(())
}
