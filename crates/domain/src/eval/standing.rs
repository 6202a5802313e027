//! Where the `holds` of a risk stand, and what few covers need besides: windows, values at fixed times, counted
//! observations, runs of truth.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fixed::Fixed;
use super::outcome::LossEvent;
use super::program::Program;
use super::state::{Breach, Known};
use super::window::Window;
use crate::observation::Sequence;
use crate::time::Timestamp;

/// In place for a cover that has one `holds` and nothing else to remember, which most have.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    Plain(Breach),
    Full(Box<Full>),
}

/// All that a risk can have.
#[derive(Clone, Debug, Default)]
pub(super) struct Full {
    /// Each `holds`, inner before outer.
    pub(super) breaches: Box<[Breach]>,
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

impl Standing {
    pub(super) fn new(program: &Program, inception: Option<Timestamp>) -> Self {
        Self::from(Full {
            // Before the first instant nothing is known.
            breaches: vec![Breach::Unsure; program.holds.len()].into(),
            counted: vec![Vec::new(); program.counters].into(),
            runs: vec![None; program.runs.len()].into(),
            memory: program
                .has_memory()
                .then(|| Memory::new(program, inception)),
            ..Full::default()
        })
    }

    #[inline]
    pub(super) fn breaches(&self) -> &[Breach] {
        match self {
            Self::Plain(breach) => core::slice::from_ref(breach),
            Self::Full(full) => &full.breaches,
        }
    }

    #[inline]
    pub(super) fn breaches_mut(&mut self) -> &mut [Breach] {
        match self {
            Self::Plain(breach) => core::slice::from_mut(breach),
            Self::Full(full) => &mut full.breaches,
        }
    }

    #[inline]
    fn get(&self) -> Option<&Full> {
        match self {
            Self::Plain(_) => None,
            Self::Full(full) => Some(full),
        }
    }

    pub(super) fn counted(&self) -> &[Vec<Counted>] {
        self.get().map_or(&[], |full| &full.counted)
    }

    pub(super) fn remembering_since(&self) -> Option<Timestamp> {
        self.get()?.remembering_since
    }

    pub(super) fn runs(&self) -> &[Option<Run>] {
        self.get().map_or(&[], |full| &full.runs)
    }

    #[inline]
    pub(super) fn memory(&self) -> Option<&Memory> {
        self.get()?.memory.as_ref()
    }

    pub(super) fn anew(&self) -> Option<Known> {
        self.get()?.anew
    }

    #[inline]
    pub(super) fn memory_mut(&mut self) -> Option<&mut Memory> {
        match self {
            Self::Plain(_) => None,
            Self::Full(full) => full.memory.as_mut(),
        }
    }

    /// Room for everything.
    pub(super) fn full(&mut self) -> &mut Full {
        loop {
            match self {
                Self::Full(full) => return full,
                Self::Plain(breach) => {
                    *self = Self::Full(Box::new(Full {
                        breaches: [*breach].into(),
                        ..Full::default()
                    }));
                }
            }
        }
    }
}

impl From<Full> for Standing {
    fn from(full: Full) -> Self {
        let nothing_else = full.counted.is_empty()
            && full.remembering_since.is_none()
            && full.runs.is_empty()
            && full.memory.is_none()
            && full.anew.is_none();
        match *full.breaches {
            [breach] if nothing_else => Self::Plain(breach),
            _ => Self::Full(Box::new(full)),
        }
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
