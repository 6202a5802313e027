//! From decisions to attestations: every attestor makes the payloads itself, and signs its share.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_attest::Seat;
use tocsin_domain::attestation::{BatchTree, QuorumSignature, SignatureSet};
use tocsin_domain::ids::{BatchId, PolicyId};
use tocsin_domain::time::{Seconds, Timestamp};

use super::gather::{Refusals, short, told};
use super::{Outcome, Trouble};
use crate::attestor::{Settled, seconds, write};
use crate::client::Answers;
use crate::message::{
    Certified, Issue, IssuedClaim, Revision, SignResponse, Signatures, Signed, path,
};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// About how many bytes of reports one issue carries at the most, with the events that it is about.
const MOST_EVIDENCE: usize = 16 << 20;

/// About what an observation takes in JSON.
const OBSERVATION: usize = 400;

/// The claims of one issue, while it is put together.
type Part = Vec<(Certified, Vec<PolicyId>)>;

impl Node {
    /// Has claims on decided events signed.
    pub(super) async fn issue(
        &self,
        seat: &Seat<'_>,
        settled: Part,
        batched: bool,
        outcome: &mut Outcome,
    ) {
        for part in parts(settled) {
            let Some(mut issue) = self.prepare(seat, part, outcome).await else {
                continue;
            };
            if !batched || issue.claims.len() < 2 {
                self.sign_each(seat, issue, outcome).await;
                continue;
            }
            issue.batched = true;
            // A claim that somebody refuses spoils the batch of all: it is signed alone, by those who do not refuse it.
            let spoilt = match self.sign_batch(seat, &issue).await {
                Ok(signed) => {
                    outcome.signed.push(signed);
                    continue;
                }
                Err((spoilt, refusals)) => {
                    self.note_all(seat, issue.claims_event(), &refusals).await;
                    spoilt
                }
            };
            let (alone, together): (Vec<_>, Vec<_>) = (0..)
                .zip(issue.claims.iter().cloned())
                .partition(|(place, _)| spoilt.contains(place));
            let without = |claims: Vec<(usize, IssuedClaim)>, batched| {
                issue.only(
                    claims.into_iter().map(|(_, claim)| claim).collect(),
                    batched,
                )
            };
            let (alone, together) = (without(alone, false), without(together, true));
            if !alone.claims.is_empty() && together.claims.len() > 1 {
                match self.sign_batch(seat, &together).await {
                    Ok(signed) => outcome.signed.push(signed),
                    Err((_, refusals)) => outcome.troubles.extend(trouble(&together, &refusals)),
                }
                self.sign_each(seat, alone, outcome).await;
            } else {
                issue.batched = false;
                self.sign_each(seat, issue, outcome).await;
            }
        }
    }

    /// What is to be signed, by this node's own books.
    async fn prepare(&self, seat: &Seat<'_>, part: Part, outcome: &mut Outcome) -> Option<Issue> {
        let epoch = seat.signers().epoch();
        let mut events = Vec::new();
        let mut wished: Vec<(Settled, Vec<PolicyId>)> = Vec::new();
        for (certified, policies) in part {
            match self.settled(&certified).await {
                Ok(settled) => {
                    wished.push((settled, policies));
                    events.push(certified);
                }
                Err(refusal) => outcome.troubles.push(Trouble {
                    event: certified.key(),
                    why: refusal.to_string(),
                }),
            }
        }
        let determined = wished
            .iter()
            .map(|(settled, _)| settled.fused.determination.determined_at);
        let issued_at = self.issued_at(seat, determined.max());
        let wanted = wished
            .iter()
            .flat_map(|(_, policies)| policies.iter().copied());
        let books = match self.books(wanted).await {
            Ok(books) => books,
            Err(refusal) => {
                let troubles = wished.iter().map(|(settled, _)| Trouble {
                    event: settled.event.key(),
                    why: refusal.to_string(),
                });
                outcome.troubles.extend(troubles);
                return None;
            }
        };
        let mut claims = Vec::new();
        for (event, (settled, policies)) in wished.iter().enumerate() {
            for &policy in policies {
                match self
                    .payload(&books, settled, policy, issued_at, epoch, None)
                    .await
                {
                    Ok((_, payload)) => claims.push(IssuedClaim {
                        policy,
                        event,
                        revision: Revision {
                            number: payload.revision,
                            supersedes: payload.supersedes,
                        },
                        id: seat.domain().digest(&payload),
                    }),
                    Err(refusal) => outcome.troubles.push(Trouble {
                        event: settled.event.key(),
                        why: refusal.to_string(),
                    }),
                }
            }
        }
        let all = Issue {
            epoch,
            issued_at,
            batched: false,
            events,
            claims,
        };
        (!all.claims.is_empty()).then(|| all.only(all.claims.clone(), false))
    }

