//! Puts quotes around the numbers of a JSON text that an f64 would not carry to the last digit.

use std::borrow::Cow;

/// A number of so many digits survives an f64: it is the nearest of its length to exactly one.
const SAFE_DIGITS: usize = 15;

/// The text with every number in quotes that would lose digits. What is not JSON stays what it is.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut guarded = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = after_string(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let end = after_number(bytes, at);
                let number = text.get(at..end).unwrap_or_default();
                if !survives(number) {
                    guarded.push_str(text.get(copied..at).unwrap_or_default());
                    guarded.push('"');
                    guarded.push_str(number);
                    guarded.push('"');
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    guarded.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(guarded)
}

fn after_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_number(bytes: &[u8], at: usize) -> usize {
    let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    at + bytes
        .iter()
        .skip(at)
        .take_while(|byte| of_number(byte))
        .count()
}

/// Whether serde_json gives back the digits that are written.
fn survives(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let exponent = number.contains(['e', 'E']);
    if digits <= SAFE_DIGITS && !exponent {
        return true;
    }
    match serde_json::from_str::<serde_json::Value>(number) {
        // What is no JSON number is refused by the parser, where it says which.
        Err(_not_a_number) => !is_written_as_number(number),
        Ok(serde_json::Value::Number(parsed)) => {
            parsed.is_i64() || parsed.is_u64() || parsed.to_string() == number
        }
        Ok(_) => true,
    }
}

/// RFC 8259's grammar of numbers.
fn is_written_as_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|power| digits(power.strip_prefix(['+', '-']).unwrap_or(power)))
}
