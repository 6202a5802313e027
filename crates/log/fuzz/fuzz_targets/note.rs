//! Any text is a note, a checkpoint, a key and a path of a tile, or none of them; what is read is written again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tocsin_log::{Checkpoint, Note, TilePath, VerifierKey, parse_bundle, write_bundle};

fuzz_target!(|text: &str| {
    if let Ok(note) = text.parse::<Note>() {
        assert!(text.starts_with(note.unverified()));
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert!(text.starts_with(&checkpoint.to_string()));
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
    }
    if let Ok(entries) = parse_bundle(text.as_bytes()) {
        assert_eq!(write_bundle(entries).as_deref(), Ok(text.as_bytes()));
    }
});
