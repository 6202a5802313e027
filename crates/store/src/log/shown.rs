//! What of a fact a leaf shows: everything, but for what is nobody else's business and what is too long.
//!
//! In their place stand the number of bytes and the keccak-256, by which whoever has them can tell whether these were
//! meant. So every fact can become a leaf, whatever is in it.

use alloy_primitives::keccak256;
use serde_json::{Value, json};
use tocsin_log::MAX_ENTRY_BYTES;

use super::Fact;

/// What is never shown, by kind: an address may hold a password, an act a name; a sealed secret is of no use, and is
/// nobody's business either.
const HIDDEN: [(&str, &[&str]); 3] = [
    ("webhook", &["url", "description", "filter"]),
    ("key", &["sealed"]),
    ("proposal", &["act"]),
];

/// A member that is shorter is shown whole, also where the entry would be too long with all of them.
const SHORT: usize = 256;

/// No character of a text takes more bytes of JSON for one of its own.
const ESCAPED: usize = 6;

/// More than what an entry has beside body and subject.
const REST: usize = 512;

/// The fact as its leaf shows it. What is shown already stays as it is.
pub(super) fn shown(mut fact: Fact) -> Fact {
    for (kind, names) in HIDDEN {
        if kind == fact.kind {
            for name in names {
                if let Some(member) = fact.body.get_mut(*name) {
                    hide(member);
                }
            }
        }
    }
    if fits(&fact) {
        return fact;
    }
    if let Some(members) = fact.body.as_object_mut() {
        for member in members.values_mut().filter(|member| is_long(member)) {
            hide(member);
        }
    }
    if !fits(&fact) {
        hide(&mut fact.body);
    }
    fact
}

fn fits(fact: &Fact) -> bool {
    let least = fact.subject.len().saturating_mul(ESCAPED);
    if bound(&fact.body).saturating_add(least).saturating_add(REST) <= MAX_ENTRY_BYTES {
        return true;
    }
    serde_jcs::to_string(fact).is_ok_and(|entry| entry.len() <= MAX_ENTRY_BYTES)
}

/// More bytes than JSON needs for a value, as almost always fits.
fn bound(value: &Value) -> usize {
    let text = |text: &str| text.len().saturating_mul(ESCAPED).saturating_add(4);
    match value {
        Value::Null | Value::Bool(_) => 6,
        Value::Number(_) => 32,
        Value::String(long) => text(long),
        Value::Array(values) => values.iter().map(bound).fold(4, usize::saturating_add),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| text(name).saturating_add(bound(value)))
            .fold(4, usize::saturating_add),
    }
}

fn is_long(member: &Value) -> bool {
    text(member).len() > SHORT
}

/// Hides what is there and not hidden yet.
fn hide(value: &mut Value) {
    let hidden = value
        .as_object()
        .is_some_and(|members| members.len() == 2 && members.contains_key("keccak256"));
    if value.is_null() || hidden {
        return;
    }
    let text = text(value);
    *value = json!({ "bytes": text.len(), "keccak256": format!("{:#x}", keccak256(&text)) });
}

/// A text as it is, anything else as RFC 8785 JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_jcs::to_string(other).unwrap_or_else(|_no_number| other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tocsin_domain::time::Timestamp;

    use super::*;

    fn made(kind: &str, body: Value) -> Fact {
        Fact::new(kind, "x", 0, Timestamp(0), body).shown()
    }

    #[test]
    fn what_is_hidden_can_be_told_by_who_has_it() {
        let webhook = made(
            "webhook",
            json!({ "url": "https://u:p@x.example", "client": "desk" }),
        );
        let entry = webhook.entry().unwrap();
        assert!(!entry.contains("x.example"), "{entry}");
        let url = format!("{:#x}", keccak256("https://u:p@x.example"));
        assert_eq!(webhook.body["url"]["keccak256"], url);
        assert_eq!(webhook.body["client"], "desk");
        assert_eq!(webhook.clone().shown(), webhook);
        let key = made("key", json!({ "sealed": null }));
        assert_eq!(key.body["sealed"], Value::Null);
    }

    #[test]
    fn whatever_is_too_long_is_a_leaf_all_the_same() {
        let long = "ä".repeat(40_000);
        for body in [
            json!({ "decision": "refused", "refusal": long }),
            json!({ "decision": "refused", "refusal": [long, long] }),
        ] {
            let fact = made("claim", body);
            assert_eq!(fact.body["decision"], "refused");
            assert!(fact.body["refusal"]["bytes"].as_u64().unwrap() >= 80_000);
            assert!(fact.entry().is_ok());
        }
        let many: serde_json::Map<String, Value> = (0..9_000)
            .map(|n| (format!("member {n}"), json!(n)))
            .collect();
        for body in [json!(long), Value::Object(many)] {
            let fact = made("x", body);
            assert!(fact.body["keccak256"].is_string());
            assert!(fact.entry().is_ok());
        }
    }
}
