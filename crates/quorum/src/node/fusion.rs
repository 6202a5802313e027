//! Executing the reports of others again, one by one and together.

use std::sync::Arc;

use alloy_primitives::Address;
use tocsin_attest::Seat;
use tocsin_domain::cover::Cover;
use tocsin_domain::ids::ReportsHash;
use tocsin_domain::quorum::{Event, Fused, Quorum, SignedReport, fuse, reexecute, reports_hash};
use tocsin_domain::time::{Seconds, Timestamp};

use super::{Node, unknown_epoch};
use crate::apart::apart;
use crate::refusal::{Reason, Refusal};

/// About what an observation takes in memory.
const OBSERVATION: usize = 400;

impl Node {
    /// What these reports amount to: each is executed again. The hash of them is the first of what is returned.
    pub(crate) async fn fuse(
        &self,
        cover: &Arc<Cover>,
        event: &Event,
        reports: &[SignedReport],
    ) -> Result<(ReportsHash, Arc<Fused>), Refusal> {
        let domain = self.attestor.domain();
        let hash = reports_hash(&domain, reports);
        let key = (event.key(), hash);
        if let Some(known) = self.fusions.get(&key) {
            return Ok((hash, known));
        }
        let first = reports.first().ok_or_else(|| bad("there are none"))?;
        let latest = self.now() + self.settings.clock_tolerance;
        let early = |report: &&SignedReport| Timestamp(report.statement.determinedAt) > latest;
        if let Some(report) = reports.iter().find(early) {
            return Err(bad(&format!(
                "one was determined at {}, which is yet to come",
                Timestamp(report.statement.determinedAt)
            )));
        }
        // Whoever votes for reports of an epoch that is over has a certificate that this node believes.
        let epoch = first.statement.signerEpoch;
        let signers = self.attestor.signers_of(epoch);
        let signers = signers.ok_or_else(|| unknown_epoch(epoch))?;
        let work = (Arc::clone(cover), event.clone(), reports.to_vec());
        let fused = apart(move || {
            let (cover, event, reports) = &work;
            let quorum = Quorum {
                domain: &domain,
                signers: &signers,
            };
            let fused =
                fuse(cover, event, reports, quorum).map_err(|error| bad(&error.to_string()))?;
            if fused.reports == *reports {
                Ok(fused)
            } else {
                Err(bad("they are not in the order of their signers"))
            }
        });
        let fused = Arc::new(fused.await??);
        let told = fused.reports.iter().map(|report| report.observations.len());
        let kept = told.sum::<usize>().saturating_add(fused.observations.len());
        let bytes = kept.saturating_mul(OBSERVATION);
        self.fusions.put(key, Arc::clone(&fused), bytes);
        Ok((hash, fused))
    }

    /// That a report of the seat's epoch, of the attestor `peer`, holds: about this event, signed by it, and found again when it
    /// is executed.
    pub(crate) async fn check_report(
        &self,
        seat: &Seat<'_>,
        event: &Event,
        peer: Address,
        report: SignedReport,
        cover: &Arc<Cover>,
    ) -> Result<SignedReport, Refusal> {
        // Else one attestor could make the proposal too large for all.
        self.check_report_size(&report, seat.signers().signers().len())?;
        let (domain, statement) = (seat.domain(), &report.statement);
        if statement.signerEpoch != seat.signers().epoch() || !statement.is_about(event) {
            return Err(bad(
                "its report is about another event, or of another epoch",
            ));
        }
        if report.signer(&domain) != Some(peer) {
            let detail = "its report is not signed by its key";
            return Err(Refusal::new(Reason::BadSignature, detail));
        }
        self.check_age(seat, peer, Timestamp(statement.determinedAt))?;
        let (cover, event, signers) = (Arc::clone(cover), event.clone(), seat.signers().clone());
        let held = apart(move || {
            let quorum = Quorum {
                domain: &domain,
                signers: &signers,
            };
            match reexecute(&cover, &event, &report, quorum) {
                Ok(_) => Ok(report),
                Err(error) => Err(bad(&error.to_string())),
            }
        });
        held.await?
    }

    /// That another's report is not from a time to come. Who votes grants the whole tolerance, who proposes half of it: else a
    /// report that is dated at the very edge would spoil a proposal with everybody whose clock is a little behind.
    fn check_age(&self, seat: &Seat<'_>, peer: Address, at: Timestamp) -> Result<(), Refusal> {
        let half = Seconds(self.settings.clock_tolerance.0 / 2);
        if peer == seat.address() || at <= self.now() + half {
            return Ok(());
        }
        let detail = format!("its report was determined at {at}, which is yet to come");
        Err(Refusal::new(Reason::Times, detail))
    }
}

fn bad(detail: &str) -> Refusal {
    Refusal::new(Reason::BadReports, detail)
}
