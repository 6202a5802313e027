//! The decision against a model of the world: a chain that mines, drops, reorganises and refuses, fees that rise beyond the
//! cap, other people who consume claims, somebody else who uses the submitter's key, a second service that submits the
//! same claims by mistake (with the same key or with another), a node that does not answer, lags behind, hides receipts, or loses
//! what it takes, a process that dies between any two effects. Whatever happens, the promises of the decision hold at every step;
//! and once the world calms down, every delivery ends, no nonce is left behind, and the books have every fee that was
//! paid.

#![expect(clippy::unwrap_used, reason = "a model that breaks is a failed test")]

mod model {
    pub(crate) mod chain;
    pub(crate) mod service;
}

use alloy::primitives::Address;
use model::chain::{Chain, Key};
use model::service::{Crash, Service};
use proptest::prelude::*;
use tocsin_delivery::onchain::{Fees, Pricing};

const DELIVERIES: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Step {
        service: usize,
        delivery: usize,
        crash: Crash,
    },
    Time {
        seconds: i64,
    },
    Mine,
    Reorganise {
        depth: usize,
        vanish: bool,
    },
    Drop,
    BaseFee(u128),
    Refuse(bool),
    Expire,
    OtherConsumes(Key),
    OtherUsesKey,
    NodeDown(bool),
    Lag(usize),
    Lose(bool),
    HideReceipts(bool),
}

fn op() -> impl Strategy<Value = Op> {
    let crash = prop_oneof![
        8 => Just(Crash::Never),
        1 => Just(Crash::BeforeStoring),
        1 => Just(Crash::BeforeBroadcast),
        1 => Just(Crash::AfterBroadcast),
    ];
    prop_oneof![
        28 => (0..2_usize, 0..DELIVERIES, crash)
            .prop_map(|(service, delivery, crash)| Op::Step { service, delivery, crash }),
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
        2 => (0..6_usize).prop_map(Op::Lag),
        2 => any::<bool>().prop_map(Op::Lose),
        2 => any::<bool>().prop_map(Op::HideReceipts),
    ]
}

/// Who submits: one service; a second one with a key of its own; or a second one with the same key.
fn services(second: Option<Address>, pricing: Pricing) -> Vec<Service> {
    let senders = [Some(Chain::SUBMITTER), second];
    let senders = senders.into_iter().flatten();
    senders
        .map(|sender| Service::new(DELIVERIES, sender, pricing))
        .collect()
}

fn apply(services: &mut [Service], chain: &mut Chain, op: &Op) {
    match *op {
        Op::Step {
            service,
            delivery,
            crash,
        } => {
            let count = services.len();
            services[service % count].step(delivery, chain, crash);
        }
        Op::Time { seconds } => {
            for service in services {
                service.now.0 += seconds;
            }
        }
        Op::Mine => chain.mine(),
        Op::Reorganise { depth, vanish } => chain.reorganise(depth, vanish),
        Op::Drop => chain.drop_pooled(),
        Op::BaseFee(fee) => chain.base_fee = fee,
        Op::Refuse(refusing) => chain.refusing = refusing,
        Op::Expire => chain.expire(),
        Op::OtherConsumes(key) => chain.other_consumes(key),
        Op::OtherUsesKey => chain.other_uses_key(),
        Op::NodeDown(down) => chain.down = down,
        Op::Lag(blocks) => chain.lag = blocks,
        Op::Lose(losing) => chain.losing = losing,
        Op::HideReceipts(hiding) => chain.hiding = hiding,
    }
}

/// Calm weather, cheap or dear but within the cap: everything must end.
fn settle(services: &mut [Service], chain: &mut Chain, base_fee: u128) {
    chain.down = false;
    chain.lag = 0;
    chain.losing = false;
    chain.hiding = false;
    chain.refusing = false;
    chain.base_fee = base_fee;
    for _ in 0..300 {
        for service in &mut *services {
            for delivery in 0..DELIVERIES {
                service.step(delivery, chain, Crash::Never);
            }
            service.now.0 += 15;
        }
        chain.mine();
    }
}

fn pricing() -> impl Strategy<Value = Pricing> {
    let fixed = Fees {
        max_fee_per_gas: 30,
        max_priority_fee_per_gas: 3,
    };
    prop_oneof![
        3 => Just(Pricing::Node),
        1 => Just(Pricing::History { percentile: 50, blocks: 20 }),
        1 => Just(Pricing::Fixed(fixed)),
        1 => Just(Pricing::Legacy { percent: 110 }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn promises_hold_in_any_weather_and_everything_ends_in_calm(
        ops in prop::collection::vec(op(), 0..160),
        second in prop_oneof![2 => Just(None), 1 => Just(Some(Chain::SECOND)), 1 => Just(Some(Chain::SUBMITTER))],
        pricing in pricing(),
        calm_base_fee in prop_oneof![Just(10), Just(400)],
    ) {
        let mut chain = Chain::new();
        let mut services = services(second, pricing);
        for op in &ops {
            apply(&mut services, &mut chain, op);
        }
        settle(&mut services, &mut chain, calm_base_fee);
        for service in &services {
            service.assert_all_ended(&chain);
        }
    }
}
