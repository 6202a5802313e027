//! The value in force of one input, in as few bytes as it takes: a million risks have a million of them.

use serde::{Deserialize, Serialize};

use super::exact::Units;
use super::scalar::Scalar;
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

/// A value, or that there is none. It is stored and shown as a [`Value`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Option<Value>", into = "Option<Value>")]
pub(super) enum Slot {
    Empty,
    Decimal(Units),
    Duration(Seconds),
    Bool(bool),
    Text(Box<str>),
    Time(Timestamp),
}

impl Slot {
    #[inline]
    pub(super) fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::Empty,
            Some(Value::Decimal(value)) => Self::Decimal(Units::from(*value)),
            Some(Value::Duration(value)) => Self::Duration(*value),
            Some(Value::Bool(value)) => Self::Bool(*value),
            Some(Value::Text(value)) => Self::Text(value.as_str().into()),
            Some(Value::Time(value)) => Self::Time(*value),
        }
    }

    /// What lies in it.
    #[inline]
    pub(super) fn get(&self) -> Option<Scalar<'_>> {
        Some(match self {
            Self::Empty => return None,
            // Decimals alone go in, so one comes out.
            Self::Decimal(units) => Scalar::Decimal(units.to_decimal()?),
            Self::Duration(value) => Scalar::Duration(*value),
            Self::Bool(value) => Scalar::Bool(*value),
            Self::Text(value) => Scalar::Text(value),
            Self::Time(value) => Scalar::Time(*value),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// Whether it holds this text already, which then need not be copied.
    #[inline]
    pub(super) fn holds_text(&self, value: Option<&Value>) -> bool {
        matches!((self, value), (Self::Text(held), Some(Value::Text(text))) if **held == **text)
    }
}

impl From<Option<Value>> for Slot {
    fn from(value: Option<Value>) -> Self {
        Self::of(value.as_ref())
    }
}

impl From<Slot> for Option<Value> {
    fn from(slot: Slot) -> Self {
        slot.get().map(Scalar::to_value)
    }
}
