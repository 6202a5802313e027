//! Who is insured against the storm: policies spread over all flights, the same ones every time.

use std::fmt::Write as _;

use alloy::primitives::{Address, U256, keccak256};
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;

use super::slice::Flight;
use crate::insure::csv::COLUMNS;

/// One unit of money, of a token with six decimals.
pub const ONE: u64 = 1_000_000;

/// When cover begins: 2013-02-06T00:00:00Z, two days before the first departure.
pub const INCEPTION: Timestamp = Timestamp(1_360_108_800);

/// When it ends: 2013-02-20T00:00:00Z.
pub const EXPIRY: Timestamp = Timestamp(1_361_318_400);

/// When it ended for those whose cover did not last until the storm: 2013-02-08T00:00:00Z.
pub const TOO_EARLY: Timestamp = Timestamp(1_360_281_600);

/// One policy in so many had ended before.
const ENDED_ONE_IN: u64 = 100;

/// One policy in so many is with the contract.
const SAMPLED_ONE_IN: u64 = 200;

/// Coprime to the number of flights, so that policies go round all of them.
const STRIDE: u64 = 617;

/// A policy before it is sold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Which flight, by its place in the slice.
    pub flight: usize,
    /// Who is paid.
    pub holder: Address,
    /// In units of the token.
    pub sum_insured: u64,
    /// When cover ends.
    pub expiry: Timestamp,
    /// Whether it is one of those that are sold on the chain.
    pub sampled: bool,
}

/// So many policies over so many flights.
pub fn plans(count: u64, flights: usize) -> Vec<Plan> {
    let flights_on = u64::try_from(flights).unwrap_or(u64::MAX).max(1);
    (0..count)
        .map(|place| {
            let flight = place.wrapping_mul(STRIDE) % flights_on;
            let digest = keccak256(format!("storm holder {place}"));
            Plan {
                flight: usize::try_from(flight).unwrap_or(0),
                holder: Address::from_word(digest),
                sum_insured: (1 + place / 7 % 10) * 100 * ONE,
                expiry: if place % ENDED_ONE_IN == ENDED_ONE_IN - 1 {
                    TOO_EARLY
                } else {
                    EXPIRY
                },
                sampled: place % SAMPLED_ONE_IN == 0,
            }
        })
        .collect()
}

/// Where the policies of the demonstration are.
#[derive(Clone, Copy, Debug)]
pub struct Sellers {
    /// The settlement chain.
    pub chain_id: u64,
    /// The contract, which has the sampled ones.
    pub contract: Address,
    /// The payout service, which has all others and fetches their attestations.
    pub service: Address,
}

/// The file that is imported. Numbers count up from 1 at each seller, in order.
pub fn csv(plans: &[Plan], flights: &[Flight], terms: TermsHash, sellers: Sellers) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    let (mut with_contract, mut with_service) = (0_u64, 0_u64);
    for plan in plans {
        let Some(flight) = flights.get(plan.flight) else {
            continue;
        };
        let (seller, number) = if plan.sampled {
            with_contract += 1;
            (sellers.contract, with_contract)
        } else {
            with_service += 1;
            (sellers.service, with_service)
        };
        // Writing to a string never fails.
        let _written = writeln!(
            text,
            "{number},flight-delay-45min,{terms},eip155:{}:{seller:#x},{:#x},{},{INCEPTION},{},{}",
            sellers.chain_id,
            plan.holder,
            U256::from(plan.sum_insured),
            plan.expiry,
            flight.subject(),
        );
    }
    text
}
