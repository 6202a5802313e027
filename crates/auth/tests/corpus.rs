//! What fuzzing once found, or began with, keeps holding: the corpus under `fuzz/` without a fuzzer.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

use proptest::prelude::*;

#[test]
fn what_is_read_is_what_was_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/signature");
    let mut signed = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        signed += usize::from(checks::signature(&text));
        // The same, cut off and doubled anywhere.
        for place in (0..text.len()).filter(|place| text.is_char_boundary(*place)) {
            checks::signature(&text[..place]);
            checks::signature(&format!(
                "{}{}",
                &text[..place],
                text.get(place / 2..).unwrap_or_default()
            ));
        }
    }
    assert!(signed >= 1, "nothing of the corpus is a signature");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        checks::signature(&text);
        checks::names(&text);
    }
}
