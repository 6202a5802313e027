//! What a subject is like: values that hold until they change.

use alloy::primitives::B256;
use tocsin_domain::observation::{Observation, Provenance};
use tocsin_domain::time::Timestamp;

use super::memory::{Last, Memory};
use super::{Records, Said};
use crate::feed::reader::{Answered, Reading, no_response};
use crate::feed::{Look, Trouble, TroubleKind};

/// What an answer says of a subject.
struct Told {
    at: Timestamp,
    said: Said,
    /// The page that says it.
    hash: B256,
}

impl Records {
    pub(super) fn read_state(&self, look: &Look, memory: Memory, answer: &Answered) -> Reading {
        let closed = self.when.closed(answer.at);
        let first_page = answer.pages.first().map_or(B256::ZERO, |page| page.hash);
        let told = match self.told(look, answer) {
            Ok(told) => told,
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
        let is_over = |watermark| told.at <= watermark;
        if !look.watermark.is_some_and(is_over) {
            return self.observed(look, memory, told, closed);
        }
        if !self.when.is_of_the_record() {
            return self.not_newer(look, memory, told.at);
        }
        match self.contradiction(&memory, &told) {
            None => self.still(look, memory, answer.at),
            Some(trouble) => self.silenced(
                look,
                memory,
                closed,
                Provenance::Raw { hash: told.hash },
                vec![trouble],
            ),
        }
    }

    /// After a time in which nobody looked: nothing is known of it, unless the record is still the one that was known before.
    pub(super) fn read_state_after_gap(
        &self,
        look: &Look,
        answer: &Answered,
        since: Timestamp,
    ) -> Reading {
        let memory = Memory::of(look);
        let is_the_same = memory
            .record_at
            .is_some_and(|before| self.told(look, answer).is_ok_and(|told| told.at == before));
        if is_the_same {
            return self.read_state(look, memory, answer);
        }
        let gap = self.silence(look, memory, since);
        let look = Look {
            watermark: gap.watermark,
            memory: Some(gap.memory),
            ..look.clone()
        };
        let mut reading = self.read_state(&look, Memory::of(&look), answer);
        reading.observations.splice(0..0, gap.observations);
        let reason = format!(
            "nobody looked between {since} and {}: what was so in between is not known",
            answer.now
        );
        reading
            .troubles
            .insert(0, self.trouble(TroubleKind::Late, reason));
        reading
    }

    /// What the answer says; an error where it cannot be told what it says, or when.
    fn told(&self, look: &Look, answer: &Answered) -> Result<Told, Trouble> {
        let fields = self
            .subject
            .fields(&look.subject)
            .map_err(|reason| self.trouble(TroubleKind::Missing, reason))?;
        let mut selected = self.selection.of(answer, &fields, &self.provider)?;
        if let Some((_, trouble)) = selected.doubtful.pop() {
            return Err(trouble);
        }
        let records = selected.found;
        let page = |index: usize| {
            answer
                .pages
                .get(index)
                .ok_or_else(|| self.trouble(TroubleKind::Pages, "there is no page"))
        };
        if self.fields.iter().any(|field| field.combines()) {
            let first = page(0)?;
            let at = self.time_of(&first.json, answer)?;
            let said = self.fields.iter().map(|field| {
                let values = records
                    .iter()
                    .map(|record| field.read_value(record.json, &self.provider))
                    .collect();
                let combined = field.combine().and_then(|combine| combine.apply(values));
                combined
                    .unwrap_or_else(|| {
                        Err(self.trouble(TroubleKind::Implausible, "the records' sum is too large"))
                    })
                    .and_then(|value| field.held(value, &self.provider))
            });
            return Ok(Told {
                at,
                said: said.collect(),
                hash: first.hash,
            });
        }
        let record = records
            .first()
            .ok_or_else(|| self.trouble(TroubleKind::Missing, "there is no record"))?;
        Ok(Told {
            at: self.time_of(record.json, answer)?,
            said: self.said(record.json),
            hash: page(record.page)?.hash,
        })
    }

    /// A new state, at its own time.
    fn observed(&self, look: &Look, mut memory: Memory, told: Told, closed: Timestamp) -> Reading {
        let mut troubles = Vec::new();
        let mut observations = Vec::new();
        for (index, said) in told.said.into_iter().enumerate() {
            let value = match said {
                Ok(value) => Some(value),
                Err(trouble) => {
                    troubles.push(trouble);
                    None
                }
            };
            let metric = self
                .fields
                .get(index)
                .map_or("", |field| field.metric.as_str());
            let is_news = match (&value, memory.last.get(metric)) {
                (None, _) => memory.can_be_lost(metric),
                (Some(_), None) => true,
                (Some(_), Some(_)) if self.when.is_of_the_record() => true,
                (Some(_), Some(last)) => value != last.value || self.is_old(last, told.at),
            };
            if is_news {
                let last = Last {
                    at: told.at,
                    value,
                    hash: told.hash,
                };
                self.keep(look, &mut memory, index, last, &mut observations);
            }
        }
        memory.record_at = self.when.is_of_the_record().then_some(told.at);
        Reading {
            observations,
            watermark: look.watermark.max(Some(closed)).max(Some(told.at)),
            next: None,
            memory: memory.to_json(),
            troubles,
            held_back: false,
        }
    }

    /// Notes an observation as the last of its metric.
    pub(super) fn keep(
        &self,
        look: &Look,
        memory: &mut Memory,
        field: usize,
        last: Last,
        into: &mut Vec<Observation>,
    ) {
        let provenance = Provenance::Raw { hash: last.hash };
        if let Some(observation) =
            self.observation(look, field, last.at, last.value.clone(), provenance)
        {
            memory
                .last
                .insert(observation.metric.as_str().to_string(), last);
            into.push(observation);
        }
    }

    fn is_old(&self, last: &Last, at: Timestamp) -> bool {
        self.when
            .repeat()
            .is_some_and(|repeat| at.since(last.at) >= repeat)
    }

    /// A record of a time that is over: whether it says something else than it did.
    fn contradiction(&self, memory: &Memory, told: &Told) -> Option<Trouble> {
        let late = |reason: String| {
            Some(
                self.trouble(TroubleKind::Late, reason)
                    .at(self.when.path())
                    .saying(told.at.to_string()),
            )
        };
        match memory.record_at {
            Some(before) if before == told.at => {}
            Some(before) if before > told.at => {
                return late(format!(
                    "the record before it was of {before}: time does not run backwards"
                ));
            }
            _ => {
                return late(
                    "what happened until then was closed before this record came".to_owned(),
                );
            }
        }
        let mut told = told.said.iter().zip(&self.fields);
        let (_, field) = told.find(|(said, field)| {
            let before = memory
                .last
                .get(field.metric.as_str())
                .and_then(|last| last.value.as_ref());
            matches!((said, before), (Ok(said), Some(before)) if said != before)
        })?;
        let metric = &field.metric;
        late(format!(
            "the record says another {metric} than before, of the same time"
        ))
    }

    /// Everything is as it was, as of `at`.
    pub(super) fn still(&self, look: &Look, mut memory: Memory, at: Timestamp) -> Reading {
        let closed = self.when.closed(at);
        let mut observations = Vec::new();
        if look.watermark.is_none_or(|watermark| at > watermark) {
            for (index, field) in self.fields.iter().enumerate() {
                let again = memory
                    .last
                    .get(field.metric.as_str())
                    .filter(|last| last.value.is_some() && self.is_old(last, at));
                if let Some(again) = again.map(|last| Last { at, ..last.clone() }) {
                    self.keep(look, &mut memory, index, again, &mut observations);
                }
            }
        }
        Reading {
            observations,
            watermark: look.watermark.max(Some(closed)),
            next: None,
            memory: memory.to_json(),
            troubles: Vec::new(),
            held_back: false,
        }
    }

    /// An answer that is not newer than what is known: a cache keeps it, or it was asked for twice in a second.
    fn not_newer(&self, look: &Look, memory: Memory, at: Timestamp) -> Reading {
        if look.watermark >= Some(look.due_at) {
            return Reading {
                memory: memory.to_json(),
                ..nothing(look)
            };
        }
        let reason = "the answer is older than the one before it: something between the provider and here keeps answers";
        let trouble = self
            .trouble(TroubleKind::Late, reason)
            .at("Date")
            .saying(at.to_string());
        self.silenced(look, memory, look.due_at, no_response(), vec![trouble])
    }

    /// No answer since `due`.
    pub(super) fn silence(&self, look: &Look, memory: Memory, due: Timestamp) -> Reading {
        self.silenced(
            look,
            memory,
            self.when.closed(due),
            no_response(),
            Vec::new(),
        )
    }

    /// What was known is not known any more, from `at` on.
    pub(super) fn silenced(
        &self,
        look: &Look,
        mut memory: Memory,
        at: Timestamp,
        provenance: Provenance,
        troubles: Vec<Trouble>,
    ) -> Reading {
        if look.watermark.is_some_and(|watermark| at <= watermark) {
            return Reading {
                memory: memory.to_json(),
                troubles,
                ..nothing(look)
            };
        }
        let hash = match provenance {
            Provenance::Raw { hash } => hash,
            Provenance::Chain(_) => B256::ZERO,
        };
        let mut observations = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            if memory.can_be_lost(field.metric.as_str()) {
                self.keep(
                    look,
                    &mut memory,
                    index,
                    Last {
                        at,
                        value: None,
                        hash,
                    },
                    &mut observations,
                );
            }
        }
        Reading {
            observations,
            watermark: Some(at),
            next: None,
            memory: memory.to_json(),
            troubles,
            held_back: true,
        }
    }
}

/// Nothing was seen, and nothing moves.
fn nothing(look: &Look) -> Reading {
    Reading {
        observations: Vec::new(),
        watermark: look.watermark,
        next: None,
        memory: serde_json::Value::Null,
        troubles: Vec::new(),
        held_back: true,
    }
}
