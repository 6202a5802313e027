//! What most risks do not need: windows, values at fixed times, counted observations, runs of truth.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fixed::Fixed;
use super::outcome::LossEvent;
use super::program::Program;
use super::state::Known;
use super::window::Window;
use crate::observation::Sequence;
use crate::time::Timestamp;

/// A place for it, which is allocated where there is some.
#[derive(Clone, Debug)]
pub(super) struct Beside(Option<Box<Rest>>);

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    /// What each `holds` with `observations: 2` or more has counted since its breach began, sorted.
    pub(super) counted: Box<[Vec<Counted>]>,
    /// Since when, without a break, some of several `holds` remembers something: there, evaluating anew must begin.
    pub(super) remembering_since: Option<Timestamp>,
    /// Since when each tracked condition is true without a break.
    pub(super) runs: Box<[Option<Run>]>,
    /// What looking back needs; `None` where the program never does.
    pub(super) memory: Option<Memory>,
    /// Set while one loss event is evaluated anew; such a state is never stored.
    pub(super) anew: Option<Known>,
}

/// What a risk remembers beyond what is in force and where its breaches stand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// When the policy begins; `None` until the first observation says so.
    pub(super) inception: Option<Timestamp>,
    /// The last instant that was evaluated: what the windows say, they say as of then.
    pub(super) instant: Option<Timestamp>,
    /// Each distinct window.
    pub(super) windows: Box<[Window]>,
    /// Each distinct value at a fixed time.
    pub(super) fixed: Box<[Fixed]>,
    /// Confirmed losses whose payout has not settled, the first one first.
    pub(super) settling: VecDeque<LossEvent>,
}

/// An observation that a breach counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    /// Equal for inputs of one named source.
    pub(super) stream: usize,
    pub(super) sequence: Sequence,
}

/// An unbroken run of truth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    /// When it began.
    pub(super) since: Timestamp,
    /// What some `holds` remembered then, it remembered since here.
    pub(super) remembering_since: Option<Timestamp>,
}

impl Beside {
    pub(super) fn new(program: &Program, inception: Option<Timestamp>) -> Self {
        Self::of(Rest {
            counted: vec![Vec::new(); program.counters].into(),
            runs: vec![None; program.runs.len()].into(),
            memory: program
                .has_memory()
                .then(|| Memory::new(program, inception)),
            ..Rest::default()
        })
    }

    pub(super) fn of(rest: Rest) -> Self {
        let is_there = !rest.counted.is_empty()
            || rest.remembering_since.is_some()
            || !rest.runs.is_empty()
            || rest.memory.is_some()
            || rest.anew.is_some();
        Self(is_there.then(|| Box::new(rest)))
    }

    /// All of it, to be changed.
    pub(super) fn rest(&mut self) -> &mut Rest {
        self.0.get_or_insert_default()
    }

    pub(super) fn counted(&self) -> &[Vec<Counted>] {
        self.0.as_ref().map_or(&[], |rest| &rest.counted)
    }

    pub(super) fn remembering_since(&self) -> Option<Timestamp> {
        self.0.as_ref()?.remembering_since
    }

    pub(super) fn runs(&self) -> &[Option<Run>] {
        self.0.as_ref().map_or(&[], |rest| &rest.runs)
    }

    #[inline]
    pub(super) fn memory(&self) -> Option<&Memory> {
        self.0.as_ref()?.memory.as_ref()
    }

    #[inline]
    pub(super) fn memory_mut(&mut self) -> Option<&mut Memory> {
        self.0.as_mut()?.memory.as_mut()
    }

    pub(super) fn anew(&self) -> Option<Known> {
        self.0.as_ref()?.anew
    }
}

impl Memory {
    fn new(program: &Program, inception: Option<Timestamp>) -> Self {
        Self {
            inception,
            instant: None,
            windows: program.windows.iter().map(Window::new).collect(),
            fixed: vec![Fixed::Open; program.fixed.len()].into(),
            settling: VecDeque::new(),
        }
    }
}
