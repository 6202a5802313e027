//! Which observations are evidence, and how each is committed to.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{B256, I256, U256, keccak256};
use alloy_sol_types::SolValue;
use proptest::prelude::*;
use tocsin_domain::evidence::{self, EvidenceError, EvidenceLeaf, Extent, merkle};
use tocsin_domain::observation::{ChainPosition, Observation, Provenance, Sequence};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

fn stream(name: &str) -> Stream {
    Stream {
        source: "feed:test".into(),
        subject: name.into(),
        metric: "price".into(),
    }
}

fn row(name: &str, at: i64, sequence: u64) -> Observation {
    let Stream {
        source,
        subject,
        metric,
    } = stream(name);
    Observation {
        source,
        subject,
        metric,
        observed_at: Timestamp(at),
        sequence: Sequence(U256::from(sequence)),
        value: None,
        provenance: Provenance::Raw { hash: B256::ZERO },
    }
}

fn extent(after: i64, until: i64) -> Extent {
    Extent {
        after: Timestamp(after),
        until: Timestamp(until),
    }
}

fn select(rows: &[Observation], occurred: i64, confirmed: i64) -> Vec<(String, i64, u64)> {
    let streams = [stream("a"), stream("b")];
    evidence::select(&streams, rows, extent(occurred, confirmed))
        .unwrap()
        .into_iter()
        .map(|row| {
            (
                row.subject.to_string(),
                row.observed_at.0,
                row.sequence.0.to::<u64>(),
            )
        })
        .collect()
}

fn named(rows: &[(&str, i64, u64)]) -> Vec<(String, i64, u64)> {
    rows.iter()
        .map(|(name, at, sequence)| ((*name).to_owned(), *at, *sequence))
        .collect()
}

#[test]
fn evidence_reaches_from_what_was_in_force_at_the_loss_to_its_confirmation() {
    let rows = [
        row("b", 30, 1),
        row("a", 10, 1),
        row("a", 20, 2),
        row("b", 10, 1),
        row("b", 19, 2),
        row("c", 25, 1),
        row("a", 25, 3),
        row("a", 25, 3),
        row("a", 31, 4),
    ];
    let expected = named(&[("b", 19, 2), ("a", 20, 2), ("a", 25, 3), ("b", 30, 1)]);
    assert_eq!(select(&rows, 20, 30), expected);
}

#[test]
fn of_the_second_of_the_loss_the_last_observation_is_carried_in_alone() {
    let rows = [
        row("a", 20, 3),
        row("a", 20, 1),
        row("a", 20, 2),
        row("a", 21, 4),
        row("a", 21, 5),
    ];
    assert_eq!(
        select(&rows, 20, 30),
        named(&[("a", 20, 3), ("a", 21, 4), ("a", 21, 5)])
    );
}

#[test]
fn an_input_that_was_not_observed_before_the_loss_carries_nothing_in() {
    assert_eq!(
        select(&[row("a", 20, 1), row("b", 21, 1)], 20, 30),
        named(&[("a", 20, 1), ("b", 21, 1)])
    );
    assert_eq!(select(&[row("b", 31, 1)], 20, 30), []);
}

#[test]
fn a_stream_that_two_inputs_read_is_evidence_once() {
    let streams = [stream("a"), stream("a")];
    let rows = [row("a", 20, 1), row("a", 25, 2)];
    let selected = evidence::select(&streams, &rows, extent(20, 30)).unwrap();
    assert_eq!(selected, rows);
}

#[test]
fn two_values_for_one_place_are_no_evidence() {
    let other = Observation {
        value: Some(Value::Bool(true)),
        ..row("a", 25, 1)
    };
    let streams = [stream("a")];
    let rows = [row("a", 25, 1), other];
    let error = evidence::select(&streams, &rows, extent(20, 30)).unwrap_err();
    assert!(matches!(
        error,
        EvidenceError::Contradiction {
            observed_at: Timestamp(25),
            ..
        }
    ));
}

/// From the design's sentence, in the plainest way: sort, and look for each row whether it belongs.
fn plainly(rows: &[Observation], occurred: i64, confirmed: i64) -> Vec<(String, i64, u64)> {
    let mut all: Vec<(i64, String, u64)> = rows
        .iter()
        .filter(|row| row.subject.as_str() != "c")
        .map(|row| {
            (
                row.observed_at.0,
                row.subject.as_str().to_owned(),
                row.sequence.0.to::<u64>(),
            )
        })
        .collect();
    all.sort();
    all.dedup();
    let is_last_before = |(at, name, sequence): &(i64, String, u64)| {
        *at <= occurred
            && !all.iter().any(|(other_at, other, other_sequence)| {
                other == name
                    && *other_at <= occurred
                    && (other_at, other_sequence) > (at, sequence)
            })
    };
    all.iter()
        .filter(|row| (occurred < row.0 && row.0 <= confirmed) || is_last_before(row))
        .map(|(at, name, sequence)| (name.clone(), *at, *sequence))
        .collect()
}

