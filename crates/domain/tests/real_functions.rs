//! Logarithms, geometric means and distances, against values that were computed elsewhere and against their own laws.
//!
//! The literal values were made with Python's mpmath 1.3.0 at 1600 bits: `ln` to the nearest multiple of 2⁻⁵¹², means as
//! exp of the weighed mean of logarithms, distances by sin², cos and asin of the angles in radians, both rounded half-even
//! to 30 and 9 decimals and the former cut to 18.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use alloy_primitives::{I256, U256};
use proptest::prelude::*;
use tocsin_domain::decimal::{Decimal, Rounding};
use tocsin_domain::real::{LogFixed, distance_km, geometric_mean, ln};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn mean_of(values: &[(Decimal, i64)]) -> Option<Decimal> {
    let sum = values
        .iter()
        .map(|(value, weight)| ln(*value).unwrap() * *weight)
        .fold(LogFixed::ZERO, |sum, term| sum + term);
    geometric_mean(sum, values.iter().map(|(_, weight)| weight).sum())
}

fn distance(places: [&str; 4]) -> Option<Decimal> {
    let [lat, lon, lat0, lon0] = places.map(decimal);
    distance_km(lat, lon, lat0, lon0)
}

const LOGARITHMS: &[(&str, &str)] = &[
    (
        "0.000000000000000001",
        "-0x29724fe657ff706671e86c3c3ccb5adb7fb87aa6456a6e0c150fb894908b8cc83a3d38cca9f7449a197fb94e0c7abbc54c7b9a26d24b57cd96c059e520d06e6c52",
    ),
    (
        "0.000000000000000002",
        "-0x28c0ddce602da0ecc61e8888a4c767e4d07787631ef7d555e785ab7d34ffe1ce0e558056898958ed812a23fb112fc1aa3b8e6b789c8a1fac529902a9f7bf04b42d",
    ),
    (
        "0.000000000000000003",
        "-0x2859113ead2f3fbcfb4452aee7c61f5ec9fa66636bb28d7e24d220a5a63a4392ad92a149d7ea7e01c92f4756d977213677193e11cb2cb010f4f1220c2fc049a5ed",
    ),
    (
        "0.0001",
        "-0x935d8dddaaa8ac16ea56d62b82d30a28e28fecf9da5df90e83c61e8201f02d72962f02d7b1a8105ccc70cbc02c5f0d682c622418410be2dafb8f788402e516d68",
    ),
    (
        "0.5",
        "-0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2be7b876206debac98559552fb4afa1b10ed2eae35c138214427573b291169b825",
    ),
    (
        "0.693147180559945309",
        "-0x5dd3ca6f75ae7a8efacaa8322b7d44920f0af9c7421f9234816bcd9a79ab63e99d0df1d3bd04b81207fd091592f351f788f7ab6d2bc22f537ca6d9c8b6fb2d14",
    ),
    (
        "0.995",
        "-0x148807f33b350e1c85b4de195307d7675e65766e2c184e90f24fae2d8ddd93aa49ae5a191935f8bdfa1dadcfec88c7bc7d1dcb0e909cbf718b824c21a67db80",
    ),
    (
        "0.999999999999999999",
        "-0x12725dd1d243aba191840adf35bc06d4f09e0e013c99e1013c42a44e944be12b57b1f2ea96f2a861e548f4005c40c9aeac8a6dcf1febf560a7",
    ),
    ("1", "0x0"),
    (
        "1.000000000000000001",
        "0x12725dd1d243aba03d3bc1ac62d4e12f34d3f65d90f86c4b3e3b2521934204d7ef3bf4ea5d8f128bdaf90d7101de40f228c2a4665e06f15b11",
    ),
    (
        "1.5",
        "0x67cc8fb2fe612fcada35d9bd014886067d20ffb34547d7c2b38ad78ec59e3b60c2df0cb19edaebb7fadca437b8a073c4752d66d15d6f9b5da7e09dc7febb0e3f",
    ),
    (
        "2",
        "0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2be7b876206debac98559552fb4afa1b10ed2eae35c138214427573b291169b825",
    ),
    (
        "2.718281828459045235",
        "0xfffffffffffffffd8e16206330adecb48b3be3c5103294c415031e8e4fd8a3bfb680d5b0b2faf0be862a9397013593e704c7ea7195999ed7df39a91eb19ff1b7",
    ),
    (
        "3.141592653589793238",
        "0x1250d048e7a1bd0baa826377b2d451aa7c0c4ca23c42461a04d6644c561026b7efc11b1cf2dcc60f002f703e4bc44627b2470567436718cdb71fdc9cecc25a131",
    ),
    (
        "10",
        "0x24d763776aaa2b05ba95b58ae0b4c28a38a3fb3e76977e43a0f187a0807c0b5ca58bc0b5ec6a0417331c32f00b17c35a0b1889061042f8b6bee3de2100b945b5a",
    ),
    (
        "64",
        "0x428ac8fceeadcda06bb56359017b1c81b85b392e6af9445113c4e8c254601dd076e52c4c293860b92017ff1e3c1dca2658f1815428750c798ec0b62f6687a50df",
    ),
    (
        "127.999999999999999999",
        "0x4da1ea7c6bcac53b260552d84771d6788f53e78ef23f644ffadecaf9052f9a658a6f4511ba5616740a6f44630bbd17c05faa8c4c5c3f97249fb74f53f48edf111",
    ),
    (
        "1860.55",
        "0x787542070ec1f81b58b89b6703083109c238ce72e19c5dffa462ccbfc8589861c445cd62d85c375320575ba6e412fa86223bf26ed9719992326b90ab7ec14422c",
    ),
    (
        "65000",
        "0xb15074b490a456793ab438e34a8edece20f766d2d29d844f53ad8f842d4562de9f2e09b6f5cf49cf70f0b2db465f0b5145e26d70ecf2e483f9ecdea79aa2b042d",
    ),
    (
        "123456789.123456789123456789",
        "0x12a1a38bd49f8ceb1270a3fc1c80dc6d48c948c193be7d2fd8a4ceeedb352ba7ec164a3a95c7f0e4da15c0bfc918538ff634f0c128a5eb0b484797892eb20694af",
    ),
    (
        "99999999999999999999.5",
        "0x2e0d3c554554b5c72923864c8c4fb109697ac4b44e3110bc131e8e48443435d4baab54816efdd420895f162863d08e7b1adf3fcd703cec403b64135324faaab5b7",
    ),
    (
        "10000000000000000000000000000000000000000000000000000000000",
        "0x858cc890e2a8dbf4c45eb2176e8f41350d526ec26de529b5276b8ba5d1c1a92fd81a9a9379004ed4194638a6283624266838f0b5faf2c59673fa0537a29f9cb25d",
    ),
    (
        "57896044618658097711785492504343953926634992332820282019728.792003956564819967",
        "0x874e55f981fe39cbac3163a82f23a8dd11f9d53d06bbaf6b477351af9f93c2697f9384dda3867c51a3c0045a433465308fc5e560b92b91554c6f8a08c787e000c6",
    ),
    (
        "57896044618658097711785492504343953926634992332820282019728.792003956564819966",
        "0x874e55f981fe39cbac3163a82f23a8dd11f9d53d06bbaf6b477351af9f93c2697d9384dda3867c51a3c0045a433465308fc5e560b92b91554c6f8a08c787e000c0",
    ),
    (
        "28948022309329048855892746252171976963317496166410141009864.396001978282409984",
        "0x869ce3e18a2c6a5200677ff4971fb5e662b8e1f9e04916b519e944984408176f55abcc67831890a50b6a6f0747e96b157ed8b6b2836a5934084832cd9e767648a2",
    ),
];

