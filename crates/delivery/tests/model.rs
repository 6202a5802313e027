//! The decision against a model of the world: a chain that mines, drops, reorganises and refuses, other people who
//! consume claims, somebody else who uses the submitter's key, a node that does not answer, a process that dies
//! between any two effects. Whatever happens, the promises of the decision hold at every step; and once the world
//! calms down, every delivery ends and no nonce is left behind.

#![expect(clippy::unwrap_used, reason = "a model that breaks is a failed test")]

mod model {
    pub(crate) mod chain;
    pub(crate) mod service;
}

use model::chain::{Chain, Key};
use model::service::{Crash, Service};
use proptest::prelude::*;

const DELIVERIES: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Step { delivery: usize, crash: Crash },
    Time { seconds: i64 },
    Mine,
    Reorganise { depth: usize, vanish: bool },
    Drop,
    BaseFee(u128),
    Refuse(bool),
    Expire,
    OtherConsumes(Key),
    OtherUsesKey,
    NodeDown(bool),
}

fn op() -> impl Strategy<Value = Op> {
    let crash = prop_oneof![
        8 => Just(Crash::Never),
        1 => Just(Crash::BeforeStoring),
        1 => Just(Crash::BeforeBroadcast),
        1 => Just(Crash::AfterBroadcast),
    ];
    prop_oneof![
        24 => (0..DELIVERIES, crash).prop_map(|(delivery, crash)| Op::Step { delivery, crash }),
        8 => (1..60_i64).prop_map(|seconds| Op::Time { seconds }),
        8 => Just(Op::Mine),
        3 => (1..=Chain::FINAL_DEPTH, any::<bool>())
            .prop_map(|(depth, vanish)| Op::Reorganise { depth, vanish }),
        2 => Just(Op::Drop),
        3 => prop_oneof![Just(10), Just(60), Just(400), Just(5000)].prop_map(Op::BaseFee),
        2 => any::<bool>().prop_map(Op::Refuse),
        1 => Just(Op::Expire),
        1 => (0..DELIVERIES).prop_map(Op::OtherConsumes),
        1 => Just(Op::OtherUsesKey),
        2 => any::<bool>().prop_map(Op::NodeDown),
    ]
}

fn apply(service: &mut Service, chain: &mut Chain, op: &Op) {
    match *op {
        Op::Step { delivery, crash } => service.step(delivery, chain, crash),
        Op::Time { seconds } => service.now.0 += seconds,
        Op::Mine => chain.mine(),
        Op::Reorganise { depth, vanish } => chain.reorganise(depth, vanish),
        Op::Drop => chain.drop_pooled(),
        Op::BaseFee(fee) => chain.base_fee = fee,
        Op::Refuse(refusing) => chain.refusing = refusing,
        Op::Expire => chain.expire(),
        Op::OtherConsumes(key) => chain.other_consumes(key),
        Op::OtherUsesKey => chain.other_uses_key(),
        Op::NodeDown(down) => chain.down = down,
    }
}

/// Calm weather, cheap or dear but within the cap: everything must end.
fn settle(service: &mut Service, chain: &mut Chain, base_fee: u128) {
    chain.down = false;
    chain.refusing = false;
    chain.base_fee = base_fee;
    for _ in 0..300 {
        for delivery in 0..DELIVERIES {
            service.step(delivery, chain, Crash::Never);
        }
        chain.mine();
        service.now.0 += 15;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn promises_hold_in_any_weather_and_everything_ends_in_calm(
        ops in prop::collection::vec(op(), 0..160),
        calm_base_fee in prop_oneof![Just(10), Just(400)],
    ) {
        let mut chain = Chain::new();
        let mut service = Service::new(DELIVERIES);
        for op in &ops {
            apply(&mut service, &mut chain, op);
        }
        settle(&mut service, &mut chain, calm_base_fee);
        service.assert_all_ended(&chain);
    }
}
