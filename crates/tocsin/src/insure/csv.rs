//! Files of policies as CSV: a header line that names the columns, in any order, then a policy a line.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::import::{Bad, Numbered, Outcome};
use super::row::{Problem, Row};

/// The columns that a file may have; `subject` may be missing.
pub const COLUMNS: [&str; 9] = [
    "number",
    "cover",
    "terms_hash",
    "consumer",
    "holder",
    "sum_insured",
    "inception",
    "expiry",
    "subject",
];

/// A file that cannot be read as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It cannot be opened.
    #[error("cannot read {path}: check that it is there and that this user may read it", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// Its columns are others.
    #[error("{path}:1: {problem}; write the columns {}", COLUMNS.join(","), path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        problem: String,
    },
    /// Some of its rows cannot be taken.
    #[error("{}", shown(path, bad, *more_bad))]
    Rows {
        /// The file.
        path: PathBuf,
        /// Which, and why.
        bad: Vec<Bad>,
        /// Further ones.
        more_bad: u64,
    },
}

fn shown(path: &Path, bad: &[Bad], more_bad: u64) -> String {
    let mut lines: Vec<String> = bad
        .iter()
        .map(|bad| format!("{}:{bad}", path.display()))
        .collect();
    if more_bad > 0 {
        lines.push(format!(
            "{}: {more_bad} more rows are wrong",
            path.display()
        ));
    }
    lines.push(format!(
        "{}: nothing was taken: every row must be right",
        path.display()
    ));
    lines.join("\n")
}

/// A file that is being read.
pub struct Rows {
    headers: csv::StringRecord,
    records: csv::StringRecordsIntoIter<File>,
}

/// Opens a file, and looks at its columns.
pub fn open(path: &Path) -> Result<Rows, CsvError> {
    let opened = |source| CsvError::Open {
        path: path.to_owned(),
        source,
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(opened)?;
    let headers = reader.headers().map_err(opened)?.clone();
    let refused = |problem: String| CsvError::Header {
        path: path.to_owned(),
        problem,
    };
    for (place, header) in headers.iter().enumerate() {
        if !COLUMNS.contains(&header) {
            return Err(refused(format!("there is no column `{header}`")));
        }
        if headers.iter().take(place).any(|other| other == header) {
            return Err(refused(format!("the column `{header}` is there twice")));
        }
    }
    let needed = COLUMNS.iter().filter(|column| **column != "subject");
    for column in needed {
        if !headers.iter().any(|header| header == *column) {
            return Err(refused(format!("the column `{column}` is missing")));
        }
    }
    Ok(Rows {
        headers,
        records: reader.into_records(),
    })
}

impl Iterator for Rows {
    type Item = Numbered;

    fn next(&mut self) -> Option<Numbered> {
        let record = self.records.next()?;
        let line = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
        Some(match record {
            Err(error) => (line(error.position()), Err(unreadable(&error))),
            Ok(record) => {
                let row = record.deserialize::<Row>(Some(&self.headers));
                let row = row.map_err(|error| unreadable(&error)).map(blank_is_none);
                (line(record.position()), row)
            }
        })
    }
}

/// An empty cell names no subject.
fn blank_is_none(row: Row) -> Row {
    Row {
        subject: row.subject.filter(|subject| !subject.is_empty()),
        ..row
    }
}

fn unreadable(error: &csv::Error) -> Problem {
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("has {len} cells, and the header {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
        _ => error.to_string(),
    };
    Problem {
        column: None,
        reason,
        remedy: "write one cell for each column, as UTF-8, in quotes where there is a comma"
            .to_owned(),
    }
}

/// What became of the rows of a file, as an error where some could not be taken.
pub fn taken(path: &Path, outcome: Outcome) -> Result<Outcome, CsvError> {
    if outcome.bad.is_empty() {
        Ok(outcome)
    } else {
        Err(CsvError::Rows {
            path: path.to_owned(),
            bad: outcome.bad,
            more_bad: outcome.more_bad,
        })
    }
}
