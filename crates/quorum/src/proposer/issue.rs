//! From decisions to attestations: every attestor makes the payloads itself, and signs its share.

mod parts;
mod shares;
mod sign;

use tocsin_attest::Seat;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::time::{Seconds, Timestamp};

use super::gather::{Refusals, told};
use super::{Outcome, Trouble};
use crate::attestor::Settled;
use crate::message::{Issue, IssuedClaim, Revision};
use crate::node::Node;
use parts::{Part, parts};

impl Node {
    /// Has claims on decided events signed.
    pub(super) async fn issue(
        &self,
        seat: &Seat<'_>,
        settled: Part,
        batched: bool,
        outcome: &mut Outcome,
    ) {
        for part in parts(settled, self.settings.most_bytes / 4) {
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
