//! Reports: every record is something that happened, known by its identity, and observed once, all its values in one second.
//!
//! A report is observed at its own time, in the order of times; two of the same second a second apart, so that the first is
//! not hidden by the other. One that could still be overtaken by an earlier one is held back until it cannot.

use std::collections::BTreeMap;

use alloy::primitives::{B256, keccak256};
use serde_json::Value as Json;
use tocsin_domain::observation::Provenance;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use super::memory::{Last, Memory, Reported};
use super::select::Record;
use super::{Records, Said};
use crate::feed::path::Path;
use crate::feed::reader::{Answered, Reading};
use crate::feed::section::{Section, Wrong};
use crate::feed::status_map::excerpt;
use crate::feed::{Look, Trouble, TroubleKind};

/// What tells reports apart.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    paths: Vec<Path>,
    /// Whether a report that changes is observed again.
    again: bool,
}

/// A report of an answer.
struct Report {
    at: Timestamp,
    id: String,
    said: Said,
    digest: B256,
    page: usize,
}

impl Identity {
    pub(crate) fn read(section: &Section<'_>) -> Result<Option<Self>, Wrong> {
        let Some(texts) = section.texts("identity")? else {
            return match section.has("again") {
                true => Err(section.wrong(
                    "again",
                    "is for reports: write their `identity`, as in [\"$.id\"]",
                )),
                false => Ok(None),
            };
        };
        let parse = |text: &str| {
            Path::parse(text).map_err(|error| section.wrong("identity", error.to_string()))
        };
        let paths: Vec<Path> = texts.into_iter().map(parse).collect::<Result<_, _>>()?;
        if paths.is_empty() {
            return Err(section.wrong("identity", "names no field"));
        }
        let again = section.one_of("again", &[("never", false), ("changed", true)])?;
        Ok(Some(Self {
            paths,
            again: again.unwrap_or(false),
        }))
    }

    fn of(&self, record: &Json, provider: &str) -> Result<String, Trouble> {
        let part = |path: &Path| {
            let trouble =
                |kind, reason: &str| Trouble::new(provider, kind, reason).at(path.as_str());
            match path.one(record) {
                Ok(Some(Json::String(text))) if !text.is_empty() => Ok(text.clone()),
                Ok(Some(Json::Number(number))) => Ok(number.to_string()),
                Ok(Some(other)) => {
                    Err(trouble(TroubleKind::Unreadable, "is no identity").saying(excerpt(other)))
                }
                Ok(None) => Err(trouble(TroubleKind::Missing, "the record has no identity")),
                Err(several) => Err(trouble(TroubleKind::Contradiction, &several.to_string())),
            }
        };
        Ok(self
            .paths
            .iter()
            .map(part)
            .collect::<Result<Vec<_>, _>>()?
            .join("/"))
    }
}