proptest! {
    #[test]
    fn selection_is_what_the_design_says(
        rows in prop::collection::vec(("[abc]", 0i64..20, 0u64..4), 0..40),
        occurred in 0i64..20,
        lasts in 0i64..10,
    ) {
        let rows: Vec<Observation> =
            rows.iter().map(|(name, at, sequence)| row(name, *at, *sequence)).collect();
        prop_assert_eq!(
            select(&rows, occurred, occurred + lasts),
            plainly(&rows, occurred, occurred + lasts)
        );
        // What was selected selects itself, so that a bundle can be checked.
        let streams = [stream("a"), stream("b")];
        let times = (Timestamp(occurred), Timestamp(occurred + lasts));
        let once = evidence::select(&streams, &rows, extent(times.0.0, times.1.0)).unwrap();
        prop_assert_eq!(&evidence::select(&streams, &once, extent(times.0.0, times.1.0)).unwrap(), &once);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_observation_can_be_proved_alone(count in 0usize..40) {
        let rows: Vec<Observation> =
            (0..count).map(|n| row("a", i64::try_from(n).unwrap(), 0)).collect();
        let (root, committed) = evidence::commit(&rows).unwrap();
        prop_assert_eq!(usize::try_from(committed).unwrap(), count);
        let tree = evidence::tree(&rows).unwrap();
        for (index, row) in rows.iter().enumerate() {
            let leaf = EvidenceLeaf::of(u32::try_from(index).unwrap(), row).hash();
            prop_assert!(merkle::verify(root, leaf, &tree.proof(index).unwrap()));
        }
    }
}

#[test]
fn the_confirming_block_is_that_of_the_last_observation_until_the_confirmation() {
    let place = ChainPosition {
        chain_id: 1,
        block: 2,
        block_hash: B256::repeat_byte(3),
        log_index: Some(4),
        raw_hash: B256::repeat_byte(5),
    };
    let on_chain = Observation {
        provenance: Provenance::Chain(place),
        ..row("a", 1, 1)
    };
    let confirmed_on = |rows: &[Observation]| evidence::confirmed_on(rows, Timestamp(2));
    assert_eq!(
        confirmed_on(&[row("b", 0, 1), on_chain.clone()]),
        Some(place)
    );
    assert_eq!(confirmed_on(&[on_chain.clone(), row("b", 2, 1)]), None);
    // What settled the payout later did not confirm it.
    assert_eq!(confirmed_on(&[on_chain, row("b", 3, 1)]), Some(place));
    assert_eq!(confirmed_on(&[row("b", 3, 1)]), None);
    assert_eq!(confirmed_on(&[]), None);
    assert_eq!(evidence::commit(&[]), Some((B256::ZERO, 0)));
}

#[test]
fn a_leaf_is_the_encoding_of_the_design() {
    let sequence = (U256::ONE << 64) + U256::from(859);
    let observation = Observation {
        source: "chainlink:eip155:1:0x8fff".into(),
        subject: "eip155:1/erc20:0xa0b8".into(),
        metric: "price".into(),
        observed_at: Timestamp(1_678_497_491),
        sequence: Sequence(sequence),
        value: Some(Value::Decimal("0.99209183".parse().unwrap())),
        provenance: Provenance::Chain(ChainPosition {
            chain_id: 1,
            block: 16_800_000,
            block_hash: B256::repeat_byte(1),
            log_index: None,
            raw_hash: B256::repeat_byte(2),
        }),
    };
    // The tuple of the design, encoded by hand: eleven words.
    let words: Vec<U256> = vec![
        U256::from(6),
        keccak256("chainlink:eip155:1:0x8fff").into(),
        keccak256("eip155:1/erc20:0xa0b8").into(),
        keccak256("price").into(),
        U256::from(992_091_830_000_000_000u64),
        U256::from(1_678_497_491),
        sequence,
        U256::from(1),
        U256::from(16_800_000),
        B256::repeat_byte(1).into(),
        B256::repeat_byte(2).into(),
    ];
    let encoded: Vec<u8> = words
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect();
    let leaf = EvidenceLeaf::of(6, &observation);
    assert_eq!(leaf.abi_encode(), encoded);
    assert_eq!(leaf.hash(), keccak256(keccak256(encoded)));
}

#[test]
fn values_of_every_type_have_their_number() {
    let units = |value| {
        EvidenceLeaf::of(
            0,
            &Observation {
                value,
                ..row("a", 1, 1)
            },
        )
        .value
    };
    let whole =
        |number: i64| I256::try_from(i128::from(number) * 1_000_000_000_000_000_000).unwrap();
    assert_eq!(units(None), I256::MIN);
    assert_eq!(units(Some(Value::Bool(false))), I256::ZERO);
    assert_eq!(units(Some(Value::Bool(true))), whole(1));
    assert_eq!(units(Some(Value::Duration(Seconds(2700)))), whole(2700));
    assert_eq!(units(Some(Value::Duration(Seconds(-60)))), whole(-60));
    assert_eq!(
        units(Some(Value::Duration(Seconds(i64::MIN)))),
        whole(i64::MIN)
    );
    assert_eq!(
        units(Some(Value::Time(Timestamp(1_678_497_491)))),
        whole(1_678_497_491)
    );
    let hash = keccak256("cancelled");
    assert_eq!(
        units(Some(Value::Text("cancelled".to_owned()))),
        I256::from_raw(hash.into())
    );
}

#[test]
fn a_feed_observation_has_its_raw_hash_and_no_block() {
    let raw = Observation {
        provenance: Provenance::Raw {
            hash: B256::repeat_byte(7),
        },
        ..row("a", 1, 1)
    };
    let leaf = EvidenceLeaf::of(0, &raw);
    assert_eq!(
        (leaf.chainId, leaf.block, leaf.blockHash),
        (0, 0, B256::ZERO)
    );
    assert_eq!(leaf.rawHash, B256::repeat_byte(7));
}
