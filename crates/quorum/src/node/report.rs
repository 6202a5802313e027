//! This node's report of an event: made once, and the same bytes for whoever asks.

use tocsin_attest::Seat;
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::observation::Observation;
use tocsin_domain::quorum::{Event, ObservationReport, ReportError, SignedReport};

use super::Node;
use super::own::Own;
use crate::refusal::{Reason, Refusal};

impl Node {
    /// This node's report of an event that it has determined: the same bytes as long as it has determined the same.
    pub(crate) async fn report(
        &self,
        seat: &Seat<'_>,
        event: &Event,
        own: &Own,
    ) -> Result<SignedReport, Refusal> {
        let key = (event.key(), seat.signers().epoch());
        if let Some((determination, report)) = self.reports.get(&key)
            && determination == own.determination
        {
            return Ok(report);
        }
        let observations = self.evidence(own).await?;
        let statement = ObservationReport::of(
            &own.determination,
            &observations,
            own.previous,
            seat.signers().epoch(),
        )
        .map_err(|error: ReportError| Refusal::new(Reason::Inconclusive, error.to_string()))?;
        let report = SignedReport {
            signature: seat.report(&statement).await?,
            statement,
            observations,
        };
        let bytes = self.check_report_size(&report, seat.signers().signers().len())?;
        let kept = (own.determination.clone(), report.clone());
        self.reports.put(key, kept, bytes);
        Ok(report)
    }

    async fn evidence(&self, own: &Own) -> Result<Vec<Observation>, Refusal> {
        let Own {
            cover,
            determination,
            risk,
            ..
        } = own;
        let extent = Extent::of(
            cover,
            risk.risk.inception,
            determination.evidence_from,
            determination.settled_at,
        );
        let history = self
            .store
            .history(&risk.streams, extent.after, extent.until)
            .await?;
        evidence::select(&risk.streams, &history, extent)
            .map_err(|error| Refusal::new(Reason::Inconclusive, error.to_string()))
    }

    /// That what all attestors say of the event fits into one message; how many bytes the report has.
    pub(super) fn check_report_size(
        &self,
        report: &SignedReport,
        signers: usize,
    ) -> Result<usize, Refusal> {
        let too_large = |detail: String| Refusal::new(Reason::TooLarge, detail);
        let json = report
            .to_json()
            .map_err(|error| too_large(error.to_string()))?;
        let most = self.size().most_report_bytes(signers);
        if json.len() > most {
            return Err(too_large(format!(
                "the report has {} bytes; among {signers} attestors {most} are the most that can be exchanged, so the loss cannot be \
                 attested by them",
                json.len()
            )));
        }
        Ok(json.len())
    }
}
