//! Everything that somebody needs to re-execute a stored attestation, gathered from the nouns that it is kept under.
//!
//! What a quorum attested rests on the reports that it decided on; what a node attested alone, on its own determination.
//! Which of the two an attestation rests on is told by the evidence root that it names.

use alloy_primitives::B256;
use tocsin_domain::attestation::{ClaimAttestation, Membership, SignatureSet, SigningDomain};
use tocsin_domain::bundle::{EvidenceBundle, QuorumEvidence};
use tocsin_domain::claim::{self, Claim};
use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::observation::Observation;
use tocsin_domain::policy::Policy;
use tocsin_domain::quorum::{Event, Quorum, fuse};
use tocsin_domain::time::Timestamp;

use crate::attestation::{AttestationRecord, Signed};
use crate::cover::RiskRecord;
use crate::log;
use crate::{Store, StoreError};

/// What an attestation rests on.
struct Grounds {
    determination: Determination,
    observations: Vec<Observation>,
    previous: Option<Timestamp>,
    claim: Claim,
    quorum: Option<QuorumEvidence>,
}

/// The nouns that both kinds of grounds are found by.
struct Known<'a> {
    record: &'a AttestationRecord,
    domain: SigningDomain,
    policy: &'a Policy,
    risk: &'a RiskRecord,
    terms: &'a Cover,
}

/// The evidence bundle of an attestation that was signed for `domain`, with the signers of its own epoch.
///
/// # Errors
///
/// Those of reading; [`StoreError::Missing`] and [`StoreError::InvalidRow`] where the books do not hold together.
pub async fn bundle<S: Store + ?Sized>(
    store: &S,
    record: &AttestationRecord,
    domain: impl Into<SigningDomain>,
) -> Result<EvidenceBundle, StoreError> {
    let domain = domain.into();
    let missing = |noun| missing(record, noun);
    let invalid = |reason| invalid(record, reason);
    let policy = store
        .policy(record.policy)
        .await?
        .ok_or_else(|| missing("policy of attestation"))?;
    let risk = store
        .risk(record.risk)
        .await?
        .ok_or_else(|| missing("risk of attestation"))?;
    let cover = store
        .cover(policy.terms_hash)
        .await?
        .ok_or_else(|| missing("cover of attestation"))?;
    let terms = Cover::from_terms(&cover.canonical_terms)
        .map_err(|_diagnostics| invalid("its terms are no cover".to_owned()))?;
    let attestation = ClaimAttestation::from_bytes(&record.payload)
        .map_err(|error| invalid(error.to_string()))?;
    let known = Known {
        record,
        domain,
        policy: &policy,
        risk: &risk,
        terms: &terms,
    };
    let grounds = known.grounds(store, attestation.evidenceRoot).await?;
    let (batch, signatures) = match &record.signed {
        Signed::Alone(signatures) => (None, signatures.clone()),
        Signed::InBatch { batch, proof, .. } => {
            let stored = store.batch(*batch).await?;
            let stored = stored.ok_or_else(|| missing("batch of attestation"))?;
            let membership = Membership {
                batch: stored.batch,
                proof: proof.clone(),
            };
            (Some(membership), stored.signatures)
        }
    };
    let epoch = store
        .epoch(record.domain_separator, attestation.signerEpoch)
        .await?
        .ok_or_else(|| missing("epoch of attestation"))?;
    let logged = log::decision(store, &grounds.claim).await?;
    Ok(EvidenceBundle {
        terms: cover.canonical_terms,
        risk: risk.risk,
        policy,
        observations: grounds.observations,
        determination: grounds.determination,
        previous: grounds.previous,
        quorum: grounds.quorum,
        claim: grounds.claim,
        attestation,
        domain,
        signers: epoch.signers,
        batch,
        signatures: SignatureSet::parse(&signatures).map_err(|error| invalid(error.to_string()))?,
        log: logged,
    })
}

