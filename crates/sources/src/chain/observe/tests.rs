//! What logs of all kinds become, and that no bytes can do more than say nothing.

use std::collections::BTreeMap;

use alloy::primitives::{Address, Bloom, Bytes, LogData, keccak256};
use alloy::sol_types::SolValue;
use proptest::prelude::*;
use tocsin_domain::time::Seconds;

use super::*;
use crate::chain::{EventSettings, SequenceFrom, TimeFrom};

const BLOCK_TIME: Timestamp = Timestamp(1_678_497_500);
const PARENT: Timestamp = Timestamp(1_678_497_488);

fn source(event: &str, value: &str, decimals: u8) -> EventSource {
    EventSource::new(EventSettings {
        source: "event:eip155:1:0x00".into(),
        address: Address::ZERO,
        event: event.to_owned(),
        subject: "subject".into(),
        metric: "metric".into(),
        value: Some(value.to_owned()),
        decimals,
        only: BTreeMap::new(),
        sequence: SequenceFrom::Block,
        observed_at: TimeFrom::Block,
        from_block: 0,
    })
    .unwrap()
}

fn feed() -> EventSource {
    let event = "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)";
    let mut settings = source(event, "current", 8).settings;
    settings.sequence = SequenceFrom::Field("roundId".to_owned());
    settings.observed_at = TimeFrom::Field("updatedAt".to_owned());
    EventSource::new(settings).unwrap()
}

fn seen(source: &EventSource, topics: Vec<B256>, data: Vec<u8>) -> Observation {
    let header = BlockHeader {
        number: 17,
        hash: B256::repeat_byte(1),
        parent_hash: B256::repeat_byte(2),
        timestamp: BLOCK_TIME,
        state_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Bloom::ZERO,
    };
    let open = OpenTime {
        after: Some(PARENT),
        until: BLOCK_TIME,
    };
    let log = Log {
        address: Address::ZERO,
        data: LogData::new_unchecked(topics, data.into()),
    };
    observe(source, 1, &header, open, 3, &log, raw_hashes(&[&log])[0])
}

fn value_of(event: &str, decimals: u8, data: Vec<u8>) -> Option<Value> {
    let source = source(event, "value", decimals);
    seen(&source, vec![source.topic()], data).value
}

#[test]
fn numbers_truth_and_text_keep_their_kind() {
    let number = |text: &str| Some(Value::Decimal(text.parse().unwrap()));
    let minus_five = I256::try_from(-5).unwrap();
    assert_eq!(
        value_of("E(int256 value)", 2, minus_five.abi_encode()),
        number("-0.05")
    );
    assert_eq!(
        value_of("E(uint64 value)", 0, 7u64.abi_encode()),
        number("7")
    );
    assert_eq!(
        value_of("E(bool value)", 0, true.abi_encode()),
        Some(Value::Bool(true))
    );
    let text = ("held".to_owned(),).abi_encode_params();
    assert_eq!(
        value_of("E(string value)", 0, text),
        Some(Value::Text("held".to_owned()))
    );
}

#[test]
fn a_number_that_no_decimal_holds_is_no_value() {
    assert_eq!(
        value_of("E(uint256 value)", 18, U256::MAX.abi_encode()),
        None
    );
    assert_eq!(value_of("E(int256 value)", 0, I256::MAX.abi_encode()), None);
    // 10^-19 cannot be cut: that would be another number.
    assert_eq!(
        value_of("E(uint256 value)", 19, U256::from(1).abi_encode()),
        None
    );
}

#[test]
fn what_is_not_the_canonical_encoding_is_no_value() {
    let padded = [true.abi_encode(), vec![0]].concat();
    assert_eq!(value_of("E(bool value)", 0, padded), None);
    assert_eq!(
        value_of("E(bool value)", 0, U256::from(2).abi_encode()),
        None
    );
    assert_eq!(
        value_of("E(uint8 value)", 0, U256::from(256).abi_encode()),
        None
    );
    assert_eq!(
        value_of(
            "E(int8 value)",
            0,
            I256::try_from(-129).unwrap().abi_encode()
        ),
        None
    );
    assert!(
        value_of(
            "E(int8 value)",
            0,
            I256::try_from(-128).unwrap().abi_encode()
        )
        .is_some()
    );
    assert!(value_of("E(uint8 value)", 0, U256::from(255).abi_encode()).is_some());
    assert_eq!(value_of("E(uint8 value)", 0, Vec::new()), None);
}

#[test]
fn the_raw_hash_is_that_of_address_topics_and_data() {
    let (topic, data) = (B256::repeat_byte(9), vec![1, 2, 3]);
    let Provenance::Chain(place) = seen(&feed(), vec![topic], data.clone()).provenance else {
        panic!("not from a chain")
    };
    // abi.encode(address, bytes32[], bytes): three heads, then the two tails, all by hand.
    let word = |number: u64| U256::from(number).to_be_bytes::<32>().to_vec();
    let padded_data = [data, vec![0; 29]].concat();
    let by_hand = [
        word(0),
        word(96),
        word(160),
        word(1),
        topic.to_vec(),
        word(3),
        padded_data,
    ]
    .concat();
    assert_eq!(place.raw_hash, keccak256(by_hand));
    assert_eq!(
        (place.block, place.log_index, place.chain_id),
        (17, Some(3), 1)
    );
}

