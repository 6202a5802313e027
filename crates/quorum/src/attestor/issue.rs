//! From decided events to payloads: every attestor makes them itself, and compares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tocsin_attest::Seat;
use tocsin_domain::attestation::{ClaimAttestation, Validity};
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::ids::{AttestationId, PolicyId, RiskId};
use tocsin_domain::policy::Policy;
use tocsin_domain::quorum::{Event, Fused, Step};
use tocsin_domain::time::Timestamp;
use tocsin_store::quorum::{BallotRefusal, Held, Said, Saying, Statement};
use tocsin_store::revocation::Standing;

use crate::message::{Certified, Issue, IssuedClaim, Revision};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// The most claims that are issued together, so that one request keeps an attestor busy for seconds and not for minutes.
pub const MOST_CLAIMS: usize = 5_000;

/// Of each claim the payload, or why there is none.
pub(crate) type Payloads = Vec<Result<ClaimAttestation, Refusal>>;

/// A payload with whose it is, and about what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    /// Whose.
    pub policy: Policy,
    /// The risk of the event.
    pub risk: RiskId,
    /// The event.
    pub ordinal: u32,
    /// What is signed.
    pub payload: ClaimAttestation,
    /// Its digest.
    pub id: AttestationId,
}

/// What payloads are made of, beside decisions.
pub(crate) struct Books {
    policies: BTreeMap<PolicyId, Policy>,
    claims: BTreeMap<PolicyId, Vec<Claim>>,
    /// The claims whose decisions are leaves of the eligibility log.
    logged: BTreeSet<(PolicyId, u32)>,
    /// The claims that are held or were revoked.
    pub(super) stopped: Vec<Standing>,
}

/// A decided event, executed again.
pub(crate) struct Settled {
    pub(crate) event: Event,
    pub(crate) fused: Arc<Fused>,
    cover: Arc<tocsin_domain::cover::Cover>,
    statement: Statement,
}

impl Node {
    /// That an event is decided, by votes that hold, and determined here too.
    pub(crate) async fn settled(&self, certified: &Certified) -> Result<Settled, Refusal> {
        let (held, reports) = self.hold(certified, Step::Lock).await?;
        let Certified { event, backed } = certified;
        let own = self.own(event).await?;
        let (_, fused) = self.fuse(&own.cover, event, &backed.reports).await?;
        Ok(Settled {
            event: event.clone(),
            fused,
            cover: own.cover,
            statement: decision(event, held, reports),
        })
    }

    /// Journals decisions; refused where this node has seen a quorum decide otherwise.
    pub(crate) async fn journal(&self, settled: &[&Settled]) -> Result<(), Refusal> {
        let statements: Vec<_> = settled
            .iter()
            .map(|settled| settled.statement.clone())
            .collect();
        let domain = self.attestor.domain().domain_separator();
        for said in self.store.say(domain, &statements).await? {
            if let Said::Refused(refusal) = said {
                if let BallotRefusal::Decided(_) = refusal {
                    tracing::error!(%refusal, "ALARM: two quorums have decided differently: more attestors lie than the threshold allows");
                }
                return Err(refusal.into());
            }
        }
        Ok(())
    }

    /// This node's own policies and claims, of all whose payloads are wanted: a few reads, however many they are.
    pub(crate) async fn books(
        &self,
        policies: impl Iterator<Item = PolicyId>,
    ) -> Result<Books, Refusal> {
        let ids: Vec<PolicyId> = policies.collect();
        let claims = self.store.claims_of_each(&ids).await?;
        let all = claims.values().flatten().cloned().collect();
        let logged = self.store.logged(all).await?;
        let domain = self.attestor.domain().domain_separator();
        Ok(Books {
            policies: self.store.policies(&ids).await?,
            claims,
            logged: logged
                .iter()
                .map(|claim| (claim.policy, claim.ordinal))
                .collect(),
            stopped: self.store.stopped(domain).await?,
        })
    }

