//! What wrong covers are told: the place, what is there, and what to write instead.

#[path = "cover_diagnostics/solana.rs"]
mod solana;

use tocsin_domain::cover::Cover;
use tocsin_domain::diagnostic::{Diagnostic, Severity};

const RIGHT: &str = r#"name = "usdc-depeg-24h"
title = "USDC depeg"
version = 1
consumer = "eip155:1:0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6"

[inputs.usdc]
metric = "price"
subject = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
source = "chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6"
max_age = "25h"

[inputs.delay]
metric = "arrival_delay"
subject = "flight:UA1545/2013-01-01/EWR"

[inputs.status]
metric = "status"
subject = "flight:UA1545/2013-01-01/EWR"

[trigger]
when = 'usdc <= 0.995 or delay > 45min or status == "cancelled"'
rearm = "never"

[payout]
fraction = "clamp(1 - usdc, 0, 20%)"

[policy]
waiting = "72h"
event_inclusion = "[inception, expiry)"
claim_deadline = "7d"

[finality]
"eip155:1" = "finalized"
"#;

const WHEN: &str = r#"'usdc <= 0.995 or delay > 45min or status == "cancelled"'"#;
const FRACTION: &str = r#""clamp(1 - usdc, 0, 20%)""#;

/// `line:column, severity: message`, the marked text, and the advice. Columns are characters, from 1.
fn rendered(text: &str, finding: &Diagnostic) -> String {
    let span = finding.span;
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let marked = text[span.start..span.end].lines().next().unwrap_or("");
    let help = finding
        .help
        .as_ref()
        .map_or(String::new(), |help| format!("\n    help: {help}"));
    format!(
        "  {line}:{column} {severity}: {}\n    `{marked}` {}{help}",
        finding.message, finding.label
    )
}

fn told(text: &str) -> String {
    let found = match Cover::parse(text) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    let lines: Vec<String> = found
        .iter()
        .map(|finding| rendered(text, finding))
        .collect();
    if lines.is_empty() {
        "  nothing".to_owned()
    } else {
        lines.join("\n")
    }
}

/// What each replacement in the right cover is told.
fn replaced(cases: &[(&str, &str)]) -> String {
    let mut report = String::new();
    for (line, replacement) in cases {
        assert!(RIGHT.contains(line), "{line}");
        report.push_str(&format!(
            "{replacement}\n{}\n\n",
            told(&RIGHT.replace(line, replacement))
        ));
    }
    report
}

fn triggers(expressions: &[&str]) -> String {
    let mut report = String::new();
    for expression in expressions {
        let text = RIGHT.replace(WHEN, &format!("'''{expression}'''"));
        let unused = |finding: &&Diagnostic| !finding.message.contains("is not used");
        let found = match Cover::parse(&text) {
            Ok((_, warnings)) => warnings,
            Err(found) => found,
        };
        let lines: Vec<String> = found
            .iter()
            .filter(unused)
            .map(|finding| rendered(&text, finding))
            .collect();
        let lines = if lines.is_empty() {
            "  nothing".to_owned()
        } else {
            lines.join("\n")
        };
        report.push_str(&format!("{expression}\n{lines}\n\n"));
    }
    report
}

fn snapshot(name: &str, report: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    // A mark that turns the direction of writing would garble the snapshot for its reader too.
    let report = report.replace('\u{202e}', "\\u{202e}");
    settings.bind(|| insta::assert_snapshot!(name, report));
}

#[test]
fn the_right_cover_is_told_nothing() {
    assert_eq!(
        told(RIGHT),
        "  nothing",
        "the other tests change one thing of a right cover"
    );
}

