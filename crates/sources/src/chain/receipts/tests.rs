//! Receipts of real mainnet blocks hash to the roots in their headers.
//!
//! The blocks are reference data that is kept beside the repository (`../shared/data`, or `$TOCSIN_SHARED`).

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

const FOLDER: &str = "ethereum-blocks-17173049";
/// From the headers of blocks 17173049 and 17173050.
const ROOTS: [(u64, &str, usize); 2] = [
    (17_173_049, "0x483ff52a982981f3efa42685fd46f5437cb430924fb8bf2204cd97b6c125d7f7", 271),
    (17_173_050, "", 410),
];

/// The lines of a file of the reference data; `None` where there is none, which is an error in CI.
fn reference(file: &str) -> Option<Vec<Value>> {
    #[expect(clippy::disallowed_methods, reason = "where reference data lies, is no configuration of the product")]
    let (folder, must) = (std::env::var_os("TOCSIN_SHARED"), std::env::var_os("CI").is_some());
    let folder = folder.map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = folder.join(FOLDER).join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(error) => {
            assert!(!must, "{}: {error}", path.display());
            None
        }
    }
}
