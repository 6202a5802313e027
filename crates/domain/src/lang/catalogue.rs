//! The functions of the language, with their options and how they are written.

use super::suggest;
use crate::diagnostic::{Diagnostic, Span};

/// A function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    Holds,
    Age,
    Clamp,
    Abs,
    Min,
    Max,
    RoundUp,
    Twap,
    GeoTwap,
    Mean,
    Median,
    Sum,
    Count,
    Happened,
    At,
    Change,
    Drop,
    MedianOf,
    KOf,
    Linear,
    Tiers,
    Tick,
    Case,
    DistanceKm,
}

/// A function with its name, its options and how it is written.
pub(super) struct Signature {
    pub(super) function: Function,
    pub(super) name: &'static str,
    pub(super) options: &'static [&'static str],
    pub(super) usage: &'static str,
}

const fn signature(
    function: Function,
    name: &'static str,
    options: &'static [&'static str],
    usage: &'static str,
) -> Signature {
    Signature {
        function,
        name,
        options,
        usage,
    }
}

pub(super) static FUNCTIONS: [Signature; 24] = [
    signature(
        Function::Holds,
        "holds",
        &["for", "recover", "confirm", "observations"],
        "holds(condition, for: 24h, recover: condition, confirm: time|observation, observations: 1)",
    ),
    signature(Function::Age, "age", &[], "age(input)"),
    signature(Function::Clamp, "clamp", &[], "clamp(value, low, high)"),
    signature(Function::Abs, "abs", &[], "abs(value)"),
    signature(
        Function::Min,
        "min",
        &["over", "since", "coverage", "every", "zone"],
        "min(a, b, …) of values, min(input, 1h) over a window",
    ),
    signature(
        Function::Max,
        "max",
        &["over", "since", "coverage", "every", "zone"],
        "max(a, b, …) of values, max(input, 1h) over a window",
    ),
    signature(
        Function::RoundUp,
        "round_up",
        &[],
        "round_up(a * b) or round_up(a / b)",
    ),
    signature(
        Function::Twap,
        "twap",
        &["over", "since", "coverage", "closes"],
        "twap(input, 10d, closes: 1d, coverage: 90%)",
    ),
    signature(
        Function::GeoTwap,
        "geo_twap",
        &["over", "since", "coverage"],
        "geo_twap(input, 1h, coverage: 90%)",
    ),
    signature(
        Function::Mean,
        "mean",
        &["over", "since", "coverage", "every", "zone"],
        "mean(input, 7d, coverage: 90%)",
    ),
    signature(
        Function::Median,
        "median",
        &["over", "since", "coverage", "every", "zone"],
        "median(input, 7d, coverage: 90%)",
    ),
    signature(
        Function::Sum,
        "sum",
        &["over", "since", "coverage", "every", "zone"],
        "sum(input, 10d, every: 1d, zone: \"America/New_York\", coverage: 90%)",
    ),
    signature(
        Function::Count,
        "count",
        &["over", "since", "coverage", "every", "zone"],
        "count(event, 1h)",
    ),
    signature(Function::Happened, "happened", &[], "happened(event)"),
    signature(
        Function::At,
        "at",
        &[],
        "at(input, inception) or at(input, \"2023-03-11T00:00:00Z\")",
    ),
    signature(Function::Change, "change", &["over"], "change(input, 1h)"),
    signature(
        Function::Drop,
        "drop",
        &["from"],
        "drop(value, from: max(input, 1h))",
    ),
    signature(
        Function::MedianOf,
        "median_of",
        &["quorum", "spread"],
        "median_of(a, b, c, quorum: 2, spread: 1%)",
    ),
    signature(
        Function::KOf,
        "k_of",
        &[],
        "k_of(2, condition, condition, condition)",
    ),
    signature(
        Function::Linear,
        "linear",
        &["from", "to"],
        "linear(value, from: a, to: b)",
    ),
    signature(
        Function::Tiers,
        "tiers",
        &[],
        "tiers(value, 45min: 50%, 3h: 100%)",
    ),
    signature(
        Function::Tick,
        "tick",
        &[],
        "tick(value, strike, per, limit)",
    ),
    signature(
        Function::Case,
        "case",
        &["else"],
        "case(condition: value, …, else: value)",
    ),
    signature(
        Function::DistanceKm,
        "distance_km",
        &[],
        "distance_km(latitude, longitude, latitude, longitude)",
    ),
];

/// Words of the grammar.
pub(super) const KEYWORDS: [&str; 6] = ["and", "or", "not", "in", "true", "false"];

/// Names with a meaning of their own.
const RESERVED: [&str; 3] = ["inception", "event", "else"];

pub(super) fn function(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|signature| signature.name == name)
}

/// Whether its arguments come in pairs, `this: that`.
pub(super) fn takes_pairs(function: &str) -> bool {
    matches!(function, "tiers" | "case")
}

/// What an input or a parameter may not be called, with what the word already means.
pub(crate) fn reserved_name(name: &str) -> Option<&'static str> {
    if KEYWORDS.contains(&name) {
        Some("a word of the trigger language")
    } else if function(name).is_some() {
        Some("a function of the trigger language")
    } else if RESERVED.contains(&name) {
        Some("reserved by the trigger language")
    } else {
        None
    }
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
    let every = || FUNCTIONS.iter().map(|signature| signature.name);
    let unknown = Diagnostic::error(
        span,
        format!("unknown function `{}`", suggest::clipped(name)),
        "no such function",
    );
    match suggest::nearest(name, every()) {
        Some(near) => unknown.with_help(format!("did you mean `{near}`?")),
        None => unknown.with_help(format!(
            "the functions are {}",
            suggest::list(every(), "and")
        )),
    }
}

/// Whether some function has an option of this name.
pub(super) fn is_option(name: &str) -> bool {
    FUNCTIONS
        .iter()
        .any(|signature| signature.options.contains(&name))
}