#[test]
fn keys() {
    snapshot(
        "keys",
        &replaced(&[
            ("title =", "titel ="),
            ("title =", "headline ="),
            ("[trigger]", "[triger]"),
            ("name = \"usdc-depeg-24h\"\n", ""),
            ("version = 1\n", ""),
            ("metric = \"price\"\n", ""),
            ("max_age", "maxage"),
            ("max_age", "maximum_staleness"),
            ("rearm = \"never\"", "rearm = \"never\"\nwaiting = \"3d\""),
            ("[policy]", "[policy]\nconsumer = \"eip155:1:0x00\""),
            ("fraction =", "settle = \"3d\"\nfraction ="),
            ("[policy]", "[guards]\nfresh = \"age(usdc) < 1h\"\n[policy]"),
            ("[policy]", "[parameters]\nx = \"1\"\n[policy]"),
            ("when =", "if ="),
            (
                "[inputs.delay]\nmetric = \"arrival_delay\"\nsubject = \"flight:UA1545/2013-01-01/EWR\"\n",
                "",
            ),
        ]),
    );
}

#[test]
fn sections_that_are_missing_or_misshapen() {
    let mut report = String::new();
    for text in [
        "",
        "name = \"x\"\nversion = 1\n",
        "name = \"x\"\nversion = 1\ninputs = 3\ntrigger = \"x\"\npayout = []\npolicy = true\n",
        "name = \"x\"\nversion = 1\n[inputs]\nmetric = \"price\"\n[trigger]\nwhen = \"x > 1\"\n[payout]\nfraction = \"1\"\n",
        "name = \"x\"\nversion = 1\n[inputs]\n[trigger]\n[payout]\n[wording]\n",
    ] {
        report.push_str(&format!("{text}---\n{}\n\n", told(text)));
    }
    snapshot("sections", &report);
}

#[test]
fn toml() {
    snapshot(
        "toml",
        &replaced(&[
            (WHEN, "usdc <= 0.995"),
            (WHEN, "\"usdc <= 0.995"),
            ("version = 1", "version = 1\nversion = 2"),
            ("[policy]", "[trigger]"),
            (WHEN, "\"status == \"cancelled\"\""),
            ("[policy]", "[policy"),
        ]),
    );
}

#[test]
fn values() {
    snapshot(
        "values",
        &replaced(&[
            ("name = \"usdc-depeg-24h\"", "name = \"USDC depeg\""),
            ("name = \"usdc-depeg-24h\"", "name = 5"),
            ("title = \"USDC depeg\"", "title = \"two\\nlines\""),
            ("title = \"USDC depeg\"", "title = \"USDC \u{202e}gepeD\""),
            ("version = 1", "version = \"1\""),
            ("version = 1", "version = 0"),
            ("version = 1", "version = 1.5"),
            ("version = 1", "version = 2023-03-11"),
            ("version = 1", "version = 9007199254740992"),
            ("version = 1", "version = 99999999999999999999999"),
            (
                "version = 1",
                "version = 1\nwording = { uri = \"terms.pdf\", sha256 = \"abc\" }",
            ),
            (FRACTION, "0.2"),
            (FRACTION, "20"),
            ("\"25h\"", "\"25\""),
            ("\"25h\"", "25"),
            ("\"25h\"", "\"25m\""),
            ("\"25h\"", "\"1.5h\""),
            ("\"25h\"", "\"-25h\""),
            ("\"25h\"", "\"0h\""),
            ("\"25h\"", "\"a day\""),
            ("\"25h\"", "\"1h30min\""),
            ("\"72h\"", "\"2 months\""),
            ("\"72h\"", "\"99999999999999999999w\""),
            ("\"7d\"", "\"0d\""),
            ("\"never\"", "\"always\""),
            ("\"never\"", "\"after 7\""),
            ("\"never\"", "\"after  7d\""),
            ("\"[inception, expiry)\"", "\"[start, end)\""),
            ("[policy]", "[policy]\nevent_time = \"confirmation\""),
            ("metric = \"price\"", "metric = \"event:Paused\""),
            ("metric = \"price\"", "metric = \"price in USD\""),
            (
                "metric = \"price\"",
                "metric = \"price\"\ntype = \"number\"",
            ),
            ("metric = \"price\"", "metric = \"price\"\ntype = \"time\""),
        ]),
    );
}

