//! The benchmark of reading chains: builds its programs, runs it, shows its table.

use std::path::Path;

use crate::contracts;
use crate::sh::{self, Failed};

pub(crate) fn run(root: &Path, options: &[&str]) -> Result<(), Failed> {
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
            "chain_bench",
        ],
    )?;
    sh::step("measuring (a few minutes)");
    let program = sh::target(root).join("release/chain_bench");
    sh::run(root, &program.to_string_lossy(), options)
}
