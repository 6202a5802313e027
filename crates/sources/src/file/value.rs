//! Values as recorded files write them.

use tocsin_domain::decimal::Decimal;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

/// Reads a value of type `ty`.
pub(crate) fn parse(text: &str, ty: Type) -> Result<Value, String> {
    match ty {
        // Of an event, its amount.
        Type::Decimal | Type::Event => match text.parse::<Decimal>() {
            Ok(value) => Ok(Value::Decimal(value)),
            Err(error) => Err(format!("value `{text}` {error}")),
        },
        Type::Duration => duration(text).map(Value::Duration),
        Type::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("value `{text}` is neither `true` nor `false`")),
        },
        Type::Text => Ok(Value::Text(text.to_owned())),
        Type::Time => Timestamp::parse(text)
            .map(Value::Time)
            .map_err(|error| format!("value {error}")),
    }
}

/// Whole seconds, or a number and a unit.
fn duration(text: &str) -> Result<Seconds, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(Seconds(seconds));
    }
    text.parse()
        .map_err(|error| format!("value {error}; a bare whole number is seconds"))
}
