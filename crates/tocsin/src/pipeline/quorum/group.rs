//! Claims that wait, by the events that they are on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tocsin_domain::claim::Claim;
use tocsin_domain::ids::{ClaimKey, EventKey, PolicyId};
use tocsin_domain::quorum::Event;
use tocsin_store::StoreError;

use super::AttestTogether;
use crate::pipeline::{Stage, StageError};

/// The claims on one event.
pub(super) struct Group {
    pub(super) event: Event,
    pub(super) claims: BTreeMap<PolicyId, ClaimKey>,
}

impl AttestTogether {
    /// By events.
    pub(super) async fn group(
        &self,
        stage: &Stage,
        claims: Vec<Claim>,
    ) -> Result<BTreeMap<EventKey, Group>, StageError> {
        if claims.is_empty() {
            return Ok(BTreeMap::new());
        }
        let stopped = stage
            .store
            .stopped(self.node.domain().domain_separator())
            .await?;
        let mut groups: BTreeMap<EventKey, Group> = BTreeMap::new();
        for claim in claims {
            let missing = |noun: &'static str| StoreError::Missing {
                noun,
                key: claim.policy.to_string(),
            };
            let key = EventKey::derive(claim.risk, claim.ordinal);
            let policy = stage.store.policy(claim.policy).await?;
            let policy = policy.ok_or_else(|| missing("policy"))?;
            let group = match groups.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let risk = stage.store.risk(claim.risk).await?;
                    let risk = risk.ok_or_else(|| missing("risk for policy"))?;
                    new.insert(Group {
                        event: Event::of(&risk.risk, claim.ordinal),
                        claims: BTreeMap::new(),
                    })
                }
            };
            let claim_key = ClaimKey::derive(
                policy.consumer.address,
                policy.id,
                policy.terms_hash,
                group.event.event_id(),
            );
            let mut standings = stopped.iter();
            let standing = standings.find(|standing| standing.news.claim_key == claim_key);
            if standing.is_some_and(|standing| standing.revision().is_none()) {
                // What could be said of it is revoked.
                stage.store.bar(claim.policy, claim.ordinal).await?;
            } else {
                group.claims.insert(policy.id, claim_key);
            }
        }
        groups.retain(|_, group| !group.claims.is_empty());
        Ok(groups)
    }
}
