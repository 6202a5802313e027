//! One attestor's evidence, or what all attestors saw alike: the observations show the loss by themselves.

use super::{Report, case};
use crate::bundle::EvidenceBundle;
use crate::cover::Cover;
use crate::determination::Determination;

/// The determination that the observations imply; `None` if a check that it rests on failed.
pub(super) fn replay(
    cover: &Cover,
    bundle: &EvidenceBundle,
    report: &mut Report,
) -> Option<Determination> {
    let case = case(cover, bundle);
    let streams = report.keep("observations", case.streams())?;
    let found = report.keep("evaluation", case.evaluate(&streams))?;
    report.add(
        "reference evaluation",
        case.check_reference(&streams, &found),
    );
    let selected = case.check_selection(&streams, &found);
    report.keep("evidence", selected.map(|said| ((), said)))?;
    match case.implied(found) {
        Ok(implied) => Some(implied),
        Err(reason) => {
            report.add("merkle root", Err(reason));
            None
        }
    }
}
