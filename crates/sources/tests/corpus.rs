//! What fuzzing once found, or began with, keeps holding: the corpus under `fuzz/` without a fuzzer.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "../fuzz/checks.rs"]
mod checks;

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn whatever_is_answered_is_observed_in_order() {
    let mut values = 0;
    for path in files("fuzz/corpus/answer") {
        let body = fs::read(path).unwrap();
        values += checks::answer(&body);
        // Cut off, and with a digit more in a place.
        for place in (0..body.len()).step_by(body.len() / 12 + 1) {
            checks::answer(&body[..place]);
            let more = [&body[..place], b"9", &body[place..]].concat();
            checks::answer(&more);
        }
    }
    assert!(values >= 1, "nothing of the corpus is a value");
}

#[test]
fn any_definition_is_read_or_refused() {
    let shipped = files("../../config/feeds");
    let read = shipped
        .iter()
        .filter(|path| checks::definition(&fs::read_to_string(path).unwrap()));
    assert_eq!(read.count(), shipped.len());
    for path in shipped {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        // Without a line, or with one twice.
        for place in (0..lines.len()).step_by(3) {
            let without = [&lines[..place], &lines[place + 1..]].concat();
            checks::definition(&without.join("\n"));
            let twice = [&lines[..=place], &lines[place..]].concat();
            checks::definition(&twice.join("\n"));
        }
    }
}
