//! `cargo xtask test`: what must hold, cheapest first.

use std::path::Path;

use crate::sh::{self, Failed};
use crate::{consumers, contracts, sql, tidy};

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
    sh::run(
        root,
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    sh::step("unit, property and end-to-end tests");
    let anvil = contracts::anvil(root);
    sh::run_with(
        root,
        "cargo",
        &["test", "--workspace", "--locked"],
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
    consumers::test(root)
}
