//! The first line, which says where the columns are.

use std::borrow::Cow;

use super::line;
use crate::suggest;

/// The columns that every recording has.
pub(crate) const REQUIRED: [&str; 5] = ["subject", "metric", "observed_at", "sequence", "value"];
const SOURCE: &str = "source";

/// The positions of the columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    subject: usize,
    metric: usize,
    observed_at: usize,
    sequence: usize,
    value: usize,
    source: Option<usize>,
    count: usize,
}

/// The fields of one row.
#[derive(Clone, Debug)]
pub(crate) struct Cells<'a> {
    pub(crate) subject: Cow<'a, str>,
    pub(crate) metric: Cow<'a, str>,
    pub(crate) observed_at: Cow<'a, str>,
    pub(crate) sequence: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
    pub(crate) source: Option<Cow<'a, str>>,
}

impl Columns {
    /// Reads the header. The columns may be in any order; none may be missing, unknown or there twice.
    pub(crate) fn parse(header: &str) -> Result<Self, String> {
        let names = line::fields(header).map_err(|reason| format!("the header {reason}"))?;
        check_names(&names, CSV)?;
        let find = |column: &str| {
            names
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| missing(column, CSV))
        };
        Ok(Self {
            subject: find("subject")?,
            metric: find("metric")?,
            observed_at: find("observed_at")?,
            sequence: find("sequence")?,
            value: find("value")?,
            source: names.iter().position(|name| name == SOURCE),
            count: names.len(),
        })
    }

    /// The columns in their usual order.
    pub(crate) fn in_order(with_source: bool) -> Self {
        Self {
            subject: 0,
            metric: 1,
            observed_at: 2,
            sequence: 3,
            value: 4,
            source: with_source.then_some(5),
            count: if with_source { 6 } else { 5 },
        }
    }

    pub(crate) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Takes a row apart.
    pub(crate) fn cells<'a>(&self, row: &'a str) -> Result<Cells<'a>, String> {
        let mut fields = line::fields(row).map_err(str::to_owned)?;
        if fields.len() != self.count {
            return Err(format!(
                "has {} fields, the header has {}",
                fields.len(),
                self.count
            ));
        }
        let mut take = |place: usize| core::mem::take(&mut fields[place]);
        Ok(Cells {
            subject: take(self.subject),
            metric: take(self.metric),
            observed_at: take(self.observed_at),
            sequence: take(self.sequence),
            value: take(self.value),
            source: self.source.map(take),
        })
    }
}

/// What is said of a CSV file's columns.
pub(crate) const CSV: &str = "the first line must be";
/// What is said of a Parquet file's columns.
pub(crate) const PARQUET: &str = "the columns must be";

/// Every column that a recording can have, in the usual order.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    REQUIRED.into_iter().chain([SOURCE])
}

/// Whether all columns are there, once, and no others.
pub(crate) fn check_names(names: &[impl AsRef<str>], must: &str) -> Result<(), String> {
    for (place, name) in names.iter().enumerate() {
        let name = name.as_ref();
        if !known().any(|column| column == name) {
            return Err(format!(
                "unknown column `{name}`{}; {}",
                suggest::hint(name, known()),
                expected(must)
            ));
        }
        if names[..place].iter().any(|before| before.as_ref() == name) {
            return Err(format!(
                "column `{name}` is there twice; {}",
                expected(must)
            ));
        }
    }
    for column in REQUIRED {
        if !names.iter().any(|name| name.as_ref() == column) {
            return Err(missing(column, must));
        }
    }
    Ok(())
}

fn missing(column: &str, must: &str) -> String {
    format!("column `{column}` is missing; {}", expected(must))
}

/// What the columns should be.
pub(crate) fn expected(must: &str) -> String {
    format!(
        "{must} `{}`, with `,{SOURCE}` if there are several",
        REQUIRED.join(",")
    )
}
