//! What fuzzing once found, or began with, keeps holding: the corpus under `fuzz/` without a fuzzer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

use proptest::prelude::*;
use tocsin_domain::cover::Cover;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let files = std::fs::read_dir(folder).unwrap();
    let files: Vec<_> = files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert!(!files.is_empty());
    files
}

fn texts(target: &str) -> impl Iterator<Item = String> {
    let files = corpus(target).into_iter();
    files.map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn expressions_print_as_themselves_or_are_refused() {
    let compiled: usize = texts("expression")
        .map(|text| checks::expression(&text))
        .sum();
    assert!(
        compiled >= 10,
        "only {compiled} expressions of the corpus mean anything"
    );
}

#[test]
fn covers_have_terms_of_their_own_or_are_refused_in_their_own_place() {
    let covers = texts("cover").filter(|text| checks::cover(text)).count();
    assert!(covers >= 1);
    for text in texts("cover") {
        checks::terms(&text);
        if let Ok((cover, _warnings)) = Cover::parse(&text) {
            assert!(checks::terms(&cover.canonical_terms));
        }
    }
}

#[test]
fn reports_have_one_spelling_or_are_refused() {
    let reports = corpus("report");
    let reports = reports.iter().filter(|json| checks::report(json)).count();
    assert_eq!(reports, 1);
}

#[test]
fn bundles_have_one_spelling_or_are_refused() {
    let bundles = corpus("bundle");
    let bundles = bundles.iter().filter(|json| checks::bundle(json)).count();
    assert!(bundles >= 1);
}

#[test]
fn words_are_read_again_as_they_are_printed() {
    let read: usize = texts("words").map(|text| checks::words(&text)).sum();
    assert!(read >= 9, "only {read} words of the corpus mean anything");
}

proptest! {
    #[test]
    fn any_text_is_a_word_or_none(text in "[-+.0-9TZ:smhdw%_ ]{0,40}") {
        checks::words(&text);
    }
}
