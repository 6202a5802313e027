//! The Solidity side: its npm packages, its compiler, and what Rust reads of it.

use std::path::{Path, PathBuf};

use crate::sh::{self, Failed};

fn directory(root: &Path) -> PathBuf {
    root.join("contracts-abi")
}

/// The anvil of the npm package.
pub(crate) fn anvil(root: &Path) -> PathBuf {
    directory(root).join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
}

/// Installs the packages of the lock file, unless that was done already.
pub(crate) fn install(root: &Path) -> Result<(), Failed> {
    sh::install_npm(&directory(root), "anvil, forge and solc")
}

/// Builds and tests the contracts, and checks that what is committed of them (ABI, vectors, gas) is fresh.
pub(crate) fn test(root: &Path) -> Result<(), Failed> {
    sh::step("contracts: format, vectors, ABI, tests, gas");
    sh::run(&directory(root), "npm", &["run", "--silent", "check"])
}

/// Tests the adapters with the contracts that other protocols publish.
pub(crate) fn test_third_party(root: &Path) -> Result<(), Failed> {
    let here = directory(root);
    sh::install_npm(
        &here.join("third-party"),
        "the contracts of Chainlink, Etherisc and EAS, and their compilers,",
    )?;
    sh::step("adapters with the contracts of others");
    sh::run(&here, "npm", &["run", "--silent", "third-party:test"])
}

/// Rebuilds what is committed of the contracts.
pub(crate) fn rebuild(root: &Path) -> Result<(), Failed> {
    install(root)?;
    let here = directory(root);
    sh::run(&here, "npm", &["run", "--silent", "abi"])?;
    sh::run(&here, "npm", &["run", "--silent", "vectors"])
}
