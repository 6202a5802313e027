//! What fuzzing once found, or began with, keeps holding: the corpus under `fuzz/` without a fuzzer.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

use proptest::prelude::*;

#[test]
fn what_is_read_is_written_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/note");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        read += checks::note(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(read >= 6, "only {read} of the corpus mean anything");
}

proptest! {
    #[test]
    fn no_proof_of_any_shape_shows_too_much(
        first in 0_u64..40, second in 0_u64..40, proof in prop::collection::vec(any::<[u8; 32]>(), 0..8),
        one in any::<[u8; 32]>(), other in any::<[u8; 32]>(),
    ) {
        checks::proof((first, second, proof, one, other));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        checks::note(&text);
    }
}
