//! Lines and their fields.
//!
//! A general CSV parser lets a stray quote swallow every row up to the next one; here a row ends with its line, so that one
//! bad row is one error.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

/// Longer than any row that means something.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Reads the next line without its end into `line`; `false` at the end of the file.
///
/// The inner error is a line that is too long; it is passed over.
pub(crate) fn next(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
) -> io::Result<Result<bool, String>> {
    line.clear();
    input
        .by_ref()
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', line)?;
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
        return Ok(Ok(true));
    }
    if (line.len() as u64) < LINE_BYTES_MAX {
        return Ok(Ok(!line.is_empty()));
    }
    while !line.is_empty() && !line.ends_with(b"\n") {
        line.clear();
        input
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', line)?;
    }
    Ok(Err(format!("is longer than {LINE_BYTES_MAX} bytes")))
}

/// A line as text.
pub(crate) fn text(line: &[u8]) -> Result<&str, String> {
    core::str::from_utf8(line).map_err(|error| format!("is not UTF-8: {error}"))
}

/// The fields of a line.
pub(crate) fn fields(line: &str) -> Result<Vec<Cow<'_, str>>, &'static str> {
    let mut fields = Vec::with_capacity(6);
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

/// Appends a field, quoted where it must be.
pub(crate) fn write_field(field: &str, line: &mut Vec<u8>) {
    if !field.contains(['"', ',', '\n', '\r']) {
        line.extend_from_slice(field.as_bytes());
        return;
    }
    line.push(b'"');
    line.extend_from_slice(field.replace('"', "\"\"").as_bytes());
    line.push(b'"');
}

type FieldAndRest<'a> = (Cow<'a, str>, Option<&'a str>);

fn plain_field(text: &str) -> Result<FieldAndRest<'_>, &'static str> {
    let (field, rest) = match text.split_once(',') {
        Some((field, rest)) => (field, Some(rest)),
        None => (text, None),
    };
    if field.contains('"') {
        return Err("has a quote inside a field that does not begin with one");
    }
    Ok((Cow::Borrowed(field), rest))
}

/// `text` begins after the opening quote.
fn quoted_field(text: &str) -> Result<FieldAndRest<'_>, &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            return Err("has a quoted field that does not end on its line");
        };
        field.push_str(part);
        if let Some(escaped) = after.strip_prefix('"') {
            field.push('"');
            rest = escaped;
        } else if let Some(after) = after.strip_prefix(',') {
            return Ok((Cow::Owned(field), Some(after)));
        } else if after.is_empty() {
            return Ok((Cow::Owned(field), None));
        } else {
            return Err("has something other than a comma after a quoted field");
        }
    }
}
