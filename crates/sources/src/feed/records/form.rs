//! In which form an answer writes a value: a number in a unit, words, a flag, a time.

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use tocsin_domain::calendar;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;

use crate::feed::moment::{MomentForm, Repeated};
use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};
use crate::feed::status_map::{StatusMap, excerpt};
use crate::feed::units::Conversion;
use crate::feed::{Trouble, TroubleKind};

/// The meaning of a word that is named and still says nothing.
pub(super) const UNKNOWN: &str = "unknown";

#[derive(Clone, Debug)]
pub(super) enum Form {
    Number {
        exponent: Exponent,
        unit: Option<Conversion>,
        cut: bool,
    },
    Words(StatusMap),
    Flag,
    Time {
        form: MomentForm,
        zone: Option<TimeZone>,
    },
}

/// The power of ten that a number is multiplied with.
#[derive(Clone, Debug)]
pub(super) enum Exponent {
    Fixed(i64),
    At(Path),
}

impl Form {
    pub(super) fn read(section: &Section<'_>, ty: Type) -> Result<Self, Wrong> {
        let only = |keys: &[&str], what: &str| match keys.iter().find(|key| section.has(key)) {
            None => Ok(()),
            Some(key) => Err(section.wrong(key, format!("is for {what}, and this is a {ty}"))),
        };
        let numeric = matches!(ty, Type::Decimal | Type::Duration);
        if !numeric {
            only(
                &[
                    "unit", "to", "decimals", "exponent", "digits", "least", "most",
                ],
                "numbers",
            )?;
        }
        if ty != Type::Time {
            only(&["form", "zone"], "times")?;
        }
        if numeric || ty == Type::Time {
            only(&["words"], "texts and for what is true or false")?;
        }
        match ty {
            Type::Decimal | Type::Duration => Self::number(section, ty),
            Type::Text | Type::Bool => Self::words(section, ty),
            Type::Time | Type::Event => {
                let form = section.needed("form", "rfc3339")?;
                let (form, zone) = time_form(section, form)?;
                Ok(Self::Time { form, zone })
            }
        }
    }

    fn number(section: &Section<'_>, ty: Type) -> Result<Self, Wrong> {
        let exponent = match (section.integer("decimals")?, section.text("exponent")?) {
            (None, None) => Exponent::Fixed(0),
            (Some(decimals @ 0..=77), None) => Exponent::Fixed(-decimals),
            (None, Some(path)) => Exponent::At(
                Path::parse(path).map_err(|error| section.wrong("exponent", error.to_string()))?,
            ),
            _ => {
                return Err(section.wrong(
                    "decimals",
                    "is not between 0 and 77, or stands beside `exponent`",
                ));
            }
        };
        let to = match ty {
            Type::Duration if section.has("to") => {
                return Err(section.wrong("to", "is for decimals: durations are seconds"));
            }
            Type::Duration => Some("s"),
            _ => section.text("to")?,
        };
        let unit = match (section.text("unit")?, to) {
            (None, None) => None,
            (Some(from), Some(to)) => {
                Some(Conversion::new(from, to).map_err(|reason| section.wrong("unit", reason))?)
            }
            (None, Some(_)) => {
                return Err(section.wrong(
                    "unit",
                    "is missing: say in which unit the provider measures",
                ));
            }
            (Some(_), None) => {
                return Err(section.wrong(
                    "to",
                    "is missing: say in which unit the metric is, which may be the same",
                ));
            }
        };
        let cut = section
            .one_of("digits", &[("exact", false), ("cut", true)])?
            .unwrap_or(false);
        Ok(Self::Number {
            exponent,
            unit,
            cut,
        })
    }

    fn words(section: &Section<'_>, ty: Type) -> Result<Self, Wrong> {
        let Some(words) = section.words("words")? else {
            return match ty {
                Type::Bool => Ok(Self::Flag),
                _ => Err(section.wrong("words", "is missing: name every word of the provider, as in words = { \"Landed\" = \"landed\" }")),
            };
        };
        if words.is_empty() {
            return Err(section.wrong("words", "names no word"));
        }
        if let Some((word, meaning)) = words.iter().find(|(_, meaning)| {
            ty == Type::Bool && !matches!(*meaning, "true" | "false" | UNKNOWN)
        }) {
            return Err(section.wrong(
                "words",
                format!(
                    "`{word}` means `{meaning}`, which is neither `true` nor `false` nor `unknown`"
                ),
            ));
        }
        let owned = words
            .into_iter()
            .map(|(word, meaning)| (word.to_owned(), meaning.to_owned()));
        Ok(Self::Words(StatusMap::new(owned)))
    }
}

impl Exponent {
    pub(super) fn of(&self, record: &Json, provider: &str) -> Result<i64, Trouble> {
        let path = match self {
            Self::Fixed(exponent) => return Ok(*exponent),
            Self::At(path) => path,
        };
        let trouble = |kind, reason: &str| Trouble::new(provider, kind, reason).at(path.as_str());
        let node = path
            .one(record)
            .map_err(|several| trouble(TroubleKind::Contradiction, &several.to_string()))?;
        let node =
            node.ok_or_else(|| trouble(TroubleKind::Missing, "the record has no exponent"))?;
        match node.as_i64() {
            Some(exponent @ -77..=77) => Ok(exponent),
            _ => Err(
                trouble(TroubleKind::Unreadable, "is no exponent between -77 and 77")
                    .saying(excerpt(node)),
            ),
        }
    }
}

/// A form of time, and the zone that it needs.
pub(super) fn time_form(
    section: &Section<'_>,
    form: &str,
) -> Result<(MomentForm, Option<TimeZone>), Wrong> {
    let form = MomentForm::try_from(form.to_owned())
        .map_err(|error| section.wrong("form", error.to_string()))?;
    let zone = match section.text("zone")? {
        None if form.needs_zone() => {
            return Err(section.wrong("zone", "is missing: times of this form are local, write their zone, as in \"America/New_York\""));
        }
        None => None,
        Some(_) if !form.needs_zone() => {
            return Err(section.wrong(
                "zone",
                "says nothing here: times of this form have an offset",
            ));
        }
        Some(name) => {
            let unknown = || {
                section.wrong(
                    "zone",
                    format!("there is no time zone `{name}`: write its IANA name"),
                )
            };
            Some(calendar::zone(name).ok_or_else(unknown)?)
        }
    };
    Ok((form, zone))
}

/// A time in a record.
pub(super) fn read_time(
    path: &Path,
    form: &MomentForm,
    zone: Option<&TimeZone>,
    record: &Json,
    provider: &str,
) -> Result<Timestamp, Trouble> {
    let trouble = |kind, reason: String| Trouble::new(provider, kind, reason).at(path.as_str());
    let node = path
        .one(record)
        .map_err(|several| trouble(TroubleKind::Contradiction, several.to_string()))?;
    let node = node.ok_or_else(|| {
        trouble(
            TroubleKind::Missing,
            "the record has no time; if it was renamed, correct its path".to_owned(),
        )
    })?;
    let time = form.read(node, zone, Repeated::Refuse);
    time.map_err(|problem| {
        trouble(TroubleKind::WrongTime, problem.to_string()).saying(excerpt(node))
    })
}
