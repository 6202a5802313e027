//! Where the characters of a quoted TOML string stand in the file.
//!
//! An expression is read from the string's value, and its faults are shown in the file. Between the two lie quotes,
//! escapes and line continuations. Promise: a place that is given is right; where it cannot be, it is the whole string.

use crate::diagnostic::Span;

/// From bytes of a value to bytes of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Places {
    /// Byte n of the value is byte n + offset of the file.
    Shifted(usize),
    /// For every byte of the value, the span of the characters that wrote it.
    Mapped(Vec<Span>),
    /// Only the whole is known.
    Whole(Span),
}

impl Places {
    /// The places of `value`, which the TOML reader found at `span` of `file`.
    pub(super) fn of(file: &str, span: Span, value: &str) -> Self {
        let whole = Self::Whole(span);
        let Some(raw) = file.get(span.start..span.end) else {
            return whole;
        };
        let Some((opening, content, escapes)) = content(raw) else {
            return whole;
        };
        let start = span.start + opening;
        if content == value {
            return Self::Shifted(start);
        }
        if escapes
            && let Some((decoded, spans)) = decode(content, start)
            && decoded == value
        {
            return Self::Mapped(spans);
        }
        whole
    }

    /// The place in the file of a place in the value.
    pub(super) fn span(&self, inner: Span) -> Span {
        match self {
            Self::Shifted(offset) => Span::new(inner.start + offset, inner.end + offset),
            Self::Whole(span) => *span,
            Self::Mapped(spans) => {
                let Some(last) = spans.last() else {
                    return Span::default();
                };
                let end_of_value = Span::new(last.end, last.end);
                let first = spans.get(inner.start).copied().unwrap_or(end_of_value);
                match inner.end.checked_sub(1) {
                    Some(last) if last >= inner.start => {
                        first.to(spans.get(last).copied().unwrap_or(end_of_value))
                    }
                    _ => Span::new(first.start, first.start),
                }
            }
        }
    }
}

/// What is between the quotes: where it begins, itself, and whether it has escapes.
fn content(raw: &str) -> Option<(usize, &str, bool)> {
    for (quotes, multi_line, escapes) in [
        ("\"\"\"", true, true),
        ("'''", true, false),
        ("\"", false, true),
        ("'", false, false),
    ] {
        let Some(rest) = raw.strip_prefix(quotes) else {
            continue;
        };
        let Some(inside) = rest.strip_suffix(quotes) else {
            continue;
        };
        if !multi_line {
            return Some((quotes.len(), inside, escapes));
        }
        // The line end right after the opening quotes is not part of the value.
        let kept = inside
            .strip_prefix("\r\n")
            .or_else(|| inside.strip_prefix('\n'))
            .unwrap_or(inside);
        return Some((quotes.len() + inside.len() - kept.len(), kept, escapes));
    }
    None
}

/// The value of a basic string's content, with the place of each of its bytes; `None` for what it does not understand.
fn decode(content: &str, start: usize) -> Option<(String, Vec<Span>)> {
    let mut value = String::with_capacity(content.len());
    let mut spans = Vec::with_capacity(content.len());
    let mut at = 0;
    while let Some(character) = content.get(at..)?.chars().next() {
        let rest = content.get(at + character.len_utf8()..)?;
        let (decoded, length) = if character == '\\' {
            let (decoded, length) = escape(rest)?;
            (decoded, 1 + length)
        } else {
            (Some(character), character.len_utf8())
        };
        if let Some(decoded) = decoded {
            value.push(decoded);
            let written = Span::new(start + at, start + at + length);
            spans.resize(value.len(), written);
        }
        at += length;
    }
    Some((value, spans))
}

