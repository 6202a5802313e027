//! The terms of a product, checked.

use alloy_primitives::Address;

use crate::ids::TermsHash;
use crate::lang::ir::Expr;
use crate::observation::{Metric, SourceId, Subject};
use crate::time::Seconds;
use crate::value::{Type, Value};

/// A cover: what is measured, what counts as a loss, what it pays, and the rules every policy on it obeys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cover {
    /// Short name, unique in a service.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Version of the terms, counted by their author.
    pub version: u64,
    /// The kind of loss, such as `stablecoin-depeg`.
    pub peril: Option<String>,
    /// The legal wording that this cover implements.
    pub wording: Option<Wording>,
    /// What is measured, sorted by name.
    pub inputs: Vec<Input>,
    /// When a loss event begins.
    pub trigger: Trigger,
    /// What it pays.
    pub payout: Payout,
    /// Conditions that are recorded with a loss and decide nothing, sorted by name.
    pub guards: Vec<Guard>,
    /// Named literals that the expressions use, sorted by name.
    pub parameters: Vec<Parameter>,
    /// The rules of its policies.
    pub policy: PolicyRules,
    /// Per source chain (CAIP-2), when a block counts as final.
    pub finality: Vec<(String, Finality)>,
    /// The contract that pays, where the terms fix it.
    pub consumer: Option<Consumer>,
    /// keccak-256 of `canonical_terms`.
    pub terms_hash: TermsHash,
    /// RFC 8785 JSON of the cover as written.
    pub canonical_terms: String,
}

/// The document that a cover implements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wording {
    /// Its title.
    pub title: Option<String>,
    /// Where it is.
    pub uri: Option<String>,
    /// SHA-256 of its bytes, hex.
    pub sha256: Option<String>,
}

/// One measured thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The name that expressions use.
    pub name: String,
    /// What is measured.
    pub metric: Metric,
    /// Of what; `None` in a cover that makes one risk per subject.
    pub subject: Option<Subject>,
    /// Who says so; `None` takes observations of any one source.
    pub source: Option<SourceId>,
    /// Older than this, the value is unknown.
    pub max_age: Option<Seconds>,
    /// The type of its values.
    pub ty: Type,
}

/// The condition and what follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// A `bool` expression.
    pub when: Expr,
    /// When a next loss event can begin.
    pub rearm: Rearm,
}

/// When a next loss event can begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rearm {
    /// One loss event per risk.
    Never,
    /// With a new breach, begun this long after the confirmation or later, the trigger seen false in between.
    After(Seconds),
}

/// What a loss pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payout {
    /// A `decimal` expression: the part of the sum insured, evaluated as of the confirmation.
    pub fraction: Expr,
    /// The largest fraction until this long after the confirmation counts, instead of the one at the confirmation.
    pub settle: Option<Seconds>,
}

/// A condition that is recorded with a loss and decides nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guard {
    /// Its name.
    pub name: String,
    /// A `bool` expression, evaluated as of the confirmation.
    pub condition: Expr,
}

/// A named literal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// A decimal or a duration.
    pub value: Value,
}

impl Cover {
    /// Every expression of the cover.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let guards = self.guards.iter().map(|guard| &guard.condition);
        [&self.trigger.when, &self.payout.fraction]
            .into_iter()
            .chain(guards)
    }

    /// Whether a risk of it is of one policy's inception.
    pub fn mentions_inception(&self) -> bool {
        self.expressions().any(Expr::mentions_inception)
    }
}

/// The rules of policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PolicyRules {
    /// Losses that occur earlier than inception + waiting are not covered.
    pub waiting: Seconds,
    /// Which ends of the policy's period belong to it.
    pub event_inclusion: EventInclusion,
    /// Which instant must lie in that period.
    pub event_time: EventTime,
    /// A claim must be made this long after its confirmation at the latest.
    pub claim_deadline: Option<Seconds>,
}

/// Which ends of [inception, expiry] belong to the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventInclusion {
    /// `[inception`
    pub start_included: bool,
    /// `expiry]`
    pub end_included: bool,
}

/// The instant of a loss that the inclusion rule tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventTime {
    /// When the breach began.
    Occurred,
    /// When the terms made it count.
    Confirmed,
}

/// When a block counts as final.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// The node's `finalized` tag.
    Finalized,
    /// The node's `safe` tag.
    Safe,
    /// This many blocks on top of it.
    Confirmations(u64),
}

/// A contract that consumes attestations, by chain and address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, serde::Serialize, serde::Deserialize)]
pub struct Consumer {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The contract.
    pub address: Address,
}