    /// The payload that this node would sign for a claim, by its own policy and terms.
    pub(crate) async fn payload(
        &self,
        books: &Books,
        settled: &Settled,
        policy: PolicyId,
        issued_at: Timestamp,
        epoch: u32,
        revision: Option<Revision>,
    ) -> Result<(Policy, ClaimAttestation), Refusal> {
        let ineligible =
            |detail: &str| Refusal::new(Reason::NotEligible, format!("{policy}: {detail}"));
        let risk = settled.event.risk();
        let policy = books.policies.get(&policy).cloned();
        let policy = policy
            .filter(|policy| policy.risk == risk)
            .ok_or_else(|| ineligible("this node has no such policy on this risk"))?;
        let mut claims = books.claims.get(&policy.id).into_iter().flatten();
        let claim = claims
            .find(|claim| claim.risk == risk && claim.ordinal == settled.event.ordinal)
            .ok_or_else(|| ineligible("this node has not decided the claim yet"))?;
        if !books.logged.contains(&(claim.policy, claim.ordinal)) {
            return Err(ineligible(
                "this node has decided the claim, and its leaf is not in the eligibility log yet",
            ));
        }
        if let Eligibility::Refused(refusal) = &claim.eligibility {
            return Err(ineligible(&format!(
                "this node refuses the claim: {refusal:?}"
            )));
        }
        let validity = Validity {
            issued_at,
            valid_after: issued_at + self.settings.hold,
            valid_until: issued_at + self.settings.valid_for,
        };
        let determination = &settled.fused.determination;
        let payload =
            ClaimAttestation::for_claim(&settled.cover, &policy, determination, validity, epoch)
                .map_err(|error| ineligible(&error.to_string()))?;
        let payload = self.revised(books, payload, revision).await?;
        Ok((policy, payload))
    }

    /// The payloads that an issue asks for, each compared with what is asked for.
    pub(crate) async fn payloads(
        &self,
        issue: &Issue,
        settled: &[Result<Settled, Refusal>],
    ) -> Payloads {
        let books = match self.books(issue.policies()).await {
            Ok(books) => books,
            Err(refusal) => return vec![Err(refusal); issue.claims.len()],
        };
        let mut payloads = Vec::with_capacity(issue.claims.len());
        for claim in &issue.claims {
            payloads.push(
                self.compared(&books, issue, claim, settled)
                    .await
                    .map(|issued| issued.payload),
            );
        }
        payloads
    }

    pub(super) async fn compared(
        &self,
        books: &Books,
        issue: &Issue,
        claim: &IssuedClaim,
        settled: &[Result<Settled, Refusal>],
    ) -> Result<Issued, Refusal> {
        let unknown = || {
            Refusal::new(
                Reason::Unreadable,
                "a claim names an event that is not listed",
            )
        };
        let settled = settled.get(claim.event).ok_or_else(unknown)?;
        let settled = settled.as_ref().map_err(Clone::clone)?;
        let (policy, payload) = self
            .payload(
                books,
                settled,
                claim.policy,
                issue.issued_at,
                issue.epoch,
                Some(claim.revision),
            )
            .await?;
        let id = self.attestor.domain().digest(&payload);
        if id != claim.id {
            return Err(Refusal::new(
                Reason::OtherPayload,
                format!(
                    "for policy {} this node would sign {id}, not {}; compare policies, and `hold` and `valid_for`",
                    policy.id, claim.id
                ),
            ));
        }
        Ok(Issued {
            risk: policy.risk,
            policy,
            ordinal: settled.event.ordinal,
            payload,
            id,
        })
    }
}

/// As contracts count.
pub(crate) fn seconds(at: Timestamp) -> Result<u64, Refusal> {
    at.to_u64()
        .ok_or_else(|| Refusal::new(Reason::Times, format!("{at} is before 1970")))
}

fn decision(event: &Event, held: Held, reports: Vec<u8>) -> Statement {
    Statement {
        event: event.key(),
        saying: Saying::Decision(held),
        reports,
    }
}

/// That this node would sign at this time.
pub(crate) fn check_times(
    node: &Node,
    seat: &Seat<'_>,
    issue: &Issue,
    settled: &[Result<Settled, Refusal>],
) -> Result<(), Refusal> {
    let (now, tolerance) = (node.now(), node.settings.clock_tolerance);
    let issued_at = issue.issued_at;
    if issued_at < now - tolerance || issued_at > now + tolerance {
        return Err(Refusal::new(
            Reason::Times,
            format!("it is to be issued at {issued_at}, and here it is {now}"),
        ));
    }
    let signs = issued_at
        .to_u64()
        .is_some_and(|at| seat.epoch().signs_at(at));
    if !signs {
        return Err(Refusal::new(
            Reason::Times,
            format!(
                "it is to be issued at {issued_at}, when epoch {} does not sign",
                issue.epoch
            ),
        ));
    }
    let decided = settled.iter().filter_map(|settled| settled.as_ref().ok());
    let latest = decided
        .map(|settled| settled.fused.determination.determined_at)
        .max();
    match latest {
        Some(latest) if latest > issued_at => Err(Refusal::new(
            Reason::Times,
            format!("it is to be issued at {issued_at}, before it was determined at {latest}"),
        )),
        _ => Ok(()),
    }
}
