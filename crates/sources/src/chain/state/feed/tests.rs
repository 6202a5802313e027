//! Which rounds can be used, and which of them are news.

use alloy::primitives::{Address, Bytes};

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000);
const OPEN: OpenTime = OpenTime {
    after: Some(Timestamp(1_700_000_000 - 12)),
    until: NOW,
};
const HEARTBEAT: i64 = 3_600;
const GRACE: i64 = 600;

fn settings() -> FeedSettings {
    FeedSettings {
        proxy: Address::repeat_byte(1),
        decimals: 8,
        heartbeat: Seconds(HEARTBEAT),
        limits: AnswerLimits {
            min: Some(I256::try_from(100).unwrap()),
            max: Some(I256::try_from(1_000).unwrap()),
        },
        sequencer: None,
    }
}

fn on_rollup() -> FeedPlan {
    let sequencer = SequencerSettings {
        address: Address::repeat_byte(2),
        grace: Seconds(GRACE),
    };
    FeedPlan::check(&FeedSettings {
        sequencer: Some(sequencer),
        ..settings()
    })
    .unwrap()
}

fn plan() -> FeedPlan {
    FeedPlan::check(&settings()).unwrap()
}

fn ago(seconds: i64) -> U256 {
    U256::try_from(NOW.0 - seconds).unwrap()
}

fn answer(words: [U256; 5]) -> Outcome {
    let bytes: Vec<u8> = words.iter().flat_map(U256::to_be_bytes::<32>).collect();
    Outcome::Returned(bytes.into())
}

/// A round of phase 2.
fn round(number: u64, answered: i64, updated_at: U256) -> [U256; 5] {
    let id = (U256::from(2) << 64) | U256::from(number);
    let answered = I256::try_from(answered).unwrap().into_raw();
    [id, answered, updated_at, updated_at, id]
}

fn judged(words: [U256; 5]) -> Result<Round, NoPrice> {
    plan().round(Some(&answer(words)), None, NOW)
}

#[test]
fn a_round_is_used_unless_something_is_wrong_with_it() {
    let good = round(7, 500, ago(5));
    assert!(judged(good).is_ok());
    let with = |place: usize, word: U256| {
        let mut words = good;
        words[place] = word;
        judged(words).err()
    };
    let minus_one = U256::MAX;
    assert_eq!(with(1, U256::ZERO), Some(NoPrice::NotPositive));
    assert_eq!(with(1, minus_one), Some(NoPrice::NotPositive));
    assert_eq!(with(3, U256::ZERO), Some(NoPrice::NeverUpdated));
    assert_eq!(with(3, ago(-1)), Some(NoPrice::FromTheFuture));
    assert_eq!(with(3, U256::MAX), Some(NoPrice::FromTheFuture));
    assert_eq!(with(3, ago(0)), None);
    assert_eq!(with(3, ago(HEARTBEAT)), None);
    assert_eq!(with(3, ago(HEARTBEAT + 1)), Some(NoPrice::TooOld));
    assert_eq!(with(4, good[0] - U256::ONE), Some(NoPrice::CarriedOver));
    assert_eq!(with(0, U256::ONE << 80usize), Some(NoPrice::OtherShape));
    for (answered, expected) in [
        (100, Some(NoPrice::AtLimit)),
        (101, None),
        (999, None),
        (1_000, Some(NoPrice::AtLimit)),
    ] {
        assert_eq!(with(1, U256::from(answered)), expected, "{answered}");
    }
    let plan = plan();
    let of = |outcome: &Outcome| plan.round(Some(outcome), None, NOW).err();
    assert_eq!(of(&Outcome::NoCode), Some(NoPrice::NoCode));
    assert_eq!(of(&Outcome::Reverted(Bytes::new())), Some(NoPrice::Reverts));
    for length in [0, 159, 161, 192] {
        assert_eq!(
            of(&Outcome::Returned(vec![0; length].into())),
            Some(NoPrice::OtherShape)
        );
    }
}

