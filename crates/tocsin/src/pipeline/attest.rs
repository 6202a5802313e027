//! Attest: an eligible claim becomes a signed statement, and its delivery is queued in the same transaction.
//!
//! Many claims at once become one signed batch, where the configuration says from how many on.
//!
//! Guarantee: the attestor reserves the claim key before it signs, so whatever crashes between any two lines here, one
//! claim key is signed for one payload only.

mod batch;
mod each;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use alloy::primitives::Address;

use tocsin_attest::{Attestor, Seat};
use tocsin_domain::attestation::payload::FIRST_REVISION;
use tocsin_domain::attestation::{ClaimAttestation, Validity};
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::policy::Policy;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::StoreError;
use tocsin_store::delivery::NewDelivery;
use tocsin_store::revocation::Standing;

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, WORK_PER_TURN, Work};

/// How claims are signed.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// From signing to first use: the time for a veto.
    pub hold: Seconds,
    /// From signing to last use.
    pub valid_for: Seconds,
    /// From how many claims at once on they are signed as one batch; `None`: never.
    pub batch_from: Option<NonZeroUsize>,
    /// Contracts whose attestations are fetched and used by others, so that no delivery is queued for them.
    pub fetched_by: BTreeSet<Address>,
}

/// Attests eligible claims.
pub struct AttestClaims {
    evaluator: Arc<Evaluator>,
    attestor: Arc<Attestor>,
    issuing: Issuing,
    next: Bell,
}

impl AttestClaims {
    /// A stage that signs with `attestor` and rings `next` when it has queued a delivery.
    pub fn new(
        evaluator: Arc<Evaluator>,
        attestor: Arc<Attestor>,
        issuing: Issuing,
        next: Bell,
    ) -> Self {
        Self {
            evaluator,
            attestor,
            issuing,
            next,
        }
    }

    fn delivery(&self, policy: &Policy, calldata: impl FnOnce() -> Vec<u8>) -> Option<NewDelivery> {
        // Nobody on a chain takes what is said to a programme off-chain.
        self.attestor.domain().verifier()?;
        let consumer = policy.consumer;
        (!self.issuing.fetched_by.contains(&consumer.address)).then(|| NewDelivery {
            chain_id: consumer.chain_id,
            consumer: consumer.address,
            calldata: calldata(),
            not_before: None,
        })
    }
}

impl Work for AttestClaims {
    fn name(&self) -> &str {
        "attest"
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let claims = stage.store.unattested(self.claims_per_turn()).await?;
        // The log rings when the leaves of the others are in.
        let claims = stage.store.logged(claims).await?;
        if claims.is_empty() {
            return Ok(Turn::Idle);
        }
        // Which epoch signs follows from the time, so a rotation needs no restart.
        let seat = self.attestor.seat(stage.clock.now())?;
        let domain = self.attestor.domain().domain_separator();
        let stopped = stage.store.stopped(domain).await?;
        let ids: Vec<PolicyId> = claims.iter().map(|claim| claim.policy).collect();
        let policies = match stage.store.policies(&ids).await {
            Ok(policies) => policies,
            Err(error) if error.is_transient() => return Err(error.into()),
            // One of them spoils all: one by one, the others are read, and this one is told.
            Err(error) => {
                let reason = crate::report::chain(&error);
                tracing::error!(claims = ids.len(), %reason, "the policies of claims are not read together; they are, one by one");
                BTreeMap::new()
            }
        };
        let mut decided = Decided::new(stage, self, &seat, &stopped, policies);
        let mut prepared = Vec::new();
        let mut troubles = Troubles::default();
        for claim in claims {
            match decided.prepare(&claim).await {
                Ok(Some(ready)) => prepared.push((claim, ready)),
                Ok(None) => stage.store.bar(claim.policy, claim.ordinal).await?,
                Err(error) => troubles.add(&claim, error),
            }
        }
        let batched = if self.is_batch(prepared.len()) {
            batch::attest(stage, self, &prepared, &mut troubles).await
        } else {
            Ok(None)
        };
        let turn = match batched {
            Ok(Some(turn)) => turn,
            Ok(None) => self.attest_each(stage, &prepared, &mut troubles).await,
            Err(error) if error.is_transient() => return Err(error),
            // One of them spoils all: alone, the others are signed, and this one is told.
            Err(error) => {
                let reason = crate::report::chain(&error);
                tracing::error!(claims = prepared.len(), %reason, "a batch is not attested; its claims are, one by one");
                self.attest_each(stage, &prepared, &mut troubles).await
            }
        };
        troubles.outcome(turn)
    }
}

impl AttestClaims {
    fn claims_per_turn(&self) -> u32 {
        match self.issuing.batch_from {
            None => WORK_PER_TURN,
            Some(_) => batch::MOST,
        }
    }

    fn is_batch(&self, claims: usize) -> bool {
        self.issuing
            .batch_from
            .is_some_and(|from| claims >= from.get())
    }

