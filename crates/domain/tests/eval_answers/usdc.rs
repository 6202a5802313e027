//! The depeg of USDC in March 2023 under Etherisc's published rule, with the answers that are on the public record.

use std::path::PathBuf;

use alloy_primitives::{I256, U256};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::{InputObservation, LossEvent, Program, RiskState, Truth};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::notation::evaluate;

const COVER: &str = r#"
name    = "usdc-depeg-24h"
version = 1
[inputs.usdc]
metric  = "price"
subject = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
source  = "chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6"
max_age = "25h"
[trigger]
when    = "holds(usdc <= 0.995, for: 24h, recover: usdc >= 0.999, confirm: observation)"
[payout]
fraction = "clamp(1 - usdc, 0, 20%)"
"#;

/// Aggregator round · updatedAt · answer with 8 decimals; public on-chain record, thinned.
const ROUNDS: &str = "
856 1678428059 100019000 · 857 1678487255 99755917 · 858 1678495091 99503491 · 859 1678497491 99209183 · 863 1678500923 99062000 ·
868 1678504067 98792496 · 873 1678505267 97268140 · 878 1678505927 95736790 · 894 1678507247 94083794 · 916 1678509947 95115291 ·
923 1678512923 94162767 · 935 1678515803 92830819 · 946 1678516943 91141685 · 953 1678517399 89409863 · 978 1678520363 89030000 ·
983 1678521083 88000000 · 992 1678522919 89540000 · 999 1678524263 91051387 · 1009 1678527719 90760000 · 1013 1678531835 90683937 ·
1023 1678536095 91204131 · 1031 1678539131 90950000 · 1041 1678546247 91540000 · 1044 1678549907 92240000 · 1045 1678552691 92486153 ·
1051 1678554923 94170000 · 1058 1678557683 94873453 · 1065 1678560527 95100000 · 1066 1678564343 95350000 · 1072 1678566419 96979392 ·
1082 1678569263 97410000 · 1088 1678570703 95770000 · 1093 1678574339 95550000 · 1095 1678577519 96039907 · 1101 1678583399 97210000 ·
1102 1678583975 97530000 · 1106 1678586915 97536349 · 1109 1678589747 98070000 · 1115 1678592771 98024800 · 1121 1678595555 97396923 ·
1125 1678598267 97409165 · 1132 1678601231 97038407 · 1137 1678604051 95465184 · 1140 1678606883 94679000 · 1142 1678609703 95187716";

fn cover() -> Cover {
    Cover::parse(COVER).unwrap().0
}

fn rounds() -> Vec<InputObservation> {
    let rounds: Vec<InputObservation> = ROUNDS
        .split('·')
        .map(|round| {
            let [round, updated_at, answer] = round
                .split_whitespace()
                .collect::<Vec<_>>()
                .try_into()
                .unwrap();
            let answer = I256::try_from(answer.parse::<i64>().unwrap()).unwrap();
            price(
                updated_at.parse().unwrap(),
                U256::from(round.parse::<u64>().unwrap()),
                Decimal::from_scaled(answer, 8).unwrap(),
            )
        })
        .collect();
    assert_eq!(rounds.len(), 45);
    rounds
}

fn price(observed_at: i64, sequence: U256, price: Decimal) -> InputObservation {
    let (observed_at, sequence) = (Timestamp(observed_at), Sequence(sequence));
    InputObservation {
        input: 0,
        observed_at,
        sequence,
        value: Some(Value::Decimal(price)),
    }
}

fn the_depeg() -> LossEvent {
    LossEvent {
        ordinal: 1,
        occurred_at: Timestamp(1_678_497_491),
        confirmed_at: Timestamp(1_678_583_975),
        settled_at: Timestamp(1_678_583_975),
        evidence_from: Timestamp(1_678_497_491),
        payout: Ok("0.0247".parse().unwrap()),
        inputs: vec![Ok(Value::Decimal("0.9753".parse().unwrap()))],
        guards: vec![],
    }
}

#[test]
fn the_thinned_rounds_are_one_depeg() {
    let (events, truth) = evaluate(&cover(), None, &rounds(), 1_678_609_703);
    assert_eq!(events, [the_depeg()]);
    assert_eq!(truth, Truth::True);
}

#[test]
fn the_depeg_is_not_known_before_the_round_that_confirms_it() {
    let program = Program::compile(&cover());
    let mut state = RiskState::new(&program, None);
    for round in rounds() {
        let at = round.observed_at;
        let events = program.advance(&mut state, &[round], at).unwrap();
        assert_eq!(events.is_empty(), at != the_depeg().confirmed_at, "{at}");
        assert_eq!(
            program.is_latched(&state),
            at >= the_depeg().confirmed_at,
            "{at}"
        );
    }
    assert_eq!(state.events(), 1);
    assert_eq!(state.last_confirmed_at(), Some(the_depeg().confirmed_at));
}

#[test]
fn a_recovery_within_the_day_is_no_depeg() {
    // 859 begins the breach; instead of 1101, 84 s before the day is over, a price that is back.
    let mut rounds = rounds();
    rounds.retain(|round| round.sequence != Sequence(U256::from(1101)));
    rounds.push(price(
        1_678_497_491 + 86_400,
        U256::from(1101),
        "0.999".parse().unwrap(),
    ));
    rounds.sort_by_key(|round| round.observed_at);
    let (events, truth) = evaluate(&cover(), None, &rounds, 1_678_609_703);
    // 1102 begins another breach, whose day is not over.
    assert_eq!((events, truth), (vec![], Truth::False));
}

/// `subject,metric,observed_at,sequence,value`, as recorded on mainnet; kept outside the repository.
#[test]
fn all_recorded_rounds_are_the_same_depeg() {
    let Some(recorded) = recorded_rounds() else {
        return;
    };
    assert_eq!(recorded.len(), 400);
    let last = recorded.last().unwrap().observed_at.0;
    let (events, truth) = evaluate(&cover(), None, &recorded, last);
    assert_eq!(events, [the_depeg()]);
    assert_eq!(truth, Truth::True);
}

fn recorded_rounds() -> Option<Vec<InputObservation>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where a developer keeps recorded data is known to the environment only"
    )]
    let environment = |name| std::env::var_os(name);
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = environment("TOCSIN_SHARED").map_or_else(
        || workspace.join("../shared/data"),
        |named| workspace.join(named),
    );
    let file = shared.join("chainlink-usdc-mainnet-2023/observations.csv");
    if !file.exists() {
        let missing = format!(
            "no recorded rounds at {}: set TOCSIN_SHARED",
            file.display()
        );
        assert!(environment("CI").is_none(), "{missing}");
        #[expect(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: {missing}");
        }
        return None;
    }
    let text = std::fs::read_to_string(file).unwrap();
    let rounds = text.lines().skip(1).map(|line| {
        let [_, _, observed_at, sequence, value] =
            line.split(',').collect::<Vec<_>>().try_into().unwrap();
        price(
            observed_at.parse().unwrap(),
            sequence.parse().unwrap(),
            value.parse().unwrap(),
        )
    });
    Some(rounds.collect())
}
