//! What a right cover becomes: every key, every default, and the same again from its canonical terms.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "helpers of tests fail as tests do"
)]

use tocsin_domain::cover::{Consumer, Cover, EventInclusion, EventTime, Finality, Rearm};
use tocsin_domain::diagnostic::{Diagnostic, Severity};
use tocsin_domain::lang::ir::{Confirm, ExprKind};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Type;

const MINIMAL: &str = r#"
name = "minimal"
version = 1
[inputs.price]
metric = "price"
[trigger]
when = "price <= 0.9"
[payout]
fraction = "100%"
"#;

fn parsed(text: &str) -> Cover {
    let (cover, warnings) = Cover::parse(text).unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    assert_eq!(warnings, [], "{text}");
    cover
}

fn refused(text: &str) -> Vec<Diagnostic> {
    let found = Cover::parse(text).expect_err(text);
    assert!(
        found
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    );
    found
}

/// The cover with another value for one of its lines.
fn minimal_with(line: &str, replacement: &str) -> String {
    assert!(MINIMAL.contains(line), "{line}");
    MINIMAL.replace(line, replacement)
}

fn without_spans(mut cover: Cover) -> Cover {
    cover.trigger.when = cover.trigger.when.without_spans();
    cover.payout.fraction = cover.payout.fraction.without_spans();
    cover
}

#[test]
fn what_a_cover_leaves_out_has_the_documented_defaults() {
    let cover = parsed(MINIMAL);
    assert_eq!(cover.title, "minimal");
    assert_eq!(
        (cover.peril, cover.wording, cover.consumer),
        (None, None, None)
    );
    assert_eq!(cover.trigger.rearm, Rearm::Never);
    assert_eq!(cover.finality, []);
    assert_eq!(cover.policy.waiting, Seconds(0));
    assert_eq!(cover.policy.event_time, EventTime::Occurred);
    assert_eq!(cover.policy.claim_deadline, None);
    assert_eq!(
        cover.policy.event_inclusion,
        EventInclusion {
            start_included: true,
            end_included: false
        }
    );
    let input = &cover.inputs[0];
    assert_eq!(
        (&input.subject, &input.source, input.max_age),
        (&None, &None, None)
    );
}

#[test]
fn every_key_is_read() {
    let cover = parsed(
        r#"
name = "flight-delay"
title = "Delay or cancellation — 45 min"
version = 7
peril = "flight-delay"
consumer = "eip155:8453:0x8FFFFFD4AFB6115B954BD326CBE7B4BA576818F6"
[wording]
title = "Terms of 2013"
uri = "https://example.org/terms.pdf"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
[inputs.status]
metric = "status"
subject = "flight:UA1545/2013-01-01/EWR"
source = "feed:aeroapi"
[inputs.delay]
metric = "arrival_delay"
subject = "flight:UA1545/2013-01-01/EWR"
source = "feed:aeroapi"
max_age = "2d"
[inputs.wind]
metric = "wind_gust"
subject = "station:KEWR"
type = "decimal"
[trigger]
when = '''
  status in ["cancelled", "diverted"]
  or delay >= 45min and wind < 60
'''
rearm = "after 12h"
[payout]
fraction = "clamp(delay / 3h, 0, 1)"
[policy]
waiting = "36h"
event_inclusion = "(inception,expiry]"
event_time = "confirmed"
claim_deadline = "4w"
[finality]
"eip155:8453" = 12
"eip155:1" = "finalized"
"eip155:10" = "safe"
"#,
    );
    assert_eq!((cover.name.as_str(), cover.version), ("flight-delay", 7));
    assert_eq!(cover.title, "Delay or cancellation — 45 min");
    assert_eq!(cover.peril.as_deref(), Some("flight-delay"));
    let wording = cover.wording.unwrap();
    assert_eq!(wording.title.as_deref(), Some("Terms of 2013"));
    assert_eq!(
        wording.uri.as_deref(),
        Some("https://example.org/terms.pdf")
    );
    assert!(wording.sha256.unwrap().starts_with("e3b0c442"));
    let names: Vec<&str> = cover
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(names, ["delay", "status", "wind"], "sorted by name");
    let types: Vec<Type> = cover.inputs.iter().map(|input| input.ty).collect();
    assert_eq!(types, [Type::Duration, Type::Text, Type::Decimal]);
    assert_eq!(cover.inputs[0].max_age, Some(Seconds(172_800)));
    assert_eq!(cover.trigger.rearm, Rearm::After(Seconds(43_200)));
    assert_eq!(cover.policy.waiting, Seconds(129_600));
    assert_eq!(cover.policy.event_time, EventTime::Confirmed);
    assert_eq!(cover.policy.claim_deadline, Some(Seconds(2_419_200)));
    assert_eq!(
        cover.policy.event_inclusion,
        EventInclusion {
            start_included: false,
            end_included: true
        }
    );
    assert_eq!(
        cover.finality,
        [
            ("eip155:1".to_owned(), Finality::Finalized),
            ("eip155:10".to_owned(), Finality::Safe),
            ("eip155:8453".to_owned(), Finality::Confirmations(12)),
        ]
    );
    let Consumer { chain_id, address } = cover.consumer.unwrap();
    assert_eq!(chain_id, 8453);
    assert_eq!(
        format!("{address:#x}"),
        "0x8fffffd4afb6115b954bd326cbe7b4ba576818f6"
    );
}

