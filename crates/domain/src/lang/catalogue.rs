//! The functions of the language: those that this version computes, and those that the language has but this version
//! refuses by name, so that nobody takes a missing feature for a typing error.

use super::suggest;
use crate::diagnostic::{Diagnostic, Span};

/// A function that this version computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    Holds,
    Age,
    Clamp,
    Abs,
    Min,
    Max,
    RoundUp,
}

/// A function with its name, its options and how it is written.
pub(super) struct Signature {
    pub(super) function: Function,
    pub(super) name: &'static str,
    pub(super) options: &'static [&'static str],
    pub(super) usage: &'static str,
}

pub(super) const FUNCTIONS: [Signature; 7] = [
    Signature {
        function: Function::Holds,
        name: "holds",
        options: &["for", "recover", "confirm", "observations"],
        usage: "holds(condition, for: 24h, recover: condition, confirm: time|observation, observations: 1)",
    },
    Signature {
        function: Function::Age,
        name: "age",
        options: &[],
        usage: "age(input)",
    },
    Signature {
        function: Function::Clamp,
        name: "clamp",
        options: &[],
        usage: "clamp(value, low, high)",
    },
    Signature {
        function: Function::Abs,
        name: "abs",
        options: &[],
        usage: "abs(value)",
    },
    Signature {
        function: Function::Min,
        name: "min",
        options: &[],
        usage: "min(a, b, …)",
    },
    Signature {
        function: Function::Max,
        name: "max",
        options: &[],
        usage: "max(a, b, …)",
    },
    Signature {
        function: Function::RoundUp,
        name: "round_up",
        options: &[],
        usage: "round_up(a * b) or round_up(a / b)",
    },
];

/// Functions of the language that this version refuses.
const LATER_FUNCTIONS: [&str; 17] = [
    "twap",
    "geo_twap",
    "mean",
    "median",
    "sum",
    "count",
    "drop",
    "at",
    "change",
    "happened",
    "median_of",
    "k_of",
    "linear",
    "tiers",
    "tick",
    "case",
    "distance_km",
];

/// Options of the language that this version refuses.
const LATER_OPTIONS: [&str; 9] = [
    "coverage", "closes", "since", "over", "every", "zone", "quorum", "spread", "from",
];

/// Words of the grammar.
pub(super) const KEYWORDS: [&str; 6] = ["and", "or", "not", "in", "true", "false"];

/// Names with a meaning that this version does not have yet.
const LATER_NAMES: [&str; 3] = ["inception", "event", "else"];

pub(super) fn function(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|signature| signature.name == name)
}

pub(super) fn is_later_function(name: &str) -> bool {
    LATER_FUNCTIONS.contains(&name)
}

pub(super) fn is_later_option(name: &str) -> bool {
    LATER_OPTIONS.contains(&name)
}

/// What an input may not be called, with what the word already means.
pub(crate) fn reserved_name(name: &str) -> Option<&'static str> {
    if KEYWORDS.contains(&name) {
        Some("a word of the trigger language")
    } else if function(name).is_some() || is_later_function(name) {
        Some("a function of the trigger language")
    } else if LATER_NAMES.contains(&name) {
        Some("reserved by the trigger language")
    } else {
        None
    }
}

/// The refusal of something that the language has and this version has not.
pub(super) fn not_supported(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        span,
        format!("`{what}` is not supported by this version"),
        "part of the language, not of this version",
    )
    .with_help(format!(
        "this version has {}",
        suggest::list(FUNCTIONS.iter().map(|signature| signature.name), "and")
    ))
}

/// The refusal of a name that is followed by a parenthesis and is no function.
pub(super) fn unknown_function(name: &str, is_input: bool, span: Span) -> Diagnostic {
    if is_input {
        return Diagnostic::error(
            span,
            format!("`{name}` is an input, not a function"),
            "an input takes no arguments",
        )
        .with_help(format!("write `{name}` alone"));
    }
    let every = FUNCTIONS
        .iter()
        .map(|signature| signature.name)
        .chain(LATER_FUNCTIONS);
    let unknown = Diagnostic::error(
        span,
        format!("unknown function `{}`", suggest::clipped(name)),
        "no such function",
    );
    match suggest::nearest(name, every) {
        Some(near) if is_later_function(near) => unknown.with_help(format!(
            "did you mean `{near}`? It is not supported by this version"
        )),
        Some(near) => unknown.with_help(format!("did you mean `{near}`?")),
        None => unknown.with_help(format!(
            "the functions are {}",
            suggest::list(FUNCTIONS.iter().map(|signature| signature.name), "and")
        )),
    }
}