    /// Signs each claim alone; all are reserved together and recorded together, so that a turn costs two durable commits.
    async fn attest_each(
        &self,
        stage: &Stage,
        prepared: &[(Claim, Prepared)],
        troubles: &mut Troubles,
    ) -> Turn {
        let turn = match each::attest(stage, self, prepared, troubles).await {
            Ok(turn) => turn,
            // One of them spoils all: by itself, each of the others is signed, and this one is told.
            Err(error) => {
                let reason = crate::report::chain(&error);
                tracing::error!(claims = prepared.len(), %reason, "claims are not attested together; they are, one by one");
                let mut turn = Turn::Idle;
                for one in prepared.chunks(1) {
                    match each::attest(stage, self, one, troubles).await {
                        Ok(Turn::Worked) => turn = Turn::Worked,
                        Ok(Turn::Idle) => {}
                        Err(error) => {
                            if let [(claim, _)] = one {
                                troubles.add(claim, error);
                            }
                        }
                    }
                }
                turn
            }
        };
        if turn == Turn::Worked {
            self.next.ring();
        }
        turn
    }
}

/// The claims that were not attested: those of others do not wait for a person to look at them.
#[derive(Default)]
struct Troubles(Option<StageError>);

impl Troubles {
    fn add(&mut self, claim: &Claim, error: impl Into<StageError>) {
        let reason = crate::report::chain(&error.into());
        tracing::error!(policy = %claim.policy, ordinal = claim.ordinal, %reason, "a claim is not attested");
        self.0 = Some(StageError::Unattested {
            policy: claim.policy,
            reason,
        });
    }

    fn outcome(self, turn: Turn) -> Result<Turn, StageError> {
        self.0.map_or(Ok(turn), Err)
    }
}

/// A claim that can be signed.
struct Prepared {
    payload: ClaimAttestation,
    policy: Policy,
    issued_at: Timestamp,
}

/// What the claims of one turn rest on; those of a storm share determinations.
struct Decided<'a> {
    stage: &'a Stage,
    signing: &'a AttestClaims,
    seat: &'a Seat<'a>,
    /// Claims that are held or were revoked; few.
    stopped: &'a [Standing],
    policies: BTreeMap<PolicyId, Policy>,
    determinations: BTreeMap<(RiskId, u32), Determination>,
}

impl<'a> Decided<'a> {
    fn new(
        stage: &'a Stage,
        signing: &'a AttestClaims,
        seat: &'a Seat<'a>,
        stopped: &'a [Standing],
        policies: BTreeMap<PolicyId, Policy>,
    ) -> Self {
        Self {
            stage,
            signing,
            seat,
            stopped,
            policies,
            determinations: BTreeMap::new(),
        }
    }

    /// `None` where what could be said of it is revoked.
    async fn prepare(&mut self, claim: &Claim) -> Result<Option<Prepared>, StageError> {
        let missing = |noun: &'static str| StoreError::Missing {
            noun,
            key: claim.policy.to_string(),
        };
        let store = &self.stage.store;
        let policy = match self.policies.remove(&claim.policy) {
            Some(policy) => policy,
            // Of another of its claims, or of a turn in which one policy could not be read.
            None => store
                .policy(claim.policy)
                .await?
                .ok_or_else(|| missing("policy"))?,
        };
        let determination = match self.determinations.entry((claim.risk, claim.ordinal)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => {
                let read = store.determination(claim.risk, claim.ordinal).await?;
                unread.insert(read.ok_or_else(|| missing("determination for policy"))?)
            }
        };
        let AttestClaims {
            evaluator, issuing, ..
        } = self.signing;
        let terms = evaluator.cover(determination.terms_hash)?;
        // A clock that was set back cannot make a statement older than the decision that it states.
        let issued_at = self.stage.clock.now().max(determination.determined_at);
        let validity = Validity {
            issued_at,
            valid_after: issued_at + issuing.hold,
            valid_until: issued_at + issuing.valid_for,
        };
        let epoch = self.seat.epoch().number();
        let payload =
            ClaimAttestation::for_claim(&terms.cover, &policy, determination, validity, epoch)?;
        let Some(payload) = self.revised(payload).await? else {
            return Ok(None);
        };
        Ok(Some(Prepared {
            payload,
            policy,
            issued_at,
        }))
    }

    /// In the revision that a statement must have now: the first one, or after a revocation, if a person has allowed a
    /// corrected statement, the one that was asked for; it supersedes the last one that was revoked.
    async fn revised(
        &self,
        payload: ClaimAttestation,
    ) -> Result<Option<ClaimAttestation>, StageError> {
        let claim_key = payload.claim_key();
        let mut stopped = self.stopped.iter();
        let standing = stopped.find(|standing| standing.news.claim_key == claim_key);
        let revision = match standing.map(Standing::revision) {
            None | Some(Some(FIRST_REVISION)) => return Ok(Some(payload)),
            Some(None) => return Ok(None),
            Some(Some(revision)) => revision,
        };
        let domain = self.signing.attestor.domain().domain_separator();
        let said = self.stage.store.statements(domain, claim_key).await?;
        let mut superseded = None;
        for one in said.iter().rev() {
            // What cannot be read may be what this statement must supersede.
            let said = ClaimAttestation::from_bytes(&one.payload).map_err(|error| {
                StoreError::InvalidRow {
                    noun: "statement",
                    key: one.attestation_id.to_string(),
                    reason: error.to_string(),
                }
            })?;
            if said.revision < revision {
                superseded = Some((said.revision, self.signing.attestor.domain().digest(&said)));
                break;
            }
        }
        // A claim that was revoked before anything was said of it here: nothing to correct.
        Ok(superseded.map(|(_, id)| ClaimAttestation {
            revision,
            supersedes: id.0,
            ..payload
        }))
    }
}
