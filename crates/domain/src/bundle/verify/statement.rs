//! What was said about it, to whom, and who signed.

use alloy_primitives::{Address, B256};

use crate::attestation::{ClaimAttestation, Membership, QuorumError, SigningDomain, Validity};
use crate::bundle::EvidenceBundle;
use crate::claim::{self, Eligibility};
use crate::cover::Cover;
use crate::determination::Determination;
use crate::ids::PolicyId;
use crate::replay::Finding;
use crate::time::Timestamp;

/// The root that the attestors signed is that of these observations.
pub(super) fn check_root(implied: &Determination, bundle: &EvidenceBundle) -> Finding {
    let (root, count) = (implied.evidence_root, implied.evidence_count);
    let signed = (
        bundle.attestation.evidenceRoot,
        bundle.attestation.evidenceCount,
    );
    if signed == (root, count) {
        let have = match count {
            1 => "the one observation has".to_owned(),
            count => format!("the {count} observations have"),
        };
        Ok(format!(
            "{have} the Merkle root {root:#x}, which the attestation names"
        ))
    } else {
        Err(format!(
            "the {count} observations have the Merkle root {root:#x}, the attestation names {:#x} over {}",
            signed.0, signed.1
        ))
    }
}

/// The recorded determination is the one that the evidence implies.
pub(super) fn check_determination(implied: &Determination, bundle: &EvidenceBundle) -> Finding {
    let recorded = &bundle.determination;
    let same = [
        ("risk", recorded.risk == implied.risk),
        ("terms", recorded.terms_hash == implied.terms_hash),
        ("subject", recorded.subject == implied.subject),
        ("event id", recorded.event_id == implied.event_id),
        (
            "beginning of the breach",
            recorded.occurred_at == implied.occurred_at,
        ),
        (
            "confirmation",
            recorded.confirmed_at == implied.confirmed_at,
        ),
        (
            "settling of the payout",
            recorded.settled_at == implied.settled_at,
        ),
        (
            "beginning of the evidence",
            recorded.evidence_from == implied.evidence_from,
        ),
        (
            "time of the decision",
            recorded.determined_at == implied.determined_at,
        ),
        ("payout fraction", recorded.payout == implied.payout),
        ("inputs in force", recorded.inputs == implied.inputs),
        ("guards", recorded.guards == implied.guards),
        (
            "evidence root",
            recorded.evidence_root == implied.evidence_root,
        ),
        (
            "evidence count",
            recorded.evidence_count == implied.evidence_count,
        ),
        (
            "confirming block",
            recorded.confirmed_on == implied.confirmed_on,
        ),
    ];
    refuse_differences(
        &same,
        "the recorded determination differs from what the evidence implies",
    )?;
    Ok(format!(
        "the recorded determination is what the evidence implies; its event id is {}",
        implied.event_id
    ))
}

/// The policy's id is derived from its contract, and the terms let that contract consume.
pub(super) fn check_policy(cover: &Cover, bundle: &EvidenceBundle) -> Finding {
    let policy = &bundle.policy;
    let derived = PolicyId::derive(
        policy.consumer.chain_id,
        policy.consumer.address,
        policy.number,
    );
    if policy.id != derived {
        return Err(format!(
            "policy {} of {:#x} has the id {derived}, not {}",
            policy.number, policy.consumer.address, policy.id
        ));
    }
    if let Some(named) = cover.consumer
        && named != policy.consumer
    {
        return Err(format!(
            "the terms are paid by {:#x} on chain {}, the policy is another contract's",
            named.address, named.chain_id
        ));
    }
    Ok(format!(
        "policy {} of {:#x} on chain {} has the id {derived}",
        policy.number, policy.consumer.address, policy.consumer.chain_id
    ))
}