#[test]
fn logarithms_are_within_one_last_place_of_the_true_ones() {
    let one: LogFixed = "0x1".parse().unwrap();
    for (value, expected) in LOGARITHMS {
        let expected: LogFixed = expected.parse().unwrap();
        let found = ln(decimal(value)).unwrap();
        assert!(
            [expected - one, expected, expected + one].contains(&found),
            "ln {value} is {expected}, not {found}"
        );
    }
}

const MEANS: &[(&[(&str, i64)], &str)] = &[
    (&[("1", 1), ("4", 1)], "2"),
    (&[("2", 1), ("3", 1)], "2.449489742783178098"),
    (&[("2", 1), ("8", 1), ("4", 7)], "4"),
    (
        &[("0.000000000000000001", 1), ("0.000000000000000003", 1)],
        "0.000000000000000001",
    ),
    (
        &[("0.000000000000000001", 1), ("0.000000000000000004", 1)],
        "0.000000000000000002",
    ),
    (
        &[
            ("0.000000000000000001", 1),
            (
                "57896044618658097711785492504343953926634992332820282019728.792003956564819967",
                1,
            ),
        ],
        "240615969168004511545.033772477625056927",
    ),
    (
        &[
            (
                "57896044618658097711785492504343953926634992332820282019728.792003956564819967",
                1,
            ),
            (
                "57896044618658097711785492504343953926634992332820282019728.792003956564819966",
                2,
            ),
        ],
        "57896044618658097711785492504343953926634992332820282019728.792003956564819966",
    ),
    (&[("0.995", 3600), ("0.999", 82800)], "0.998833012730866177"),
    (
        &[("1860.55", 3600), ("1850", 5), ("1901.123456789", 81000)],
        "1899.376080651553590104",
    ),
    (&[("1", 9223372036854775806), ("2", 1)], "1"),
    (
        &[("0.000000000000000001", 999999999), ("1", 1)],
        "0.000000000000000001",
    ),
    (&[("10", 1), ("0.1", 1)], "1"),
    (&[("10", 2), ("0.1", 1)], "2.154434690031883721"),
    (
        &[("0.999999999999999999", 1), ("1.000000000000000001", 1)],
        "1",
    ),
    (
        &[("0.999999999999999999", 2), ("1.000000000000000001", 3)],
        "1",
    ),
    (
        &[
            ("0.000000000207388625", 861169),
            ("9636726036158350.450074932645259282", 953894),
            ("562843675942956.559203341541209549", 438486),
            ("0.000000000000031545", 95120),
        ],
        "140709.364346707588933811",
    ),
    (
        &[
            ("4421703276.944032509908319268", 661260),
            ("99624710948314388839.943937341685304746", 415950),
            ("0.000000000000003623", 48846),
            ("557131352551243386.252225922438829772", 151263),
            ("93088678617608013.050107048743117249", 855771),
            ("0.000000636097780707", 598952),
        ],
        "11493579900.104559338446207257",
    ),
    (
        &[
            ("860882.756533795291215315", 65840),
            ("5278784317757192096.770738147435873717", 713452),
            ("77361334210243811.211226525168218239", 614007),
        ],
        "204191414642439145.209662810049936328",
    ),
    (
        &[
            ("960342.079138942123083694", 188500),
            ("0.009461096983109718", 519168),
            ("5431.622287188188523809", 638540),
            ("0.000000000000015476", 536801),
            ("423444581.456930030577448149", 159368),
        ],
        "0.017729802439262191",
    ),
    (
        &[
            ("827211180.719500500950154392", 81391),
            ("465466935965202590.931055791133802957", 623242),
            ("11128087062283.8064456731567071", 880771),
            ("0.00000000000099057", 283052),
            ("559746966547.788293900367649094", 766677),
        ],
        "87773593840.627047557761455571",
    ),
    (
        &[
            ("4738865513715569179.426832021540538636", 298421),
            ("6712063.079869640233783945", 23659),
            ("127630195765.182382939790357034", 517675),
            ("0.000000000000003576", 805551),
        ],
        "0.806718726245759356",
    ),
    (
        &[
            ("0.000000000792811642", 259643),
            ("25743927.027594299451314237", 471008),
            ("66620007.060133892439512959", 905954),
            ("505693228200081016.915523272432971073", 241961),
        ],
        "4502745.904724176646220422",
    ),
    (
        &[
            ("0.000000000000184778", 158648),
            ("0.000262713092902026", 12650),
            ("42639198123659.784292183295822895", 295626),
        ],
        "16071.754728552532917414",
    ),
    (
        &[
            ("0.000000006727384338", 999396),
            ("0.000000000741411916", 900939),
        ],
        "0.00000000236463725",
    ),
    (
        &[
            ("4782325965693262554301.977015879186768323", 943229),
            ("523875340001028781.856868656701698468", 108567),
            ("1906407680912.15322756541112654", 70620),
            ("0.00002284252855813", 115269),
            ("1919.43123248834106241", 245),
            ("747723391652359897.888521576277969456", 916804),
        ],
        "1388477519856814386.327971484873600884",
    ),
];

