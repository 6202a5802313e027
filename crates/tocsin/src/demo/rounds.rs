//! Chainlink's USDC/USD answers of 10–12 March 2023 on Ethereum mainnet, thinned.
//!
//! A public on-chain record: `AnswerUpdated` events of the aggregator behind the proxy
//! 0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6, with 8 decimals.

use tocsin_domain::time::Timestamp;

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The aggregator's round.
    pub id: u64,
    /// Unix seconds.
    updated_at: i64,
    /// 8 decimals.
    pub answer: i64,
}

impl Round {
    const fn new(id: u64, updated_at: i64, answer: i64) -> Self {
        Self {
            id,
            updated_at,
            answer,
        }
    }

    /// When the feed says that it was answered.
    pub fn updated_at(&self) -> Timestamp {
        Timestamp(self.updated_at)
    }
}

/// The answers, in order.
pub const ROUNDS: &[Round] = &[
    Round::new(856, 1_678_428_059, 100_019_000),
    Round::new(857, 1_678_487_255, 99_755_917),
    Round::new(858, 1_678_495_091, 99_503_491),
    Round::new(859, 1_678_497_491, 99_209_183),
    Round::new(863, 1_678_500_923, 99_062_000),
    Round::new(868, 1_678_504_067, 98_792_496),
    Round::new(873, 1_678_505_267, 97_268_140),
    Round::new(878, 1_678_505_927, 95_736_790),
    Round::new(894, 1_678_507_247, 94_083_794),
    Round::new(916, 1_678_509_947, 95_115_291),
    Round::new(923, 1_678_512_923, 94_162_767),
    Round::new(935, 1_678_515_803, 92_830_819),
    Round::new(946, 1_678_516_943, 91_141_685),
    Round::new(953, 1_678_517_399, 89_409_863),
    Round::new(978, 1_678_520_363, 89_030_000),
    Round::new(983, 1_678_521_083, 88_000_000),
    Round::new(992, 1_678_522_919, 89_540_000),
    Round::new(999, 1_678_524_263, 91_051_387),
    Round::new(1_009, 1_678_527_719, 90_760_000),
    Round::new(1_013, 1_678_531_835, 90_683_937),
    Round::new(1_023, 1_678_536_095, 91_204_131),
    Round::new(1_031, 1_678_539_131, 90_950_000),
    Round::new(1_041, 1_678_546_247, 91_540_000),
    Round::new(1_044, 1_678_549_907, 92_240_000),
    Round::new(1_045, 1_678_552_691, 92_486_153),
    Round::new(1_051, 1_678_554_923, 94_170_000),
    Round::new(1_058, 1_678_557_683, 94_873_453),
    Round::new(1_065, 1_678_560_527, 95_100_000),
    Round::new(1_066, 1_678_564_343, 95_350_000),
    Round::new(1_072, 1_678_566_419, 96_979_392),
    Round::new(1_082, 1_678_569_263, 97_410_000),
    Round::new(1_088, 1_678_570_703, 95_770_000),
    Round::new(1_093, 1_678_574_339, 95_550_000),
    Round::new(1_095, 1_678_577_519, 96_039_907),
    Round::new(1_101, 1_678_583_399, 97_210_000),
    Round::new(1_102, 1_678_583_975, 97_530_000),
    Round::new(1_106, 1_678_586_915, 97_536_349),
    Round::new(1_109, 1_678_589_747, 98_070_000),
    Round::new(1_115, 1_678_592_771, 98_024_800),
    Round::new(1_121, 1_678_595_555, 97_396_923),
    Round::new(1_125, 1_678_598_267, 97_409_165),
    Round::new(1_132, 1_678_601_231, 97_038_407),
    Round::new(1_137, 1_678_604_051, 95_465_184),
    Round::new(1_140, 1_678_606_883, 94_679_000),
    Round::new(1_142, 1_678_609_703, 95_187_716),
];
