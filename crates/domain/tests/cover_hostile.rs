//! Anybody may send a cover: whatever the text, there is a cover or there are diagnostics, in bounds, and no panic.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::collection::vec;
use proptest::prelude::*;
use tocsin_domain::cover::Cover;
use tocsin_domain::diagnostic::{Diagnostic, Severity};
use tocsin_domain::lang::ir::Expr;
use tocsin_domain::lang::{self, Role};
use tocsin_domain::value::Type;

const SEEDS: [&str; 2] = [
    include_str!("../../../config/covers/usdc-depeg-24h.toml"),
    r#"name = "flight"
version = 3
consumer = "eip155:8453:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6"
[inputs]
status.metric = "status"
delay = { metric = "arrival_delay", max_age = "2d", source = "feed:aeroapi" }
[trigger]
when = """
  status in [\"cancelled\", \"d\u00efverted\"] or holds(delay >= 45min, \
     for: at least 2h, observations: 2) # not a comment
"""
rearm = 'after 7d'
[payout]
fraction = '''clamp(delay / 3h, 0, 1)'''
[policy]
event_inclusion = "(inception, expiry]"
claim_deadline = "4w"
[finality]
'eip155:8453' = 12
"#,
];

/// Pieces that mean something, so that mutants get far.
const PIECES: [&str; 40] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u00e9",
    "\\\n",
    "\n",
    "\r\n",
    "\t",
    "=",
    "==",
    "<=",
    "≤",
    " and ",
    " or ",
    " not ",
    " in ",
    "holds(",
    "age(",
    "for: ",
    "at least ",
    "45min",
    "10%",
    "1e9",
    "0.995",
    "\u{feff}",
    "é",
    "😀",
    "\u{0}",
    "-",
    ".",
    "#",
    "[inputs.x]\nmetric = \"price\"\n",
];

fn check_finding(text: &str, finding: &Diagnostic) {
    let span = finding.span;
    assert!(
        span.start <= span.end && span.end <= text.len(),
        "{finding:?}\n{text}"
    );
    assert!(text.is_char_boundary(span.start), "{finding:?}\n{text}");
    assert!(text.is_char_boundary(span.end), "{finding:?}\n{text}");
    assert!(
        !finding.message.is_empty() && !finding.label.is_empty(),
        "{finding:?}"
    );
    assert!(finding.message.len() < 1_000, "{finding:?}");
}

fn check_spans(text: &str, expr: &Expr) {
    let span = expr.span;
    assert!(
        text.get(span.start..span.end)
            .is_some_and(|written| !written.is_empty()),
        "{expr:?}"
    );
    for child in expr.children() {
        check_spans(text, child);
    }
}

fn check_cover(text: &str) {
    match Cover::parse(text) {
        Ok((cover, warnings)) => {
            warnings.iter().for_each(|warning| {
                assert_eq!(warning.severity, Severity::Warning);
                check_finding(text, warning);
            });
            check_spans(text, &cover.trigger.when);
            check_spans(text, &cover.payout.fraction);
            let again = Cover::from_terms(&cover.canonical_terms).unwrap();
            assert_eq!(again.terms_hash, cover.terms_hash);
            assert_eq!(
                again.trigger.when.without_spans(),
                cover.trigger.when.clone().without_spans(),
                "{text}"
            );
        }
        Err(found) => {
            assert!(
                found
                    .iter()
                    .any(|finding| finding.severity == Severity::Error),
                "{text}"
            );
            found
                .iter()
                .for_each(|finding| check_finding(text, finding));
        }
    }
    if let Err(found) = Cover::from_terms(text) {
        found
            .iter()
            .for_each(|finding| check_finding(text, finding));
    }
}

fn check_expression(text: &str) {
    let inputs = [
        ("price", Type::Decimal),
        ("delay", Type::Duration),
        ("status", Type::Text),
    ];
    for role in [Role::Trigger, Role::Payout] {
        match lang::compile(text, &inputs, role) {
            Ok((expr, warnings)) => {
                check_spans(text, &expr);
                warnings
                    .iter()
                    .for_each(|finding| check_finding(text, finding));
            }
            Err(found) => {
                assert!(
                    found
                        .iter()
                        .any(|finding| finding.severity == Severity::Error)
                );
                found
                    .iter()
                    .for_each(|finding| check_finding(text, finding));
            }
        }
    }
}

/// Cuts, repeats and insertions at random places of a seed.
fn mutant() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        0usize..60,
        prop::sample::select(&PIECES[..]),
        0u8..4,
    );
    (prop::sample::select(&SEEDS[..]), vec(edit, 1..6)).prop_map(|(seed, edits)| {
        let mut text = seed.to_owned();
        for (index, length, piece, kind) in edits {
            let start = text.floor_char_boundary(index.index(text.len() + 1));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            match kind {
                0 => text.replace_range(start..end, ""),
                1 => {
                    let piece = text[start..end].to_owned();
                    text.insert_str(start, &piece);
                }
                2 => text.insert_str(start, piece),
                _ => text.replace_range(start..end, piece),
            }
        }
        text
    })
}

/// Words of the language in random order.
fn word_salad() -> impl Strategy<Value = String> {
    const WORDS: [&str; 44] = [
        "price",
        "delay",
        "status",
        "holds",
        "age",
        "clamp",
        "abs",
        "min",
        "max",
        "round_up",
        "twap",
        "for",
        "recover",
        "confirm",
        "observations",
        "time",
        "observation",
        "at",
        "least",
        "and",
        "or",
        "not",
        "in",
        "true",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        "+",
        "-",
        "*",
        "/",
        "<",
        "<=",
        "==",
        "!=",
        "0",
        "1.5",
        "20%",
        "45min",
        "24h",
        "\"x\"",
    ];
    vec(prop::sample::select(&WORDS[..]), 0..24).prop_map(|words| words.join(" "))
}

#[test]
fn the_seeds_are_right() {
    for seed in SEEDS {
        let seed = seed.replace(" # not a comment", "");
        assert!(Cover::parse(&seed).is_ok(), "{:#?}", Cover::parse(&seed));
    }
}

/// `PROPTEST_CASES` scales it.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases * 2,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn mutated_covers(text in mutant()) {
        check_cover(&text);
    }

    #[test]
    fn arbitrary_text(text in any::<String>(), ascii in "[ -~\n]{0,200}") {
        check_cover(&text);
        check_cover(&ascii);
        check_expression(&text);
        check_expression(&ascii);
    }

    #[test]
    fn words_of_the_language(text in word_salad()) {
        check_expression(&text);
    }
}
