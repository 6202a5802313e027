//! Files that only their owner can read: keys and secrets that this program makes. What is there is never written over, and
//! what was written is on the disk before anything rests on it.

use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;

/// Writes `text` into a new file.
pub fn make(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