    /// When claims are issued that were determined then. That very instant, where it is recent: two who propose at the same
    /// time then have the same statements signed, and not two of each.
    fn issued_at(&self, seat: &Seat<'_>, determined: Option<Timestamp>) -> Timestamp {
        let now = self.now();
        let recently = now - Seconds(self.settings.clock_tolerance.0 / 2);
        let signs = |at: Timestamp| at.to_u64().is_some_and(|at| seat.epoch().signs_at(at));
        match determined {
            Some(determined) if determined >= recently && signs(determined) => determined,
            _ => now,
        }
    }

    async fn shares(&self, seat: &Seat<'_>, issue: &Issue) -> Answers<SignResponse> {
        match write(issue) {
            Ok(body) => {
                let own = self.sign(seat.address(), issue);
                self.ask_all(seat, path::SIGN, &body, own).await
            }
            Err(_too_large) => Answers(Vec::new()),
        }
    }

    async fn sign_each(&self, seat: &Seat<'_>, issue: Issue, outcome: &mut Outcome) {
        let answers = self.shares(seat, &issue).await;
        let threshold = usize::from(seat.signers().threshold());
        let mut signed = Vec::new();
        let mut signatures = Vec::new();
        for (place, claim) in issue.claims.iter().enumerate() {
            let event = issue.event_of(claim);
            let mut shares = SignatureSet::default();
            let mut refusals = Refusals::new();
            for (index, peer, answer) in &answers.0 {
                let share = share(answer, place).and_then(|signature| {
                    if signature.signer(claim.id) == Some(*peer) {
                        Ok(signature)
                    } else {
                        Err(not_its_own())
                    }
                });
                match share {
                    Ok(signature) if shares.len() < threshold => {
                        shares.insert(*index, signature);
                    }
                    // Contracts take exactly a quorum's.
                    Ok(_one_more) => {}
                    Err(refusal) => refusals.push((*peer, refusal)),
                }
            }
            if let Some(event) = event {
                self.note_all(seat, event, &refusals).await;
            }
            if shares.len() == threshold {
                signed.push(claim.clone());
                signatures.push(Signatures(shares));
            } else {
                let why = format!(
                    "{} of {threshold} shares for policy {}; {}",
                    shares.len(),
                    claim.policy,
                    told(&refusals)
                );
                outcome
                    .troubles
                    .extend(event.map(|event| Trouble { event, why }));
            }
        }
        if !signed.is_empty() {
            outcome.signed.push(Signed {
                issue: issue.only(signed, false),
                signatures,
            });
        }
    }

