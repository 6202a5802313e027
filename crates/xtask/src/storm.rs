//! The flights demonstration, counted a second time.

use std::path::Path;

use crate::sh::{self, Failed};

/// The folder of the demonstration's files, where nothing else is said.
const FOLDER: &str = "demo-run";

/// Counts from the recorded flights and the policies what is owed, with a program that shares nothing with the service, and
/// compares.
pub(crate) fn count_again(root: &Path, arguments: &[&str]) -> Result<(), Failed> {
    let mut words = arguments.iter();
    let folder = words
        .find(|word| **word == "--output")
        .and_then(|_| words.next())
        .copied()
        .unwrap_or(FOLDER);
    let file = |name: &str| format!("{folder}/{name}");
    sh::step("counting again, with a program that shares no line with the service");
    sh::run(
        root,
        "node",
        &[
            "tests/storm/count.mjs",
            &file("flights.csv"),
            &file("policies.csv"),
            &file("counts.json"),
        ],
    )?;
    sh::step("both counts agree");
    Ok(())
}
