//! A drawing of a backtest: what was observed, which breaches there were, and what was decided.
//!
//! One panel per risk, those with loss events first, and at most a dozen. All arithmetic is in whole tenths of a pixel and
//! in decimals, so that the same recording gives the same file on every machine.

mod axis;
mod panel;
mod series;
mod svg;

use std::collections::BTreeSet;
use std::path::Path;

use tocsin_domain::cover::Cover;
use tocsin_domain::time::Timestamp;
use tocsin_sources::file::Recording;

use self::panel::Panel;
use self::svg::{Anchor, Svg, Text};
use super::Found;
use super::evaluate::refused;
use super::risks::RecordedRisk;
use crate::report::Report;

/// More panels than this nobody looks at.
const PANELS_MAX: usize = 12;

/// The whole drawing, in pixels.
const WIDTH: i64 = 960;
/// Where the panels begin.
const HEADER: i64 = 66;
const MARGIN: i64 = 16;

/// Draws `risks` up to `watermark` into a file.
pub(super) fn write(
    path: &Path,
    cover: &Cover,
    risks: &[RecordedRisk],
    found: &[Found],
    recording: &Recording,
    watermark: Timestamp,
) -> Result<(), Report> {
    let mut panels: Vec<Panel<'_>> = choose(risks, found)
        .into_iter()
        .map(|risk| Panel::new(cover, risk, found, recording, watermark))
        .collect();
    fill(&mut panels, recording, watermark)?;

    let left_out = risks.len() - panels.len();
    let height: i64 = panels.iter().map(Panel::height).sum();
    let footer = if left_out > 0 { 24 } else { 0 };
    let mut svg = Svg::new(WIDTH, HEADER + height + footer + MARGIN);
    header(&mut svg, cover, risks.len(), found.len(), watermark);
    let mut top = HEADER;
    for panel in &panels {
        panel.draw(&mut svg, top);
        top += panel.height();
    }
    if left_out > 0 {
        let more = format!("{left_out} more risk(s) are not drawn");
        svg.text(
            MARGIN,
            top + 14,
            &more,
            Text::small("#666666", Anchor::Start),
        );
    }
    std::fs::write(path, svg.finish()).map_err(|error| {
        Report::bad_input(format!(
            "cannot write the drawing {}: {error}",
            path.display()
        ))
    })
}

/// The risks to draw: first those with loss events, in their order, then the others.
fn choose<'r>(risks: &'r [RecordedRisk], found: &[Found]) -> Vec<&'r RecordedRisk> {
    let mut chosen: Vec<&RecordedRisk> = Vec::new();
    let mut subjects = BTreeSet::new();
    let by_subject = |subject: &str| risks.iter().find(|risk| risk.subject == subject);
    for loss in found {
        if chosen.len() < PANELS_MAX && subjects.insert(loss.subject.as_str()) {
            chosen.extend(by_subject(&loss.subject));
        }
    }
    let others = risks
        .iter()
        .filter(|risk| !subjects.contains(risk.subject.as_str()));
    chosen.extend(others.take(PANELS_MAX - chosen.len()));
    chosen
}

/// Reads the rows of the panels.
fn fill(
    panels: &mut [Panel<'_>],
    recording: &Recording,
    watermark: Timestamp,
) -> Result<(), Report> {
    for row in recording.rows().map_err(refused)? {
        let row = row.map_err(refused)?;
        if row.observed_at > watermark {
            break;
        }
        for panel in &mut *panels {
            panel.add(&row);
        }
    }
    Ok(())
}

fn header(svg: &mut Svg, cover: &Cover, risks: usize, losses: usize, watermark: Timestamp) {
    let title = format!("{} (version {})", cover.title, cover.version);
    svg.text(MARGIN, 26, &title, Text::title());
    let facts = format!(
        "{risks} risk(s), {losses} loss event(s), as of {watermark}; times are UTC; terms {}",
        cover.terms_hash
    );
    svg.text(MARGIN, 46, &facts, Text::small("#666666", Anchor::Start));
}