    /// The batch; or which of its claims are refused by somebody, and by whom.
    async fn sign_batch(
        &self,
        seat: &Seat<'_>,
        issue: &Issue,
    ) -> Result<Signed, (BTreeSet<usize>, Refusals)> {
        let id = batch_id(seat, issue).map_err(|refusal| {
            let refusals = vec![(seat.address(), refusal)];
            (BTreeSet::new(), refusals)
        })?;
        let answers = self.shares(seat, issue).await;
        let threshold = usize::from(seat.signers().threshold());
        let mut shares = SignatureSet::default();
        let (mut spoilt, mut refusals) = (BTreeSet::new(), Refusals::new());
        for (index, peer, answer) in &answers.0 {
            match answer {
                Err(refusal) => refusals.push((*peer, refusal.clone())),
                Ok(SignResponse {
                    batch: Some(signature),
                    ..
                }) if signature.0.signer(id) == Some(*peer) => {
                    if shares.len() < threshold {
                        shares.insert(*index, signature.0);
                    }
                }
                Ok(SignResponse { batch: Some(_), .. }) => refusals.push((*peer, not_its_own())),
                Ok(SignResponse {
                    batch: None,
                    claims,
                }) => {
                    let refused = claims.iter().enumerate();
                    let refused =
                        refused.filter_map(|(place, claim)| Some((place, claim.refusal()?)));
                    for (place, refusal) in refused {
                        spoilt.insert(place);
                        if refusals.len() < issue.claims.len().min(32) {
                            refusals.push((*peer, refusal.clone()));
                        }
                    }
                }
            }
        }
        if shares.len() == threshold {
            self.note_all(seat, issue.claims_event(), &refusals).await;
            Ok(Signed {
                issue: issue.clone(),
                signatures: vec![Signatures(shares)],
            })
        } else {
            Err((spoilt, refusals))
        }
    }
}

impl Issue {
    /// The same of some of its claims, with the events that these are on.
    fn only(&self, mut claims: Vec<IssuedClaim>, batched: bool) -> Self {
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

    fn event_of(&self, claim: &IssuedClaim) -> Option<tocsin_domain::ids::EventKey> {
        self.events.get(claim.event).map(Certified::key)
    }

    /// The first of the events, to name the whole by.
    fn claims_event(&self) -> tocsin_domain::ids::EventKey {
        let first = self.events.first().map(Certified::key);
        first.unwrap_or(tocsin_domain::ids::EventKey(alloy_primitives::B256::ZERO))
    }
}

fn batch_id(seat: &Seat<'_>, issue: &Issue) -> Result<BatchId, Refusal> {
    let tree = BatchTree::new(issue.claims.iter().map(|claim| claim.id))
        .ok_or_else(|| Refusal::new(Reason::TooLarge, "a batch of none, or of too many"))?;
    let batch = tree.batch(seconds(issue.issued_at)?, issue.epoch);
    Ok(seat.domain().batch_digest(&batch))
}

fn share(answer: &Result<SignResponse, Refusal>, place: usize) -> Result<QuorumSignature, Refusal> {
    let answer = answer.as_ref().map_err(Clone::clone)?;
    let claim = answer.claims.get(place).ok_or_else(short)?;
    let signature = claim.clone().result()?.ok_or_else(short)?;
    Ok(signature.0)
}

fn not_its_own() -> Refusal {
    Refusal::new(
        Reason::BadSignature,
        "its share is not signed by its key, or is of something else",
    )
}

fn trouble(issue: &Issue, refusals: &Refusals) -> Option<Trouble> {
    Some(Trouble {
        event: issue.events.first()?.key(),
        why: format!(
            "the batch of {} is not signed; {}",
            issue.claims.len(),
            told(refusals)
        ),
    })
}

/// In parts that one message can carry.
fn parts(settled: Part) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut bytes, mut claims) = (usize::MAX, 0_usize);
    for (certified, mut policies) in settled {
        let observed = certified.backed.reports.iter();
        let weight: usize = observed
            .map(|report| report.observations.len().saturating_mul(OBSERVATION))
            .sum();
        while !policies.is_empty() {
            let room = crate::attestor::MOST_CLAIMS.saturating_sub(claims);
            if bytes.saturating_add(weight) > MOST_EVIDENCE || room == 0 || parts.is_empty() {
                parts.push(Vec::new());
                (bytes, claims) = (0, 0);
                // One event alone always has a part.
            }
            let room = crate::attestor::MOST_CLAIMS.saturating_sub(claims);
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
