//! The values of the engine: small, borrowed, and with a reason that is two words long where there is none.

use core::cmp::Ordering;

use alloy_primitives::I256;

use crate::decimal::{Decimal, Rounding};
use crate::lang::ir::{ArithmeticOp, CompareOp};
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

/// A value, borrowing text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Scalar<'a> {
    Decimal(Decimal),
    Duration(Seconds),
    Bool(bool),
    Text(&'a str),
    Time(Timestamp),
}

/// Why there is no value. The times of the full reason are looked up only when somebody asks, so that a truth or its
/// cause fits into one register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    NoObservation(Index),
    Stale(Index),
    NoValue(Index),
    Overflow,
    DivisionByZero,
    /// The `holds` with this index is unknown.
    Holds(Index),
    /// The window with this index says nothing.
    Window(Index),
    /// There is no value at the fixed time with this index.
    Fixed(Index),
    TooFewSources,
    SourcesApart,
    NotPositive,
    NoSlope,
    NoSuchPlace,
    Unchecked,
}

/// The index of an input or of a `holds`, of which a cover has far fewer than 2³².
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Index(u32);

impl From<usize> for Index {
    fn from(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

impl From<Index> for usize {
    fn from(index: Index) -> Self {
        index.0 as Self
    }
}

/// A value, or why it is unknown.
pub(super) type Known<T> = Result<T, Cause>;

impl<'a> From<&'a Value> for Scalar<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Decimal(value) => Self::Decimal(*value),
            Value::Duration(value) => Self::Duration(*value),
            Value::Bool(value) => Self::Bool(*value),
            Value::Text(value) => Self::Text(value),
            Value::Time(value) => Self::Time(*value),
        }
    }
}

impl Scalar<'_> {
    pub(super) fn to_value(self) -> Value {
        match self {
            Self::Decimal(value) => Value::Decimal(value),
            Self::Duration(value) => Value::Duration(value),
            Self::Bool(value) => Value::Bool(value),
            Self::Text(value) => Value::Text(value.to_owned()),
            Self::Time(value) => Value::Time(value),
        }
    }

    pub(super) fn negate(self) -> Known<Self> {
        match self {
            Self::Decimal(value) => Ok(Self::Decimal(value.negated())),
            Self::Duration(value) => value
                .0
                .checked_neg()
                .map(|s| Self::Duration(Seconds(s)))
                .ok_or(Cause::Overflow),
            _ => Err(Cause::Unchecked),
        }
    }

    pub(super) fn absolute(self) -> Known<Self> {
        match self {
            Self::Decimal(value) => Ok(Self::Decimal(value.abs())),
            Self::Duration(value) => value
                .0
                .checked_abs()
                .map(|s| Self::Duration(Seconds(s)))
                .ok_or(Cause::Overflow),
            _ => Err(Cause::Unchecked),
        }
    }

    /// The order of two values of one type.
    pub(super) fn order(self, other: Self) -> Known<Ordering> {
        Ok(match (self, other) {
            (Self::Decimal(left), Self::Decimal(right)) => left.cmp(&right),
            (Self::Duration(left), Self::Duration(right)) => left.cmp(&right),
            (Self::Bool(left), Self::Bool(right)) => left.cmp(&right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Time(left), Self::Time(right)) => left.cmp(&right),
            _ => return Err(Cause::Unchecked),
        })
    }

    pub(super) fn compare(self, op: CompareOp, other: Self) -> Known<bool> {
        self.order(other).map(|order| accepts(op, order))
    }

    pub(super) fn arithmetic(
        self,
        op: ArithmeticOp,
        rounding: Rounding,
        other: Self,
    ) -> Known<Self> {
        use ArithmeticOp::{Add, Divide, Multiply, Subtract};
        match (self, op, other) {
            (Self::Decimal(left), _, Self::Decimal(right)) => match op {
                Add => left.checked_add(right),
                Subtract => left.checked_sub(right),
                Multiply => left.checked_mul(right, rounding),
                Divide => return divide(left, right, rounding).map(Self::Decimal),
            }
            .map(Self::Decimal)
            .ok_or(Cause::Overflow),
            (Self::Duration(left), Add, Self::Duration(right)) => {
                seconds(left.0.checked_add(right.0))
            }
            (Self::Duration(left), Subtract, Self::Duration(right)) => {
                seconds(left.0.checked_sub(right.0))
            }
            (Self::Duration(left), Divide, Self::Duration(right)) => {
                divide(as_units(left), as_units(right), rounding).map(Self::Decimal)
            }
            (Self::Duration(duration), Multiply, Self::Decimal(factor))
            | (Self::Decimal(factor), Multiply, Self::Duration(duration)) => seconds(
                as_units(duration)
                    .checked_mul(factor, rounding)
                    .and_then(from_units),
            ),
            (Self::Duration(left), Divide, Self::Decimal(right)) => {
                seconds(from_units(divide(as_units(left), right, rounding)?))
            }
            _ => Err(Cause::Unchecked),
        }
    }
}

/// Whether `op` holds between values in this order.
#[inline]
pub(super) fn accepts(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Less => order.is_lt(),
        CompareOp::LessOrEqual => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterOrEqual => order.is_ge(),
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => order.is_ne(),
    }
}

pub(super) fn divide(left: Decimal, right: Decimal, rounding: Rounding) -> Known<Decimal> {
    if right == Decimal::ZERO {
        return Err(Cause::DivisionByZero);
    }
    left.checked_div(right, rounding).ok_or(Cause::Overflow)
}

/// One second as 10⁻¹⁸: a decimal's one cut at the last unit then is the cut to whole seconds.
pub(super) fn as_units(duration: Seconds) -> Decimal {
    I256::try_from(duration.0)
        .ok()
        .and_then(Decimal::from_units)
        .unwrap_or(Decimal::ZERO)
}

fn from_units(units: Decimal) -> Option<i64> {
    i64::try_from(units.units()).ok()
}

fn seconds<'a>(value: Option<i64>) -> Known<Scalar<'a>> {
    value
        .map(|seconds| Scalar::Duration(Seconds(seconds)))
        .ok_or(Cause::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_cut_to_whole_seconds_once() {
        let duration = |seconds| Scalar::Duration(Seconds(seconds));
        let decimal = |text: &str| Scalar::Decimal(text.parse().unwrap());
        let cut = |left: Scalar<'static>, op, right, rounding| {
            left.arithmetic(op, rounding, right).unwrap()
        };
        use ArithmeticOp::{Divide, Multiply};
        use Rounding::{Truncate, Up};
        assert_eq!(
            cut(duration(-7), Multiply, decimal("0.5"), Truncate),
            duration(-3)
        );
        assert_eq!(
            cut(duration(-7), Multiply, decimal("0.5"), Up),
            duration(-4)
        );
        assert_eq!(
            cut(decimal("1.5"), Multiply, duration(3), Truncate),
            duration(4)
        );
        assert_eq!(
            cut(duration(10), Divide, decimal("3"), Truncate),
            duration(3)
        );
        assert_eq!(cut(duration(10), Divide, decimal("3"), Up), duration(4));
        assert_eq!(
            cut(duration(1), Divide, duration(-8), Truncate),
            decimal("-0.125")
        );
        assert_eq!(
            duration(i64::MAX).arithmetic(Multiply, Truncate, decimal("1.1")),
            Err(Cause::Overflow)
        );
        assert_eq!(
            duration(1).arithmetic(Divide, Truncate, decimal("0")),
            Err(Cause::DivisionByZero)
        );
    }
}