#[test]
fn on_a_rollup_a_price_counts_only_while_the_sequencer_is_known_to_be_up_long_enough() {
    let price = answer(round(7, 500, ago(5)));
    let judged =
        |sequencer: Option<&Outcome>| on_rollup().round(Some(&price), sequencer, NOW).err();
    let status = |status: u64, since: U256| {
        judged(Some(&answer([
            U256::ONE,
            U256::from(status),
            since,
            since,
            U256::ONE,
        ])))
    };
    assert_eq!(status(0, ago(GRACE + 1)), None);
    assert_eq!(status(0, ago(GRACE)), Some(NoPrice::SequencerStarting));
    assert_eq!(status(0, ago(0)), Some(NoPrice::SequencerStarting));
    assert_eq!(status(1, ago(9_999)), Some(NoPrice::SequencerDown));
    assert_eq!(status(2, ago(9_999)), Some(NoPrice::SequencerUnclear));
    assert_eq!(status(0, U256::ZERO), Some(NoPrice::SequencerUnclear));
    assert_eq!(status(0, ago(-1)), Some(NoPrice::SequencerUnclear));
    for outcome in [
        Outcome::NoCode,
        Outcome::Reverted(Bytes::new()),
        Outcome::Returned(Bytes::new()),
    ] {
        assert_eq!(judged(Some(&outcome)), Some(NoPrice::SequencerUnclear));
    }
    assert_eq!(judged(None), Some(NoPrice::SequencerUnclear));
}

#[test]
fn a_round_is_news_once_and_has_its_own_time_where_that_is_open() {
    let plan = plan();
    let news = |before: Option<Result<Round, NoPrice>>, now| plan.news(OPEN, before, now);
    let old = judged(round(6, 400, ago(100)));
    let young = judged(round(7, 500, ago(5)));
    let late = judged(round(7, 500, ago(12)));
    assert_eq!(news(Some(young), young), None);
    assert_eq!(news(Some(Err(NoPrice::TooOld)), Err(NoPrice::TooOld)), None);

    let seen = news(Some(old), young).unwrap();
    assert_eq!(seen.observed_at, Timestamp(NOW.0 - 5));
    assert_eq!(seen.sequence, Some(Sequence(round(7, 0, U256::ZERO)[0])));
    assert_eq!(seen.value, Ok(Value::Decimal("0.000005".parse().unwrap())));
    // The time before is closed.
    assert_eq!(news(Some(old), late).unwrap().observed_at, NOW);
    // The first reading of all, and one after a silence.
    assert_eq!(news(None, old).unwrap().observed_at, NOW);
    let back = news(Some(Err(NoPrice::SequencerDown)), old).unwrap();
    assert_eq!((back.observed_at, back.value.is_ok()), (NOW, true));

    let gone = news(Some(old), Err(NoPrice::TooOld)).unwrap();
    assert_eq!((gone.observed_at, gone.sequence), (NOW, None));
    assert!(gone.value.unwrap_err().contains("older than the heartbeat"));
    let rewritten = judged(round(6, 401, ago(100)));
    for (before, now) in [(old, rewritten), (young, old)] {
        let seen = news(Some(before), now).unwrap();
        assert!(seen.value.is_err() && seen.sequence.is_none(), "{now:?}");
    }
}

#[test]
fn settings_that_do_not_fit_are_refused_with_the_remedy() {
    let refusal = |change: &dyn Fn(&mut FeedSettings)| {
        let mut settings = settings();
        change(&mut settings);
        FeedPlan::check(&settings).unwrap_err()
    };
    let sequencer = |address: u8, grace| {
        Some(SequencerSettings {
            address: Address::repeat_byte(address),
            grace: Seconds(grace),
        })
    };
    for (refused, reason) in [
        (refusal(&|s| s.decimals = 78), "`decimals` is 78"),
        (
            refusal(&|s| s.heartbeat = Seconds(0)),
            "`heartbeat` is not positive",
        ),
        (
            refusal(&|s| s.limits.min = s.limits.max),
            "`min_answer` is 1000",
        ),
        (
            refusal(&|s| s.sequencer = sequencer(2, -1)),
            "`sequencer.grace` is negative",
        ),
        (
            refusal(&|s| s.sequencer = sequencer(1, 1)),
            "`sequencer.address` is the feed itself",
        ),
    ] {
        assert!(refused.contains(reason), "{refused}");
    }
}
