//! One value of a record: found by its path, read exactly, converted into the metric's unit, and held against what can be.

use serde_json::Value as Json;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::Metric;
use tocsin_domain::time::Seconds;
use tocsin_domain::value::{Type, Value};

use super::combine::Combine;
use super::form::{Form, UNKNOWN};
use crate::feed::exact;
use crate::feed::moment::Repeated;
use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};
use crate::feed::status_map::excerpt;
use crate::feed::{Trouble, TroubleKind};

/// A metric, and where and how an answer says it.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) metric: Metric,
    pub(crate) ty: Type,
    path: Path,
    form: Form,
    least: Option<Decimal>,
    most: Option<Decimal>,
    combine: Option<Combine>,
}

const TYPES: [(&str, Type); 5] = [
    ("decimal", Type::Decimal),
    ("duration", Type::Duration),
    ("bool", Type::Bool),
    ("text", Type::Text),
    ("time", Type::Time),
];

impl Field {
    const KEYS: [&str; 13] = [
        "path", "type", "words", "unit", "to", "decimals", "exponent", "digits", "least", "most",
        "combine", "form", "zone",
    ];

    /// Every metric of a file.
    pub(crate) fn all(top: &Section<'_>) -> Result<Vec<Self>, Wrong> {
        let sections = top.named("values", &Self::KEYS)?;
        if sections.is_empty() {
            return Err(top.wrong(
                "values",
                "is missing: write [values.price] path = \"$.price\" for each metric",
            ));
        }
        sections
            .iter()
            .map(|(metric, section)| Self::read(metric, section))
            .collect()
    }

    fn read(metric: &str, section: &Section<'_>) -> Result<Self, Wrong> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if metric.is_empty() || metric.len() > 64 || !metric.bytes().all(legal) {
            return Err(section.wrong(
                "",
                "is not a metric: letters, digits, `-`, `_` and `.`, at most 64",
            ));
        }
        let path = |key: &str, text: &str| {
            Path::parse(text).map_err(|error| section.wrong(key, error.to_string()))
        };
        let combine = section.one_of("combine", &Combine::WORDS)?;
        let ty = section.one_of("type", &TYPES)?.unwrap_or(match metric {
            "status" => Type::Text,
            "arrival_delay" | "departure_delay" => Type::Duration,
            _ => Type::Decimal,
        });
        if let Some(combine) = combine {
            combine
                .check(ty)
                .map_err(|reason| section.wrong("combine", reason))?;
        }
        let field = Self {
            metric: Metric::from(metric),
            ty,
            path: path("path", section.needed("path", "$.price")?)?,
            form: Form::read(section, ty)?,
            least: section.decimal("least")?,
            most: section.decimal("most")?,
            combine,
        };
        if matches!((field.least, field.most), (Some(least), Some(most)) if least > most) {
            return Err(section.wrong("least", "is more than `most`"));
        }
        let numeric = matches!(ty, Type::Decimal | Type::Duration);
        if numeric
            && combine != Some(Combine::Count)
            && (field.least.is_none() || field.most.is_none())
        {
            return Err(section.wrong(
                "least",
                "is missing, or `most` is: say between which values a measurement can be; beyond them a sensor is broken",
            ));
        }
        Ok(field)
    }

    pub(crate) fn combines(&self) -> bool {
        self.combine.is_some()
    }

    pub(crate) fn combine(&self) -> Option<Combine> {
        self.combine
    }

    /// What many records come to, within what can be.
    pub(crate) fn held(&self, value: Value, provider: &str) -> Result<Value, Trouble> {
        if let Value::Decimal(number) = &value {
            self.plausible(*number).map_err(|reason| {
                Trouble::new(provider, TroubleKind::Implausible, reason)
                    .at(self.path.as_str())
                    .saying(number.to_string())
            })?;
        }
        Ok(value)
    }

    /// The node of a record that says the value; or why there is none.
    fn node<'a>(&self, record: &'a Json, provider: &str) -> Result<&'a Json, Trouble> {
        let trouble =
            |kind, reason: &str| Trouble::new(provider, kind, reason).at(self.path.as_str());
        match self.path.one(record) {
            Ok(Some(Json::Null)) => {
                Err(trouble(TroubleKind::Missing, "it is not known there").saying("null"))
            }
            Ok(Some(node)) => Ok(node),
            Ok(None) => Err(trouble(
                TroubleKind::Missing,
                "the record has no such field; if it was renamed, correct its path",
            )),
            Err(several) => Err(trouble(TroubleKind::Contradiction, &several.to_string())),
        }
    }

    /// The value that a record says, within what can be.
    pub(crate) fn read_value(&self, record: &Json, provider: &str) -> Result<Value, Trouble> {
        let node = self.node(record, provider)?;
        let trouble = |kind, reason: String| {
            Trouble::new(provider, kind, reason)
                .at(self.path.as_str())
                .saying(excerpt(node))
        };
        let value = match &self.form {
            Form::Number {
                exponent,
                unit,
                cut,
            } => {
                let exponent = exponent.of(record, provider)?;
                let number = exact::decimal(node, exponent, *cut)
                    .map_err(|problem| trouble(TroubleKind::Unreadable, problem.to_string()))?;
                let number = match unit {
                    None => number,
                    Some(unit) => unit.apply(number).ok_or_else(|| {
                        trouble(TroubleKind::Implausible, "is too large".to_owned())
                    })?,
                };
                self.plausible(number)
                    .map_err(|reason| trouble(TroubleKind::Implausible, reason))?;
                if self.ty == Type::Duration {
                    let seconds = number.whole().ok_or_else(|| {
                        trouble(TroubleKind::Implausible, "is too long".to_owned())
                    })?;
                    Value::Duration(Seconds(seconds))
                } else {
                    Value::Decimal(number)
                }
            }
            Form::Words(words) => {
                let meaning = words
                    .meaning(node)
                    .map_err(|unlisted| trouble(TroubleKind::Unlisted, unlisted.to_string()))?;
                match (meaning.as_str(), self.ty) {
                    (UNKNOWN, _) => {
                        return Err(trouble(
                            TroubleKind::Unlisted,
                            "the feed's file takes this for unknown".to_owned(),
                        ));
                    }
                    (meaning, Type::Bool) => Value::Bool(meaning == "true"),
                    (meaning, _) => Value::Text(meaning.to_owned()),
                }
            }
            Form::Flag => match node {
                Json::Bool(flag) => Value::Bool(*flag),
                _ => {
                    return Err(trouble(
                        TroubleKind::Unreadable,
                        "is neither true nor false".to_owned(),
                    ));
                }
            },
            Form::Time { form, zone } => {
                let time = form.read(node, zone.as_ref(), Repeated::Refuse);
                Value::Time(
                    time.map_err(|problem| trouble(TroubleKind::WrongTime, problem.to_string()))?,
                )
            }
        };
        Ok(value)
    }

    fn plausible(&self, number: Decimal) -> Result<(), String> {
        let below = self.least.is_some_and(|least| number < least);
        let above = self.most.is_some_and(|most| number > most);
        if !below && !above {
            return Ok(());
        }
        let bound = |bound: Option<Decimal>| {
            bound.map_or_else(|| "any".to_owned(), |bound| bound.to_string())
        };
        Err(format!(
            "{} of {number} cannot be: it is between {} and {}, so the sensor or the provider is broken",
            self.metric,
            bound(self.least),
            bound(self.most)
        ))
    }
}