#[test]
fn geometric_means_are_the_true_ones() {
    for (values, expected) in MEANS {
        let values: Vec<_> = values
            .iter()
            .map(|(value, weight)| (decimal(value), *weight))
            .collect();
        assert_eq!(mean_of(&values), Some(decimal(expected)), "{values:?}");
    }
}

const DISTANCES: &[([&str; 4], &str)] = &[
    (["0", "0", "0", "0"], "0"),
    (["0", "0", "0", "180"], "20015.114442036"),
    (["0", "0", "0", "-180"], "20015.114442036"),
    (["90", "0", "-90", "0"], "20015.114442036"),
    (["90", "12", "90", "-77"], "0"),
    (["0", "0", "90", "0"], "10007.557221018"),
    (["0", "0", "0", "1"], "111.195080234"),
    (
        ["51.5074", "-0.1278", "40.7128", "-74.006"],
        "5570.229873657",
    ),
    (
        ["35.6762", "139.6503", "-33.8688", "151.2093"],
        "7825.829425997",
    ),
    (
        ["40.6413", "-73.7781", "33.9416", "-118.4085"],
        "3974.341689578",
    ),
    (
        ["25.7617", "-80.1918", "25.7617", "-80.1917"],
        "0.010014335",
    ),
    (["0", "0", "0.000000000000000001", "0"], "0"),
    (["10", "20", "10.00000001", "20.00000001"], "0.000001561"),
    (["0", "179.999999", "0", "-179.999999"], "0.00022239"),
    (["0", "360", "0", "0"], "0"),
    (["12.5", "360", "12.5", "-360"], "0"),
    (["45", "0", "-45", "180"], "20015.114442036"),
    (
        ["45", "0", "-44.999999999999999999", "180"],
        "20015.114442036",
    ),
    (
        ["89.999999999999999999", "0", "89.999999999999999999", "180"],
        "0",
    ),
    (
        ["-33.4489", "-70.6693", "-33.0458", "288.3803"],
        "99.096888019",
    ),
    (
        [
            "32.008037973036917532",
            "-53.149303691489613923",
            "82.428902707662261628",
            "-222.1262407276318022",
        ],
        "7275.857357503",
    ),
    (
        [
            "54.787330692735815363",
            "192.99322872379657289",
            "-7.287849617812411288",
            "-246.661037001143449186",
        ],
        "10013.458130373",
    ),
    (
        [
            "60.551969313810194934",
            "74.019742724155483405",
            "70.303452687406972523",
            "-251.840743677708847454",
        ],
        "1875.167514903",
    ),
    (
        [
            "-0.617268242258201657",
            "277.013894101983621671",
            "11.506843707882611744",
            "-122.910845855745348862",
        ],
        "4611.46127386",
    ),
    (
        [
            "61.261788467943414117",
            "-323.298291805899243978",
            "44.28157084970758439",
            "63.472958427164730409",
        ],
        "2573.668444157",
    ),
    (
        [
            "20.459805569908664805",
            "82.251742103293586397",
            "-67.486443889777826405",
            "-129.967625920203026052",
        ],
        "14320.389361768",
    ),
    (
        [
            "42.897231660526204589",
            "-344.496700868222377011",
            "37.462890448555737353",
            "-261.632419847260959163",
        ],
        "6772.35386435",
    ),
    (
        [
            "46.429139997328245114",
            "-162.162383785862282097",
            "-34.786822329620145121",
            "325.317769052929487113",
        ],
        "15486.239023184",
    ),
];

