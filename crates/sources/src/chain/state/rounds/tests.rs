//! Rounds of several aggregators become one feed.

use alloy::primitives::{Bloom, I256, LogData};
use alloy::sol_types::SolValue;
use tocsin_domain::time::Timestamp;

use super::*;

const BLOCK_TIME: Timestamp = Timestamp(1_700_000_000);

fn phase(phase: u16, from_block: u64) -> PhaseSettings {
    PhaseSettings {
        phase,
        aggregator: Address::repeat_byte(u8::try_from(phase).unwrap()),
        from_block,
    }
}

fn settings() -> RoundsSettings {
    RoundsSettings {
        source: "chainlink:eip155:1:0x8fff".into(),
        subject: "subject".into(),
        metric: "price".into(),
        decimals: 8,
        aggregators: vec![phase(3, 100), phase(4, 200)],
        limits: AnswerLimits {
            min: Some(I256::ONE),
            max: Some(I256::try_from(1_000_000_000).unwrap()),
        },
    }
}

/// What the feed makes of a round of an aggregator at a block.
fn seen(aggregator: u8, block: u64, round: U256, answer: i64) -> Option<Observation> {
    let source = RoundsSource::new(settings()).unwrap();
    let header = BlockHeader {
        number: block,
        hash: B256::repeat_byte(1),
        parent_hash: B256::repeat_byte(2),
        timestamp: BLOCK_TIME,
        state_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Bloom::ZERO,
    };
    let open = OpenTime {
        after: Some(Timestamp(BLOCK_TIME.0 - 12)),
        until: BLOCK_TIME,
    };
    let (_, topic) = source.logs().next().unwrap();
    let answer = B256::from(I256::try_from(answer).unwrap().into_raw());
    let updated_at = U256::try_from(BLOCK_TIME.0 - 1).unwrap();
    let log = Log {
        address: Address::repeat_byte(aggregator),
        data: LogData::new_unchecked(
            vec![topic, answer, B256::from(round)],
            updated_at.abi_encode().into(),
        ),
    };
    source.observe(1, &header, open, 5, &log, B256::ZERO)
}

#[test]
fn each_phase_counts_from_its_block_until_the_next_ones() {
    let sequence = |aggregator, block| {
        seen(aggregator, block, U256::from(9), 50).map(|seen| {
            assert_eq!(seen.observed_at, Timestamp(BLOCK_TIME.0 - 1));
            assert_eq!(
                seen.value,
                Some(Value::Decimal("0.0000005".parse().unwrap()))
            );
            seen.sequence
        })
    };
    let of_phase = |phase: u64| Some(Sequence((U256::from(phase) << 64) | U256::from(9)));
    assert_eq!(sequence(3, 99), None);
    assert_eq!(sequence(3, 100), of_phase(3));
    assert_eq!(sequence(3, 199), of_phase(3));
    assert_eq!(sequence(3, 200), None, "the proxy points elsewhere by then");
    assert_eq!(sequence(4, 199), None);
    assert_eq!(sequence(4, 200), of_phase(4));
    assert_eq!(sequence(5, 200), None);
    assert_eq!(RoundsSource::new(settings()).unwrap().from_block(), 100);
}

#[test]
fn a_round_that_cannot_be_a_price_is_one_without_value_in_the_place_of_its_log() {
    let wide = U256::ONE << 64usize;
    for (round, answer) in [
        (U256::ONE, 0),
        (U256::ONE, -5),
        (U256::ONE, 1),
        (U256::ONE, 1_000_000_000),
        (wide, 50),
    ] {
        let seen = seen(3, 150, round, answer).unwrap();
        assert_eq!(
            (seen.value, seen.observed_at),
            (None, BLOCK_TIME),
            "{answer}"
        );
        assert_eq!(seen.sequence, place_in_chain(150, Some(5)));
    }
}

#[test]
fn phases_out_of_order_are_refused_with_the_remedy() {
    let refusal = |change: &dyn Fn(&mut RoundsSettings)| {
        let mut settings = settings();
        change(&mut settings);
        RoundsSource::new(settings).unwrap_err().to_string()
    };
    for (refused, reason) in [
        (
            refusal(&|s| s.aggregators.clear()),
            "ask the proxy for phaseId()",
        ),
        (
            refusal(&|s| s.aggregators.reverse()),
            "phase 3 from block 100 is listed after phase 4",
        ),
        (
            refusal(&|s| s.aggregators[1].from_block = 100),
            "each beginning later than the one before",
        ),
        (
            refusal(&|s| s.limits.max = Some(I256::ZERO)),
            "`min_answer` is 1 and `max_answer` 0",
        ),
        (
            refusal(&|s| {
                s.decimals = 19;
                s.limits.max = None;
            }),
            "`min_answer` is 1, which no answer with 19 decimals is",
        ),
    ] {
        assert!(refused.contains(reason), "{refused}");
    }
}
