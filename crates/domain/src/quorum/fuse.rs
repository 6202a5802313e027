//! From the reports of a quorum to one determination.
//!
//! Every time, the payout and every input is the lower median of what the reports say: of r values in order, number
//! ⌈r/2⌉. While no more than ⌊(r − 1)/2⌋ of the attestors lie, it has an honest value at or below it and one at or above
//! it: nobody moves it beyond what the honest ones say. This is what approximate agreement does (D. Dolev, N. A. Lynch,
//! S. S. Pinter, E. W. Stark and W. E. Weihl, "Reaching approximate agreement in the presence of faults", J. ACM 33(3),
//! 1986), which drops as many values at both ends as there may be liars; what the median drops is more.
//! A block is no quantity, and between two true ones there may be an invented one: it is the one that more than half of
//! the reports name.

use super::reexecute::{Reported, reexecute};
use super::report::written_bytes;
use super::{Event, FuseError, SignedReport, union};
use crate::attestation::{Scope, SignerSet};
use crate::cover::Cover;
use crate::determination::Determination;
use crate::evidence;
use crate::observation::Observation;
use crate::time::Timestamp;

/// The most bytes, as JSON, that the observations of all reports together can have, each counted once: some hundred and
/// fifty thousand of them.
pub const MAX_UNION_BYTES: usize = 64 << 20;

/// Who can report, and where their signatures are valid.
#[derive(Clone, Copy, Debug)]
pub struct Quorum<'a> {
    /// For whom they sign.
    pub domain: &'a dyn Scope,
    /// The signers of the reports' epoch.
    pub signers: &'a SignerSet,
}

/// What the reports amount to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fused {
    /// What follows for the loss event.
    pub determination: Determination,
    /// Its evidence: what all have seen, each observation once, in the order of the reports.
    pub observations: Vec<Observation>,
    /// When the loss event before it was confirmed; `None` for the first.
    pub previous: Option<Timestamp>,
    /// The reports, in the order of their signers' indices.
    pub reports: Vec<SignedReport>,
}

/// One determination of `event` out of the reports of a quorum, given in any order.
///
/// Every report is re-executed by the terms; one that does not hold refuses the whole, by name, since what is fused must
/// be what was voted on. Where all attestors saw the same, this is what each of them determined, to the byte.
pub fn fuse(
    cover: &Cover,
    event: &Event,
    reports: &[SignedReport],
    quorum: Quorum<'_>,
) -> Result<Fused, FuseError> {
    // Too few, or the same again and again, are refused before anything is evaluated.
    quorum.check_number(reports.len())?;
    let mut indices = reports
        .iter()
        .map(|report| quorum.index_of(report))
        .collect::<Result<Vec<u8>, FuseError>>()?;
    indices.sort_unstable();
    if let Some(twice) = indices.array_windows().find(|[one, next]| one == next) {
        return Err(FuseError::Twice {
            attestor: quorum.address(twice[0]),
        });
    }
    let mut reported = reports
        .iter()
        .map(|report| reexecute(cover, event, report, quorum))
        .collect::<Result<Vec<Reported<'_>>, FuseError>>()?;
    reported.sort_by_key(|reported| reported.index);
    combine(&reported, quorum)
}

/// What reports that hold amount to; in the order of their signers, each once.
pub(crate) fn combine(reported: &[Reported<'_>], quorum: Quorum<'_>) -> Result<Fused, FuseError> {
    combine_within(reported, quorum, MAX_UNION_BYTES)
}

/// The same, where all observations together have no more than `most` bytes.
fn combine_within(
    reported: &[Reported<'_>],
    quorum: Quorum<'_>,
    most: usize,
) -> Result<Fused, FuseError> {
    quorum.check_number(reported.len())?;
    let observations = union::of(reported.iter().map(|said| &*said.report.observations));
    check_bytes(&observations, most)?;
    let (evidence_root, evidence_count) =
        evidence::commit(&observations).ok_or(FuseError::TooMuchEvidence)?;
    let said: Vec<&Determination> = reported.iter().map(|said| &said.determination).collect();
    let Some(determination) = middle(&said, evidence_root, evidence_count) else {
        return Err(quorum.too_few(0));
    };
    Ok(Fused {
        determination,
        observations,
        // All have one or none has, as the event's number says.
        previous: lower_median(reported.iter().map(|said| said.previous)).flatten(),
        reports: reported.iter().map(|said| said.report.clone()).collect(),
    })
}

/// Counted in parts, so that no more than one of them is written at once.
fn check_bytes(observations: &[Observation], most: usize) -> Result<(), FuseError> {
    let mut bytes = 0_usize;
    for part in observations.chunks(1_024) {
        let more = written_bytes(part).map_err(|_unwritable| FuseError::TooManyBytes { most })?;
        bytes = bytes.saturating_add(more);
        if bytes > most {
            return Err(FuseError::TooManyBytes { most });
        }
    }
    Ok(())
}

/// `None` only of no determinations.
fn middle(
    said: &[&Determination],
    evidence_root: alloy_primitives::B256,
    evidence_count: u32,
) -> Option<Determination> {
    let first = said.first()?;
    let time = |of: fn(&Determination) -> Timestamp| lower_median(said.iter().map(|said| of(said)));
    Some(Determination {
        // What the event is, which all name alike.
        risk: first.risk,
        terms_hash: first.terms_hash,
        subject: first.subject.clone(),
        ordinal: first.ordinal,
        event_id: first.event_id,
        // Each report has them in order, so their medians are.
        evidence_from: time(|said| said.evidence_from)?,
        occurred_at: time(|said| said.occurred_at)?,
        confirmed_at: time(|said| said.confirmed_at)?,
        settled_at: time(|said| said.settled_at)?,
        determined_at: time(|said| said.determined_at)?,
        payout: lower_median(said.iter().map(|said| said.payout.clone()))?,
        inputs: each(said, |said| &said.inputs),
        guards: each(said, |said| &said.guards),
        evidence_root,
        evidence_count,
        confirmed_on: majority(said.iter().map(|said| said.confirmed_on)).flatten(),
    })
}

/// Entry by entry of lists that are equally long: as long as the cover's inputs, or its guards.
fn each<T: Ord + Clone>(said: &[&Determination], of: fn(&Determination) -> &[T]) -> Vec<T> {
    let length = said.first().map_or(0, |first| of(first).len());
    (0..length)
        .filter_map(|place| {
            lower_median(said.iter().filter_map(|said| of(said).get(place).cloned()))
        })
        .collect()
}

/// `None` only of nothing.
fn lower_median<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    let middle = values.len().checked_sub(1)? / 2;
    values.sort_unstable();
    Some(values.swap_remove(middle))
}

/// What more than half say, if anything.
fn majority<T: PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    let place = values.iter().position(|value| {
        let same = values.iter().filter(|other| *other == value).count();
        2 * same > values.len()
    })?;
    Some(values.swap_remove(place))
}

