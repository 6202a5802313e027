//! Everything that was recorded of one risk up to an instant.

use std::path::PathBuf;

use tocsin_domain::cover::Cover;
use tocsin_domain::eval::outcome::InputObservation;
use tocsin_domain::time::Timestamp;

use super::progress::Progress;
use super::{batches, read, risks};
use crate::cli;
use crate::report::Report;

/// One risk's observations.
#[derive(Debug)]
pub struct History {
    /// The insured subject.
    pub subject: String,
    /// By time, input and sequence.
    pub observations: Vec<InputObservation>,
}

/// What files record of the cover's risk up to `until`. Where the cover names no subject, `subject` does, unless the
/// recording has one only.
pub fn history(
    cover: &Cover,
    files: &[PathBuf],
    subject: Option<&str>,
    until: Timestamp,
) -> Result<History, Report> {
    let recording = read(
        cover,
        files,
        cli::Backtest::MEMORY_MIB,
        &Progress::on_terminal(),
    )?;
    let each_subject = cover.inputs.iter().any(|input| input.subject.is_none());
    let mut risks =
        risks::find(cover, recording.streams(), each_subject).map_err(Report::bad_input)?;
    if let Some(subject) = subject {
        risks.retain(|risk| risk.subject == subject);
    }
    if risks.len() != 1 {
        let metrics: Vec<&str> = cover
            .inputs
            .iter()
            .map(|input| input.metric.as_str())
            .collect();
        let metrics = metrics.join(", ");
        return Err(Report::bad_input(match (risks.len(), subject) {
            (0, Some(subject)) => format!("the recording has no {metrics} of {subject}"),
            (0, None) => format!("the recording has no {metrics}, which the cover looks at"),
            (found, _) => format!(
                "the recording has {found} subjects for the cover: name one of them with --subject"
            ),
        }));
    }
    let mut observations = Vec::new();
    batches::each(&risks, &recording, until, 1, |batch| {
        for (_, rows) in batch.risks() {
            observations.extend_from_slice(rows);
        }
        Ok(())
    })?;
    let subject = risks.remove(0).subject;
    Ok(History {
        subject,
        observations,
    })
}
