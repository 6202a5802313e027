//! Fees: replacements are always acceptable to a node, and nothing exceeds the operator's cap.

use proptest::prelude::*;
use tocsin_delivery::onchain::{BumpPermille, FeePolicy, Fees, Market, Pricing, Raise};

fn policies() -> impl Strategy<Value = FeePolicy> {
    (2..u128::MAX / 4, 125..2000_u32).prop_flat_map(|(max_fee_cap, permille)| {
        let pricing = prop_oneof![
            Just(Pricing::Node),
            (1..=100_u8).prop_map(|percentile| Pricing::History {
                percentile,
                blocks: 20
            }),
            (1..=max_fee_cap, any::<u128>()).prop_map(|(max_fee_per_gas, tip)| Pricing::Fixed(
                Fees {
                    max_fee_per_gas,
                    max_priority_fee_per_gas: tip % max_fee_per_gas,
                }
            )),
            (1..300_u32).prop_map(|percent| Pricing::Legacy { percent }),
        ];
        (0..max_fee_cap, pricing).prop_map(move |(min_tip, pricing)| FeePolicy {
            max_fee_cap,
            min_tip,
            bump: BumpPermille::new(permille).unwrap_or(BumpPermille::LEAST),
            pricing,
        })
    })
}

fn follows_the_market(policy: &FeePolicy) -> bool {
    matches!(policy.pricing, Pricing::Node | Pricing::History { .. })
}

fn markets() -> impl Strategy<Value = Market> {
    (any::<u128>(), any::<u128>()).prop_map(|(base_fee, tip)| Market { base_fee, tip })
}

/// At least 12.5 % more, and more at all.
fn is_raised(new: u128, old: u128) -> bool {
    new > old && new - old >= old / 8
}

proptest! {
    #[test]
    fn a_first_offer_is_well_formed_and_within_the_cap(policy in policies(), market in markets()) {
        let Fees { max_fee_per_gas, max_priority_fee_per_gas } = policy.initial(market);
        prop_assert!(max_fee_per_gas <= policy.max_fee_cap);
        prop_assert!(max_priority_fee_per_gas <= max_fee_per_gas);
        if follows_the_market(&policy) {
            prop_assert!(max_priority_fee_per_gas >= policy.min_tip);
        }
        if let Pricing::Legacy { .. } = policy.pricing {
            prop_assert_eq!(max_fee_per_gas, max_priority_fee_per_gas);
        }
        if policy.reaches(market) && follows_the_market(&policy) {
            prop_assert!(max_fee_per_gas >= market.base_fee);
        }
    }

    #[test]
    fn bumping_raises_both_fees_enough_until_the_cap_says_stop(
        policy in policies(),
        markets in prop::collection::vec(markets(), 1..30),
    ) {
        let mut fees = policy.initial(markets[0]);
        for market in markets {
            match policy.bumped(fees, market) {
                Raise::To(raised) => {
                    prop_assert!(is_raised(raised.max_fee_per_gas, fees.max_fee_per_gas));
                    prop_assert!(is_raised(raised.max_priority_fee_per_gas, fees.max_priority_fee_per_gas));
                    prop_assert!(raised.max_fee_per_gas <= policy.max_fee_cap);
                    prop_assert!(raised.max_priority_fee_per_gas <= raised.max_fee_per_gas);
                    fees = raised;
                }
                // The cap must not stop a raise that it has room for.
                Raise::AboveCap => prop_assert!(fees.max_fee_per_gas > policy.max_fee_cap / 4),
            }
        }
    }
}

#[test]
fn less_than_an_eighth_is_no_bump() {
    assert_eq!(BumpPermille::new(124), None);
    assert!(BumpPermille::new(125).is_some());
}
