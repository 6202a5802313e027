//! The fields of one record, each with a complaint that names provider, field and value.

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use tocsin_domain::time::{Seconds, Timestamp};

use super::airport::Airport;
use super::ident::Ident;
use crate::feed::moment::{MomentError, MomentForm, Repeated, Written};
use crate::feed::path::Path;
use crate::feed::status_map::excerpt;
use crate::feed::{Trouble, TroubleKind};

/// One record of an answer.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) provider: &'a str,
    pub(super) record: &'a Json,
    /// A field that is not there at all is a trouble.
    pub(super) complete: bool,
}

impl<'a> Fields<'a> {
    /// A trouble with a field, and what the record says there.
    pub(super) fn trouble(
        &self,
        kind: TroubleKind,
        path: &Path,
        reason: impl Into<String>,
    ) -> Trouble {
        let trouble = Trouble::new(self.provider, kind, reason).at(path.as_str());
        match path.one(self.record) {
            Ok(Some(said)) => trouble.saying(excerpt(said)),
            Ok(None) | Err(_) => trouble,
        }
    }

    /// The value of a field; a null is none.
    pub(super) fn value(&self, path: &Path) -> Result<Option<&'a Json>, Trouble> {
        match path.one(self.record) {
            Ok(Some(Json::Null) | None) => Ok(None),
            Ok(said) => Ok(said),
            Err(several) => {
                Err(self.trouble(TroubleKind::Contradiction, path, several.to_string()))
            }
        }
    }

    /// The same, of a field that a complete record has.
    pub(super) fn expected(&self, path: &Path) -> Result<Option<&'a Json>, Trouble> {
        if self.complete && matches!(path.one(self.record), Ok(None)) {
            let reason = "is not in the record, which has it as null where there is no value: was it renamed?";
            return Err(self.trouble(TroubleKind::Missing, path, reason));
        }
        self.value(path)
    }

    pub(super) fn text(&self, path: &Path) -> Result<Option<&'a str>, Trouble> {
        match self.value(path)? {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.trouble(TroubleKind::Unreadable, path, "is not a text")),
        }
    }

    /// A field that is true or false, and must be there.
    pub(super) fn flag(&self, path: &Path) -> Result<bool, Trouble> {
        match self.value(path)? {
            Some(Json::Bool(flag)) => Ok(*flag),
            Some(_) => {
                Err(self.trouble(TroubleKind::Unreadable, path, "is neither true nor false"))
            }
            None => Err(self.trouble(TroubleKind::Missing, path, "must be true or false")),
        }
    }

    /// A flight number of these parts; `None` where one of them has no value.
    pub(super) fn ident(&self, parts: &[Path]) -> Result<Option<Ident>, Trouble> {
        let mut joined = String::new();
        for path in parts {
            match self.value(path)? {
                Some(Json::String(text)) => joined.push_str(text),
                Some(Json::Number(number)) => joined.push_str(&number.to_string()),
                Some(_) => {
                    return Err(self.trouble(
                        TroubleKind::Unreadable,
                        path,
                        "is no part of a flight number",
                    ));
                }
                None => return Ok(None),
            }
        }
        match (joined.parse(), parts.first()) {
            (Ok(ident), Some(_)) => Ok(Some(ident)),
            (Err(error), Some(path)) => {
                Err(self.trouble(TroubleKind::Unreadable, path, error.to_string()))
            }
            (_, None) => Ok(None),
        }
    }

    pub(super) fn airport(&self, path: &Path) -> Result<Option<Airport>, Trouble> {
        match self.text(path)? {
            None => Ok(None),
            Some(code) => Airport::of(code)
                .map(Some)
                .map_err(|error| self.trouble(TroubleKind::Unreadable, path, error.to_string())),
        }
    }

    pub(super) fn moment(
        &self,
        path: &Path,
        form: &MomentForm,
        zone: &TimeZone,
        repeated: Repeated,
    ) -> Result<Option<Timestamp>, Trouble> {
        let Some(said) = self.expected(path)? else {
            return Ok(None);
        };
        form.read(said, Some(zone), repeated)
            .map(Some)
            .map_err(|error| self.no_time(path, &error))
    }

    /// A time as far as its text says it.
    pub(super) fn written(
        &self,
        path: &Path,
        form: &MomentForm,
    ) -> Result<Option<Written>, Trouble> {
        match self.expected(path)? {
            None => Ok(None),
            Some(said) => form
                .read_written(said)
                .map(Some)
                .map_err(|error| self.no_time(path, &error)),
        }
    }

    fn no_time(&self, path: &Path, error: &MomentError) -> Trouble {
        let kind = match error {
            MomentError::Unreadable { .. } => TroubleKind::Unreadable,
            _understood => TroubleKind::WrongTime,
        };
        self.trouble(kind, path, error.to_string())
    }

    /// A span that is stated as a number of `unit`.
    pub(super) fn span(&self, path: &Path, unit: Seconds) -> Result<Option<Seconds>, Trouble> {
        let Some(said) = self.expected(path)? else {
            return Ok(None);
        };
        let count = match said {
            Json::Number(number) => number.as_i64(),
            Json::String(text) => text.parse().ok(),
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        };
        match count.and_then(|count| count.checked_mul(unit.0)) {
            Some(seconds) => Ok(Some(Seconds(seconds))),
            None => Err(self.trouble(
                TroubleKind::Unreadable,
                path,
                "is not a whole number of seconds, minutes or hours",
            )),
        }
    }
}
