//! One report, held against the terms.

use alloy_primitives::Address;

use super::report::observations_hash;
use super::{Event, FuseError, Quorum, SignedReport};
use crate::attestation::payload::fraction_units;
use crate::cover::Cover;
use crate::determination::Determination;
use crate::replay::Case;
use crate::risk::Risk;
use crate::time::Timestamp;

/// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z.
const END_OF_TIME: i64 = 253_402_300_799;

/// A report that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reported<'a> {
    /// The index of its signer.
    pub index: u8,
    /// Its signer.
    pub attestor: Address,
    /// What its observations show.
    pub determination: Determination,
    /// When its attestor says that the loss event before this one was confirmed.
    pub previous: Option<Timestamp>,
    /// The report.
    pub report: &'a SignedReport,
}

/// What `report` shows of `event`, if it is by a signer of the quorum, of this event, and says what follows from its
/// observations by the terms.
pub fn reexecute<'a>(
    cover: &Cover,
    event: &Event,
    report: &'a SignedReport,
    quorum: Quorum<'_>,
) -> Result<Reported<'a>, FuseError> {
    let (index, attestor) = check_identity(cover, event, report, quorum)?;
    let case = case(cover, event, report);
    let determination = case
        .determination()
        .map_err(|reason| FuseError::NotShown { attestor, reason })?;
    check_values(attestor, report, &determination)?;
    Ok(Reported {
        index,
        attestor,
        determination,
        previous: case.previous,
        report,
    })
}

/// The same by both evaluators, which takes longer, and what was found in words.
pub(crate) fn examine<'a>(
    cover: &Cover,
    event: &Event,
    report: &'a SignedReport,
    quorum: Quorum<'_>,
) -> Result<(Reported<'a>, String), String> {
    let reported =
        reexecute(cover, event, report, quorum).map_err(|refused| refused.to_string())?;
    let by_reference = case(cover, event, report).check_both();
    let sentence = by_reference
        .map_err(|reason| format!("the report of {:#x}: {reason}", reported.attestor))?;
    Ok((reported, sentence))
}

/// What the report says, as a case to be shown by its observations.
fn case<'a>(cover: &'a Cover, event: &'a Event, report: &'a SignedReport) -> Case<'a> {
    let said = &report.statement;
    Case {
        cover,
        subject: &event.subject,
        inception: event.inception,
        ordinal: event.ordinal,
        previous: said.previous(),
        evidence_from: Timestamp(said.evidenceFrom),
        occurred_at: Timestamp(said.occurredAt),
        settled_at: Timestamp(said.settledAt),
        determined_at: Timestamp(said.determinedAt),
        observations: &report.observations,
    }
}

/// By whom and of what it is, and that it is whole: all that can be said without evaluating anything.
fn check_identity(
    cover: &Cover,
    event: &Event,
    report: &SignedReport,
    quorum: Quorum<'_>,
) -> Result<(u8, Address), FuseError> {
    check_event(cover, event)?;
    let index = quorum.index_of(report)?;
    let attestor = quorum.address(index);
    let said = &report.statement;
    let epoch = quorum.signers.epoch();
    if said.signerEpoch != epoch {
        return Err(FuseError::OtherEpoch {
            attestor,
            report: said.signerEpoch,
            signers: epoch,
        });
    }
    if !said.is_about(event) {
        return Err(FuseError::OtherEvent {
            attestor,
            report: said.event_key(),
            event: event.key(),
        });
    }
    if u32::try_from(report.observations.len()) != Ok(said.observationsCount)
        || observations_hash(&report.observations).ok() != Some(said.observationsHash)
    {
        return Err(FuseError::OtherObservations { attestor });
    }
    // Also what bounds the work of evaluating it.
    let in_order = [
        0,
        said.evidenceFrom,
        said.occurredAt,
        said.confirmedAt,
        said.settledAt,
        said.determinedAt,
        END_OF_TIME,
    ];
    if !in_order.is_sorted() || (said.ordinal <= 1 && said.previousConfirmedAt != 0) {
        return Err(FuseError::Times { attestor });
    }
    Ok((index, attestor))
}

/// The event is one of these terms.
fn check_event(cover: &Cover, event: &Event) -> Result<(), FuseError> {
    let subject = Risk::subject_of(cover);
    let reason = if cover.terms_hash != event.terms_hash {
        "its terms are others"
    } else if subject.is_some_and(|subject| subject != event.subject) {
        "the terms insure another subject"
    } else if cover.mentions_inception() != event.inception.is_some() {
        "the terms look back to the policy's inception and it names none, or the other way round"
    } else {
        return Ok(());
    };
    Err(FuseError::NoSuchEvent { reason })
}

/// The report says what follows from its observations.
fn check_values(
    attestor: Address,
    report: &SignedReport,
    shown: &Determination,
) -> Result<(), FuseError> {
    let said = &report.statement;
    let Ok(payout) = &shown.payout else {
        return Err(FuseError::Inconclusive { attestor });
    };
    let same = [
        ("evidenceFrom", said.evidenceFrom == shown.evidence_from.0),
        ("occurredAt", said.occurredAt == shown.occurred_at.0),
        ("confirmedAt", said.confirmedAt == shown.confirmed_at.0),
        ("settledAt", said.settledAt == shown.settled_at.0),
        (
            "payoutFraction",
            fraction_units(*payout).is_ok_and(|units| units == said.payoutFraction),
        ),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        None => Ok(()),
        Some((field, _)) => Err(FuseError::OtherValue { attestor, field }),
    }
}
