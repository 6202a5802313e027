//! One value of many records: whether all of them say so, whether any does, how many there are, their sum.
//!
//! What is unknown in one record is unknown in the whole only where it could change it: one asset that can be withdrawn
//! shows that not all are halted, whatever the others say.

use tocsin_domain::decimal::Decimal;
use tocsin_domain::value::{Type, Value};

use crate::feed::Trouble;

/// How the records' values become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Combine {
    /// True where every record says true.
    All,
    /// True where a record says true.
    Any,
    /// How many records there are.
    Count,
    /// The sum of the records' numbers.
    Sum,
}

impl Combine {
    pub(crate) const WORDS: [(&str, Self); 4] = [
        ("all", Self::All),
        ("any", Self::Any),
        ("count", Self::Count),
        ("sum", Self::Sum),
    ];

    /// Whether it makes something of this type.
    pub(crate) fn check(self, ty: Type) -> Result<(), String> {
        match (self, ty) {
            (Self::All | Self::Any, Type::Bool) | (Self::Count | Self::Sum, Type::Decimal) => {
                Ok(())
            }
            (Self::All | Self::Any, _) => Err(format!(
                "makes something that is true or false, and this is a {ty}: write type = \"bool\""
            )),
            (Self::Count | Self::Sum, _) => Err(format!("makes a decimal, and this is a {ty}")),
        }
    }

    /// Combines what the records say. `None` where the sum is too large.
    pub(crate) fn apply(
        self,
        values: Vec<Result<Value, Trouble>>,
    ) -> Option<Result<Value, Trouble>> {
        match self {
            Self::Count => {
                let count = i64::try_from(values.len()).ok()?;
                Some(Ok(Value::Decimal(Decimal::from_integer(count))))
            }
            Self::All => Some(decided_by(false, values)),
            Self::Any => Some(decided_by(true, values)),
            Self::Sum => {
                let mut sum = Decimal::ZERO;
                for value in values {
                    match value {
                        Ok(Value::Decimal(value)) => sum = sum.checked_add(value)?,
                        Ok(_) => {}
                        Err(trouble) => return Some(Err(trouble)),
                    }
                }
                Some(Ok(Value::Decimal(sum)))
            }
        }
    }
}

/// One that says `decisive` decides; else one that says nothing leaves it open.
fn decided_by(decisive: bool, values: Vec<Result<Value, Trouble>>) -> Result<Value, Trouble> {
    let mut open = None;
    for value in values {
        match value {
            Ok(Value::Bool(said)) if said == decisive => return Ok(Value::Bool(decisive)),
            Ok(_) => {}
            Err(trouble) => open = open.or(Some(trouble)),
        }
    }
    match open {
        Some(trouble) => Err(trouble),
        None => Ok(Value::Bool(!decisive)),
    }
}
