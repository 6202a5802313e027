//! The main job, from the first block to the money, as the demonstration does it.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use tocsin::command::verify;
use tocsin::demo;
use tocsin_tests::anvil;

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_pays_the_holder_and_its_evidence_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    demo::run(&anvil::binary(), folder.path(), &mut told)
        .await
        .unwrap();
    let told = String::from_utf8(told).unwrap();
    for part in [
        "2023-03-11T01:18:11Z  round  859  0.99209183  at or below 0.995: a breach begins",
        "the cover contract has paid the holder 247.00 demoUSD",
        "The loss began at 2023-03-11T01:18:11Z",
        "it counts from 2023-03-12T01:19:35Z on",
        "0.0247 of the sum insured",
    ] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
    assert!(!told.contains('✗'), "{told}");
    readme_shows(&told);

    let bundle = only_file(&folder.path().join("evidence"));
    assert!(verify::check(&bundle, &[]).unwrap().is_valid());
    let stranger = Address::repeat_byte(1);
    assert!(!verify::check(&bundle, &[stranger]).unwrap().is_valid());
    let text = std::fs::read_to_string(&bundle).unwrap();
    for (there, changed) in [
        ("0.9753", "0.8753"),
        ("2023-03-11T01:18:11Z", "2023-03-11T01:18:12Z"),
    ] {
        assert!(text.contains(there), "{there}");
        std::fs::write(&bundle, text.replacen(there, changed, 1)).unwrap();
        assert!(
            !verify::check(&bundle, &[]).is_ok_and(|report| report.is_valid()),
            "{changed}"
        );
    }
}

/// README shows this output: the same lines but for numbers, addresses and hashes, and the service's own remarks, which
/// go to standard error.
fn readme_shows(told: &str) {
    let readme = std::fs::read_to_string(anvil::repository().join("README.md")).unwrap();
    let (_, block) = readme.split_once("```\nA chain of our own").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let told: Vec<String> = told.lines().map(masked).collect();
    for line in block
        .lines()
        .filter(|line| !line.contains('▸') && line.trim() != "…")
    {
        let line = masked(line);
        assert!(
            told.contains(&line),
            "README shows a line that the demonstration does not print: {line}"
        );
    }
}

/// The words of a line.
fn masked(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let number = word.contains(|c: char| c.is_ascii_digit());
        if number || word.contains("demo-run") || word.contains('/') {
            "#"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn only_file(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = files.next().unwrap();
    assert!(files.next().is_none());
    file
}