#[test]
fn distances_are_the_true_ones() {
    for (places, expected) in DISTANCES {
        assert_eq!(distance(*places), Some(decimal(expected)), "{places:?}");
    }
}

#[test]
fn what_has_no_logarithm_no_mean_and_no_place_has_none() {
    assert_eq!(ln(Decimal::ZERO), None);
    assert_eq!(ln(decimal("-0.000000000000000001")), None);
    assert_eq!(geometric_mean(LogFixed::ZERO, 0), None);
    assert_eq!(geometric_mean(LogFixed::ZERO, -1), None);
    assert_eq!(geometric_mean(LogFixed::ZERO, 7), Some(Decimal::ONE));
    let greatest = ln(Decimal::from_units(I256::MAX).unwrap()).unwrap();
    assert_eq!(geometric_mean(greatest * 2, 1), None);
    assert_eq!(geometric_mean(greatest * i64::MAX, 1), None);
    assert_eq!(geometric_mean(greatest * i64::MIN, 1), Some(Decimal::ZERO));
    assert_eq!(distance(["90.000000000000000001", "0", "0", "0"]), None);
    assert_eq!(distance(["0", "0", "-90.000000000000000001", "0"]), None);
    assert_eq!(distance(["0", "360.000000000000000001", "0", "0"]), None);
    assert_eq!(distance(["0", "0", "0", "-360.000000000000000001"]), None);
}