#[test]
fn all_four_event_inclusions_are_read() {
    for (text, start_included, end_included) in [
        ("[inception, expiry)", true, false),
        ("[inception, expiry]", true, true),
        ("(inception, expiry)", false, false),
        ("(inception, expiry]", false, true),
    ] {
        let cover = parsed(&format!(
            "{MINIMAL}\n[policy]\nevent_inclusion = \"{text}\""
        ));
        let expected = EventInclusion {
            start_included,
            end_included,
        };
        assert_eq!(cover.policy.event_inclusion, expected, "{text}");
    }
}

#[test]
fn the_type_of_an_input_follows_from_its_metric_unless_it_is_given() {
    for (metric, ty) in [
        ("metric = \"price\"", Type::Decimal),
        ("metric = \"total_assets\"", Type::Decimal),
        ("metric = \"status\"", Type::Text),
        ("metric = \"arrival_delay\"", Type::Duration),
        ("metric = \"departure_delay\"", Type::Duration),
        ("metric = \"halt\"\ntype = \"duration\"", Type::Duration),
        ("metric = \"status\"\ntype = \"decimal\"", Type::Decimal),
        ("metric = \"paused\"\ntype = \"bool\"", Type::Bool),
        ("metric = \"phase\"\ntype = \"text\"", Type::Text),
    ] {
        let condition = match ty {
            Type::Decimal => "price <= 0.9",
            Type::Duration => "price >= 45min",
            Type::Bool => "price",
            _ => "price == 'x'",
        };
        let text = minimal_with("metric = \"price\"", metric)
            .replace("price <= 0.9", &condition.replace('\'', "\\\""));
        assert_eq!(parsed(&text).inputs[0].ty, ty, "{metric}");
    }
}

#[test]
fn the_catalogue_is_read_without_a_warning_and_says_what_etherisc_says() {
    let text = include_str!("../../../config/covers/usdc-depeg-24h.toml");
    let cover = parsed(text);
    assert_eq!(cover.name, "usdc-depeg-24h");
    assert_eq!(cover.policy.event_time, EventTime::Confirmed);
    assert_eq!(
        cover.finality,
        [("eip155:1".to_owned(), Finality::Finalized)]
    );
    assert_eq!(cover.inputs[0].max_age, Some(Seconds(90_000)));
    let ExprKind::Holds(holds) = &cover.trigger.when.kind else {
        panic!("not a holds")
    };
    assert_eq!((holds.window, holds.at_least), (Seconds(86_400), false));
    assert_eq!(
        (holds.confirm, holds.observations),
        (Confirm::Observation, 1)
    );
    let names = cover.input_names();
    assert_eq!(holds.condition.text(&names).to_string(), "usdc <= 0.995");
    assert_eq!(holds.recover.text(&names).to_string(), "usdc >= 0.999");
    assert_eq!(
        cover.payout.fraction.text(&names).to_string(),
        "clamp(1 - usdc, 0, 0.2)"
    );
    let span = holds.condition.span;
    assert_eq!(
        &text[span.start..span.end],
        "usdc <= 0.995",
        "spans are places in the file"
    );
}

