//! Values, and the reasons why there is none: the form in which records of decisions hold them.

use serde::Serialize;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::Unknown;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use utoipa::ToSchema;

/// A value, with its type as the name of its one member.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ValueView {
    /// Fixed point with up to 18 fractional digits.
    Decimal(String),
    /// Whole seconds.
    Duration(i64),
    /// True or false.
    Bool(bool),
    /// Text such as a status.
    Text(String),
    /// Unix seconds.
    Time(i64),
}

impl From<&Value> for ValueView {
    fn from(value: &Value) -> Self {
        match value {
            Value::Decimal(decimal) => Self::Decimal(decimal.to_string()),
            Value::Duration(seconds) => Self::Duration(seconds.0),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Time(at) => Self::Time(at.0),
        }
    }
}

/// Why something is not known. Inputs are named by their place among the cover's, from 0; times are unix seconds.
#[derive(Serialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub(crate) enum UnknownView {
    /// The input was never observed.
    NoObservation { input: usize },
    /// The last observation is older than the terms allow, since this instant.
    Stale {
        input: usize,
        #[schema(value_type = i64)]
        since: Timestamp,
    },
    /// The last observation, of this instant, says nothing.
    NoValue {
        input: usize,
        #[schema(value_type = i64)]
        since: Timestamp,
    },
    /// A result outside 256 bits.
    Overflow,
    /// A division by zero.
    DivisionByZero,
    /// A breach whose recovery cannot be seen.
    Gap {
        /// When the recovery stopped being known.
        #[schema(value_type = i64)]
        since: Timestamp,
        /// Why it is not known.
        #[schema(no_recursion)]
        cause: Box<UnknownView>,
    },
    /// Evaluation begins later.
    NotBegun,
    /// A window that is not known for long enough.
    NotCovered { input: usize },
    /// A window with no observation inside.
    EmptyWindow { input: usize },
    /// A fixed time that has not come.
    NotYet {
        #[schema(value_type = i64)]
        time: Timestamp,
    },
    /// Fewer sources know a value than the terms demand.
    TooFewSources,
    /// The sources contradict each other by more than the terms allow.
    SourcesApart,
    /// A geometric mean or a fall of something that is not above zero.
    NotPositive,
    /// A straight line from one place to the same place.
    NoSlope,
    /// A latitude or a longitude out of range.
    NoSuchPlace,
    /// A payout fraction below 0 or above 1.
    PayoutOutOfRange {
        #[schema(value_type = String)]
        fraction: Decimal,
    },
    /// The expression breaks a rule that checking a cover enforces.
    Unchecked,
}

impl From<&Unknown> for UnknownView {
    fn from(unknown: &Unknown) -> Self {
        match *unknown {
            Unknown::NoObservation { input } => Self::NoObservation { input },
            Unknown::Stale { input, since } => Self::Stale { input, since },
            Unknown::NoValue { input, since } => Self::NoValue { input, since },
            Unknown::Overflow => Self::Overflow,
            Unknown::DivisionByZero => Self::DivisionByZero,
            Unknown::Gap { since, ref cause } => Self::Gap {
                since,
                cause: Box::new(cause.as_ref().into()),
            },
            Unknown::NotBegun => Self::NotBegun,
            Unknown::NotCovered { input } => Self::NotCovered { input },
            Unknown::EmptyWindow { input } => Self::EmptyWindow { input },
            Unknown::NotYet { time } => Self::NotYet { time },
            Unknown::TooFewSources => Self::TooFewSources,
            Unknown::SourcesApart => Self::SourcesApart,
            Unknown::NotPositive => Self::NotPositive,
            Unknown::NoSlope => Self::NoSlope,
            Unknown::NoSuchPlace => Self::NoSuchPlace,
            Unknown::PayoutOutOfRange { fraction } => Self::PayoutOutOfRange { fraction },
            Unknown::Unchecked => Self::Unchecked,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tocsin_domain::time::Seconds;

    use super::*;

    /// What is stored and what is answered have one form.
    #[test]
    fn views_are_written_as_what_they_show() {
        let gap = Unknown::Gap {
            since: Timestamp(5),
            cause: Box::new(Unknown::NotCovered { input: 1 }),
        };
        let fraction = "2.5".parse::<Decimal>().unwrap();
        for unknown in [
            gap,
            Unknown::PayoutOutOfRange { fraction },
            Unknown::NotBegun,
        ] {
            assert_eq!(json!(UnknownView::from(&unknown)), json!(unknown));
        }
        for value in [
            Value::Decimal(fraction),
            Value::Duration(Seconds(-3)),
            Value::Bool(true),
            Value::Text("landed".to_owned()),
            Value::Time(Timestamp(7)),
        ] {
            assert_eq!(json!(ValueView::from(&value)), json!(value));
        }
    }
}
