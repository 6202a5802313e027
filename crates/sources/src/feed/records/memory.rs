//! What a reader remembers of a subject from look to look.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use crate::feed::Look;

/// Reports that are not in the answers any more, but may come back.
const REPORTS_KEPT: usize = 500;

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// By metric, what was observed last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) last: BTreeMap<String, Last>,
    /// The time of the last record, where records have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record_at: Option<Timestamp>,
    /// Of reports: something may have happened that is not known, and no second was free yet to say so.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) lost: bool,
    /// Of reports: there was no answer yet, so that what is older than the first look is history.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) blind: bool,
    /// By identity, the reports that were observed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) reports: BTreeMap<String, Reported>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) at: Timestamp,
    pub(crate) value: Option<Value>,
    /// The response that it came from.
    pub(crate) hash: B256,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Reported {
    pub(crate) at: Timestamp,
    /// A hash of what it said.
    pub(crate) said: B256,
}

impl Memory {
    /// What is remembered of the look's subject.
    pub(crate) fn of(look: &Look) -> Self {
        // What cannot be read was written by another version: the subject is looked at as if for the first time, and its
        // watermark still keeps everything from being observed twice.
        look.memory
            .as_ref()
            .and_then(|memory| serde_json::from_value(memory.clone()).ok())
            .unwrap_or_default()
    }

    /// Whether the last observation of a metric had a value, or there was none at all.
    pub(crate) fn can_be_lost(&self, metric: &str) -> bool {
        self.last
            .get(metric)
            .is_none_or(|last| last.value.is_some())
    }

    /// Forgets the oldest reports that are not among `present`.
    pub(crate) fn forget_reports(&mut self, present: impl Fn(&str) -> bool) {
        let mut gone: Vec<(Timestamp, String)> = self
            .reports
            .iter()
            .filter(|(id, _)| !present(id))
            .map(|(id, report)| (report.at, id.clone()))
            .collect();
        gone.sort();
        let excess = gone.len().saturating_sub(REPORTS_KEPT);
        for (_, id) in gone.into_iter().take(excess) {
            self.reports.remove(&id);
        }
    }

    pub(crate) fn to_json(&self) -> Json {
        // Maps with text keys and plain values: there is nothing that JSON could not write.
        serde_json::to_value(self).unwrap_or_default()
    }
}
