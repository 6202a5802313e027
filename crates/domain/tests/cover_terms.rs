//! The terms hash: what changes it, what does not, and its value as another program computes it.

#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use tocsin_domain::cover::Cover;

fn hash(text: &str) -> String {
    let (cover, _) = Cover::parse(text).unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    cover.terms_hash.to_string()
}

fn canonical(text: &str) -> String {
    let (cover, _) = Cover::parse(text).unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    cover.canonical_terms
}

const COVER: &str = r#"
name = "order"
title = "Żółw — \"quoted\""
version = 2
[inputs.a]
metric = "price"
max_age = "25h"
[inputs.b]
metric = "status"
[trigger]
when = 'holds(a <= 0.995 or b == "two  blanks", for: 24h)'
[payout]
fraction = "clamp(1 - a, 0, 20%)"
[finality]
"eip155:1" = 12
"#;

#[test]
fn canonical_terms_are_what_rfc_8785_makes_of_the_cover_as_written() {
    assert_eq!(
        canonical(COVER),
        concat!(
            r#"{"finality":{"eip155:1":12},"#,
            r#""inputs":{"a":{"max_age":"25h","metric":"price"},"b":{"metric":"status"}},"#,
            r#""name":"order","payout":{"fraction":"clamp(1 - a, 0, 20%)"},"#,
            r#""title":"Żółw — \"quoted\"","#,
            r#""trigger":{"when":"holds(a <= 0.995 or b == \"two  blanks\", for: 24h)"},"version":2}"#
        )
    );
}

/// Computed by Python: `tomllib`, `json.dumps` with sorted keys, and Keccak-256 of PyCryptodome.
#[test]
fn the_hash_is_the_one_that_another_program_computes() {
    let catalogued = include_str!("../../../config/covers/usdc-depeg-24h.toml");
    for (text, expected) in [
        (
            catalogued,
            "0xd7fe27034154418975f7eddee6eeab96702c6c39c7011d6631586ba017b5f1db",
        ),
        (
            COVER,
            "0x149553bfa414d8d4c9f275944162350b72e481bc80adceac13e05a5bb611a3a7",
        ),
    ] {
        assert_eq!(hash(text), expected);
    }
}

#[test]
fn only_white_space_outside_texts_is_collapsed() {
    let spread = COVER
        .replace("holds(a <= 0.995 or ", "'\u{0}")
        .replace("''\u{0}", "'''\n\tholds(a  <=\r\n 0.995   or ")
        .replace("for: 24h)'", "for: 24h)\n  '''");
    assert_ne!(spread, COVER);
    assert_eq!(hash(&spread), hash(COVER));
    assert_ne!(
        hash(&COVER.replace("two  blanks", "two blanks")),
        hash(COVER)
    );
    // One blank is not none: the text between the blanks is what was written.
    assert_ne!(hash(&COVER.replace("a <= 0.995", "a<=0.995")), hash(COVER));
    // Titles are no expressions.
    assert_ne!(hash(&COVER.replace("Żółw —", "Żółw  —")), hash(COVER));
}

#[test]
fn defaults_are_not_filled_in_and_equal_numbers_written_otherwise_are_other_terms() {
    let explicit = COVER.replace("[payout]", "rearm = \"never\"\n[payout]");
    assert_ne!(hash(&explicit), hash(COVER));
    for (from, to) in [
        ("25h", "1500min"),
        ("20%", "0.2"),
        ("0.995", "0.9950"),
        ("version = 2", "version = 3"),
    ] {
        assert_ne!(hash(&COVER.replace(from, to)), hash(COVER), "{from}");
    }
}

#[test]
fn layout_quoting_and_comments_do_not_matter() {
    let relaid = r##"# a comment
"version" = 0b10   # two
payout.fraction = """clamp(1 - a, \
                     0, 20%)"""
title = "\u017b\u00f3\u0142w \u2014 \"quoted\""
name = 'order'
finality = { 'eip155:1' = 0xC }
trigger = { when = "holds(a <= 0.995 or b == \"two  blanks\", for: 24h)" }
[inputs]
b.metric = "status"
a = { max_age = "25h", metric = "price" }
"##;
    assert_eq!(canonical(relaid), canonical(COVER));
    assert_eq!(hash(relaid), hash(COVER));
    assert_eq!(
        hash(&COVER.replace('\n', "\r\n")),
        hash(COVER),
        "line ends of another system"
    );
    assert_eq!(
        hash(&format!("\u{feff}{COVER}")),
        hash(COVER),
        "a byte order mark"
    );
}

/// `PROPTEST_CASES` scales it.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases / 2,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    /// The lines within a section, the sections, blanks and comments in any order and number.
    #[test]
    fn the_order_of_keys_does_not_matter(
        sections in Just(vec![
            ("[inputs.a]", vec!["metric = \"price\"", "max_age = \"25h\""]),
            ("[inputs.b]", vec!["metric = \"status\""]),
            ("[trigger]", vec![r#"when = 'holds(a <= 0.995 or b == "two  blanks", for: 24h)'"#]),
            ("[payout]", vec!["fraction = \"clamp(1 - a, 0, 20%)\""]),
            ("[finality]", vec!["\"eip155:1\" = 12"]),
        ]).prop_shuffle(),
        top in Just(vec!["name = \"order\"", "title = \"Żółw — \\\"quoted\\\"\"", "version = 2"]).prop_shuffle(),
        flips in any::<[bool; 8]>(),
    ) {
        let mut text = String::new();
        let mut flips = flips.into_iter().cycle();
        let mut add = |line: &str| {
            text.push_str(if flips.next().unwrap() { "  " } else { "" });
            text.push_str(line);
            text.push_str(if flips.next().unwrap() { " # why\n\n" } else { "\n" });
        };
        top.iter().for_each(|line| add(line));
        for (header, lines) in &sections {
            add(header);
            let (first, rest) = lines.split_first().unwrap();
            rest.iter().chain([first]).for_each(|line| add(line));
        }
        prop_assert_eq!(hash(&text), hash(COVER), "{}", text);
    }
}
