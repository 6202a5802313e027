//! Issues in parts that one message can carry, and that one request has the time for.

use std::collections::BTreeMap;

use tocsin_domain::ids::{EventKey, PolicyId};

use crate::attestor::MOST_CLAIMS;
use crate::message::{Certified, Issue, IssuedClaim};
use crate::size::json_bytes;

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

/// In parts of no more than `most` bytes of events with their reports; one event alone always has a part.
pub(super) fn parts(settled: Part, most: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut bytes, mut claims) = (usize::MAX, 0_usize);
    for (certified, mut policies) in settled {
        let weight = json_bytes(&certified);
        while !policies.is_empty() {
            if bytes.saturating_add(weight) > most || claims >= MOST_CLAIMS || parts.is_empty() {
                parts.push(Vec::new());
                (bytes, claims) = (0, 0);
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
