//! Shares in attestations: of what is decided, for claims that this node finds eligible, with its own payloads.

use alloy_primitives::Address;
use tocsin_attest::{BatchShare, Seat};
use tocsin_domain::attestation::ClaimAttestation;

use super::issue::{MOST_CLAIMS, Settled, check_times, seconds};
use super::revised::read_statements;
use super::{Payloads, check_count};
use crate::message::{Answer, Issue, SignResponse, Signature};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};
use crate::standing::RoundStanding;

/// How many seconds lie between two statements of one claim in one epoch, at the least.
const BETWEEN_STATEMENTS: u64 = 60;

impl Node {
    /// This node's shares. Decisions are journaled first, then the payloads; only then is anything signed.
    pub(crate) async fn sign(
        &self,
        proposer: Address,
        issue: &Issue,
    ) -> Result<SignResponse, Refusal> {
        check_count(issue.claims.len(), MOST_CLAIMS)?;
        check_count(issue.events.len(), issue.claims.len())?;
        let mut settled = Vec::with_capacity(issue.events.len());
        for certified in &issue.events {
            settled.push(self.settled(certified).await);
        }
        let seat = &self.seat_at(issue.epoch)?;
        check_times(self, seat, issue, &settled)?;
        let decided: Vec<&Settled> = settled.iter().filter_map(|one| one.as_ref().ok()).collect();
        self.journal(&decided).await?;
        let mut payloads = self.payloads(issue, &settled).await;
        self.hold_back(&mut payloads).await?;
        let response = if issue.batched {
            self.share_batch(seat, issue, payloads).await
        } else {
            self.share_each(seat, payloads).await
        }?;
        for certified in &issue.events {
            self.standing.round(RoundStanding {
                event: certified.key(),
                round: certified.backed.certificate.round,
                proposer,
                stage: "signed".to_owned(),
                at: self.now(),
            });
        }
        Ok(response)
    }

    /// Signs no further statement of a claim right after the last one: whoever asks for one after the other would fill the
    /// books of all. The same one again is no further one.
    async fn hold_back(&self, payloads: &mut Payloads) -> Result<(), Refusal> {
        let domain = self.attestor.domain();
        for slot in payloads.iter_mut() {
            let Ok(payload) = slot else { continue };
            let separator = domain.domain_separator();
            let said = self
                .store
                .statements(separator, payload.claim_key())
                .await?;
            let said = match read_statements(&said) {
                Ok(said) => said,
                Err(damaged) => {
                    *slot = Err(damaged);
                    continue;
                }
            };
            if said.contains(payload) {
                continue;
            }
            let further = |one: &&ClaimAttestation| {
                one.signerEpoch == payload.signerEpoch
                    && one.revision == payload.revision
                    && one.issuedAt.abs_diff(payload.issuedAt) < BETWEEN_STATEMENTS
            };
            if let Some(last) = said.iter().find(further) {
                let detail = format!("one that was issued at {} stands", last.issuedAt);
                *slot = Err(Refusal::new(Reason::SaidBefore, detail));
            }
        }
        Ok(())
    }

    async fn share_each(
        &self,
        seat: &Seat<'_>,
        payloads: Payloads,
    ) -> Result<SignResponse, Refusal> {
        let good: Vec<ClaimAttestation> = good(&payloads);
        let mut shares = seat.share_each(&*self.store, &good).await?.into_iter();
        let mut claims = Vec::with_capacity(payloads.len());
        for payload in payloads {
            claims.push(Answer::from(match payload {
                Err(refusal) => Err(refusal),
                Ok(_) => match shares.next() {
                    Some(Ok(signature)) => Ok(Some(Signature(signature))),
                    Some(Err(error)) => Err(error.into()),
                    // There is one for each payload.
                    None => Ok(None),
                },
            }));
        }
        Ok(SignResponse {
            claims,
            batch: None,
        })
    }

    async fn share_batch(
        &self,
        seat: &Seat<'_>,
        issue: &Issue,
        payloads: Payloads,
    ) -> Result<SignResponse, Refusal> {
        let good: Vec<ClaimAttestation> = good(&payloads);
        let mut claims: Vec<Answer<Option<Signature>>> = payloads
            .into_iter()
            .map(|payload| Answer::from(payload.map(|_| None)))
            .collect();
        let mut batch = None;
        if good.len() == claims.len() {
            let issued_at = seconds(issue.issued_at)?;
            match seat.share_batch(&*self.store, &good, issued_at).await? {
                BatchShare::Signed { signature, .. } => batch = Some(Signature(signature)),
                BatchShare::Refused(refused) => {
                    for (place, error) in refused {
                        if let Some(claim) = claims.get_mut(place) {
                            *claim = Answer::No(error.into());
                        }
                    }
                }
            }
        }
        Ok(SignResponse { claims, batch })
    }
}

fn good(payloads: &Payloads) -> Vec<ClaimAttestation> {
    payloads
        .iter()
        .filter_map(|payload| payload.as_ref().ok().cloned())
        .collect()
}
