//! Whose turn it is, and how far rounds may have come.
//!
//! Each round of an event belongs to one attestor: the first proposes the rounds 1, n + 1, 2n + 1 …, the next one 2, n + 2 …
//! And rounds rise no faster than time: so nobody can use them up, and who proposes only to disturb has to leave time to the
//! others.

use core::time::Duration;

use alloy_primitives::U256;
use tocsin_domain::ids::EventKey;
use tocsin_domain::time::Timestamp;

/// How many rounds each attestor has at once.
const AT_ONCE: u64 = 8;

/// How many seconds make one round more for each.
const SECONDS_PER_ROUND: u64 = 4;

/// How late an attestor is to propose: 0 proposes first. Ranks go round, so that each attestor is first for its share of
/// events.
pub fn rank(index: u8, event: EventKey, signers: usize) -> u32 {
    let signers = U256::from(signers.max(1));
    let first = U256::from_be_bytes(event.0.0) % signers;
    let rank = (U256::from(index) + signers - first) % signers;
    // Below 255.
    u32::try_from(rank).unwrap_or(u32::MAX)
}

/// How often it has been the turn of the attestor of this rank to propose what has waited so long. Turns go round and each takes
/// as long as `turn`, so that one begins for one attestor at a time: two that propose at once only keep each other from a
/// result. Who was busy uses its turn late.
pub fn turns_begun(waited: Duration, turn: Duration, rank: u32, signers: usize) -> u64 {
    let signers = u128::try_from(signers.max(1)).unwrap_or(u128::MAX);
    let turns = waited.as_nanos() / turn.as_nanos().max(1);
    let begun = turns
        .saturating_add(signers)
        .saturating_sub(u128::from(rank))
        / signers;
    u64::try_from(begun).unwrap_or(u64::MAX)
}

/// Whether a round belongs to the attestor of this rank.
pub(crate) fn is_turn(round: u32, rank: u32, signers: usize) -> bool {
    let signers = u32::try_from(signers.max(1)).unwrap_or(u32::MAX);
    round
        .checked_sub(1)
        .is_some_and(|before| before % signers == rank)
}

/// The first round after `round` that belongs to the attestor of this rank.
pub fn next_turn(round: u32, rank: u32, signers: usize) -> Option<u32> {
    let signers = u32::try_from(signers.max(1)).unwrap_or(u32::MAX);
    let next = round.checked_add(1)?;
    let ahead = (rank + signers - (next - 1) % signers) % signers;
    next.checked_add(ahead)
}

/// The last round that an event may have come to, for who has determined it then.
pub(crate) fn last_round(determined_at: Timestamp, now: Timestamp, signers: usize) -> u32 {
    let waited = now.0.saturating_sub(determined_at.0);
    let waited = u64::try_from(waited).unwrap_or(0);
    let each = AT_ONCE.saturating_add(waited / SECONDS_PER_ROUND);
    let all = each.saturating_mul(u64::try_from(signers).unwrap_or(u64::MAX));
    u32::try_from(all).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

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

    /// However long an event waits, a turn begins for one attestor at a time.
    #[test]
    fn turns_begin_one_at_a_time() {
        let turn = Duration::from_secs(20);
        let begun = |waited: u64| -> u64 {
            let waited = Duration::from_secs(waited);
            (0..4).map(|rank| turns_begun(waited, turn, rank, 4)).sum()
        };
        for waited in 0..1_000 {
            assert_eq!(begun(waited), waited / 20 + 1, "{waited}");
        }
        let of = |waited, rank| turns_begun(Duration::from_secs(waited), turn, rank, 4);
        assert_eq!([of(0, 0), of(79, 0), of(80, 0)], [1, 1, 2]);
        assert_eq!([of(59, 3), of(60, 3), of(140, 3)], [0, 1, 2]);
    }

    #[test]
    fn every_round_belongs_to_one_attestor() {
        for round in 1..50 {
            let owners = (0..4).filter(|rank| is_turn(round, *rank, 4));
            assert_eq!(owners.count(), 1, "{round}");
            for rank in 0..4 {
                let next = next_turn(round, rank, 4).unwrap();
                assert!(is_turn(next, rank, 4) && next > round && next <= round + 4);
            }
        }
        assert_eq!(next_turn(u32::MAX, 0, 4), None);
        assert!(!is_turn(0, 0, 4));
    }

    /// Whoever takes the highest round that it may has nothing left until the others have had a turn.
    #[test]
    fn rounds_rise_no_faster_than_time() {
        let (determined, century) = (Timestamp(1_700_000_000), 100 * 365 * 86_400);
        let first = last_round(determined, determined, 4);
        assert_eq!(first, 32);
        assert_eq!(last_round(determined, Timestamp(determined.0 + 3), 4), 32);
        assert_eq!(last_round(determined, Timestamp(determined.0 + 4), 4), 36);
        assert_eq!(last_round(determined, Timestamp(determined.0 - 9), 4), 32);
        assert!(last_round(determined, Timestamp(determined.0 + century), 4) < u32::MAX);
    }
}
