//! What the service made of the storm, policy by policy, in the form in which a second program counts it again.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, U256};
use serde::Serialize;
use tocsin_domain::claim::{Eligibility, Refusal};
use tocsin_domain::ids::{BatchId, PolicyId};
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::value::Value;
use tocsin_store::Store;
use tocsin_store::attestation::Signed;
use tocsin_store::look::LookState;

use super::policies::{Plan, Sellers};
use super::setting::FEED;
use super::slice::Flight;
use crate::demo::DemoError;

/// What became of a flight, as far as the service knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// It is paid for: it never left.
    Cancelled,
    /// It is paid for: it was late.
    Delayed,
    /// It is paid for: it landed somewhere else.
    Diverted,
    /// Nothing is owed.
    OnTime,
    /// A person has to look.
    Unresolved,
    /// It is still looked at.
    Open,
}

/// How many.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// In all.
    pub total: u64,
    /// See [`Outcome`].
    pub cancelled: u64,
    /// See [`Outcome`].
    pub delayed: u64,
    /// See [`Outcome`].
    pub diverted: u64,
    /// See [`Outcome`].
    pub on_time: u64,
    /// See [`Outcome`].
    pub unresolved: u64,
}

/// Of the policies, what is paid for them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct PolicyCounts {
    /// By what became of their flights.
    #[serde(flatten)]
    pub by_outcome: Counts,
    /// Ended before the loss, and so not paid.
    pub ended: u64,
    /// Paid.
    pub paid: u64,
}

/// Everything that is counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Tally {
    /// The insured flights.
    pub flights: Counts,
    /// The policies.
    pub policies: PolicyCounts,
    /// In all, in units of the token.
    pub payout: String,
    /// By who pays it.
    #[serde(rename = "byConsumer")]
    pub by_consumer: BTreeMap<String, Payout>,
    /// Flights that are still looked at; none at the end.
    #[serde(skip)]
    pub open: u64,
    /// Signed roots, by the number of attestations under each.
    #[serde(skip)]
    pub batches: BTreeMap<BatchId, u64>,
    /// Attestations that were signed alone.
    #[serde(skip)]
    pub alone: u64,
}

/// What one consumer pays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Payout {
    /// How many policies.
    pub paid: u64,
    /// In units of the token.
    pub payout: String,
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        self.total += 1;
        match outcome {
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Delayed => self.delayed += 1,
            Outcome::Diverted => self.diverted += 1,
            Outcome::OnTime => self.on_time += 1,
            Outcome::Unresolved => self.unresolved += 1,
            Outcome::Open => {}
        }
    }
}

/// A sold policy with what became of it.
#[derive(Clone, Debug)]
pub struct Sold {
    /// What attestations call it.
    pub id: PolicyId,
    /// Its number at its seller.
    pub number: u64,
    /// Its seller.
    pub seller: Address,
    /// Its flight, by place.
    pub flight: usize,
    /// What became of that.
    pub outcome: Outcome,
    /// What is paid; `None` where nothing is.
    pub amount: Option<U256>,
}

/// Reads from the books what became of every policy.
pub(super) async fn read(
    store: &dyn Store,
    plans: &[Plan],
    flights: &[Flight],
    sellers: Sellers,
) -> Result<(Tally, Vec<Sold>), DemoError> {
    let mut known: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut tally = Tally::default();
    let mut sold = Vec::with_capacity(plans.len());
    let mut numbers = [0_u64; 2];
    let mut sums: BTreeMap<Address, (u64, U256)> = BTreeMap::new();
    for plan in plans {
        let Some(flight) = flights.get(plan.flight) else {
            continue;
        };
        let (seller, number) = if plan.sampled {
            (sellers.contract, &mut numbers[0])
        } else {
            (sellers.service, &mut numbers[1])
        };
        *number += 1;
        let id = PolicyId::derive(sellers.chain_id, seller, U256::from(*number));
        let outcome = match known.get(&plan.flight) {
            Some(outcome) => *outcome,
            None => {
                let outcome = outcome(store, id, flight).await?;
                tally.flights.add(outcome);
                tally.open += u64::from(outcome == Outcome::Open);
                known.insert(plan.flight, outcome);
                outcome
            }
        };
        tally.policies.by_outcome.add(outcome);
        for attestation in store.attestations_of(id).await? {
            match attestation.signed {
                Signed::Alone(_) => tally.alone += 1,
                Signed::InBatch { batch, .. } => {
                    *tally.batches.entry(batch).or_default() += 1;
                }
            }
        }
        let mut amount = None;
        for claim in store.claims_of(id).await? {
            match claim.eligibility {
                Eligibility::Eligible { amount: owed, .. } => {
                    tally.policies.paid += 1;
                    let (count, sum) = sums.entry(seller).or_default();
                    *count += 1;
                    *sum += owed;
                    amount = Some(owed);
                }
                Eligibility::Refused(Refusal::AfterExpiry { .. }) => {
                    tally.policies.ended += 1;
                }
                Eligibility::Refused(_) => {}
            }
        }
        sold.push(Sold {
            id,
            number: *number,
            seller,
            flight: plan.flight,
            outcome,
            amount,
        });
    }
    let all: U256 = sums.values().map(|(_, sum)| *sum).sum();
    tally.payout = all.to_string();
    for (seller, (paid, sum)) in sums {
        let payout = sum.to_string();
        let name = format!("eip155:{}:{seller:#x}", sellers.chain_id);
        tally.by_consumer.insert(name, Payout { paid, payout });
    }
    Ok((tally, sold))
}

async fn outcome(
    store: &dyn Store,
    policy: PolicyId,
    flight: &Flight,
) -> Result<Outcome, DemoError> {
    let source = SourceId::from(FEED);
    let subject = Subject::from(&*flight.subject());
    let risk = store.policy(policy).await?.map(|policy| policy.risk);
    let mut statuses = BTreeSet::new();
    if let Some(risk) = risk {
        for loss in store.determinations_of(risk).await? {
            let texts = loss.inputs.into_iter().filter_map(|input| match input {
                Ok(Value::Text(text)) => Some(text),
                Ok(_) | Err(_) => None,
            });
            statuses.extend(texts);
        }
    }
    Ok(if statuses.contains("cancelled") {
        Outcome::Cancelled
    } else if statuses.contains("diverted") {
        Outcome::Diverted
    } else if statuses.contains("landed") {
        Outcome::Delayed
    } else {
        match store.look(&source, &subject).await?.map(|look| look.state) {
            Some(LookState::Over) => Outcome::OnTime,
            Some(LookState::NeedsPerson(_)) => Outcome::Unresolved,
            Some(LookState::Open) | None => Outcome::Open,
        }
    })
}