#[test]
fn a_sum_of_logarithms_is_its_text() {
    for value in ["0.5", "1", "123456.789"] {
        let sum = ln(decimal(value)).unwrap() * -86_400;
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<LogFixed>(&text).unwrap(), sum);
    }
    assert_eq!(
        serde_json::from_str::<LogFixed>("\"0.5\"")
            .unwrap_err()
            .to_string(),
        "`0.5` is not a logarithm: write a multiple of 2^-512 in hexadecimal, as in -0x1f"
    );
}

/// Above 0, of every size.
fn positive() -> impl Strategy<Value = Decimal> {
    (any::<[u64; 4]>(), 1_usize..=255).prop_map(|(limbs, bits)| {
        let units = (U256::from_limbs(limbs) >> (256 - bits)).max(U256::from(1));
        Decimal::from_units(I256::from_raw(units)).unwrap()
    })
}

fn weighed() -> impl Strategy<Value = Vec<(Decimal, i64)>> {
    prop::collection::vec((positive(), 1_i64..100_000), 1..8)
}

fn degrees(limit: i64) -> impl Strategy<Value = Decimal> {
    let unit = 1_000_000_000_000_000_000_i128;
    let limit = i128::from(limit) * unit;
    prop_oneof![
        4 => -limit..=limit,
        1 => (-limit / unit..=limit / unit).prop_map(move |whole| whole * unit),
        1 => -1000_i128..=1000,
    ]
    .prop_map(|units| Decimal::from_units(I256::try_from(units).unwrap()).unwrap())
}