impl Known<'_> {
    /// What has this evidence root: what a quorum decided, or else what this node determined. A decision that cannot be read
    /// hides no evidence that does not rest on it.
    async fn grounds<S: Store + ?Sized>(
        &self,
        store: &S,
        evidence_root: B256,
    ) -> Result<Grounds, StoreError> {
        let decided = match self.of_a_quorum(store).await {
            Ok(Some(decided)) if decided.determination.evidence_root == evidence_root => {
                return Ok(decided);
            }
            other => other,
        };
        match (decided, self.of_its_own(store).await) {
            (_, Ok(own)) if own.determination.evidence_root == evidence_root => Ok(own),
            (Err(unreadable), _) => Err(unreadable),
            (Ok(_), own) => own,
        }
    }

    /// What a quorum decided of the loss event; `None` where it decided nothing.
    async fn of_a_quorum<S: Store + ?Sized>(
        &self,
        store: &S,
    ) -> Result<Option<Grounds>, StoreError> {
        let record = self.record;
        let separator = record.domain_separator;
        let event = Event::of(&self.risk.risk, record.ordinal);
        let Some(decision) = store.decision(separator, event.key()).await? else {
            return Ok(None);
        };
        let epoch = store
            .epoch(separator, decision.certificate.signer_epoch)
            .await?
            .ok_or_else(|| missing(record, "epoch of the reports of attestation"))?;
        let quorum = Quorum {
            domain: &self.domain,
            signers: &epoch.signers,
        };
        let fused = fuse(self.terms, &event, &decision.reports, quorum)
            .map_err(|error| invalid(record, error.to_string()))?;
        let eligibility = claim::decide(self.terms, self.policy, &fused.determination);
        Ok(Some(Grounds {
            claim: Claim {
                policy: self.policy.id,
                risk: record.risk,
                ordinal: record.ordinal,
                eligibility,
            },
            determination: fused.determination,
            observations: fused.observations,
            previous: fused.previous,
            quorum: Some(QuorumEvidence {
                signers: epoch.signers,
                reports: fused.reports,
            }),
        }))
    }

    /// What this node determined.
    async fn of_its_own<S: Store + ?Sized>(&self, store: &S) -> Result<Grounds, StoreError> {
        let record = self.record;
        let determination = store
            .determination(record.risk, record.ordinal)
            .await?
            .ok_or_else(|| missing(record, "determination of attestation"))?;
        let claim = store
            .claims_of(record.policy)
            .await?
            .into_iter()
            .find(|claim| claim.risk == record.risk && claim.ordinal == record.ordinal)
            .ok_or_else(|| missing(record, "claim of attestation"))?;
        let (previous, observations) = own_evidence(store, self, &determination).await?;
        Ok(Grounds {
            determination,
            observations,
            previous,
            claim,
            quorum: None,
        })
    }
}

/// When this node confirmed the loss event before, and what it saw of this one.
async fn own_evidence<S: Store + ?Sized>(
    store: &S,
    known: &Known<'_>,
    determination: &Determination,
) -> Result<(Option<Timestamp>, Vec<Observation>), StoreError> {
    let Known { record, risk, .. } = known;
    let previous = match determination.ordinal.checked_sub(1) {
        None | Some(0) => None,
        Some(ordinal) => {
            let before = store.determination(record.risk, ordinal).await?;
            let before = before
                .ok_or_else(|| missing(record, "determination before that of attestation"))?;
            Some(before.confirmed_at)
        }
    };
    let extent = Extent::of(
        known.terms,
        risk.risk.inception,
        determination.evidence_from,
        determination.settled_at,
    );
    let history = store
        .history(&risk.streams, extent.after, extent.until)
        .await?;
    let observations = evidence::select(&risk.streams, &history, extent)
        .map_err(|error| invalid(record, error.to_string()))?;
    Ok((previous, observations))
}

fn missing(record: &AttestationRecord, noun: &'static str) -> StoreError {
    StoreError::Missing {
        noun,
        key: record.id.to_string(),
    }
}

fn invalid(record: &AttestationRecord, reason: String) -> StoreError {
    StoreError::InvalidRow {
        noun: "attestation",
        key: record.id.to_string(),
        reason,
    }
}
