//! What fits into one message. Whatever is too much for one is sent in parts, and one event with all that can be said of it
//! always fits.

use serde::Serialize;

use crate::server::MAX_BODY;

/// The most bytes of what one message is about. The rest of [`MAX_BODY`] is for what surrounds it.
const MOST: usize = MAX_BODY - (1 << 20);

/// The most bytes of one report among `signers` attestors. What an attestor answers about one event holds its own report, and
/// those of all with what it is locked to and with what it has seen decided.
pub(crate) fn most_report_bytes(signers: usize) -> usize {
    let reports = signers.saturating_mul(2).saturating_add(2);
    tocsin_domain::quorum::MAX_REPORT_BYTES.min(MOST / reports)
}

/// Counts what goes into a message.
#[derive(Debug, Default)]
pub(crate) struct Room {
    used: usize,
    begun: bool,
}

impl Room {
    /// Whether this goes in too, as JSON; the first always does.
    pub(crate) fn takes<T: Serialize>(&mut self, what: &T) -> bool {
        let bytes = serde_json::to_vec(what).map_or(usize::MAX, |json| json.len());
        let used = self.used.saturating_add(bytes);
        if self.begun && used > MOST {
            return false;
        }
        (self.used, self.begun) = (used, true);
        true
    }
}

/// As many of `items`, in their order, as fit into one message.
pub(crate) fn first_part<T: Serialize>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut room = Room::default();
    items.take_while(|item| room.takes(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text whose JSON has this many bytes.
    fn text(bytes: usize) -> String {
        "x".repeat(bytes - 2)
    }

    #[test]
    fn everything_is_sent_in_parts_that_fit() {
        let third = MOST / 3;
        let items = [third, third, third, 10, MOST, 10, MAX_BODY, 10].map(text);
        let mut parts = Vec::new();
        let mut rest = &items[..];
        while !rest.is_empty() {
            let part = first_part(rest.iter());
            parts.push(part.len());
            rest = &rest[part.len()..];
        }
        assert_eq!(parts, [3, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn all_that_is_said_of_one_event_fits() {
        for signers in 1..=255 {
            let said = (2 * signers + 1) * most_report_bytes(signers);
            assert!(said <= MOST, "{signers}");
        }
        // Some ten thousand observations each, among four.
        assert!(most_report_bytes(4) > 6 << 20);
    }
}
