//! One row.

use alloy::primitives::U256;
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::columns::Cells;
use super::settings::Settings;
use super::value;

/// The source of rows that name none.
const FILE_SOURCE: &str = "file";

/// What a row says.
#[derive(Clone, Debug)]
pub(crate) struct Row<'c> {
    pub(crate) observed_at: Timestamp,
    /// `None` for a metric that nobody asked for.
    pub(crate) reading: Option<Reading<'c>>,
}

/// The part of a row that somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'c> {
    pub(crate) stream: Named<'c>,
    pub(crate) sequence: Option<Sequence>,
    pub(crate) value: Option<Value>,
}

/// The names that make a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Named<'c> {
    pub(crate) source: &'c str,
    pub(crate) subject: &'c str,
    pub(crate) metric: &'c str,
}

impl<'c> Row<'c> {
    /// Reads a row.
    pub(crate) fn parse(cells: &'c Cells<'_>, settings: &Settings) -> Result<Self, String> {
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
        let Some(ty) = settings.type_of(&cells.metric) else {
            return Ok(Self {
                observed_at,
                reading: None,
            });
        };
        let value = match &*cells.value {
            "" => None,
            text => Some(value::parse(text, ty)?),
        };
        let source = cells.source.as_deref().filter(|source| !source.is_empty());
        let stream = Named {
            source: source.unwrap_or(FILE_SOURCE),
            subject: &cells.subject,
            metric: &cells.metric,
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
