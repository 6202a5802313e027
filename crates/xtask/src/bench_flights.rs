//! The benchmark of a day of flights: builds its program, runs it.

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
            "flight_bench",
        ],
    )?;
    sh::step("measuring (two minutes and a half)");
    let program = sh::target(root).join("release/flight_bench");
    sh::run(root, &program.to_string_lossy(), options)
}
