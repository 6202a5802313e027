//! `tocsin check`: everything that can be known to be right without contacting anybody.

use std::io::Write;
use std::path::{Path, PathBuf};

use tocsin_domain::cover::Cover;
use tocsin_domain::time::Timestamp;

use crate::config::{Config, ConfigError, FeedConfig, InsuredCover, read};
use crate::insure::{csv, import};
use crate::report::{Report, draw};

/// Checks covers, and a service configuration with all that it names. Prints what was checked, with the terms' hashes;
/// the first file that is wrong is the error.
pub fn run(covers: &[PathBuf], config: Option<&Path>, out: &mut dyn Write) -> Result<(), Report> {
    for path in covers {
        let cover = parse(path, out)?;
        writeln!(
            out,
            "{}: cover `{}` version {} is well-formed",
            path.display(),
            cover.name,
            cover.version
        )?;
        writeln!(out, "  terms hash {}", cover.terms_hash)?;
    }
    if let Some(path) = config {
        let config = Config::load(path)?;
        writeln!(out, "{}: the configuration is complete", path.display())?;
        for insured in &config.covers {
            writeln!(
                out,
                "  cover `{}`, terms hash {}",
                insured.cover.name, insured.cover.terms_hash
            )?;
            for (input, listening) in insured.cover.inputs.iter().zip(&insured.inputs) {
                let subject = listening.subject.as_ref();
                writeln!(
                    out,
                    "    {} = {} of {} from {}",
                    input.name,
                    listening.metric,
                    subject.map_or("each policy's subject", |subject| subject.as_str()),
                    listening.source
                )?;
            }
            if insured.cover.mentions_inception() {
                print_inceptions(insured, out)?;
            }
        }
        for configured in config.feeds.all() {
            print_feed(configured, out)?;
        }
        for path in &config.policy_files {
            let rows = csv::open(path)?;
            let outcome = csv::taken(path, import::check(config.insurer(Timestamp(0)), rows))?;
            writeln!(out, "  {}: {} policies", path.display(), outcome.rows)?;
        }
        for warning in config.impatient_inputs() {
            writeln!(out, "  warning: {warning}")?;
        }
        writeln!(out, "  {} policies", config.policies.len())?;
        match config.api {
            Some(api) => writeln!(
                out,
                "  the API is served at {}; `tocsin serve --listen ADDRESS` serves it from a process of its own as well",
                api.listen
            )?,
            None => writeln!(out, "  no API is served: there is no [api]")?,
        }
        writeln!(
            out,
            "  attestations are {}",
            if config.attestor.is_some() {
                "signed"
            } else {
                "not signed: there is no [attestor]"
            }
        )?;
        writeln!(
            out,
            "  {}",
            match config.deliveries.as_slice() {
                [] => "nothing is delivered: there is no [delivery]".to_owned(),
                chains => format!("delivered to {} chain(s)", chains.len()),
            }
        )?;
    }
    Ok(())
}

/// The terms look at the inception, so what is evaluated follows from the policies.
fn print_inceptions(insured: &InsuredCover, out: &mut dyn Write) -> std::io::Result<()> {
    if insured.risks.is_empty() {
        writeln!(
            out,
            "    nothing is evaluated: the terms mention the inception, and no policy is on them"
        )?;
    }
    for inception in insured.risks.keys().filter_map(|(_, inception)| *inception) {
        writeln!(out, "    a risk of the policies that begin at {inception}")?;
    }
    Ok(())
}

/// A feed: what is to be asked, with how many keys, within which limits.
fn print_feed(configured: &FeedConfig, out: &mut dyn Write) -> std::io::Result<()> {
    let feed = &configured.feed;
    let metrics: Vec<&str> = feed
        .offers()
        .iter()
        .map(|(metric, _)| metric.as_str())
        .collect();
    writeln!(
        out,
        "  feed `{}` gives {}; raw responses are kept for {} at least",
        feed.id(),
        metrics.join(", "),
        configured.archive_for
    )?;
    for key in feed.health().keys {
        let limit = key.per_day.map_or_else(
            || "without a daily limit".to_owned(),
            |limit| format!("{limit} requests a day"),
        );
        writeln!(out, "    key `{}`, {limit}", key.name)?;
    }
    Ok(())
}

fn parse(path: &Path, out: &mut dyn Write) -> Result<Cover, Report> {
    let text = read(path)?;
    match Cover::parse(&text) {
        Ok((cover, warnings)) => {
            if !warnings.is_empty() {
                writeln!(out, "{}", draw(path, &text, &warnings))?;
            }
            Ok(cover)
        }
        Err(_of_a_cover) if is_configuration(&text) => Err(Report::bad_input(format!(
            "{path} is a service configuration, not a cover: tocsin check --config {path}",
            path = path.display()
        ))),
        Err(diagnostics) => Err(ConfigError::Cover {
            path: path.to_owned(),
            text,
            diagnostics,
        }
        .into()),
    }
}

/// Whether a text that is no cover is a service configuration: it names a database, and has no trigger.
fn is_configuration(text: &str) -> bool {
    text.parse::<toml::Table>()
        .is_ok_and(|table| table.contains_key("database") && !table.contains_key("trigger"))
}
