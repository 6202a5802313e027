//! What the operator of a node decides. All nodes of a quorum need the same `hold` and `valid_for`.

use core::time::Duration;
use std::collections::BTreeMap;

use alloy_primitives::Address;
use tocsin_domain::time::Seconds;
use url::Url;

/// The settings of a node of a quorum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where the other attestors are, by the addresses of their keys.
    pub peers: BTreeMap<Address, Url>,
    /// From signing to first use.
    pub hold: Seconds,
    /// From signing to last use.
    pub valid_for: Seconds,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long to wait for the rest once a quorum has answered.
    pub patience: Duration,
    /// How much later than the one before it each attestor proposes, if nothing has come of it.
    pub takeover: Duration,
    /// How far the clocks of two attestors may be apart, together with the time that a message takes.
    pub clock_tolerance: Seconds,
}

/// How late an attestor is to propose: 0 proposes first. Ranks go round, so that each attestor is first for its share of
/// events.
pub fn rank(index: u8, event: tocsin_domain::ids::EventKey, signers: usize) -> u32 {
    let signers = alloy_primitives::U256::from(signers.max(1));
    let first = alloy_primitives::U256::from_be_bytes(event.0.0) % signers;
    let rank = (alloy_primitives::U256::from(index) + signers - first) % signers;
    // Below 255.
    u32::try_from(rank).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use tocsin_domain::ids::EventKey;

    use super::*;

    #[test]
    fn every_event_has_one_attestor_of_each_rank() {
        for event in 0..=20_u8 {
            let event = EventKey(B256::repeat_byte(event));
            let mut ranks: Vec<u32> = (0..7).map(|index| rank(index, event, 7)).collect();
            ranks.sort_unstable();
            assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6]);
        }
    }
}
