//! Keeping what a risk remembers of its past in step with its instants.

use super::super::outcome::InputObservation;
use super::super::program::{Mentioned, Program};
use super::super::standing::Memory;
use super::super::state::Latest;
use crate::lang::ir::FixedTime;
use crate::time::Timestamp;

/// Which windows are read at an instant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Those that make instants: evaluation needs them at each.
    Watched,
    /// The others: a loss needs them.
    Unwatched,
}

impl Program {
    /// Takes in all observations of one input in one second, before they are in force.
    pub(super) fn remember(
        &self,
        memory: &mut Memory,
        input: usize,
        rows: &[InputObservation],
        before: Option<&Latest>,
        now: Timestamp,
    ) {
        let inception = *memory.inception.get_or_insert(now);
        let spec = &self.inputs[input];
        for index in &spec.fixed {
            if time_of(self.fixed[*index].time, inception) < now {
                memory.fixed[*index].keep(before);
            }
        }
        for index in &spec.windows {
            memory.windows[*index].take_in(&self.windows[*index], inception, now, rows);
        }
    }

    /// Reads the windows as of an instant.
    pub(super) fn read(
        &self,
        memory: &mut Memory,
        inputs: &[Option<Latest>],
        read: Read,
        now: Timestamp,
    ) {
        memory.instant = Some(now);
        // Instants come after the first observation.
        let inception = *memory.inception.get_or_insert(now);
        let wanted = |watched: bool| watched == (read == Read::Watched);
        for (spec, fixed) in self.fixed.iter().zip(&mut memory.fixed) {
            if wanted(spec.watched) && time_of(spec.time, inception) <= now {
                fixed.keep(inputs[spec.input].as_ref());
            }
        }
        for (spec, window) in self.windows.iter().zip(&mut memory.windows) {
            if wanted(spec.watched) {
                window.read(spec, inception, now);
            }
        }
    }

    /// The instants after `now` that come of what is remembered.
    pub(super) fn remembered_instants(
        &self,
        memory: &Memory,
        now: Timestamp,
        mut consider: impl FnMut(Timestamp),
    ) {
        for (spec, window) in self.windows.iter().zip(&memory.windows) {
            if spec.watched
                && let Some(instant) = window.next_instant(spec, now)
            {
                consider(instant);
            }
        }
        for spec in self.fixed.iter().filter(|spec| spec.watched) {
            if let FixedTime::Time(time) = spec.time {
                consider(time);
            }
        }
        if self.inception == Mentioned::Watched
            && let Some(inception) = memory.inception
        {
            consider(inception);
        }
        if let Some(next) = memory.settling.front() {
            consider(next.settled_at);
        }
    }
}

fn time_of(time: FixedTime, inception: Timestamp) -> Timestamp {
    match time {
        FixedTime::Time(time) => time,
        FixedTime::Inception => inception,
    }
}
