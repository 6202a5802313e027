//! `cargo xtask test`: what must hold, cheapest first.

use std::path::Path;

use crate::sh::{self, Failed};
use crate::{consumers, contracts, emitted, programs, sql, tidy};

/// What is linted, tested, and run for consumers. One selection for all of them: another one would have other features of the
/// dependencies, and compile everything again.
pub(crate) const WORKSPACE: &[&str] = &["--workspace", "--locked"];

pub(crate) fn test(root: &Path) -> Result<(), Failed> {
    sh::step("format");
    sh::run(root, "cargo", &["fmt", "--all", "--check"])?;
    sh::step("structure");
    tidy::check(root)?;
    contracts::install(root)?;
    contracts::test(root)?;
    contracts::test_third_party(root)?;
    sh::step("offline SQL data is fresh (compiles the database driver the first time)");
    sql::check(root)?;
    sh::step("lints (compiles everything the first time)");
    let clippy = [
        &["clippy"],
        WORKSPACE,
        &["--all-targets", "--quiet", "--", "-D", "warnings"],
    ];
    sh::run(root, "cargo", &clippy.concat())?;
    sh::step("unit, property and end-to-end tests (compiles everything once more the first time)");
    let anvil = contracts::anvil(root);
    programs::test(
        root,
        WORKSPACE,
        &[("TOCSIN_ANVIL", &*anvil.to_string_lossy())],
    )?;
    sh::step(
        "keys in key services (compiles their libraries the first time: two minutes on two cores)",
    );
    sh::run(
        root,
        "cargo",
        &[
            "test",
            "--package",
            "tocsin-attest",
            "--features",
            "aws-kms,gcp-kms,ledger",
            "--locked",
            "--lib",
            "--test",
            "aws_kms",
            "--test",
            "gcp_kms",
        ],
    )?;
    consumers::test(root)?;
    emitted::check(root)
}