/// What follows a backslash: its character, if it stands for one, and its length.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let hexadecimal = |digits: usize| {
        let digits = rest.get(1..=digits)?;
        let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
        Some((Some(character), 1 + digits.len()))
    };
    let first = rest.chars().next()?;
    let single = |character| Some((Some(character), 1));
    match first {
        '"' | '\\' => single(first),
        'b' => single('\u{8}'),
        'e' => single('\u{1b}'),
        'f' => single('\u{c}'),
        'n' => single('\n'),
        'r' => single('\r'),
        't' => single('\t'),
        'x' => hexadecimal(2),
        'u' => hexadecimal(4),
        'U' => hexadecimal(8),
        // A line that goes on: everything up to the next visible character is left out.
        ' ' | '\t' | '\r' | '\n' => Some((
            None,
            rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len(),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::cover::document::NodeValue;
    use crate::cover::toml_text;

    /// A character and how it is written in a basic string.
    fn written_character() -> impl Strategy<Value = (char, String)> {
        let character = prop_oneof![
            "[ -~]",
            "[äß€😀]",
            Just("\n".to_owned()),
            Just("\t".to_owned())
        ]
        .prop_map(|text| text.chars().next().unwrap());
        (character, 0u8..4).prop_map(|(character, style)| {
            let code = u32::from(character);
            let written = match (style, character) {
                (0, _) => format!("\\U{code:08X}"),
                (1, _) if code < 0x1_0000 => format!("\\u{code:04x}"),
                (2, _) if code < 0x100 => format!("\\x{code:02x}"),
                (_, '"' | '\\') => format!("\\{character}"),
                (_, '\n') => "\\n".to_owned(),
                (_, '\t') => "\\t".to_owned(),
                _ => character.to_string(),
            };
            (character, written)
        })
    }

    fn places(file: &str) -> (String, Places) {
        let mut found = Vec::new();
        let document =
            toml_text::read(file, &mut found).unwrap_or_else(|| panic!("{found:#?}\n{file}"));
        match &document.get("key").unwrap().node.value {
            NodeValue::Text(text) => (text.value.clone(), text.places.clone()),
            other => panic!("{}", other.describe()),
        }
    }

    proptest! {
        #[test]
        fn every_character_is_found_where_it_is_written(
            characters in vec(written_character(), 0..20),
            multi_line in any::<bool>(),
            first_line_end in any::<bool>(),
        ) {
            let quotes = if multi_line { "\"\"\"" } else { "\"" };
            let mut file = format!("# comment ü\nkey = {quotes}");
            if multi_line && first_line_end {
                file.push('\n');
            }
            let mut expected = Vec::new();
            let mut value = String::new();
            for (character, written) in &characters {
                expected.push((value.len(), file.len(), written));
                value.push(*character);
                file.push_str(written);
            }
            file.push_str(quotes);
            let (read, places) = places(&file);
            prop_assert_eq!(&read, &value);
            prop_assert!(!matches!(places, Places::Whole(_)), "{}", file);
            for (at, in_file, written) in expected {
                let length = read[at..].chars().next().unwrap().len_utf8();
                let span = places.span(Span::new(at, at + length));
                prop_assert_eq!(span, Span::new(in_file, in_file + written.len()));
                prop_assert_eq!(&file[span.start..span.end], written);
            }
        }
    }

    #[test]
    fn what_a_line_continuation_leaves_out_belongs_to_no_character() {
        let file = "key = \"\"\"\na \\\n\n   b\"\"\"";
        let (value, places) = places(file);
        assert_eq!(value, "a b");
        let b = places.span(Span::new(2, 3));
        assert_eq!(&file[b.start..b.end], "b");
        let blank_and_b = places.span(Span::new(1, 3));
        assert_eq!(&file[blank_and_b.start..blank_and_b.end], " \\\n\n   b");
        let end = places.span(Span::new(3, 3));
        assert_eq!(end, Span::new(b.end, b.end));
    }

    #[test]
    fn a_value_that_the_text_does_not_explain_is_the_whole_string() {
        let whole = Places::of("key = \"abc\"", Span::new(6, 11), "another");
        assert_eq!(whole.span(Span::new(1, 2)), Span::new(6, 11));
        assert_eq!(
            Places::of("é", Span::new(1, 2), "x"),
            Places::Whole(Span::new(1, 2))
        );
    }
}
