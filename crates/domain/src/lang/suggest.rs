//! "Did you mean": the nearest of the names that would have been right.

use std::fmt::Write as _;

use super::is_hidden;

/// Longer names than this are not typing errors of anything.
const MAX_SUGGESTABLE_CHARS: usize = 64;

/// The candidate that `written` was most likely meant to be, if any is near.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = written.chars().take(MAX_SUGGESTABLE_CHARS + 1).count();
    if length == 0 || length > MAX_SUGGESTABLE_CHARS {
        return None;
    }
    let lowered = written.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let target = candidate.to_lowercase().replace('-', "_");
            let distance = strsim::damerau_levenshtein(&lowered, &target);
            // A third of the letters may be wrong; of two letters, one.
            let longest = length.max(target.chars().count());
            let extends = lowered.len() >= 3 && target.starts_with(&lowered);
            (distance * 3 <= longest || (longest <= 2 && distance <= 1) || extends)
                .then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` and `c`, each in backquotes.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>, conjunction: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
    }
}

/// `text` as a message quotes it: printable, and short.
pub(crate) fn clipped(text: &str) -> String {
    clipped_at(text, 48)
}

/// `text` as one line of a message.
pub(crate) fn clipped_line(text: &str) -> String {
    clipped_at(text, 200)
}

fn clipped_at(text: &str, max_chars: usize) -> String {
    let mut quoted = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == max_chars {
            quoted.push('…');
            break;
        }
        if is_hidden(character) {
            // Writing to a String cannot fail.
            let _infallible = write!(quoted, "{}", character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["trigger", "payout", "policy", "inputs"];
        assert_eq!(nearest("triger", known), Some("trigger"));
        assert_eq!(nearest("Payouts", known), Some("payout"));
        assert_eq!(nearest("pol", known), Some("policy"));
        assert_eq!(nearest("weather", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn quoted_text_is_short_and_printable() {
        assert_eq!(clipped("a\nb"), "a\\nb");
        assert_eq!(clipped(&"é".repeat(500)).chars().count(), 49);
    }
}
