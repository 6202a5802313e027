//! Local times in ISO 8601 order, to the second, `24:00` included.

use jiff::civil::{Date, DateTime, Time};

/// Reads `2013-01-01T23:59`, with a space for the `T`, seconds and a fraction if there are any; `24:00` is the midnight at
/// the end of the day. A text with an offset is no local time.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once(['T', ' '])?;
    let date: Date = date_of(date)?;
    if !time
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
    {
        return None;
    }
    if let Some(rest) = time.strip_prefix("24:00") {
        let nothing_more = rest.bytes().all(|byte| matches!(byte, b':' | b'.' | b'0'));
        return match (nothing_more, date.tomorrow()) {
            (true, Ok(next)) => Some(next.to_datetime(Time::midnight())),
            _ => None,
        };
    }
    match time.parse::<Time>() {
        Ok(time) => Some(date.to_datetime(time)),
        Err(_no_such_time) => None,
    }
}

fn date_of(text: &str) -> Option<Date> {
    // Ten characters: the library also reads forms that no provider means to write.
    if text.len() != 10 {
        return None;
    }
    text.parse().ok()
}

/// The text without its claim to be UTC; `None` if it claims another offset or none at all.
pub(super) fn without_utc(text: &str) -> Option<&str> {
    ["Z", "+00:00", "+0000"]
        .into_iter()
        .find_map(|claim| text.strip_suffix(claim))
}
