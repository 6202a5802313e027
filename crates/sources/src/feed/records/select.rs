//! Which records of an answer are about a subject.

use serde_json::Value as Json;

use super::condition::Condition;
use crate::feed::path::Path;
use crate::feed::reader::Answered;
use crate::feed::section::{Section, Wrong};
use crate::feed::subject::SubjectPattern;
use crate::feed::{Trouble, TroubleKind};

/// Where records are, and which of them count.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    at: Path,
    /// The list that `at` goes through, `$.features` of `$.features[*]`: empty, it still is there.
    list: Option<Path>,
    /// A record counts where these hold.
    only: Vec<Condition>,
    /// The answer means what the file says where these hold of every record that counts; of the whole, those of `answer`.
    must: Vec<Condition>,
    answer: Vec<Condition>,
    expect: Expect,
}

/// How many records there are of a subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expect {
    /// Exactly one.
    One,
    /// At least one.
    Some,
    /// None is fine too.
    Any,
}

/// A record, and the page that it is on.
pub(crate) struct Record<'a> {
    pub(crate) json: &'a Json,
    pub(crate) page: usize,
}

/// The records of an answer about a subject.
pub(crate) struct Selected<'a> {
    pub(crate) found: Vec<Record<'a>>,
    /// Those that cannot be told to be about it or not, and why; none where records make a state.
    pub(crate) doubtful: Vec<(Record<'a>, Trouble)>,
}

impl Selection {
    pub(crate) fn read(
        section: &Section<'_>,
        usual: Expect,
        subject: &SubjectPattern,
    ) -> Result<Self, Wrong> {
        let path =
            |text: &str| Path::parse(text).map_err(|error| section.wrong("at", error.to_string()));
        let at = path(section.text("at")?.unwrap_or("$"))?;
        let list = at.as_str().strip_suffix("[*]").map(path).transpose()?;
        let words = [
            ("one", Expect::One),
            ("some", Expect::Some),
            ("any", Expect::Any),
        ];
        Ok(Self {
            at,
            list,
            only: Condition::list(section, "where", subject)?,
            must: Condition::list(section, "must", subject)?,
            answer: Condition::list(section, "answer", subject)?,
            expect: section.one_of("expect", &words)?.unwrap_or(usual),
        })
    }

    pub(crate) fn expect(&self) -> Expect {
        self.expect
    }

    /// The records about a subject, and those of which it cannot be told whether they are.
    pub(crate) fn of<'a>(
        &self,
        answer: &'a Answered,
        subject: &[(String, String)],
        provider: &str,
    ) -> Result<Selected<'a>, Trouble> {
        let mut found = Vec::new();
        let mut doubtful = Vec::new();
        let mut any = false;
        for (page, answer) in answer.pages.iter().enumerate() {
            for condition in &self.answer {
                condition.must_hold(&answer.json, subject, provider)?;
            }
            for json in self.at.all(&answer.json) {
                any = true;
                match self.counts(json, subject, provider) {
                    Ok(true) => found.push(Record { json, page }),
                    Ok(false) => {}
                    Err(trouble) => doubtful.push((Record { json, page }, trouble)),
                }
            }
        }
        let trouble =
            |kind, reason: &str| Err(Trouble::new(provider, kind, reason).at(self.at.as_str()));
        match (self.expect, found.len()) {
            (Expect::One | Expect::Some, _) if !doubtful.is_empty() => match doubtful.pop() {
                Some((_, trouble)) => Err(trouble),
                None => Ok(Selected { found, doubtful }),
            },
            (Expect::One, 1) | (Expect::Some, 1..) => Ok(Selected { found, doubtful }),
            (Expect::Any, _) => {
                // No element is an answer, no list is none.
                if !any && !self.list_is_there(answer) {
                    return trouble(
                        TroubleKind::Missing,
                        "the answer has no such list; if it was renamed, correct its path",
                    );
                }
                Ok(Selected { found, doubtful })
            }
            (Expect::One | Expect::Some, 0) if any => {
                trouble(TroubleKind::Missing, "no record there is about the subject")
            }
            (Expect::One | Expect::Some, 0) => trouble(
                TroubleKind::Missing,
                "the answer has no such record; if it was renamed, correct its path",
            ),
            (Expect::One, count) => trouble(
                TroubleKind::Contradiction,
                &format!("{count} records there are about the subject, and one is expected"),
            ),
        }
    }

    fn counts(
        &self,
        record: &Json,
        subject: &[(String, String)],
        provider: &str,
    ) -> Result<bool, Trouble> {
        for condition in &self.only {
            if !condition.holds(record, subject, provider)? {
                return Ok(false);
            }
        }
        for condition in &self.must {
            condition.must_hold(record, subject, provider)?;
        }
        Ok(true)
    }

    fn list_is_there(&self, answer: &Answered) -> bool {
        let on = |list: &Path, page: &Json| list.all(page).iter().any(|node| node.is_array());
        self.list
            .as_ref()
            .is_some_and(|list| answer.pages.iter().all(|page| on(list, &page.json)))
    }
}