#[test]
fn canonical_terms_give_the_same_cover_again() {
    let every_file = [
        include_str!("../../../config/covers/usdc-depeg-24h.toml"),
        MINIMAL,
        &minimal_with(
            "price <= 0.9",
            "  price\\t<=\\n 0.9 and not (price == 0.5)  ",
        ),
    ];
    for text in every_file {
        let cover = parsed(text);
        let again = Cover::from_terms(&cover.canonical_terms).unwrap();
        assert_eq!(again.terms_hash, cover.terms_hash);
        assert_eq!(without_spans(again), without_spans(cover));
    }
}

#[test]
fn terms_that_are_not_canonical_are_refused() {
    let canonical = parsed(MINIMAL).canonical_terms;
    let duplicated = canonical.replacen('{', "{\"version\":2,", 1);
    for terms in [
        format!(" {canonical}"),
        canonical.replace(':', ": "),
        canonical.replace("\"version\":1", "\"version\":1.0"),
        canonical.replace("price <= 0.9", "price  <= 0.9"),
        canonical.replace("price <= 0.9", "price \\u003c= 0.9"),
        canonical.replace("\"version\":1", "\"version\":null"),
        duplicated,
        String::new(),
        "[]".to_owned(),
        "[".repeat(100_000),
    ] {
        let shown: String = terms.chars().take(300).collect();
        let found = Cover::from_terms(&terms).expect_err(&shown);
        assert_eq!(found[0].severity, Severity::Error, "{shown}");
    }
}

#[test]
fn sizes_are_limited() {
    let comment = format!("{MINIMAL}\n#{}", "x".repeat(256 * 1024));
    assert!(refused(&comment)[0].message.contains("bytes"));
    let expression = minimal_with(
        "price <= 0.9",
        &format!("price <= {}1", "0".repeat(16 * 1024)),
    );
    assert!(refused(&expression)[0].message.contains("16384"));
    let mut inputs = MINIMAL.to_owned();
    for number in 0..64 {
        inputs.push_str(&format!("[inputs.x{number}]\nmetric = \"price\"\n"));
    }
    assert!(refused(&inputs)[0].message.contains("64 inputs"));
    let unknown: String = (0..5_000)
        .map(|number| format!("k{number} = 1\n"))
        .collect();
    let found = refused(&format!("{unknown}{MINIMAL}"));
    assert!(found.len() <= 65, "{}", found.len());
    assert!(found.last().unwrap().message.contains("more findings"));
}

#[test]
fn nesting_is_limited_before_any_stack_is() {
    let deep = "(".repeat(8_000) + "price" + &")".repeat(8_000);
    let chain = format!("price <= 0.9{}", " and price <= 0.9".repeat(900));
    let nots = format!("{} price <= 0.9", "not ".repeat(4_000));
    let minus = format!("price <= {}1", "-".repeat(16_000));
    let calls = "abs(".repeat(3_000) + "price" + &")".repeat(3_000) + " <= 1";
    for expression in [deep, chain, nots, minus, calls] {
        let found = refused(&minimal_with("price <= 0.9", &expression));
        assert!(found[0].message.contains("levels deep"), "{:?}", found[0]);
    }
    let right = format!("price <= 0.9{}", " and price <= 0.9".repeat(100));
    parsed(&minimal_with("price <= 0.9", &right));
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!(
            "x = {}1{}\n{MINIMAL}",
            open.repeat(50_000),
            close.repeat(50_000)
        );
        refused(&text);
    }
    refused(&format!("{}x = 1\n{MINIMAL}", "a.".repeat(100_000)));
}
