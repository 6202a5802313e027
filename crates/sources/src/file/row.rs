//! One row.

use alloy::primitives::U256;
use tocsin_domain::observation::{Metric, Sequence, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::{Type, Value};

use super::columns::Cells;
use super::value;

/// The source of rows that name none.
const FILE_SOURCE: &str = "file";

/// What a row says.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) observed_at: Timestamp,
    /// `None` for a metric that nobody asked for.
    pub(crate) reading: Option<Reading>,
}

/// The part of a row that somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) stream: Stream,
    pub(crate) sequence: Option<Sequence>,
    pub(crate) value: Option<Value>,
}

impl Row {
    /// Reads a row; `types` gives the type of a metric's values, or `None` where nobody asked for it.
    pub(crate) fn parse(
        cells: Cells<'_>,
        types: &dyn Fn(&Metric) -> Option<Type>,
    ) -> Result<Self, String> {
        if cells.subject.is_empty() {
            return Err("has no subject".to_owned());
        }
        if cells.metric.is_empty() {
            return Err("has no metric".to_owned());
        }
        let observed_at =
            Timestamp::parse(&cells.observed_at).map_err(|error| format!("observed_at {error}"))?;
        let sequence = match &*cells.sequence {
            "" => None,
            text => Some(sequence(text)?),
        };
        let metric = Metric(cells.metric.into_owned());
        let Some(ty) = types(&metric) else {
            return Ok(Self {
                observed_at,
                reading: None,
            });
        };
        let value = match &*cells.value {
            "" => None,
            text => Some(value::parse(text, ty)?),
        };
        let source = cells.source.filter(|source| !source.is_empty());
        let stream = Stream {
            source: SourceId(
                source.map_or_else(|| FILE_SOURCE.to_owned(), |name| name.into_owned()),
            ),
            subject: Subject(cells.subject.into_owned()),
            metric,
        };
        Ok(Self {
            observed_at,
            reading: Some(Reading {
                stream,
                sequence,
                value,
            }),
        })
    }
}

fn sequence(text: &str) -> Result<Sequence, String> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("sequence `{text}` is not a whole number"));
    }
    U256::from_str_radix(text, 10)
        .map(Sequence)
        .map_err(|_overflow| format!("sequence `{text}` does not fit 256 bits"))
}
