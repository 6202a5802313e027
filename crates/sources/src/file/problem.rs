//! Bad rows.

use core::fmt;

/// How many bad rows are kept and shown; the rest are counted.
const SHOWN_MAX: usize = 50;

/// One bad row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; of a Parquet file the row.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// The bad rows of a recording, in the order in which they were found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BadRows {
    shown: Vec<RowError>,
    total: u64,
}

impl BadRows {
    /// The first bad rows.
    pub fn shown(&self) -> &[RowError] {
        &self.shown
    }

    /// How many there are, shown or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn push(&mut self, file: &str, line: u64, reason: String) {
        self.total += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(RowError {
                file: file.to_owned(),
                line,
                reason,
            });
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.shown {
            writeln!(f, "{row}")?;
        }
        match self.total {
            1 => f.write_str("1 bad row"),
            total if total > SHOWN_MAX as u64 => {
                write!(
                    f,
                    "{total} bad rows, of which the first {SHOWN_MAX} are shown"
                )
            }
            total => write!(f, "{total} bad rows"),
        }
    }
}

impl core::error::Error for BadRows {}
