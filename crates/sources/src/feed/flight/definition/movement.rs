//! Where a record says when a flight leaves or arrives, and how it writes times.

use tocsin_domain::time::Seconds;

use super::{form, maybe_path, path};
use crate::feed::moment::{MomentForm, Repeated};
use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};

/// Where a record says when a flight leaves or arrives.
#[derive(Clone, Debug)]
pub(crate) struct MovementFields {
    pub(crate) airport: Path,
    /// The zone that the provider names; ours decides, theirs must show the same time.
    pub(crate) zone: Option<Path>,
    pub(crate) form: MomentForm,
    pub(crate) repeated: Repeated,
    pub(crate) scheduled: Path,
    /// The scheduled time once more, as a local one, and its form: both must be the same instant.
    pub(crate) local: Option<(Path, MomentForm)>,
    pub(crate) estimated: Option<Path>,
    pub(crate) actual: Option<Path>,
    /// One field for both: an estimate until the status says that it happened, then what happened.
    pub(crate) revised: Option<Path>,
    /// A revised time is one at the gate only where this is there.
    pub(crate) gate_if: Option<Path>,
    pub(crate) runway: Option<Path>,
    pub(crate) delay: Option<DelayField>,
}

/// A delay that the provider states. It is never taken over; where gate times give one too, both must agree.
#[derive(Clone, Debug)]
pub(crate) struct DelayField {
    pub(crate) path: Path,
    pub(crate) unit: Seconds,
    pub(crate) tolerance: Seconds,
}

const REPEATED: [(&str, Repeated); 3] = [
    ("refuse", Repeated::Refuse),
    ("first", Repeated::First),
    ("second", Repeated::Second),
];
const UNITS: [(&str, Seconds); 3] = [
    ("s", Seconds(1)),
    ("min", Seconds(60)),
    ("h", Seconds(3600)),
];

impl MovementFields {
    pub(super) fn read(section: &Section<'_>, key: &str) -> Result<Self, Wrong> {
        let known = [
            "airport",
            "zone",
            "form",
            "repeated",
            "scheduled",
            "local",
            "local_form",
            "estimated",
            "actual",
            "revised",
            "gate_if",
            "runway",
            "delay",
            "delay_unit",
            "delay_tolerance",
        ];
        let section = section.section(key, &known)?.ok_or_else(|| {
            section.wrong(key, "is missing: say where the airport and the times are")
        })?;
        let local = match maybe_path(&section, "local")? {
            Some(local) => Some((local, form(&section, "local_form")?)),
            None => None,
        };
        let fields = Self {
            airport: path(&section, "airport", "$.origin.code_iata")?,
            zone: maybe_path(&section, "zone")?,
            form: form(&section, "form")?,
            repeated: section.one_of("repeated", &REPEATED)?.unwrap_or_default(),
            scheduled: path(&section, "scheduled", "$.scheduled_out")?,
            local,
            estimated: maybe_path(&section, "estimated")?,
            actual: maybe_path(&section, "actual")?,
            revised: maybe_path(&section, "revised")?,
            gate_if: maybe_path(&section, "gate_if")?,
            runway: maybe_path(&section, "runway")?,
            delay: DelayField::read(&section)?,
        };
        match (&fields.actual, &fields.revised) {
            (Some(_), Some(_)) => Err(section.wrong(
                "revised",
                "stands in for `estimated` and `actual`: write one or the other",
            )),
            (None, None) => Err(section.wrong(
                "actual",
                "is missing: without a time at the gate nothing is ever final",
            )),
            _one_of_them => Ok(fields),
        }
    }
}

impl DelayField {
    fn read(section: &Section<'_>) -> Result<Option<Self>, Wrong> {
        let Some(path) = maybe_path(section, "delay")? else {
            return Ok(None);
        };
        let unit = section
            .one_of("delay_unit", &UNITS)?
            .ok_or_else(|| section.wrong("delay_unit", "is missing: write s, min or h"))?;
        let tolerance = section.span("delay_tolerance")?.unwrap_or(unit);
        Ok(Some(Self {
            path,
            unit,
            tolerance,
        }))
    }
}
