//! What polled sources have said of some subjects: each has its own time.

use std::collections::BTreeMap;

use tocsin_domain::observation::{Observation, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

/// When something will mean something for a subject without anybody saying anything: a deadline, or what waits for others.
pub type Wakings = BTreeMap<(SourceId, Subject), Timestamp>;

/// What was said since the stored looks.
#[derive(Debug, Default)]
pub struct PolledNews {
    /// Of each subject.
    pub subjects: BTreeMap<(SourceId, Subject), SubjectNews>,
}

/// What was said of one subject.
#[derive(Debug)]
pub struct SubjectNews {
    /// How far it is complete now; `None` where nothing is known yet.
    pub watermark: Option<Timestamp>,
    /// What was said.
    pub observations: Vec<Observation>,
}

impl PolledNews {
    /// How far a stream is complete now, where it is news.
    pub fn watermark(&self, stream: &Stream) -> Option<Timestamp> {
        let subject = (stream.source.clone(), stream.subject.clone());
        self.subjects.get(&subject)?.watermark
    }

    /// What was said of these streams.
    pub fn of(&self, streams: &[Stream]) -> Vec<Observation> {
        let mut heard = Vec::new();
        for (place, stream) in streams.iter().enumerate() {
            // Two inputs may listen to the same stream.
            if streams.iter().take(place).any(|earlier| earlier == stream) {
                continue;
            }
            let subject = (stream.source.clone(), stream.subject.clone());
            let said = self.subjects.get(&subject).into_iter();
            let said = said.flat_map(|news| &news.observations);
            heard.extend(said.filter(|seen| stream.carries(seen)).cloned());
        }
        heard
    }

    /// Everything that was said.
    pub fn into_observations(self) -> Vec<Observation> {
        let subjects = self.subjects.into_values();
        subjects.flat_map(|news| news.observations).collect()
    }
}
