//! What fuzzing once found, or began with, keeps holding: the corpus under `fuzz/` without a fuzzer.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use tocsin_domain::cover::Cover;
use tocsin_domain::explain::explain;
use tocsin_domain::lang::{Role, compile, parse};
use tocsin_domain::quorum::SignedReport;
use tocsin_domain::value::Type;

const INPUTS: [(&str, Type); 5] = [
    ("price", Type::Decimal),
    ("delay", Type::Duration),
    ("status", Type::Text),
    ("paused", Type::Bool),
    ("halted", Type::Event),
];

fn corpus(target: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty());
    files
}

#[test]
fn expressions_print_as_themselves_or_are_refused() {
    let names = INPUTS.map(|(name, _)| name);
    let mut compiled = 0;
    for (file, text) in corpus("expression") {
        if let Ok(tree) = parse(&text) {
            assert!(parse(&tree.to_string()).is_ok(), "{file}: {tree}");
        }
        for role in [Role::Trigger, Role::Payout, Role::Guard] {
            let Ok((expr, _)) = compile(&text, &INPUTS, role) else {
                continue;
            };
            compiled += 1;
            let printed = expr.text(&names).to_string();
            let (again, _) = compile(&printed, &INPUTS, role)
                .unwrap_or_else(|found| panic!("{file} prints as {printed}: {found:#?}"));
            assert_eq!(
                again.without_spans(),
                expr.without_spans(),
                "{file}: {printed}"
            );
        }
    }
    assert!(
        compiled >= 10,
        "only {compiled} expressions of the corpus mean anything"
    );
}

#[test]
fn covers_have_terms_of_their_own_or_are_refused_in_their_own_place() {
    let mut covers = 0;
    for (file, text) in corpus("cover") {
        let findings = match Cover::parse(&text) {
            Ok((cover, warnings)) => {
                covers += 1;
                let again = Cover::from_terms(&cover.canonical_terms).unwrap();
                assert_eq!(again.terms_hash, cover.terms_hash, "{file}");
                assert!(!explain(&cover).is_empty(), "{file}");
                warnings
            }
            Err(found) => {
                assert!(!found.is_empty(), "{file}");
                found
            }
        };
        for finding in findings {
            let span = finding.span;
            assert!(
                text.get(span.start..span.end).is_some(),
                "{file}: {finding:?}"
            );
        }
    }
    assert!(covers >= 1);
}

#[test]
fn reports_have_one_spelling_or_are_refused() {
    let mut reports = 0;
    for (file, json) in corpus("report") {
        if let Ok(report) = SignedReport::from_json(json.as_bytes()) {
            reports += 1;
            assert_eq!(report.to_json().unwrap(), json, "{file}");
        }
    }
    assert_eq!(reports, 1);
}
