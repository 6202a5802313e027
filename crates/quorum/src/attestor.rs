//! The attestor's side: answers whoever proposes, by its own determinations, its own policies and its own terms.

pub(crate) mod issue;
mod result;
mod revised;
mod sign;
mod votes;

pub use issue::{Issued, MOST_CLAIMS};
pub(crate) use issue::{Payloads, Settled, seconds};
pub use result::{Batch, Proof, Verified};

use tocsin_domain::ids::ReportsHash;
use tocsin_domain::quorum::{Certificate, Event, SignedReport, Step, reports_hash};
use tocsin_store::quorum::{Ballot, Held};

use crate::message::{
    Answer, Backed, Heard, ReportRequest, ReportResponse, Signed, WantedRequest, WantedResponse,
};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// The most events that one message is about.
pub const MOST_EVENTS: usize = 32;

/// The most results that one answer has.
const MOST_RESULTS: u32 = 16;

/// The most claims that are asked about at once.
pub(crate) const MOST_WANTED: usize = 2_000;

impl Node {
    /// What this node has seen of events, and what it is bound to.
    pub(crate) async fn reports(&self, request: &ReportRequest) -> Result<ReportResponse, Refusal> {
        let seat = self.seat_to_vote(request.epoch)?;
        check_count(request.events.len(), MOST_EVENTS)?;
        let mut heard = Vec::with_capacity(request.events.len());
        let mut room = self.size().room();
        for event in &request.events {
            let report = match self.own(event).await {
                Ok(own) => self.report(&seat, event, &own).await,
                Err(refusal) => Err(refusal),
            };
            let domain = seat.domain().domain_separator();
            let ballot = self.store.ballot(domain, event.key()).await?;
            let said = Heard {
                report: report.into(),
                round: ballot.round(),
                locked: self.backed(ballot.locked.as_ref()).await?,
                decided: self.decided(&ballot).await?,
            };
            heard.push(if room.takes(&said) {
                said
            } else {
                said.later()
            });
        }
        Ok(ReportResponse { heard })
    }

    /// What this node knows quorums to have signed for these claims.
    pub(crate) async fn wanted(&self, request: &WantedRequest) -> Result<WantedResponse, Refusal> {
        check_count(request.claims.len(), MOST_WANTED)?;
        let mut signed = Vec::new();
        let mut room = self.size().room();
        for body in self.store.results_of(&request.claims, MOST_RESULTS).await? {
            let result = read_stored::<Signed>(&body)?;
            // Whoever has no claim of the others any more asks again for what had no room.
            if room.takes(&result) {
                signed.push(result);
            }
        }
        Ok(WantedResponse { signed })
    }

    async fn decided(&self, ballot: &Ballot) -> Result<Option<Backed>, Refusal> {
        self.backed(ballot.decided.as_ref()).await
    }

    async fn backed(&self, held: Option<&Held>) -> Result<Option<Backed>, Refusal> {
        let Some(held) = held else { return Ok(None) };
        let Some(reports) = self.store.reports(held.reports_hash).await? else {
            return Ok(None);
        };
        Ok(Some(Backed {
            certificate: read_stored(&held.certificate)?,
            reports: read_stored(&reports)?,
        }))
    }

    /// That votes of the given step are a quorum's, on these reports of this event. The hash of the reports.
    ///
    /// The keys of a revoked epoch may be stolen, and nothing new is learned from them; what this node has itself journaled
    /// when they were good stays.
    pub(crate) async fn check_certificate(
        &self,
        event: &Event,
        certificate: &Certificate,
        reports: &[SignedReport],
        step: Step,
    ) -> Result<ReportsHash, Refusal> {
        let bad = |detail: String| Refusal::new(Reason::BadCertificate, detail);
        let domain = self.attestor.domain();
        if certificate.step != step || certificate.event != event.key() {
            return Err(bad("it is of another step or event".to_owned()));
        }
        let hash = reports_hash(&domain, reports);
        if certificate.reports != hash {
            return Err(bad("it is of other reports".to_owned()));
        }
        let signers = match self.signers(certificate.signer_epoch) {
            Ok(signers) => signers,
            Err(refusal) => {
                let ballot = self
                    .store
                    .ballot(domain.domain_separator(), event.key())
                    .await?;
                let known = [ballot.decided, ballot.locked];
                let known = known.iter().flatten().any(|held| held.reports_hash == hash);
                let signers = self.attestor.signers_of(certificate.signer_epoch);
                signers.filter(|_| known).ok_or(refusal)?
            }
        };
        certificate
            .verify(&domain, &signers)
            .map_err(|error| bad(error.to_string()))?;
        Ok(hash)
    }
}

pub(crate) fn check_count(count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most {
        Ok(())
    } else {
        Err(Refusal::new(
            Reason::TooLarge,
            format!("it is about {count}, and {most} are the most"),
        ))
    }
}

/// What was stored by this node itself.
fn read_stored<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        tracing::error!(%error, "ALARM: what was journaled in a quorum cannot be read; the database may be damaged");
        Refusal::new(Reason::Failed, "its operator can find the reason in the log")
    })
}

/// As it is stored and sent.
pub(crate) fn write<T: serde::Serialize>(what: &T) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(what).map_err(|error| Refusal::new(Reason::Failed, error.to_string()))
}

impl<T> Answer<T> {
    /// Why not.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Yes(_) => None,
            Self::No(refusal) => Some(refusal),
        }
    }
}
