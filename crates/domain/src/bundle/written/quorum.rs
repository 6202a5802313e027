//! The reports of a quorum as a bundle file writes them: each observation stands in the bundle once, and the reports name
//! it by its place there, counted from 0.

use serde::{Deserialize, Serialize};

use crate::attestation::json::decimal_text;
use crate::attestation::signatures_json::one_signature;
use crate::attestation::{QuorumSignature, SignerSet};
use crate::bundle::{BundleError, QuorumEvidence};
use crate::observation::Observation;
use crate::quorum::{ObservationReport, Places, SignedReport};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenQuorum {
    signers: SignerSet,
    reports: Vec<WrittenReport>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReport {
    statement: ObservationReport,
    observations: Vec<WrittenPlace>,
    #[serde(with = "one_signature")]
    signature: QuorumSignature,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct WrittenPlace(#[serde(with = "decimal_text")] usize);

impl WrittenQuorum {
    pub(super) fn of(
        evidence: &QuorumEvidence,
        observations: &[Observation],
    ) -> Result<Self, BundleError> {
        let places = Places::of(observations);
        let place = |row: &Observation| {
            let place = places.find(observations, row).map(WrittenPlace);
            place.ok_or(BundleError::Mixed {
                what: "list of reports",
            })
        };
        let report = |report: &SignedReport| {
            Ok(WrittenReport {
                statement: report.statement.clone(),
                observations: report
                    .observations
                    .iter()
                    .map(place)
                    .collect::<Result<_, BundleError>>()?,
                signature: report.signature,
            })
        };
        Ok(Self {
            signers: evidence.signers.clone(),
            reports: evidence
                .reports
                .iter()
                .map(report)
                .collect::<Result<_, BundleError>>()?,
        })
    }

    pub(super) fn into_evidence(
        self,
        observations: &[Observation],
    ) -> Result<QuorumEvidence, BundleError> {
        let row = |WrittenPlace(place): WrittenPlace| {
            observations
                .get(place)
                .cloned()
                .ok_or(BundleError::NoSuchObservation {
                    place,
                    observations: observations.len(),
                })
        };
        let report = |written: WrittenReport| {
            Ok(SignedReport {
                statement: written.statement,
                observations: written
                    .observations
                    .into_iter()
                    .map(row)
                    .collect::<Result<_, BundleError>>()?,
                signature: written.signature,
            })
        };
        Ok(QuorumEvidence {
            signers: self.signers,
            reports: self
                .reports
                .into_iter()
                .map(report)
                .collect::<Result<_, BundleError>>()?,
        })
    }
}
