//! What holds of whatever a stranger writes: for a fuzzer, and for a test over what was once found.

use serde_json::Value as Json;
use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions, verify};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::{Program, RiskState};
use tocsin_domain::explain::explain;
use tocsin_domain::lang::{Role, compile, parse};
use tocsin_domain::quorum::SignedReport;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;

const INPUTS: [(&str, Type); 5] = [
    ("price", Type::Decimal),
    ("delay", Type::Duration),
    ("status", Type::Text),
    ("paused", Type::Bool),
    ("halted", Type::Event),
];

/// Any text is an expression or has diagnostics; an expression prints as text that means the same. In how many roles it means
/// something.
pub(crate) fn expression(text: &str) -> usize {
    if let Ok(tree) = parse(text) {
        let again = parse(&tree.to_string());
        assert!(again.is_ok(), "{text} prints as {tree}");
    }
    let names = INPUTS.map(|(name, _)| name);
    let mut compiled = 0;
    for role in [Role::Trigger, Role::Payout, Role::Guard] {
        let Ok((expr, _warnings)) = compile(text, &INPUTS, role) else {
            continue;
        };
        compiled += 1;
        let printed = expr.text(&names).to_string();
        match compile(&printed, &INPUTS, role) {
            Ok((again, _)) => assert_eq!(
                again.without_spans(),
                expr.without_spans(),
                "{text} prints as {printed}"
            ),
            Err(found) => panic!("{text} prints as {printed}: {found:#?}"),
        }
    }
    compiled
}

/// Any file is a cover or has diagnostics whose places are in the file; the canonical terms of a cover are its own. Whether it is
/// one.
pub(crate) fn cover(text: &str) -> bool {
    let (is_cover, findings) = match Cover::parse(text) {
        Ok((cover, warnings)) => {
            let again = Cover::from_terms(&cover.canonical_terms);
            let again = again.unwrap_or_else(|found| panic!("{text}: {found:?}"));
            assert_eq!(again.terms_hash, cover.terms_hash);
            assert!(!explain(&cover).is_empty());
            let program = Program::compile(&cover);
            let _state = RiskState::new(&program, None);
            for input in &cover.inputs {
                let place = Cover::place(text, &["inputs", &input.name, "source"]);
                assert!(place.is_some_and(|place| text.get(place.start..place.end).is_some()));
            }
            (true, warnings)
        }
        Err(found) => {
            assert!(!found.is_empty());
            (false, found)
        }
    };
    for finding in findings {
        let span = finding.span;
        assert!(text.get(span.start..span.end).is_some(), "{finding:?}");
    }
    is_cover
}

/// Any text is the canonical terms of a cover, or has diagnostics. Whether it is some.
pub(crate) fn terms(text: &str) -> bool {
    match Cover::from_terms(text) {
        Ok(cover) => {
            assert_eq!(cover.canonical_terms, text);
            true
        }
        Err(found) => {
            assert!(!found.is_empty());
            false
        }
    }
}

/// Any bytes are a report in its one spelling or an error, and what another attestor may send never ends the process. Whether
/// they are one.
pub(crate) fn report(json: &[u8]) -> bool {
    let Ok(report) = SignedReport::from_json(json) else {
        return false;
    };
    let again = report.to_json().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.as_bytes(), json);
    true
}

/// Any bytes are an evidence bundle, also under a seal that fits, or an error; a bundle is written in one way, and checking it ends.
/// Whether it is one under a seal that fits.
pub(crate) fn bundle(json: &[u8]) -> bool {
    opened(json);
    let Ok(Json::Object(mut members)) = serde_json::from_slice::<Json>(json) else {
        return false;
    };
    members.shift_remove("seal");
    let Ok(canonical) = serde_jcs::to_string(&members) else {
        return false;
    };
    let seal = alloy_primitives::keccak256(canonical);
    members.insert("seal".to_owned(), Json::String(format!("{seal:#x}")));
    let sealed = Json::Object(members).to_string();
    opened(sealed.as_bytes())
}

fn opened(json: &[u8]) -> bool {
    let Ok(bundle) = serde_json::from_slice::<EvidenceBundle>(json) else {
        return false;
    };
    let again = serde_json::to_string(&bundle).unwrap_or_else(|error| panic!("{error}"));
    let again: EvidenceBundle =
        serde_json::from_str(&again).unwrap_or_else(|error| panic!("{again}: {error}"));
    assert_eq!(again, bundle);
    let report = verify(&bundle, &VerifyOptions::default());
    assert!(!report.checks().is_empty());
    true
}

/// Any text is a time, a duration and a decimal, or none of them; what is read is read again from how it is printed. How many of
/// them it is.
pub(crate) fn words(text: &str) -> usize {
    let mut read = 0;
    if let Ok(time) = Timestamp::parse(text) {
        // Years that RFC 3339 cannot write are printed as they are.
        if let Ok(again) = Timestamp::parse(&time.to_string()) {
            assert_eq!(again, time, "{text}");
        }
        read += 1;
    }
    if let Ok(span) = text.parse::<Seconds>() {
        // One unit after the other: `1d 6h`.
        let printed = span.to_string();
        let parts = printed.trim_start_matches('-').split(' ');
        let parts: i64 = parts
            .map(|part| part.parse::<Seconds>().map_or(0, |part| part.0))
            .sum();
        assert_eq!(parts, span.0.abs(), "{text}");
        read += 1;
    }
    if let Ok(number) = text.parse::<Decimal>() {
        assert_eq!(
            number.to_string().parse::<Decimal>().as_ref(),
            Ok(&number),
            "{text}"
        );
        read += 1;
    }
    read
}
