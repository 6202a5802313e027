//! The values that the trigger language computes with, and their types.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::time::{Seconds, Timestamp};

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Fixed point with 18 fractional digits.
    Decimal,
    /// Whole seconds.
    Duration,
    /// True or false.
    Bool,
    /// Text such as a status.
    Text,
    /// An instant.
    Time,
    /// That something happened: an observation of it counts by being there, and may carry a decimal, its amount. It is no
    /// value by itself.
    Event,
}

/// One value. The order is that of the values within a type; between types it means nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// See [`Type::Decimal`].
    Decimal(Decimal),
    /// See [`Type::Duration`].
    Duration(Seconds),
    /// See [`Type::Bool`].
    Bool(bool),
    /// See [`Type::Text`].
    Text(String),
    /// See [`Type::Time`].
    Time(Timestamp),
}

impl Value {
    /// The type of this value.
    pub fn ty(&self) -> Type {
        match self {
            Self::Decimal(_) => Type::Decimal,
            Self::Duration(_) => Type::Duration,
            Self::Bool(_) => Type::Bool,
            Self::Text(_) => Type::Text,
            Self::Time(_) => Type::Time,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decimal => "decimal",
            Self::Duration => "duration",
            Self::Bool => "bool",
            Self::Text => "text",
            Self::Time => "time",
            Self::Event => "event",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(value) => write!(f, "{value}"),
            Self::Duration(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Time(value) => write!(f, "{value}"),
        }
    }
}
