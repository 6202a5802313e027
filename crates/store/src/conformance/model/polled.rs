//! Looks in the model.

use std::collections::BTreeSet;

use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use super::{Faults, Model};
use crate::check;
use crate::conformance::Fault;
use crate::look::{LookState, NewLook};
use crate::step::Step;

impl Model {
    pub(in crate::conformance) fn add_looks(&mut self, looks: &[NewLook]) {
        for new in looks {
            let key = (new.source.clone(), new.subject.clone());
            self.looks.entry(key).or_insert_with(|| new.look());
        }
    }

    /// Closed looks that new risks listen to are due.
    pub(super) fn wake(&mut self, streams: &BTreeSet<Stream>) {
        let listened: BTreeSet<(SourceId, Subject)> = streams
            .iter()
            .map(|stream| (stream.source.clone(), stream.subject.clone()))
            .collect();
        for key in listened {
            if let Some(look) = self
                .looks
                .get_mut(&key)
                .filter(|look| look.state.is_closed())
            {
                look.due_at = Some(look.watermark.unwrap_or(Timestamp(0)));
                look.version += 1;
            }
        }
    }

    pub(super) fn move_looks(&mut self, step: &Step, faults: &mut Faults) {
        let mut moved = BTreeSet::new();
        for look in &step.polled.looks {
            let key = (look.source.clone(), look.subject.clone());
            if !moved.insert(key.clone()) {
                faults.insert(Fault::Stale);
            }
            let Some(stored) = self.looks.get_mut(&key) else {
                faults.insert(Fault::Missing);
                continue;
            };
            if stored.version != look.version {
                faults.insert(Fault::Stale);
            }
            if check::looked(stored, look).is_err() {
                faults.insert(Fault::Refused);
            }
            let of_it = step
                .observations
                .iter()
                .filter(|seen| (&seen.source, &seen.subject) == (&key.0, &key.1));
            for seen in of_it {
                let at = Some(seen.observed_at);
                if at <= stored.watermark || at > look.watermark {
                    faults.insert(Fault::Refused);
                }
            }
            let version = stored.version + 1;
            *stored = look.clone();
            stored.version = version;
        }
    }

    pub(in crate::conformance) fn attend(
        &mut self,
        key: &(SourceId, Subject),
        due_at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let listening = self.risks.values().filter(|risk| {
            let mut streams = risk.record.streams.iter();
            streams.any(|stream| (&stream.source, &stream.subject) == (&key.0, &key.1))
        });
        let reached = listening.filter_map(|risk| risk.evaluated_to).max();
        let look = self.looks.get_mut(key).ok_or(Fault::Missing)?;
        if !matches!(look.state, LookState::NeedsPerson(_)) {
            return Err(Fault::Refused);
        }
        look.state = if due_at.is_some() {
            LookState::Open
        } else {
            LookState::Over
        };
        look.due_at = due_at.or(look.due_at);
        look.watermark = look.watermark.max(reached);
        look.version += 1;
        Ok(())
    }
}
