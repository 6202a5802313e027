//! The table `[flights]` of a feed's file: where a provider's records say what, and when that is final.

use tocsin_domain::time::Seconds;

use super::FlightStatus;
use crate::feed::moment::{MomentForm, Repeated};
use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};
use crate::feed::status_map::StatusMap;

/// How one provider describes flights.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// Each record of an answer.
    pub(super) records: Path,
    /// What the legs of one flight have in common.
    pub(super) id: Option<Path>,
    /// The number of the record: the parts are joined.
    pub(super) ident: Vec<Path>,
    pub(super) codeshares: Codeshares,
    pub(super) departure: MovementFields,
    pub(super) arrival: MovementFields,
    pub(super) status: StatusFields,
    /// Every field of times, status and delays is there in each record, null where it has no value.
    pub(super) complete: bool,
    pub(super) settle: Settle,
    pub(super) limits: Limits,
    pub(super) looks: Looks,
}

/// How a provider ties the numbers of one flight together.
#[derive(Clone, Debug)]
pub(super) struct Codeshares {
    /// The number of the operating flight, where a record is that of another carrier's.
    pub(super) operating: Vec<Path>,
    /// Nodes that name the other numbers of a record, and the parts of a number in each.
    pub(super) others: Option<(Path, Vec<Path>)>,
    /// A word that says whose record it is.
    pub(super) role: Option<(Path, StatusMap<Role>)>,
}

/// Whose record it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Operating,
    Codeshare,
    Unknown,
}

/// Where a record says when a flight leaves or arrives.
#[derive(Clone, Debug)]
pub(super) struct MovementFields {
    pub(super) airport: Path,
    /// The zone that the provider names; ours decides, theirs must show the same time.
    pub(super) zone: Option<Path>,
    pub(super) form: MomentForm,
    pub(super) repeated: Repeated,
    pub(super) scheduled: Path,
    /// The scheduled time once more, as a local one, and its form: both must be the same instant.
    pub(super) local: Option<(Path, MomentForm)>,
    pub(super) estimated: Option<Path>,
    pub(super) actual: Option<Path>,
    /// One field for both: an estimate until the status says that it happened, then what happened.
    pub(super) revised: Option<Path>,
    /// A revised time is one at the gate only where this is there.
    pub(super) gate_if: Option<Path>,
    pub(super) runway: Option<Path>,
    pub(super) delay: Option<DelayField>,
}

/// A delay that the provider states. It is never taken over; where gate times give one too, both must agree.
#[derive(Clone, Debug)]
pub(super) struct DelayField {
    pub(super) path: Path,
    pub(super) unit: Seconds,
    pub(super) tolerance: Seconds,
}

/// Where a record says where the flight stands.
#[derive(Clone, Debug)]
pub(super) struct StatusFields {
    pub(super) path: Path,
    pub(super) words: StatusMap<FlightStatus>,
    pub(super) cancelled: Option<Path>,
    pub(super) diverted: Option<Path>,
}

/// How long a status must have been seen unchanged before it is final.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settle {
    pub(super) arrived: Seconds,
    /// And not before the scheduled departure.
    pub(super) cancelled: Seconds,
    pub(super) diverted: Seconds,
}

/// What a flight can do; anything beyond is a broken record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Before the schedule.
    pub(super) early: Seconds,
    /// After the schedule.
    pub(super) late: Seconds,
    /// From one gate to the other by the schedule.
    pub(super) longest: Seconds,
    /// How far a time that has happened may lie after the answer that tells it.
    pub(super) ahead: Seconds,
}

/// When it is worth looking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    /// Before the local day of the departure begins.
    pub(super) first: Seconds,
    /// After the expected departure; no such look where it is absent.
    pub(super) departure: Option<Seconds>,
    /// After the expected arrival.
    pub(super) arrival: Seconds,
    /// From one look to the next while a flight is overdue.
    pub(super) again: Seconds,
    /// From one look to the next while no record of it has been seen.
    pub(super) unlisted: Seconds,
    /// After the expected arrival: no more looks, it needs a person.
    pub(super) give_up: Seconds,
}

const STATUSES: [(&str, FlightStatus); 7] = [
    ("scheduled", FlightStatus::Scheduled),
    ("active", FlightStatus::Active),
    ("landed", FlightStatus::Landed),
    ("arrived", FlightStatus::Arrived),
    ("cancelled", FlightStatus::Cancelled),
    ("diverted", FlightStatus::Diverted),
    ("unknown", FlightStatus::Unknown),
];
const ROLES: [(&str, Role); 3] = [
    ("operating", Role::Operating),
    ("codeshare", Role::Codeshare),
    ("unknown", Role::Unknown),
];
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

impl Definition {
    pub(super) const KEYS: [&str; 11] = [
        "records",
        "id",
        "ident",
        "complete",
        "codeshares",
        "departure",
        "arrival",
        "status",
        "final",
        "limits",
        "looks",
    ];

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            records: path(section, "records", "$.flights[*]")?,
            id: maybe_path(section, "id")?,
            ident: ident(section, "ident")?.ok_or_else(|| {
                section.wrong(
                    "ident",
                    "is missing: write for example ident = \"$.ident_iata\"",
                )
            })?,
            complete: section.flag("complete")?.unwrap_or(false),
            codeshares: Codeshares::read(section)?,
            departure: MovementFields::read(section, "departure")?,
            arrival: MovementFields::read(section, "arrival")?,
            status: StatusFields::read(section)?,
            settle: Settle::read(section)?,
            limits: Limits::read(section)?,
            looks: Looks::read(section)?,
        })
    }
}

