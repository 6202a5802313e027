//! The table `[flights]` of a feed's file: where a provider's records say what, and when that is final.

mod movement;
mod rules;

pub(super) use self::movement::MovementFields;
pub(super) use self::rules::{Limits, Looks, Settle};
use super::FlightStatus;
use crate::feed::moment::MomentForm;
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

/// Where a record says where the flight stands.
#[derive(Clone, Debug)]
pub(super) struct StatusFields {
    pub(super) path: Path,
    pub(super) words: StatusMap<FlightStatus>,
    pub(super) cancelled: Option<Path>,
    pub(super) diverted: Option<Path>,
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