#[test]
fn identifiers() {
    let subject = "\"eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"";
    let source = "\"chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\"";
    let consumer = "\"eip155:1:0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6\"";
    snapshot(
        "identifiers",
        &replaced(&[
            (
                subject,
                "\"eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\"",
            ),
            (subject, "\"eip155:1/erc20:0xa0b869\""),
            (
                subject,
                "\"eip155:01/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"",
            ),
            (
                subject,
                "\"eip155:1/token:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"",
            ),
            (
                subject,
                "\"eip115:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"",
            ),
            (subject, "\"UA1545, UA1546\""),
            (subject, "\"a,b\""),
            (subject, "\"usd¢\""),
            (
                source,
                "\"chainlink:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\"",
            ),
            (
                source,
                "\"chainlnk:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\"",
            ),
            (
                source,
                "\"event:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\"",
            ),
            (source, "\"https://example.org\""),
            (source, "\"chainlink\""),
            (
                consumer,
                "\"eip155:1:0x8ffFFfd4AfB6115b954Bd326cbe7B4BA576818f6\"",
            ),
            (consumer, "\"0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\""),
            (
                consumer,
                "\"eip155:1:0x0000000000000000000000000000000000000000\"",
            ),
            (
                consumer,
                "\"eip155:18446744073709551616:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\"",
            ),
            ("\"eip155:1\" = \"finalized\"", "ethereum = \"finalized\""),
            ("\"eip155:1\" = \"finalized\"", "\"eip155:1\" = \"final\""),
            ("\"eip155:1\" = \"finalized\"", "\"eip155:1\" = -1"),
            ("\"eip155:1\" = \"finalized\"", "\"eip155:1\" = 0"),
            ("[inputs.delay]", "[inputs.and]"),
            ("[inputs.delay]", "[inputs.twap]"),
            ("[inputs.delay]", "[inputs.arrival-delay]"),
            (
                "subject = \"flight:UA1545/2013-01-01/EWR\"\n\n[inputs.status]",
                "\n[inputs.status]",
            ),
        ]),
    );
}

#[test]
fn tokens() {
    snapshot(
        "tokens",
        &triggers(&[
            "usdc = 0.995",
            "usdc =< 0.995",
            "usdc ≤ 0.995",
            "usdc <> 0.995",
            "usdc <= 0.995 && delay > 45min",
            "usdc <= 0.995 & delay > 45min",
            "usdc <= 0.995 | delay > 45min",
            "usdc <= 0.995 AND delay > 45min",
            "!(usdc <= 0.995)",
            "usdc <= .995",
            "usdc <= 1.",
            "usdc <= 1.2.3",
            "usdc <= 1e-3",
            "usdc <= 1__000",
            "usdc <= 1_000_",
            "usdc <= 0.0000000000000000001",
            "usdc <= 0.00000000000000001%",
            "usdc <= 99 %",
            "usdc <= 999999999999999999999999999999999999999999999999999999999999999999",
            "delay > 45 min",
            "delay > 45m",
            "delay > 45minutes",
            "delay > 2H",
            "delay > 1month",
            "delay > 1y",
            "delay > 1h30min",
            "delay > 1.5h",
            "delay > 0.3s",
            "delay > 99999999999999999w",
            "status == 'cancelled'",
            "status == “cancelled”",
            "status == \"cancelled",
            "status == \"can\\ncelled\"",
            "usdc <= 0.995; delay > 45min",
            "usdc.price <= 0.995",
            "event.Paused",
            "preis€ <= 0.995",
            "größe <= 0.995",
            "usdc\u{a0}<= 0.995",
            "status == \"can\u{202e}celled\"",
        ]),
    );
}