proptest! {
    #[test]
    fn equal_values_are_their_own_mean(
        value in positive(),
        weights in prop::collection::vec(1_i64..1_000_000_000_000, 1..6),
    ) {
        let values: Vec<_> = weights.into_iter().map(|weight| (value, weight)).collect();
        prop_assert_eq!(mean_of(&values), Some(value));
    }

    #[test]
    fn a_mean_lies_between_the_least_and_the_greatest_in_any_order(values in weighed()) {
        let mean = mean_of(&values).unwrap();
        let reversed: Vec<_> = values.iter().rev().copied().collect();
        prop_assert_eq!(mean_of(&reversed), Some(mean));
        prop_assert!(values.iter().any(|(value, _)| *value <= mean));
        prop_assert!(values.iter().any(|(value, _)| *value >= mean));
    }

    #[test]
    fn two_equal_weights_give_the_square_root_of_the_product(
        left in 1_u64.., right in 1_u64..
    ) {
        let decimal = |units: u64| Decimal::from_units(I256::try_from(units).unwrap()).unwrap();
        let mean = mean_of(&[(decimal(left), 1), (decimal(right), 1)]).unwrap();
        let exact = u128::from(left) * u128::from(right);
        prop_assert_eq!(mean.units(), I256::try_from(exact.isqrt()).unwrap());
    }

    #[test]
    fn values_times_four_have_a_mean_times_four(
        values in prop::collection::vec((1_u64.., 1_i64..1000), 1..6)
    ) {
        let of = |factor: u64| {
            let units = |value: u64| I256::try_from(u128::from(value) * u128::from(factor)).unwrap();
            let values: Vec<_> = values
                .iter()
                .map(|(value, weight)| (Decimal::from_units(units(*value)).unwrap(), *weight))
                .collect();
            mean_of(&values).unwrap()
        };
        // Only the cut to 18 decimals differs.
        let difference = of(4).checked_sub(
            of(1).checked_mul(Decimal::from_integer(4), Rounding::Truncate).unwrap()
        ).unwrap();
        prop_assert!(difference >= Decimal::ZERO);
        prop_assert!(difference.units() <= I256::try_from(4).unwrap());
    }

    #[test]
    fn what_is_taken_out_of_a_sum_leaves_what_was_there(
        values in weighed(), other in positive(), weight in any::<i64>()
    ) {
        let terms: Vec<LogFixed> = values
            .iter()
            .map(|(value, weight)| ln(*value).unwrap() * *weight)
            .collect();
        let sum = terms.iter().fold(LogFixed::ZERO, |sum, term| sum + *term);
        let term = ln(other).unwrap() * weight;
        prop_assert_eq!(sum + term - term, sum);
        prop_assert_eq!(sum + -term, sum - term);
        let one_by_one = (0..3).fold(LogFixed::ZERO, |sum, _| sum + ln(other).unwrap());
        prop_assert_eq!(one_by_one, ln(other).unwrap() * 3);
    }

    #[test]
    fn logarithms_rise(value in positive(), step in 1_u64..) {
        let above = value.units().checked_add(I256::try_from(step).unwrap());
        let above = above.and_then(Decimal::from_units);
        prop_assume!(above.is_some());
        prop_assert!(ln(value).unwrap() < ln(above.unwrap()).unwrap());
    }

    #[test]
    fn the_way_there_is_as_long_as_the_way_back(
        lat in degrees(90), lon in degrees(360), lat0 in degrees(90), lon0 in degrees(360)
    ) {
        let there = distance_km(lat, lon, lat0, lon0).unwrap();
        prop_assert_eq!(distance_km(lat0, lon0, lat, lon), Some(there));
        prop_assert_eq!(
            distance_km(lat.negated(), lon.negated(), lat0.negated(), lon0.negated()),
            Some(there)
        );
        prop_assert!(there >= Decimal::ZERO && there <= decimal("20015.114442036"));
        prop_assert_eq!(distance_km(lat, lon, lat, lon), Some(Decimal::ZERO));
    }

    #[test]
    fn antipodes_are_half_a_great_circle_apart_whatever_lies_between(
        lat in degrees(90), lon in degrees(180), lat0 in degrees(90), lon0 in degrees(360)
    ) {
        let half_turn = Decimal::from_integer(180);
        let other = lon.checked_add(half_turn).unwrap();
        let half = distance_km(lat, lon, lat.negated(), other).unwrap();
        prop_assert_eq!(half, decimal("20015.114442036"));
        // Every great circle through a place goes through its antipode.
        let first = distance_km(lat, lon, lat0, lon0).unwrap();
        let second = distance_km(lat.negated(), other, lat0, lon0).unwrap();
        let rest = first.checked_add(second).unwrap().checked_sub(half).unwrap();
        prop_assert!(rest.abs() <= decimal("0.000000001"));
    }

    #[test]
    fn no_detour_is_shorter(
        lat in degrees(90), lon in degrees(360),
        lat0 in degrees(90), lon0 in degrees(360),
        lat1 in degrees(90), lon1 in degrees(360),
    ) {
        let direct = distance_km(lat, lon, lat0, lon0).unwrap();
        let detour = distance_km(lat, lon, lat1, lon1)
            .unwrap()
            .checked_add(distance_km(lat1, lon1, lat0, lon0).unwrap())
            .unwrap();
        prop_assert!(direct <= detour.checked_add(decimal("0.000000002")).unwrap());
    }
}