proptest! {
    #[test]
    fn a_round_is_read_as_it_was_written(
        answer in any::<i128>(),
        round in any::<[u64; 4]>().prop_map(U256::from_limbs),
        offset in -30i64..30,
    ) {
        let updated_at = BLOCK_TIME + Seconds(offset);
        let answer = I256::try_from(answer).unwrap();
        let source = feed();
        let topics = vec![source.topic(), answer.into_raw().into(), round.into()];
        let data = U256::try_from(updated_at.0).unwrap().abi_encode();
        let observation = seen(&source, topics, data);
        if PARENT < updated_at && updated_at <= BLOCK_TIME {
            prop_assert_eq!(observation.observed_at, updated_at);
            prop_assert_eq!(observation.sequence, Sequence(round));
            let expected = Decimal::from_scaled(answer, 8).map(Value::Decimal);
            prop_assert_eq!(observation.value, expected);
        } else {
            prop_assert_eq!(observation.observed_at, BLOCK_TIME);
            prop_assert_eq!(observation.sequence, Sequence((U256::from(17) << 64) + U256::from(3)));
            prop_assert_eq!(observation.value, None);
        }
    }

    #[test]
    fn no_bytes_make_more_than_an_observation_in_the_blocks_open_time(
        topics in prop::collection::vec(any::<[u8; 32]>().prop_map(B256::from), 0..5),
        signed in any::<bool>(),
        data in prop::collection::vec(any::<u8>(), 0..200),
        event in prop::sample::select(vec![
            "E(int256 value)",
            "E(uint8 indexed value, string note)",
            "E(string value, bytes[] more, (uint8,string) pair)",
            "E(bool value, string indexed note)",
            "E(int8 value, address[2] indexed pair, function() f)",
        ]),
    ) {
        // A declaration that cannot be used is refused, which is tested elsewhere.
        let settings = EventSettings { event: event.to_owned(), value: Some("value".to_owned()), ..feed_block_settings() };
        if let Ok(source) = EventSource::new(settings) {
            let mut topics = topics;
            if signed && !topics.is_empty() {
                topics[0] = source.topic();
            }
            let observation = seen(&source, topics, Bytes::from(data).to_vec());
            prop_assert_eq!(observation.observed_at, BLOCK_TIME);
        }
    }
}

/// A log of address zero with these topics after the signature's.
fn log(source: &EventSource, topics: &[B256], data: Vec<u8>) -> Log {
    let all = [&[source.topic()], topics].concat();
    Log {
        address: Address::ZERO,
        data: LogData::new_unchecked(all, data.into()),
    }
}

#[test]
fn an_event_without_a_value_counts_by_being_there() {
    let mut settings = feed_block_settings();
    settings.event = "Paused(address account)".to_owned();
    settings.value = None;
    let source = EventSource::new(settings).unwrap();
    let seen = seen(
        &source,
        vec![source.topic()],
        Address::repeat_byte(9).abi_encode(),
    );
    assert_eq!((seen.observed_at, seen.value), (BLOCK_TIME, None));
}

#[test]
fn only_logs_with_the_given_words_are_read() {
    let mut settings = feed_block_settings();
    settings.event =
        "E(bytes32 indexed role, string note, uint256[2] pair, address to, uint256 value)"
            .to_owned();
    settings.only = BTreeMap::from([
        ("role".to_owned(), format!("0x{}", "00".repeat(32))),
        ("to".to_owned(), Address::repeat_byte(9).to_string()),
    ]);
    let source = EventSource::new(settings).unwrap();
    let data =
        |to: Address| ("note".to_owned(), [U256::ZERO; 2], to, U256::from(1)).abi_encode_params();
    let (ours, other) = (data(Address::repeat_byte(9)), data(Address::repeat_byte(8)));
    assert!(source.reads(1, &log(&source, &[B256::ZERO], ours.clone())));
    assert!(!source.reads(1, &log(&source, &[B256::ZERO], other)));
    assert!(!source.reads(1, &log(&source, &[B256::repeat_byte(1)], ours.clone())));
    assert!(!source.reads(1, &log(&source, &[B256::ZERO], ours[..3 * 32].to_vec())));
    assert!(!source.reads(1, &log(&source, &[], ours)));
}

proptest! {
    #[test]
    fn words_are_read_as_the_decoder_reads_them(
        words in prop::collection::vec(word(), 0..7),
        indexed in 0..5usize,
        extra in prop::sample::select(vec![0, 0, 0, 0, 1, 31]),
        event in prop::sample::select(vec![
            "E(int256 value)",
            "E(uint8 indexed value, bool other)",
            "E(bool value, address indexed who, address other)",
            "E(address indexed a, address indexed b, int24 indexed c, uint256 value)",
            "E(int8 value, int8 indexed other, bool indexed flag)",
        ]),
    ) {
        let settings = EventSettings { event: event.to_owned(), ..feed_block_settings() };
        let quick = EventSource::new(settings).unwrap();
        prop_assert!(quick.layout.is_some());
        let mut slow = quick.clone();
        slow.layout = None;
        let (topics, data) = words.split_at(indexed.min(words.len()));
        let topics = [&[quick.topic()], topics].concat();
        prop_assume!(topics.len() <= 4);
        let mut data = data.concat();
        data.extend(vec![0; extra]);
        prop_assert_eq!(seen(&quick, topics.clone(), data.clone()), seen(&slow, topics, data));
    }
}

/// Mostly one that fits a small type, or an address.
fn word() -> impl Strategy<Value = B256> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(B256::from),
        (0..3u64).prop_map(|small| U256::from(small).into()),
        (-200..200i64).prop_map(|small| I256::try_from(small).unwrap().into_raw().into()),
        any::<[u8; 20]>().prop_map(|address| Address::from(address).into_word()),
    ]
}

fn feed_block_settings() -> EventSettings {
    source("E(int256 value)", "value", 0).settings
}
