//! Numbers that no reader of a bundle would round.

use core::fmt;

use serde::de::Error;
use serde_json::Value as Json;

use crate::json_tree::Numbers;

/// Whole numbers up to here survive every JSON reader (RFC 7493, section 2.2).
const GREATEST: u64 = (1 << 53) - 1;

/// Whole numbers that survive every reader; all others are written as text.
pub(super) struct Portable;

impl Numbers for Portable {
    fn natural<E: Error>(number: u64) -> Result<Json, E> {
        if number <= GREATEST {
            Ok(number.into())
        } else {
            Err(not_portable(&number))
        }
    }

    fn negative<E: Error>(number: i64) -> Result<Json, E> {
        if number.unsigned_abs() <= GREATEST {
            Ok(number.into())
        } else {
            Err(not_portable(&number))
        }
    }

    fn fraction<E: Error>(number: f64) -> Result<Json, E> {
        Err(not_portable(&number))
    }
}

fn not_portable<E: Error>(number: &dyn fmt::Display) -> E {
    E::custom(format_args!(
        "the number {number} is not whole and below 2^53: such numbers are written as text"
    ))
}