impl Records {
    pub(super) fn read_reports(
        &self,
        look: &Look,
        mut memory: Memory,
        answer: &Answered,
        identity: &Identity,
    ) -> Reading {
        let closed = self.when.closed(answer.at);
        let first_page = answer.pages.first().map_or(B256::ZERO, |page| page.hash);
        let mut troubles = Vec::new();
        let reports = match self.reports(look, answer, identity, &mut troubles) {
            Ok(reports) => reports,
            Err(trouble) => {
                return self.silenced(
                    look,
                    memory,
                    closed,
                    Provenance::Raw { hash: first_page },
                    vec![trouble],
                );
            }
        };
        // What could not be read may be a report that counts.
        let mut lost = !troubles.is_empty();
        let mut observations = Vec::new();
        let mut held_back = false;
        let mut free = look.watermark.map(|watermark| watermark + Seconds(1));
        let present: BTreeMap<&str, ()> = reports
            .iter()
            .map(|report| (report.id.as_str(), ()))
            .collect();
        for report in &reports {
            match memory.reports.get(&report.id) {
                Some(before) if !identity.again || before.said == report.digest => continue,
                _ => {}
            }
            let at = free.map_or(report.at, |free| report.at.max(free));
            let noted = Reported {
                at: report.at,
                said: report.digest,
            };
            if look
                .watermark
                .is_some_and(|watermark| report.at <= watermark)
            {
                lost = true;
                troubles.push(self.late(report));
                memory.reports.insert(report.id.clone(), noted);
                continue;
            }
            if at > closed {
                held_back = true;
                continue;
            }
            free = Some(at + Seconds(1));
            let hash = answer
                .pages
                .get(report.page)
                .map_or(first_page, |page| page.hash);
            for (index, said) in report.said.iter().enumerate() {
                let value = said
                    .as_ref()
                    .map_err(|trouble| troubles.push(trouble.clone()))
                    .ok();
                self.keep(
                    look,
                    &mut memory,
                    index,
                    Last {
                        at,
                        value: value.cloned(),
                        hash,
                    },
                    &mut observations,
                );
            }
            memory.reports.insert(report.id.clone(), noted);
        }
        memory.forget_reports(|id| present.contains_key(id));
        let after = free.or(look.watermark.map(|watermark| watermark + Seconds(1)));
        if lost && after.is_none_or(|after| closed >= after) {
            for (index, field) in self.fields.iter().enumerate() {
                if memory.can_be_lost(&field.metric.0) {
                    let last = Last {
                        at: closed,
                        value: None,
                        hash: first_page,
                    };
                    self.keep(look, &mut memory, index, last, &mut observations);
                }
            }
        }
        Reading {
            observations,
            watermark: look.watermark.max(Some(closed)),
            next: None,
            memory: memory.to_json(),
            troubles,
            held_back,
        }
    }

    /// The reports of an answer by time; those that cannot be told apart or dated are troubles.
    fn reports(
        &self,
        look: &Look,
        answer: &Answered,
        identity: &Identity,
        troubles: &mut Vec<Trouble>,
    ) -> Result<Vec<Report>, Trouble> {
        let fields = self
            .subject
            .fields(&look.subject)
            .map_err(|reason| self.trouble(TroubleKind::Missing, reason))?;
        let records = self.selection.of(answer, &fields, &self.provider)?;
        let mut reports: BTreeMap<String, Report> = BTreeMap::new();
        let mut twice = Vec::new();
        for record in &records {
            match self.report(record, answer, identity) {
                Err(trouble) => troubles.push(trouble),
                Ok(report) => match reports.get(&report.id) {
                    Some(other) if other.digest != report.digest || other.at != report.at => {
                        twice.push(report.id)
                    }
                    Some(_) => {}
                    None => {
                        reports.insert(report.id.clone(), report);
                    }
                },
            }
        }
        for id in twice {
            if reports.remove(&id).is_some() {
                let reason = "the answer has this report twice, and says two things of it";
                let path = identity.paths.first().map_or("$", Path::as_str);
                troubles.push(
                    self.trouble(TroubleKind::Contradiction, reason)
                        .at(path)
                        .saying(id),
                );
            }
        }
        let mut reports: Vec<Report> = reports.into_values().collect();
        reports.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        Ok(reports)
    }

    fn report(
        &self,
        record: &Record<'_>,
        answer: &Answered,
        identity: &Identity,
    ) -> Result<Report, Trouble> {
        let id = identity.of(record.json, &self.provider)?;
        let said = self.said(record.json);
        Ok(Report {
            at: self.time_of(record.json, answer)?,
            digest: digest(&said),
            id,
            said,
            page: record.page,
        })
    }

    fn late(&self, report: &Report) -> Trouble {
        let reason = format!(
            "what happened until then was closed before this report, {}, came",
            report.id
        );
        self.trouble(TroubleKind::Late, reason)
            .at(self.when.path())
            .saying(report.at.to_string())
    }
}

fn digest(said: &Said) -> B256 {
    let written = said.iter().map(|said| match said {
        Ok(Value::Text(text)) => format!("{text:?};"),
        Ok(value) => format!("{value};"),
        Err(_unknown) => "?;".to_owned(),
    });
    keccak256(written.collect::<String>())
}
