//! The benchmarks that are programs of their own: builds one, runs it, shows its table.

use std::path::Path;

use crate::contracts;
use crate::sh::{self, Failed};

/// Runs the program `bin` of the tests' crate.
pub(crate) fn run(root: &Path, bin: &str, options: &[&str]) -> Result<(), Failed> {
    contracts::install(root)?;
    sh::step("building the benchmark, in release (some minutes the first time)");
    sh::run(
        root,
        "cargo",
        &[
            "build",
            "--release",
            "--package",
            "tocsin-tests",
            "--bin",
            bin,
        ],
    )?;
    sh::step("measuring (a few minutes)");
    let program = sh::target(root).join("release").join(bin);
    sh::run(root, &program.to_string_lossy(), options)
}