#[test]
fn grammar() {
    snapshot(
        "grammar",
        &triggers(&[
            "",
            "   ",
            "usdc <=",
            "usdc 0.995",
            "(usdc <= 0.995",
            "usdc <= 0.995)",
            "0.9 < usdc < 0.995",
            "usdc == 1 == true",
            "usdc < 1 in [\"a\"]",
            "usdc + not delay",
            "usdc <= +1",
            "status not in [\"cancelled\"]",
            "status in \"cancelled\"",
            "status in [cancelled]",
            "status in []",
            "status in [1]",
            "[\"a\"] == status",
            "max(usdc, 1",
            "max(usdc,) > 1",
            "holds(for: 24h, usdc <= 0.995)",
            "usdc <= 0.995 delay > 45min",
            "usdc <= 0,995",
            "holds(usdc <= 0.995, for 24h)",
            "twap(usdc, 10d, closes 1d, coverage: 90%) < 1",
        ]),
    );
}

#[test]
fn names_and_functions() {
    snapshot(
        "names_and_functions",
        &triggers(&[
            "usdt <= 0.995",
            "price <= 0.995",
            "age > 25h",
            "usdc(1) <= 0.995",
            "hold(usdc <= 0.995, for: 24h)",
            "foo(usdc) <= 0.995",
            "twap(usdc, 1h) <= 0.995",
            "twpa(usdc, 1h) <= 0.995",
            "median_of(usdc, usdc, quorum: 2) <= 0.995",
            "tiers(delay, 45min: 50%, 3h: 100%) > 0",
            "case(status == \"x\": 1, else: 2) > 0 and usdt <= 1",
            "min(usdc, 1h) <= 0.995",
            "min(usdc) <= 0.995",
            "min(usdc, over: 1h) <= 0.995",
            "abs(usdc, 1) <= 0.995",
            "abs() <= 0.995",
            "clamp(usdc, 0) <= 0.995",
            "clamp(usdc, 1, 0) <= 0.995",
            "inception > 1",
            "round_up(usdc) > 1",
            "round_up(usdc + 1) > 1",
        ]),
    );
}

#[test]
fn types() {
    snapshot(
        "types",
        &triggers(&[
            "delay > 45",
            "45 < delay",
            "delay > 0.5",
            "usdc <= 25h",
            "usdc <= \"0.995\"",
            "status == cancelled",
            "cancelled == status",
            "status == 1",
            "status < \"cancelled\"",
            "(usdc < 1) < (usdc < 2)",
            "usdc and delay",
            "not usdc",
            "usdc",
            "delay",
            "status",
            "usdc + delay > 1",
            "delay + 5 > 1h",
            "delay * delay > 1h",
            "usdc / delay > 1",
            "-status == \"x\"",
            "abs(status) == \"x\"",
            "max(usdc, delay) > 1",
            "usdc in [\"a\"]",
            "usdc / 0 > 1",
            "delay / (1h - 60min) > 1",
            "usdc > 9999999999999999999999999999999999999999999 * 9999999999999999999999999999999999999999999",
            "usdc <= 0.995 and usdt > 1 and delay > 45",
        ]),
    );
}

