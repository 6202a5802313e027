//! `tocsin explain`: the terms in plain sentences, and what every part of them is worth at an instant.

use std::io::Write;

use tocsin_domain::cover::Cover;
use tocsin_domain::explain::explain;

use crate::cli;
use crate::config::load_cover;
use crate::report::Report;

/// Prints the terms; with `--at`, the value of each part of them at that instant.
pub fn run(arguments: &cli::Explain, out: &mut dyn Write) -> Result<(), Report> {
    let cover = load_cover(&arguments.cover)?;
    terms(&cover, out)
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
