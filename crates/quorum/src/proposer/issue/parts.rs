//! Issues in parts that one message can carry, and that one request has the time for.

use std::collections::BTreeMap;

use tocsin_domain::ids::{EventKey, PolicyId};

use crate::attestor::MOST_CLAIMS;
use crate::message::{Certified, Issue, IssuedClaim};

/// About how many bytes of reports one issue carries at the most, with the events that it is about.
const MOST_EVIDENCE: usize = 16 << 20;

/// About what an observation takes in JSON.
const OBSERVATION: usize = 400;

/// The claims of one issue, while it is put together.
pub(crate) type Part = Vec<(Certified, Vec<PolicyId>)>;

impl Issue {
    /// The same of some of its claims, with the events that these are on.
    pub(super) fn only(&self, mut claims: Vec<IssuedClaim>, batched: bool) -> Self {
        let mut events = Vec::new();
        let mut places = BTreeMap::new();
        for claim in &mut claims {
            let Some(event) = self.events.get(claim.event) else {
                continue;
            };
            claim.event = *places.entry(claim.event).or_insert_with(|| {
                events.push(event.clone());
                events.len() - 1
            });
        }
        Self {
            epoch: self.epoch,
            issued_at: self.issued_at,
            batched,
            events,
            claims,
        }
    }

    pub(super) fn event_of(&self, claim: &IssuedClaim) -> Option<EventKey> {
        self.events.get(claim.event).map(Certified::key)
    }

    /// The first of the events, to name the whole by.
    pub(super) fn claims_event(&self) -> EventKey {
        let first = self.events.first().map(Certified::key);
        first.unwrap_or(EventKey(alloy_primitives::B256::ZERO))
    }
}

/// In parts that one message can carry.
pub(super) fn parts(settled: Part) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut bytes, mut claims) = (usize::MAX, 0_usize);
    for (certified, mut policies) in settled {
        let observed = certified.backed.reports.iter();
        let weight: usize = observed
            .map(|report| report.observations.len().saturating_mul(OBSERVATION))
            .sum();
        while !policies.is_empty() {
            let room = MOST_CLAIMS.saturating_sub(claims);
            if bytes.saturating_add(weight) > MOST_EVIDENCE || room == 0 || parts.is_empty() {
                parts.push(Vec::new());
                (bytes, claims) = (0, 0);
                // One event alone always has a part.
            }
            let room = MOST_CLAIMS.saturating_sub(claims);
            let rest = policies.split_off(policies.len().min(room));
            claims += policies.len();
            bytes = bytes.saturating_add(weight);
            if let Some(part) = parts.last_mut() {
                part.push((certified.clone(), policies));
            }
            policies = rest;
        }
    }
    parts
}
