//! Reports: every record is something that happened, known by its identity, and observed once, all its values in one second.
//!
//! A report is observed at its own time, in the order of times; two of the same second a second apart, so that the first is
//! not hidden by the other. One that could still be overtaken by an earlier one is held back until it cannot.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{B256, keccak256};
use serde_json::Value as Json;
use tocsin_domain::observation::{Observation, Provenance};
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

/// A record that may be a report that counts, and cannot be read.
struct Doubt {
    id: Option<String>,
    /// Its time, where that is what is doubted; else the answer's.
    at: Timestamp,
    trouble: Trouble,
}

/// What a doubted record is noted to have said.
const DOUBTED: B256 = B256::ZERO;

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
        memory: Memory,
        answer: &Answered,
        identity: &Identity,
    ) -> Reading {
        let closed = self.when.closed(answer.at);
        let first_page = answer.pages.first().map_or(B256::ZERO, |page| page.hash);
        let (reports, doubts) = match self.reports(look, answer, identity) {
            Ok(found) => found,
            Err(trouble) => {
                let provenance = Provenance::Raw { hash: first_page };
                return self.blind(look, memory, answer.at, provenance, vec![trouble]);
            }
        };
        let mut taking = Taking {
            memory,
            observations: Vec::new(),
            troubles: Vec::new(),
            free: look.watermark.map(|watermark| watermark + Seconds(1)),
            lost: false,
            held_back: false,
        };
        taking.lost = taking.memory.lost;
        for doubt in doubts {
            taking.doubt(doubt);
        }
        for report in &reports {
            if taking.is_news(report, identity.again) {
                let hash = answer
                    .pages
                    .get(report.page)
                    .map_or(first_page, |page| page.hash);
                self.take(look, report, hash, closed, &mut taking);
            }
        }
        let can_be_said = taking.free.is_none_or(|free| closed >= free);
        taking.memory.lost = taking.lost && !can_be_said;
        taking.memory.blind = false;
        if taking.lost && can_be_said {
            for (index, field) in self.fields.iter().enumerate() {
                if taking.memory.can_be_lost(field.metric.as_str()) {
                    let last = Last {
                        at: closed,
                        value: None,
                        hash: first_page,
                    };
                    self.keep(
                        look,
                        &mut taking.memory,
                        index,
                        last,
                        &mut taking.observations,
                    );
                }
            }
        }
        let present: BTreeSet<&str> = reports.iter().map(|report| report.id.as_str()).collect();
        taking.memory.forget_reports(|id| present.contains(id));
        Reading {
            observations: taking.observations,
            watermark: look.watermark.max(Some(closed)),
            next: None,
            memory: taking.memory.to_json(),
            troubles: taking.troubles,
            held_back: taking.held_back,
        }
    }

    /// No answer, or none that can be read: what may have happened since is not known. The time stays open, as the next answer
    /// tells of it too: what is unknown is said in the first second that is.
    pub(super) fn blind(
        &self,
        look: &Look,
        mut memory: Memory,
        due: Timestamp,
        provenance: Provenance,
        troubles: Vec<Trouble>,
    ) -> Reading {
        let at = match look.watermark {
            Some(watermark) => watermark + Seconds(1),
            None => {
                memory.blind = true;
                self.when.closed(due)
            }
        };
        let can_be_lost = |field: &super::Field| memory.can_be_lost(field.metric.as_str());
        if at <= due && self.fields.iter().any(can_be_lost) {
            return self.silenced(look, memory, at, provenance, troubles);
        }
        Reading {
            observations: Vec::new(),
            watermark: look.watermark,
            next: None,
            memory: memory.to_json(),
            troubles,
            held_back: true,
        }
    }

    /// Observes a report that is news, holds it back, or says that it came too late.
    fn take(
        &self,
        look: &Look,
        report: &Report,
        hash: B256,
        closed: Timestamp,
        taking: &mut Taking,
    ) {
        let noted = Reported {
            at: report.at,
            said: report.digest,
        };
        if look
            .watermark
            .is_some_and(|watermark| report.at <= watermark)
        {
            // Before the first answer there was nothing to be late for.
            if !taking.memory.blind {
                taking.lost = true;
                taking.troubles.push(self.late(report));
            }
            taking.memory.reports.insert(report.id.clone(), noted);
            return;
        }
        let at = taking.free.map_or(report.at, |free| report.at.max(free));
        if at > closed {
            taking.held_back = true;
            return;
        }
        taking.free = Some(at + Seconds(1));
        for (index, said) in report.said.iter().enumerate() {
            let value = match said {
                Ok(value) => Some(value.clone()),
                Err(trouble) => {
                    taking.troubles.push(trouble.clone());
                    None
                }
            };
            let last = Last { at, value, hash };
            self.keep(
                look,
                &mut taking.memory,
                index,
                last,
                &mut taking.observations,
            );
        }
        taking.memory.reports.insert(report.id.clone(), noted);
    }

    /// The reports of an answer by time, and the records that may be some.
    fn reports(
        &self,
        look: &Look,
        answer: &Answered,
        identity: &Identity,
    ) -> Result<(Vec<Report>, Vec<Doubt>), Trouble> {
        let fields = self
            .subject
            .fields(&look.subject)
            .map_err(|reason| self.trouble(TroubleKind::Missing, reason))?;
        let selected = self.selection.of(answer, &fields, &self.provider)?;
        let mut doubts = Vec::new();
        for (record, trouble) in selected.doubtful {
            // Without an identity it cannot be remembered, and is doubted anew in every answer.
            let id = identity.of(record.json, &self.provider).ok();
            doubts.push(Doubt {
                id,
                at: answer.at,
                trouble,
            });
        }
        let mut reports: BTreeMap<String, Report> = BTreeMap::new();
        let mut twice = BTreeSet::new();
        for record in &selected.found {
            match self.report(record, answer, identity) {
                Err(doubt) => doubts.push(*doubt),
                Ok(report) => match reports.get(&report.id) {
                    Some(other) if other.digest != report.digest || other.at != report.at => {
                        twice.insert(report.id);
                    }
                    Some(_) => {}
                    None => {
                        reports.insert(report.id.clone(), report);
                    }
                },
            }
        }
        for id in twice {
            if let Some(report) = reports.remove(&id) {
                let reason = "the answer has this report twice, and says two things of it";
                let path = identity.paths.first().map_or("$", Path::as_str);
                let trouble = self
                    .trouble(TroubleKind::Contradiction, reason)
                    .at(path)
                    .saying(&id);
                doubts.push(Doubt {
                    id: Some(id),
                    at: report.at,
                    trouble,
                });
            }
        }
        let mut reports: Vec<Report> = reports.into_values().collect();
        reports.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        Ok((reports, doubts))
    }

    fn report(
        &self,
        record: &Record<'_>,
        answer: &Answered,
        identity: &Identity,
    ) -> Result<Report, Box<Doubt>> {
        let doubted = |id, at: Option<Timestamp>, trouble| {
            let at = at.unwrap_or(answer.at);
            Box::new(Doubt { id, at, trouble })
        };
        let id = identity
            .of(record.json, &self.provider)
            .map_err(|trouble| doubted(None, None, trouble))?;
        // Why there is no time is said below, too.
        let written = self.when.of(record.json, answer.at, &self.provider).ok();
        let at = self
            .time_of(record.json, answer)
            .map_err(|trouble| doubted(Some(id.clone()), written, trouble))?;
        let said = self.said(record.json);
        Ok(Report {
            at,
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

/// An answer while its reports are taken one after the other.
struct Taking {
    memory: Memory,
    observations: Vec<Observation>,
    troubles: Vec<Trouble>,
    /// The first second that is free.
    free: Option<Timestamp>,
    /// Whether something may have happened that is not known.
    lost: bool,
    held_back: bool,
}

impl Taking {
    /// A doubted record; what is unknown because of it was said before, if it was doubted before.
    fn doubt(&mut self, doubt: Doubt) {
        self.troubles.push(doubt.trouble);
        match doubt.id {
            Some(id) if self.memory.reports.contains_key(&id) => {}
            Some(id) => {
                self.lost = true;
                self.memory.reports.insert(
                    id,
                    Reported {
                        at: doubt.at,
                        said: DOUBTED,
                    },
                );
            }
            None => self.lost = true,
        }
    }

    /// Whether a report was not observed yet. One whose time was doubted stays so as long as it says that time.
    fn is_news(&self, report: &Report, again: bool) -> bool {
        match self.memory.reports.get(&report.id) {
            None => true,
            Some(before) if before.said == DOUBTED => before.at != report.at,
            Some(before) => again && before.said != report.digest,
        }
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
