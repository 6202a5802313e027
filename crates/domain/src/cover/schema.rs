//! The keys of a cover: which there are, and where each belongs.

use super::document::Table;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::suggest;

/// One kind of table.
pub(super) struct Schema {
    /// As a person names it: `[policy]`.
    pub(super) section: &'static str,
    pub(super) keys: &'static [&'static str],
}

pub(super) const ROOT: Schema = Schema {
    section: "the top of the file",
    keys: &[
        "name",
        "title",
        "version",
        "peril",
        "wording",
        "inputs",
        "trigger",
        "payout",
        "policy",
        "finality",
        "consumer",
        "guards",
        "parameters",
    ],
};

pub(super) const WORDING: Schema = Schema {
    section: "`[wording]`",
    keys: &["title", "uri", "sha256"],
};

pub(super) const INPUT: Schema = Schema {
    section: "an input",
    keys: &["metric", "subject", "source", "max_age", "type"],
};

pub(super) const TRIGGER: Schema = Schema {
    section: "`[trigger]`",
    keys: &["when", "rearm"],
};

pub(super) const PAYOUT: Schema = Schema {
    section: "`[payout]`",
    keys: &["fraction", "settle"],
};

pub(super) const POLICY: Schema = Schema {
    section: "`[policy]`",
    keys: &["waiting", "event_inclusion", "event_time", "claim_deadline"],
};

impl Schema {
    /// Reports every key of `table` that is not of this kind.
    pub(super) fn refuse_unknown(&self, table: &Table, found: &mut Vec<Diagnostic>) {
        for entry in &table.entries {
            if !self.keys.contains(&entry.key.as_str()) {
                found.push(self.unknown(&entry.key, entry.key_span));
            }
        }
    }

    fn unknown(&self, key: &str, span: Span) -> Diagnostic {
        let shown = suggest::clipped(key);
        let refusal = Diagnostic::error(
            span,
            format!("{} has no key `{shown}`", self.section),
            "unknown key",
        );
        let known = || suggest::list(self.keys.iter().copied(), "and");
        if let Some(home) = home(key) {
            return refusal.with_help(home);
        }
        match suggest::nearest(key, self.keys.iter().copied()) {
            Some(near) => {
                refusal.with_help(format!("did you mean `{near}`? Its keys are {}", known()))
            }
            None => refusal.with_help(format!("its keys are {}", known())),
        }
    }
}

/// Where a key that is known belongs. In TOML a key after a `[section]` is part of that section.
fn home(key: &str) -> Option<String> {
    if ROOT.keys.contains(&key) {
        return Some(format!(
            "`{key}` stands at the top of the file, before the first `[section]`"
        ));
    }
    [INPUT, TRIGGER, PAYOUT, POLICY, WORDING]
        .iter()
        .find(|schema| schema.keys.contains(&key))
        .map(|schema| format!("`{key}` belongs to {}", schema.section))
}
