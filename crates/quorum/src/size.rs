//! What fits into one message. Whatever is too much for one is sent in parts, and one event with all that can be said of it
//! always fits.

use serde::Serialize;

/// The fewest bytes that are left for what surrounds what a message is about: of each of its events, that there was no room for
/// it.
const AROUND: usize = 8 << 10;

/// The size of one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Size {
    /// The most bytes of what it is about.
    most: usize,
}

impl Size {
    /// Of messages that have `bytes` bytes at the most. A part of it is for what surrounds what they are about.
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            most: bytes.saturating_sub(AROUND.max(bytes / 64)),
        }
    }

    /// The most bytes of one report among `signers` attestors. What an attestor answers about one event holds its own report,
    /// and those of all with what it is locked to and with what it has seen decided.
    pub(crate) fn most_report_bytes(self, signers: usize) -> usize {
        let reports = signers.saturating_mul(2).saturating_add(2);
        tocsin_domain::quorum::MAX_REPORT_BYTES.min(self.most / reports)
    }

    /// Nothing yet.
    pub(crate) fn room(self) -> Room {
        Room {
            most: self.most,
            used: 0,
            begun: false,
        }
    }

    /// As many of `items`, in their order, as fit into one message.
    pub(crate) fn first_part<T: Serialize>(self, items: impl Iterator<Item = T>) -> Vec<T> {
        let mut room = self.room();
        items.take_while(|item| room.takes(item)).collect()
    }
}

/// Counts what goes into a message.
#[derive(Debug)]
pub(crate) struct Room {
    most: usize,
    used: usize,
    begun: bool,
}

impl Room {
    /// Whether this goes in too, as JSON; the first always does.
    pub(crate) fn takes<T: Serialize>(&mut self, what: &T) -> bool {
        let used = self.used.saturating_add(json_bytes(what));
        if self.begun && used > self.most {
            return false;
        }
        (self.used, self.begun) = (used, true);
        true
    }
}

/// How many bytes its JSON has.
pub(crate) fn json_bytes<T: Serialize>(what: &T) -> usize {
    // What cannot be written is sent by nobody: it takes all the room.
    serde_json::to_vec(what).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MOST_BYTES;

    const MOST: usize = MOST_BYTES - MOST_BYTES / 64;

    /// A text whose JSON has this many bytes.
    fn text(bytes: usize) -> String {
        "x".repeat(bytes - 2)
    }

    #[test]
    fn everything_is_sent_in_parts_that_fit() {
        let third = MOST / 3;
        let items = [third, third, third, 10, MOST, 10, MOST_BYTES, 10].map(text);
        let mut parts = Vec::new();
        let mut rest = &items[..];
        while !rest.is_empty() {
            let part = Size::of(MOST_BYTES).first_part(rest.iter());
            parts.push(part.len());
            rest = &rest[part.len()..];
        }
        assert_eq!(parts, [3, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn all_that_is_said_of_one_event_fits() {
        let size = Size::of(MOST_BYTES);
        for signers in 1..=255 {
            let said = (2 * signers + 1) * size.most_report_bytes(signers);
            assert!(said <= MOST, "{signers}");
        }
        // Some ten thousand observations each, among four.
        assert!(size.most_report_bytes(4) > 6 << 20);
    }
}
