//! Canonical terms and their hash: RFC 8785 of the cover as written, white space inside its expressions collapsed.
//!
//! No default is filled in, so that the hash covers what the underwriter wrote and no later version can change it.
//! Comments, layout, quoting style and the order of keys do not matter.

use alloy_primitives::keccak256;
use serde_json::Value;

use super::document::{Node, NodeValue, Table};
use crate::ids::TermsHash;

/// The keys that hold expressions.
const EXPRESSIONS: [[&str; 2]; 2] = [["trigger", "when"], ["payout", "fraction"]];

/// RFC 8785 JSON. Keys in the order of their UTF-16 code units, no blanks, shortest escapes.
pub(super) fn canonical(document: &Table) -> Result<String, serde_json::Error> {
    serde_jcs::to_string(&table(document, &mut Vec::new()))
}

/// keccak-256 of canonical terms.
pub(super) fn hash(canonical_terms: &str) -> TermsHash {
    TermsHash(keccak256(canonical_terms.as_bytes()))
}

fn table<'a>(document: &'a Table, path: &mut Vec<&'a str>) -> Value {
    let mut entries = serde_json::Map::new();
    for entry in &document.entries {
        path.push(&entry.key);
        entries.insert(entry.key.clone(), node(&entry.node, path));
        path.pop();
    }
    Value::Object(entries)
}

fn node<'a>(node_: &'a Node, path: &mut Vec<&'a str>) -> Value {
    match &node_.value {
        NodeValue::Text(text) if EXPRESSIONS.iter().any(|key| key == path.as_slice()) => {
            Value::String(collapsed(&text.value))
        }
        NodeValue::Text(text) => Value::String(text.value.clone()),
        NodeValue::Integer(number) => Value::Number((*number).into()),
        NodeValue::Bool(value) => Value::Bool(*value),
        NodeValue::List(items) => Value::Array(items.iter().map(|item| node(item, path)).collect()),
        NodeValue::Table(inner) => table(inner, path),
        // Refused values never reach a hash: the cover they stand in is refused.
        NodeValue::Refused => Value::Null,
    }
}

/// Runs of white space outside texts become one blank, none at the ends.
fn collapsed(expression: &str) -> String {
    let mut result = String::with_capacity(expression.len());
    let mut in_text = false;
    let mut escaped = false;
    let mut pending_blank = false;
    for character in expression.chars() {
        if !in_text && matches!(character, ' ' | '\t' | '\r' | '\n') {
            pending_blank = true;
            continue;
        }
        if pending_blank && !result.is_empty() {
            result.push(' ');
        }
        pending_blank = false;
        result.push(character);
        match character {
            '"' if !escaped => in_text = !in_text,
            _ => {}
        }
        escaped = in_text && character == '\\' && !escaped;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cover::toml_text;

    fn canonical_toml(text: &str) -> String {
        let mut found = Vec::new();
        let document = toml_text::read(text, &mut found).unwrap();
        assert_eq!(found, []);
        canonical(&document).unwrap()
    }

    /// The seven keys of RFC 8785 section 3.2.3, numbered in the order that it gives.
    #[test]
    fn keys_are_sorted_by_utf_16_code_units() {
        let document = r#"
"\u20AC" = 5
"\r" = 1
"\uFB33" = 7
"1" = 2
"\U0001F600" = 6
"\u0080" = 3
"\u00F6" = 4
"#;
        let expected = "{\"\\r\":1,\"1\":2,\"\u{80}\":3,\"\u{f6}\":4,\"\u{20ac}\":5,\"\u{1f600}\":6,\"\u{fb33}\":7}";
        assert_eq!(canonical_toml(document), expected);
    }

    /// The string of RFC 8785 section 3.2.2 and its canonical bytes from section 3.2.4.
    #[test]
    fn texts_have_the_shortest_escapes() {
        let text = canonical_toml(r#"string = "\u20AC$\u000F\u000aA'\u0042\u0022\u005c\\\"/""#);
        assert_eq!(
            alloy_primitives::hex::encode(text.split_once(':').unwrap().1.trim_end_matches('}')),
            "22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f22"
        );
    }

    #[test]
    fn whole_numbers_truth_and_lists_are_written_plainly() {
        let document = "list = [-9007199254740991, 9007199254740991, 0, true, [], {}]";
        let expected = r#"{"list":[-9007199254740991,9007199254740991,0,true,[],{}]}"#;
        assert_eq!(canonical_toml(document), expected);
    }

    #[test]
    fn white_space_is_collapsed_outside_texts_only() {
        for (written, expected) in [
            ("a", "a"),
            ("  a \t\r\n b  ", "a b"),
            ("a == \"x  y\"  and b", "a == \"x  y\" and b"),
            (r#"a == "x \"  y"  and  b"#, r#"a == "x \"  y" and b"#),
            (
                r#"a == "x \\"  and  b == "  ""#,
                r#"a == "x \\" and b == "  ""#,
            ),
            ("a\u{a0}\u{a0}b", "a\u{a0}\u{a0}b"),
            (" \n ", ""),
        ] {
            assert_eq!(collapsed(written), expected);
            assert_eq!(collapsed(expected), expected, "again");
        }
    }
}
