//! Keccak-256 of many messages at once.
//!
//! Promises: the same hashes as the library's, which hashes one message after the other. Where the processor has wide registers,
//! they hold a word of several messages each, which takes a third to a fifth of the time; this is most of the work of checking logs.

#[cfg(target_arch = "x86_64")]
mod wide;

use alloy::primitives::{B256, keccak256};

/// Fewer are hashed as fast one after the other.
#[cfg(target_arch = "x86_64")]
const FEW: usize = 3;

/// The hashes of these messages, in their order. Messages of like length side by side take the least time.
pub(crate) fn each(messages: &[&[u8]]) -> Vec<B256> {
    #[cfg(target_arch = "x86_64")]
    if messages.len() >= FEW
        && let Some(hashes) = wide::each(messages)
    {
        return hashes;
    }
    messages.iter().map(keccak256).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn hashes_are_those_of_the_library(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..450), 0..20)
        ) {
            let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            let expected: Vec<B256> = messages.iter().map(keccak256).collect();
            prop_assert_eq!(each(&messages), expected.clone());
            #[cfg(target_arch = "x86_64")]
            for hashes in wide::by_every_machine(&messages) {
                prop_assert_eq!(hashes, expected.clone());
            }
        }

        #[test]
        fn a_message_may_end_wherever_a_block_does(ends in prop::collection::vec(130..140_usize, 1..20)) {
            let bytes = [0xa5; 300];
            let messages: Vec<&[u8]> = ends.iter().map(|end| &bytes[..*end]).collect();
            let expected: Vec<B256> = messages.iter().map(keccak256).collect();
            prop_assert_eq!(each(&messages), expected);
        }
    }
}
