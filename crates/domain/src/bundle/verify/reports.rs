//! The evidence of a quorum: what each attestor saw shows the loss, and together it makes what they signed.

use super::Report;
use crate::attestation::SignerSet;
use crate::bundle::{EvidenceBundle, QuorumEvidence};
use crate::cover::Cover;
use crate::determination::Determination;
use crate::quorum::{Event, Fused, Quorum, Reported, SignedReport, combine, examine};
use crate::replay::Finding;

/// The determination that the reports imply; `None` if one of them does not hold.
pub(super) fn replay(
    cover: &Cover,
    bundle: &EvidenceBundle,
    evidence: &QuorumEvidence,
    report: &mut Report,
) -> Option<Determination> {
    let event = Event::of(&bundle.risk, bundle.determination.ordinal);
    let quorum = Quorum {
        domain: &bundle.domain,
        signers: &evidence.signers,
    };
    report.add("reporting epoch", check_epoch(&evidence.signers, bundle));
    let mut reported = Vec::with_capacity(evidence.reports.len());
    for said in &evidence.reports {
        reported.push(report.keep("report", reexecute(cover, &event, said, quorum))?);
    }
    let fused = report.keep("fusion", fuse(&reported, quorum))?;
    let holds = check_union(&fused, bundle);
    report.keep("evidence", holds.map(|said| ((), said)))?;
    Some(fused.determination)
}

/// By both evaluators.
fn reexecute<'a>(
    cover: &Cover,
    event: &Event,
    said: &'a SignedReport,
    quorum: Quorum<'_>,
) -> Result<(Reported<'a>, String), String> {
    let (reported, sentence) = examine(cover, event, said, quorum)?;
    let attestor = format!("signer {}, {:#x}", reported.index, reported.attestor);
    let count = match said.observations.len() {
        1 => "one observation".to_owned(),
        count => format!("{count} observations"),
    };
    Ok((
        reported,
        format!("{attestor}, signed {count}; {sentence}, by both evaluators"),
    ))
}

fn fuse(reported: &[Reported<'_>], quorum: Quorum<'_>) -> Result<(Fused, String), String> {
    // As the file has them; fusing would sort them.
    if !reported.is_sorted_by(|one, next| one.index < next.index) {
        return Err(
            "the reports are not in the order of their signers, each attestor's once".to_owned(),
        );
    }
    let fused = combine(reported, quorum).map_err(|error| error.to_string())?;
    let (given, signers) = (reported.len(), quorum.signers.signers().len());
    let loss = &fused.determination;
    let outvoted = given.saturating_sub(1) / 2;
    let sentence = format!(
        "of the {given} reports of {signers} signers, {} demanded, each time, the payout and each input are the lower median: \
         the breach began at {}, counts from {} and pays {} of the sum insured; {}",
        quorum.signers.threshold(),
        loss.occurred_at,
        loss.confirmed_at,
        loss.payout
            .as_ref()
            .map_or_else(|_| "an unknown part".to_owned(), ToString::to_string),
        match outvoted {
            0 => "too few for one that lied to be outvoted".to_owned(),
            1 => "one that lied could not have moved them beyond what the others saw".to_owned(),
            several =>
                format!("{several} that lied could not have moved them beyond what the others saw"),
        }
    );
    Ok((fused, sentence))
}

/// What was attested rests on these reports and on nothing else.
fn check_union(fused: &Fused, bundle: &EvidenceBundle) -> Finding {
    if fused.observations != bundle.observations {
        return Err(format!(
            "the observations are not those of the reports, each once in their order: {} are given, the reports have {}",
            bundle.observations.len(),
            fused.observations.len()
        ));
    }
    if fused.previous != bundle.previous {
        return Err(
            "when the loss event before this one was confirmed is not the lower median of the reports"
                .to_owned(),
        );
    }
    Ok(match fused.observations.len() {
        1 => "the one observation is the one of the reports".to_owned(),
        count => {
            format!("the {count} observations are those of the reports, each once, in their order")
        }
    })
}

/// Reports are older than what is said of them; of the same epoch, they are of the same signers.
fn check_epoch(reporting: &SignerSet, bundle: &EvidenceBundle) -> Finding {
    let (reported, signed) = (reporting.epoch(), bundle.signers.epoch());
    if reported > signed {
        return Err(format!(
            "the reports are of epoch {reported}, which comes after epoch {signed}, which signed"
        ));
    }
    if reported == signed {
        return if *reporting == bundle.signers {
            Ok(format!(
                "the reports are of epoch {reported}, as the signatures are"
            ))
        } else {
            Err(format!(
                "the reports name other signers for epoch {reported} than the signatures"
            ))
        };
    }
    Ok(format!(
        "the reports claim to be of epoch {reported}, whose signers the file alone names; the statement was signed again in epoch {signed}"
    ))
}