impl Codeshares {
    fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let known = ["operating", "others", "other", "role", "roles"];
        let Some(section) = section.section("codeshares", &known)? else {
            return Ok(Self {
                operating: Vec::new(),
                others: None,
                role: None,
            });
        };
        let others = match maybe_path(&section, "others")? {
            None => None,
            Some(others) => {
                let parts = ident(&section, "other")?.ok_or_else(|| {
                    section.wrong("other", "is missing: write for example other = \"$\"")
                })?;
                Some((others, parts))
            }
        };
        let role = match maybe_path(&section, "role")? {
            None => None,
            Some(role) => Some((role, words(&section, "roles", &ROLES)?)),
        };
        Ok(Self {
            operating: ident(&section, "operating")?.unwrap_or_default(),
            others,
            role,
        })
    }
}

impl MovementFields {
    fn read(section: &Section<'_>, key: &str) -> Result<Self, Wrong> {
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

impl StatusFields {
    fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let section = section
            .section("status", &["path", "words", "cancelled", "diverted"])?
            .ok_or_else(|| {
                section.wrong(
                    "status",
                    "is missing: say where the status is, and what its words mean",
                )
            })?;
        Ok(Self {
            path: path(&section, "path", "$.status")?,
            words: words(&section, "words", &STATUSES)?,
            cancelled: maybe_path(&section, "cancelled")?,
            diverted: maybe_path(&section, "diverted")?,
        })
    }
}

impl Settle {
    fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let known = ["arrived", "cancelled", "diverted"];
        let section = section.section("final", &known)?.ok_or_else(|| {
            section.wrong(
                "final",
                "is missing: say how long arrived, cancelled and diverted must stand unchanged",
            )
        })?;
        Ok(Self {
            arrived: span(&section, "arrived", "15min")?,
            cancelled: span(&section, "cancelled", "2h")?,
            diverted: span(&section, "diverted", "2h")?,
        })
    }
}

impl Limits {
    fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let mut limits = Self {
            early: Seconds(6 * 3600),
            late: Seconds(72 * 3600),
            longest: Seconds(24 * 3600),
            ahead: Seconds(300),
        };
        if let Some(section) = section.section("limits", &["early", "late", "longest", "ahead"])? {
            limits.early = section.span("early")?.unwrap_or(limits.early);
            limits.late = section.span("late")?.unwrap_or(limits.late);
            limits.longest = section.span("longest")?.unwrap_or(limits.longest);
            limits.ahead = section.span("ahead")?.unwrap_or(limits.ahead);
        }
        Ok(limits)
    }
}

impl Looks {
    fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let known = [
            "first",
            "departure",
            "arrival",
            "again",
            "unlisted",
            "give_up",
        ];
        let section = section
            .section("looks", &known)?
            .ok_or_else(|| section.wrong("looks", "is missing: say when flights are looked at"))?;
        let looks = Self {
            first: span(&section, "first", "6h")?,
            departure: section.span("departure")?,
            arrival: span(&section, "arrival", "10min")?,
            again: span(&section, "again", "45min")?,
            unlisted: span(&section, "unlisted", "3h")?,
            give_up: span(&section, "give_up", "24h")?,
        };
        for (key, span) in [("again", looks.again), ("unlisted", looks.unlisted)] {
            if span < Seconds(60) {
                return Err(section.wrong(key, "is shorter than a minute: no quota would last"));
            }
        }
        Ok(looks)
    }
}

fn span(section: &Section<'_>, key: &str, example: &str) -> Result<Seconds, Wrong> {
    section.span(key)?.ok_or_else(|| {
        section.wrong(
            key,
            format!("is missing: write for example {key} = {example:?}"),
        )
    })
}

fn path(section: &Section<'_>, key: &str, example: &str) -> Result<Path, Wrong> {
    let text = section.needed(key, example)?;
    Path::parse(text).map_err(|error| section.wrong(key, error.to_string()))
}

fn maybe_path(section: &Section<'_>, key: &str) -> Result<Option<Path>, Wrong> {
    let read = |text| Path::parse(text).map_err(|error| section.wrong(key, error.to_string()));
    section.text(key)?.map(read).transpose()
}

/// The parts of a flight number.
fn ident(section: &Section<'_>, key: &str) -> Result<Option<Vec<Path>>, Wrong> {
    let Some(texts) = section.texts(key)? else {
        return Ok(None);
    };
    let read = |text| Path::parse(text).map_err(|error| section.wrong(key, error.to_string()));
    texts
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn form(section: &Section<'_>, key: &str) -> Result<MomentForm, Wrong> {
    let text = section.needed(key, "rfc3339")?.to_owned();
    MomentForm::try_from(text).map_err(|error| section.wrong(key, error.to_string()))
}

/// A table of a provider's words, each with one of our meanings.
fn words<M: Copy>(
    section: &Section<'_>,
    key: &str,
    meanings: &[(&str, M)],
) -> Result<StatusMap<M>, Wrong> {
    let written = section.words(key)?.unwrap_or_default();
    if written.is_empty() {
        return Err(section.wrong(key, "is missing: name every word that the provider may say"));
    }
    let mut named = Vec::with_capacity(written.len());
    for (word, meaning) in written {
        let Some((_, known)) = meanings.iter().find(|(name, _)| *name == meaning) else {
            let all = meanings
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join("`, `");
            let reason = format!("`{meaning}` has no meaning: write one of `{all}`");
            return Err(section.wrong(&format!("{key}.{word}"), reason));
        };
        named.push((word.to_owned(), *known));
    }
    Ok(StatusMap::new(named))
}
