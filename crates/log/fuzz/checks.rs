//! What holds of whatever a stranger shows as a part of a log: for a fuzzer, and for a test over what was once found.

use tocsin_log::{
    Checkpoint, Hash, Note, TilePath, VerifierKey, parse_bundle, verify_consistency,
    verify_inclusion, write_bundle,
};

/// Any text is a note, a checkpoint, a key, a path of a tile and a bundle, or none of them; what is read is written again as it
/// was. How many of them it is.
pub(crate) fn note(text: &str) -> usize {
    let mut read = 0;
    if let Ok(note) = text.parse::<Note>() {
        assert!(text.starts_with(note.unverified()));
        read += 1;
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert!(text.starts_with(&checkpoint.to_string()));
        read += 1;
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
        read += 1;
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
        read += 1;
    }
    if let Ok(entries) = parse_bundle(text.as_bytes()) {
        assert_eq!(write_bundle(entries).as_deref(), Ok(text.as_bytes()));
        read += 1;
    }
    read
}

/// A proof as somebody shows it: two numbers, the hashes, and two hashes more.
pub(crate) type Shown = (u64, u64, Vec<[u8; 32]>, [u8; 32], [u8; 32]);

/// No proof of any shape makes a verifier panic, or shows a leaf in a tree that it was not made for.
pub(crate) fn proof((first, second, proof, one, other): Shown) {
    let proof: Vec<Hash> = proof.into_iter().map(Hash).collect();
    let (one, other) = (Hash(one), Hash(other));
    if one != other {
        let shown = verify_inclusion(one, first, second, &proof, other);
        assert!(shown.is_err() || !proof.is_empty());
    }
    let grown = verify_consistency((first, one), (second, other), &proof);
    assert!(grown.is_err() || first <= second);
}