impl Quorum<'_> {
    fn check_number(&self, given: usize) -> Result<(), FuseError> {
        if given < usize::from(self.signers.threshold()) {
            return Err(self.too_few(given));
        }
        Ok(())
    }

    fn too_few(&self, given: usize) -> FuseError {
        FuseError::TooFew {
            given,
            threshold: self.signers.threshold(),
        }
    }

    /// The index of whoever signed `report`, which may say anything.
    pub(crate) fn index_of(&self, report: &SignedReport) -> Result<u8, FuseError> {
        let signer = report.signer(self.domain).ok_or(FuseError::NoPoint)?;
        self.signers.index_of(signer).ok_or(FuseError::NotASigner {
            signer,
            epoch: self.signers.epoch(),
        })
    }

    /// Of a signer; zero where there is none.
    pub(crate) fn address(&self, index: u8) -> alloy_primitives::Address {
        let signer = self.signers.signers().get(usize::from(index));
        signer.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, Signature, U256};

    use super::*;
    use crate::attestation::{AttestationDomain, QuorumSignature};
    use crate::decimal::Decimal;
    use crate::ids::{EventId, RiskId, TermsHash};
    use crate::observation::{Provenance, Sequence};
    use crate::quorum::ObservationReport;

    const DOMAIN: AttestationDomain = AttestationDomain {
        chain_id: 1,
        verifier: Address::repeat_byte(9),
    };

    /// What somebody has seen ten times, whose raw bytes are nobody else's.
    fn report(raw: u8) -> (Determination, SignedReport) {
        let row = |number: u8| Observation {
            source: "feed:desk".into(),
            subject: "token:one".into(),
            metric: "price".into(),
            observed_at: Timestamp(i64::from(number)),
            sequence: Sequence(U256::from(number)),
            value: None,
            provenance: Provenance::Raw {
                hash: B256::repeat_byte(raw),
            },
        };
        let observations: Vec<Observation> = (0..10).map(row).collect();
        let (evidence_root, evidence_count) = evidence::commit(&observations).unwrap();
        let determination = Determination {
            risk: RiskId(B256::ZERO),
            terms_hash: TermsHash(B256::ZERO),
            subject: "token:one".into(),
            ordinal: 1,
            event_id: EventId(B256::ZERO),
            occurred_at: Timestamp(1),
            confirmed_at: Timestamp(2),
            settled_at: Timestamp(3),
            evidence_from: Timestamp(0),
            determined_at: Timestamp(4),
            payout: Ok(Decimal::ZERO),
            inputs: Vec::new(),
            guards: Vec::new(),
            evidence_root,
            evidence_count,
            confirmed_on: None,
        };
        let statement = ObservationReport::of(&determination, &observations, None, 1).unwrap();
        let anything = Signature::new(U256::ONE, U256::ONE, false);
        let report = SignedReport {
            statement,
            observations,
            signature: QuorumSignature::new(anything).unwrap(),
        };
        (determination, report)
    }

    fn combined(seen_by: [u8; 3], most: usize) -> Result<Fused, FuseError> {
        let addresses = (1..=3).map(Address::repeat_byte).collect();
        let signers = SignerSet::new(1, 3, addresses).unwrap();
        let reports = seen_by.map(report);
        let reported = reports.iter().zip(0..);
        let reported: Vec<Reported<'_>> = reported
            .map(|((determination, report), index)| Reported {
                index,
                attestor: Address::repeat_byte(index + 1),
                determination: determination.clone(),
                previous: None,
                report,
            })
            .collect();
        let quorum = Quorum {
            domain: &DOMAIN,
            signers: &signers,
        };
        combine_within(&reported, quorum, most)
    }

    /// What all have seen is counted once, and what each has seen alone is counted together.
    #[test]
    fn what_all_have_seen_together_has_a_bound() {
        let most = written_bytes(&report(0).1.observations).unwrap();
        assert_eq!(combined([7, 7, 7], most).unwrap().observations.len(), 10);
        let refused = combined([7, 8, 7], most).unwrap_err();
        assert_eq!(refused, FuseError::TooManyBytes { most });
        let two = combined([7, 8, 7], 2 * most).unwrap();
        assert_eq!(two.observations.len(), 20);
        let refused = combined([7, 8, 9], 2 * most).unwrap_err();
        assert_eq!(refused, FuseError::TooManyBytes { most: 2 * most });
    }
}