/// The policy is paid for this event, and that much.
pub(super) fn check_claim(
    cover: &Cover,
    implied: &Determination,
    bundle: &EvidenceBundle,
) -> Finding {
    let claim = &bundle.claim;
    if (claim.policy, claim.risk, claim.ordinal)
        != (bundle.policy.id, implied.risk, implied.ordinal)
    {
        return Err("the claim is of another policy, risk or loss event".to_owned());
    }
    let decided = claim::decide(cover, &bundle.policy, implied);
    match (&decided, &claim.eligibility) {
        (Eligibility::Refused(refusal), _) => Err(format!(
            "the policy is not paid for this event: {refusal:?}"
        )),
        (Eligibility::Eligible { fraction, amount }, recorded) if decided == *recorded => {
            Ok(format!(
                "the policy is paid {fraction} of {}, which is {amount}",
                bundle.policy.sum_insured
            ))
        }
        (Eligibility::Eligible { fraction, amount }, _) => Err(format!(
            "the policy is paid {fraction}, which is {amount}, and not what the claim says"
        )),
    }
}

/// Every signed field is what evidence, terms and policy imply.
pub(super) fn check_attestation(
    cover: &Cover,
    implied: &Determination,
    bundle: &EvidenceBundle,
) -> Finding {
    let given = &bundle.attestation;
    if given.revision == 0 && given.supersedes != B256::ZERO {
        return Err(
            "the attestation is the first on its claim, and yet supersedes another".to_owned(),
        );
    }
    let time = |seconds: u64| {
        i64::try_from(seconds)
            .map(Timestamp)
            .map_err(|_beyond| format!("{seconds} is no time"))
    };
    let validity = Validity {
        issued_at: time(given.issuedAt)?,
        valid_after: time(given.validAfter)?,
        valid_until: time(given.validUntil)?,
    };
    let built =
        ClaimAttestation::for_claim(cover, &bundle.policy, implied, validity, given.signerEpoch)
            .map_err(|error| format!("no attestation follows from this evidence: {error}"))?;
    let expected = ClaimAttestation {
        revision: given.revision,
        supersedes: given.supersedes,
        ..built
    };
    refuse_differences(
        &differences(given, &expected),
        "the attestation differs from what evidence, terms and policy imply",
    )?;
    Ok(format!(
        "all 22 signed fields follow from evidence, terms and policy; the claim key is {}",
        given.claim_key()
    ))
}

/// It was decided after it settled and signed after the decision.
pub(super) fn check_times(bundle: &EvidenceBundle) -> Finding {
    let loss = &bundle.determination;
    let ClaimAttestation {
        issuedAt,
        validAfter,
        validUntil,
        ..
    } = bundle.attestation;
    let issued_at = i64::try_from(issuedAt).map_or(Timestamp(i64::MAX), Timestamp);
    let ascending = [
        loss.occurred_at,
        loss.confirmed_at,
        loss.settled_at,
        loss.determined_at,
        issued_at,
    ];
    if !ascending.is_sorted() || validAfter > validUntil || issuedAt > validUntil {
        return Err("its times are out of order: a loss occurs, is confirmed, settled, decided, attested, and then may be used".to_owned());
    }
    Ok(format!(
        "decided at {}, attested at {issued_at}, usable until {}",
        loss.determined_at,
        i64::try_from(validUntil).map_or_else(
            |_| "the end of time".to_owned(),
            |seconds| Timestamp(seconds).to_string()
        )
    ))
}

/// The statement is for who pays, where that is known. Off-chain the consumer is an account of the payout service, on
/// whichever chain.
pub(super) fn check_verifier(bundle: &EvidenceBundle, expected: Option<SigningDomain>) -> Finding {
    let domain = bundle.domain;
    if let Some(expected) = expected
        && expected != domain
    {
        return Err(format!("it is for {domain}, not for {expected}"));
    }
    match domain {
        SigningDomain::Verifier(verifier)
            if bundle.policy.consumer.chain_id != verifier.chain_id =>
        {
            Err(format!(
                "it is for {domain}, but the policy is paid on chain {}",
                bundle.policy.consumer.chain_id
            ))
        }
        SigningDomain::Verifier(_) => Ok(format!("it is for {domain}")),
        SigningDomain::OffChain(_) => Ok(format!("it is for {domain}: no contract takes it")),
    }
}