#[test]
fn holds_and_age() {
    snapshot(
        "holds_and_age",
        &triggers(&[
            "holds(usdc <= 0.995)",
            "holds(usdc <= 0.995, 24h)",
            "holds(for: 24h)",
            "holds(usdc, for: 24h)",
            "holds(usdc <= 0.995, for: 24)",
            "holds(usdc <= 0.995, for: delay)",
            "holds(usdc <= 0.995, for: -1h)",
            "holds(usdc <= 0.995, for: 40000d)",
            "holds(usdc <= 0.995, for: 24h, for: 25h)",
            "holds(usdc <= 0.995, for: 24h, recovery: usdc > 1)",
            "holds(usdc <= 0.995, for: 24h, recover: 0.999)",
            "holds(usdc <= 0.995, for: 24h, recover: at least usdc)",
            "holds(usdc <= 0.995, for: at most 24h)",
            "holds(usdc <= 0.995, for: 24h, confirm: \"time\")",
            "holds(usdc <= 0.995, for: 24h, confirm: observations)",
            "holds(usdc <= 0.995, for: 24h, confirm: always)",
            "holds(usdc <= 0.995, for: 24h, observations: 0)",
            "holds(usdc <= 0.995, for: 24h, observations: 1.5)",
            "holds(usdc <= 0.995, for: 24h, observations: \"2\")",
            "holds(usdc <= 0.995, for: 24h, coverage: 90%)",
            "holds(holds(usdc <= 0.995, for: 1h), for: 24h)",
            "holds(usdc <= 0.995, for: 24h, recover: holds(usdc > 1, for: 1h))",
            "holds(1 < 2, for: 24h)",
            "holds(usdc <= 0.995, for: 24h, recover: usdc <= 0.999)",
            "holds(usdc <= 0.995, for: 24h, recover: usdc >= 0.99)",
            "holds(0.995 >= usdc, for: 24h, recover: 0.999 <= usdc)",
            "holds(usdc, for: 24, recover: status, confirm: maybe, observations: 0)",
            "age(usdc) > 25",
            "age(usdc) > delay",
            "age(usdc) + 1h > 25h",
            "age(usdc) == 25h",
            "age(usdc) > 1h - 2h",
            "age(usdc) > age(delay)",
            "age(usdt) > 25h",
            "age(usdc + 1) > 25h",
            "age() > 25h",
            "max(age(usdc), age(delay)) > 25h",
            "20min + 5min < age(usdc)",
            "1 < 2",
        ]),
    );
}

#[test]
fn windows_and_events() {
    snapshot(
        "windows_and_events",
        &triggers(&[
            "twap(usdc, 10d) < 0.88",
            "twap(usdc, 10d, closes: 1d) < 0.88",
            "twap(usdc, 10d, closes: 3d) < 0.88",
            "twap(usdc, 36h, closes: 1d) < 0.88",
            "twap(usdc, 10d, closes: 10s) < 0.88",
            "twap(usdc) < 0.88",
            "twap() < 0.88",
            "twap(usdc, 10) < 0.88",
            "twap(usdc, -1h) < 0.88",
            "twap(usdc, delay) < 0.88",
            "twap(usdc, 1h, 2h) < 0.88",
            "twap(usdc, 1h, over: 2h) < 0.88",
            "twap(usdc, since: 2h) < 0.88",
            "twap(usdc, 1h, coverage: 0) < 0.88",
            "twap(usdc, 1h, coverage: 90) < 0.88",
            "twap(usdc, 1h, every: 1h) < 0.88",
            "twap(usdt, 1h) < 0.88",
            "twap(usdc + 1, 1h) < 0.88",
            "twap(status, 1h) < 0.88",
            "geo_twap(delay, 1h) < 45min",
            "max(usdc, since: inception) > 1",
            "min(usdc, 1h) < 1 and min(delay, 1h) < 45min",
            "min(delay, over: 1h) < 45min",
            "sum(usdc, 10d, zone: \"UTC\") > 1",
            "sum(usdc, 10d, every: 6h, zone: \"UTC\") > 1",
            "sum(usdc, 10d, every: 1d, zone: \"New York\") > 1",
            "happened(usdc)",
            "happened(event.Paused)",
            "at(usdc, 2023) > 1",
            "at(usdc, \"yesterday\") > 1",
            "at(usdc, inception) > 1",
            "change(usdc) > 1",
            "change(status, 1h) > 1",
            "drop(usdc) > 5%",
            "drop(usdc, from: delay) > 5%",
            "since > 1",
        ]),
    );
}

