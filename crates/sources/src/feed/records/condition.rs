//! Conditions on a record: what a field must say for the record to count, or for the answer to be what it is taken for.

use serde_json::Value as Json;

use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};
use crate::feed::status_map::excerpt;
use crate::feed::subject::SubjectPattern;
use crate::feed::template::{Fields, Template};
use crate::feed::{Trouble, TroubleKind};
use crate::suggest::hint;

/// One field, and what it may say.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    path: Path,
    /// Of a path into a list, the list: one element that says so is enough, and an empty one says it of none.
    list: Option<Path>,
    /// Any of these; fields of the subject are filled in.
    is: Vec<Template>,
    /// Where it says any of these, the record does not count; where it says neither, that is not known. Without them,
    /// whatever else it says is something else.
    otherwise: Option<Vec<String>>,
    /// Upper and lower case are the same.
    any_case: bool,
}

impl Condition {
    const KEYS: [&str; 4] = ["path", "is", "otherwise", "any_case"];

    pub(crate) fn list(
        section: &Section<'_>,
        key: &str,
        subject: &SubjectPattern,
    ) -> Result<Vec<Self>, Wrong> {
        section
            .list(key, &Self::KEYS)?
            .iter()
            .map(|section| Self::read(section, subject))
            .collect()
    }

    fn read(section: &Section<'_>, subject: &SubjectPattern) -> Result<Self, Wrong> {
        let path = Path::parse(section.needed("path", "$.status")?);
        let path = path.map_err(|error| section.wrong("path", error.to_string()))?;
        let list = match path.as_str().rfind("[*]") {
            None => None,
            Some(at) => {
                let list = Path::parse(path.as_str().get(..at).unwrap_or("$"));
                Some(list.map_err(|error| section.wrong("path", error.to_string()))?)
            }
        };
        let is = section.texts("is")?.unwrap_or_default();
        if is.is_empty() {
            return Err(section.wrong(
                "is",
                "is missing: write what the field says, as in is = [\"reviewed\"]",
            ));
        }
        let read = |text: &str| {
            let template = Template::parse(text).map_err(|reason| section.wrong("is", reason))?;
            let foreign = template
                .names()
                .find(|name| !subject.names().any(|field| field == *name));
            if let Some(name) = foreign {
                let near = hint(name, subject.names());
                return Err(section.wrong("is", format!("the subject has no field `{name}`{near}")));
            }
            Ok(template)
        };
        Ok(Self {
            path,
            list,
            is: is.into_iter().map(read).collect::<Result<_, _>>()?,
            otherwise: section
                .texts("otherwise")?
                .map(|words| words.into_iter().map(str::to_owned).collect()),
            any_case: section.flag("any_case")?.unwrap_or(false),
        })
    }

    /// Whether it holds. A record whose field is not there, or is of another form, is a trouble: it may be renamed.
    pub(crate) fn holds(
        &self,
        record: &Json,
        subject: &[(String, String)],
        provider: &str,
    ) -> Result<bool, Trouble> {
        let trouble =
            |kind, reason: &str| Trouble::new(provider, kind, reason).at(self.path.as_str());
        let missing = || trouble(TroubleKind::Missing, "the record has no such field");
        let Some(list) = &self.list else {
            let node = self.path.one(record);
            let node =
                node.map_err(|several| trouble(TroubleKind::Contradiction, &several.to_string()))?;
            return self.says(node.ok_or_else(missing)?, subject, provider);
        };
        let nodes = self.path.all(record);
        let is_empty = |node: &&Json| node.as_array().is_some_and(Vec::is_empty);
        if nodes.is_empty() && !list.all(record).iter().any(is_empty) {
            return Err(missing());
        }
        let mut any = false;
        for node in nodes {
            any |= self.says(node, subject, provider)?;
        }
        Ok(any)
    }

    /// Whether a node says it.
    fn says(
        &self,
        node: &Json,
        subject: &[(String, String)],
        provider: &str,
    ) -> Result<bool, Trouble> {
        let trouble =
            |kind, reason: &str| Trouble::new(provider, kind, reason).at(self.path.as_str());
        let said = match node {
            Json::String(text) => text.clone(),
            Json::Bool(flag) => flag.to_string(),
            Json::Number(number) => number.to_string(),
            Json::Null => "null".to_owned(),
            other => {
                let reason = "is neither a text nor a number";
                return Err(trouble(TroubleKind::Unreadable, reason).saying(excerpt(other)));
            }
        };
        let fields = Fields { subject, key: None };
        let same = |text: &str| {
            if self.any_case {
                text.eq_ignore_ascii_case(&said)
            } else {
                text == said
            }
        };
        if self
            .is
            .iter()
            .filter_map(|is| is.plain(fields))
            .any(|is| same(&is))
        {
            return Ok(true);
        }
        match &self.otherwise {
            Some(words) if !words.iter().any(|word| same(word)) => {
                let reason = "is neither what counts nor what does not: add it to `is` or to `otherwise` once its meaning is known";
                Err(trouble(TroubleKind::Unlisted, reason).saying(said))
            }
            _ => Ok(false),
        }
    }

    /// As [`Self::holds`], where anything else is a trouble.
    pub(crate) fn must_hold(
        &self,
        record: &Json,
        subject: &[(String, String)],
        provider: &str,
    ) -> Result<(), Trouble> {
        if self.holds(record, subject, provider)? {
            return Ok(());
        }
        let fields = Fields { subject, key: None };
        let expected = self
            .is
            .iter()
            .filter_map(|is| is.plain(fields))
            .collect::<Vec<_>>()
            .join("` or `");
        let said = self
            .path
            .one(record)
            .map_or(None, |node| node)
            .map(excerpt)
            .unwrap_or_default();
        let reason =
            format!("it must be `{expected}` for the answer to mean what the feed's file says");
        Err(Trouble::new(provider, TroubleKind::Contradiction, reason)
            .at(self.path.as_str())
            .saying(said))
    }
}
