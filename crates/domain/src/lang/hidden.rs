//! Characters that a reader does not see, or that change how others are shown.
//!
//! Terms are read by people before they are hashed. What looks alike must be alike, so these have no place in them.

/// Control characters, zero-width blanks, and marks that turn the direction of writing.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