#[test]
fn sources_and_shapes() {
    snapshot(
        "sources_and_shapes",
        &triggers(&[
            "median_of(usdc) > 1",
            "median_of(usdc, delay) > 1",
            "median_of(usdc, 1, quorum: 3) > 1",
            "median_of(usdc, 1, quorum: 1.5) > 1",
            "median_of(usdc, 1, spread: -1%) > 1",
            "k_of(2, usdc > 1)",
            "k_of(usdc > 1, delay > 1h)",
            "k_of(2)",
            "k_of(2, usdc, delay > 1h)",
            "linear(usdc, from: 1) > 0",
            "linear(usdc, from: 1, to: 1) > 0",
            "linear(usdc, from: 1h, to: 2h) > 0",
            "tiers(delay) > 0",
            "tiers(delay, 45: 50%) > 0",
            "tiers(delay, 3h: 50%, 45min: 30%) > 0",
            "tiers(delay, 45min: 1h) > 0",
            "tiers(delay, 45min: 50%, usdc) > 0",
            "tiers(delay, usdc: 50%) > 0",
            "tick(usdc, 1, 2) > 0",
            "tick(usdc, 1h, 2, 1) > 0",
            "case(status == \"x\": 1) > 0",
            "case(else: 1) > 0",
            "case(usdc, else: 1) > 0",
            "case(status: 1, else: 1) > 0",
            "case(status == \"x\": 1, else: 1h) > 0",
            "distance_km(91, 0, 0, 0) > 1",
            "distance_km(usdc, 0, 0) > 1",
            "distance_km(delay, 0, 0, 0) > 1",
            "clamp(usdc: 1, 0, 1) > 0",
        ]),
    );
}

#[test]
fn a_payout_must_settle_before_claims_are_too_late() {
    snapshot(
        "late_settlement",
        &replaced(&[
            (FRACTION, "\"20%\"\nsettle = \"7d\""),
            (FRACTION, "\"20%\"\nsettle = \"6d\""),
        ]),
    );
}

#[test]
fn warnings_about_holds() {
    snapshot(
        "warnings_about_holds",
        &triggers(&[
            "holds(usdc <= 0.995, for: 24h, recover: usdc > 0.999)",
            "holds(usdc < 0.995, for: 24h, recover: usdc >= 0.999)",
            "holds(usdc <= 0.995, for: 24h, recover: not (usdc <= 0.995))",
            "holds(usdc <= 0.995, for: 24h, recover: usdc > 0.995)",
            "holds(usdc <= 0.995, for: 24h, recover: usdc >= 2 and usdc < 1)",
            "holds(usdc <= 0.995, for: 24h, recover: false)",
        ]),
    );
}

#[test]
fn payouts() {
    let cases: Vec<(&str, String)> = [
        "20",
        "150%",
        "101",
        "-1",
        "1 - 2",
        "delay",
        "usdc < 1",
        "status",
        "clamp(1 - usdc, 0, 20)",
        "clamp(1 - usdc, -1, 1)",
        "holds(usdc < 1, for: 1h)",
        "clamp(age(usdc) / 3h, 0, 1)",
        "clamp(age(usdc), 0, 1)",
        "",
    ]
    .iter()
    .map(|fraction| (FRACTION, format!("\"{fraction}\"")))
    .collect();
    let cases: Vec<(&str, &str)> = cases
        .iter()
        .map(|(line, fraction)| (*line, fraction.as_str()))
        .collect();
    snapshot("payouts", &replaced(&cases));
}

#[test]
fn places_inside_every_kind_of_toml_string_are_those_of_the_file() {
    snapshot(
        "places",
        &replaced(&[
            (WHEN, r#""usdt <= 0.995""#),
            (WHEN, r#"'usdt <= 0.995'"#),
            (WHEN, r#""status == \"x\" or usdt <= 1""#),
            (WHEN, r#""status == \u0022ü\u0022 or usdt <= 1""#),
            (WHEN, r#""\u0075\u0073dt <= 1""#),
            (WHEN, "\"\"\"\n  status == \"ü\"\n  or usdt <= 1\n\"\"\""),
            (WHEN, "\"\"\"\n  usdc <= 1 \\\n     or usdt <= 1\"\"\""),
            (WHEN, "'''\nusdc <= 1 or\r\nusdt <= 1'''"),
            (WHEN, "'''usdc <='''"),
            (WHEN, "\"\\tusdc <=\\n\""),
            (WHEN, "\"\""),
        ]),
    );
}