/// The statement and the signer set are of one epoch.
pub(super) fn check_epoch(bundle: &EvidenceBundle) -> Finding {
    let (signed, given) = (bundle.attestation.signerEpoch, bundle.signers.epoch());
    if signed == given {
        Ok(format!(
            "epoch {given} demands {} of {} signers",
            bundle.signers.threshold(),
            bundle.signers.signers().len()
        ))
    } else {
        Err(format!(
            "the attestation is of epoch {signed}, the signers are those of epoch {given}"
        ))
    }
}

/// Exactly a quorum signed exactly this.
pub(super) fn check_signatures(bundle: &EvidenceBundle) -> Finding {
    let signed = bundle.signed();
    bundle
        .signatures
        .verify(signed, &bundle.signers)
        .map_err(|error| match error {
            QuorumError::OnlyOnItsChain { .. } => {
                format!("{signed} cannot be checked offline: {error}")
            }
            _ => format!("{signed} is not signed by a quorum: {error}"),
        })?;
    let signers: Vec<String> = signers(bundle)
        .map(|signer| format!("{signer:#x}"))
        .collect();
    Ok(format!("{signed} is signed by {}", signers.join(", ")))
}

/// What was signed in the attestation's place vouches for it.
pub(super) fn check_batch(bundle: &EvidenceBundle, membership: &Membership) -> Finding {
    let id = bundle.domain.digest(&bundle.attestation);
    membership
        .check(&bundle.attestation, id)
        .map_err(|error| format!("the attestation {id} is not one of its batch: {error}"))?;
    Ok(format!(
        "the attestation {id} is one of the {} under the root {}, by a proof of {} step(s)",
        membership.batch.count,
        membership.batch.root,
        membership.proof.len()
    ))
}

/// Everybody who signed is trusted, and everybody who reported: of an earlier epoch than the signatures, the file alone says
/// who could.
pub(super) fn check_trusted(bundle: &EvidenceBundle, trusted: &[Address]) -> Finding {
    if bundle.signatures.is_empty() {
        return Err("nobody signed".to_owned());
    }
    let stranger = |who: &Address| !trusted.contains(who);
    if let Some(stranger) = signers(bundle).find(stranger) {
        return Err(format!(
            "{stranger:#x} signed, which is not among the signers that you trust"
        ));
    }
    let Some(quorum) = &bundle.quorum else {
        return Ok("everybody who signed is among the signers that you trust".to_owned());
    };
    for report in &quorum.reports {
        let Some(reporter) = report.signer(&bundle.domain) else {
            return Err("nobody can have signed one of the reports".to_owned());
        };
        if stranger(&reporter) {
            return Err(format!(
                "{reporter:#x} reported in epoch {}, which is not among the signers that you trust; \
                 name those of each epoch that you trust",
                quorum.signers.epoch()
            ));
        }
    }
    Ok("everybody who signed or reported is among the signers that you trust".to_owned())
}

/// The addresses that the bitmap names.
fn signers(bundle: &EvidenceBundle) -> impl Iterator<Item = Address> {
    let set = bundle.signers.signers();
    bundle
        .signatures
        .iter()
        .filter_map(|(index, _)| set.get(usize::from(index)).copied())
}

fn refuse_differences(same: &[(&str, bool)], sentence: &str) -> Result<(), String> {
    let different: Vec<&str> = same
        .iter()
        .filter(|(_, same)| !same)
        .map(|(name, _)| *name)
        .collect();
    if different.is_empty() {
        Ok(())
    } else {
        Err(format!("{sentence}: {}", different.join(", ")))
    }
}

/// Field by field, whether the two agree.
fn differences(given: &ClaimAttestation, expected: &ClaimAttestation) -> Vec<(&'static str, bool)> {
    macro_rules! compare {
        ($($field:ident)*) => {{
            // Without `..`, so that a field cannot be forgotten.
            let ClaimAttestation { $($field),* } = expected;
            vec![$((stringify!($field), given.$field == *$field)),*]
        }};
    }
    compare!(
        policyId termsHash eventId consumer verdict payoutFraction measuredValue occurredAt confirmedAt windowStart
        windowEnd sourceChainId sourceBlock sourceBlockHash evidenceRoot evidenceCount issuedAt validAfter validUntil
        signerEpoch revision supersedes
    )
}
