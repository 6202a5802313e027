//! What windows, changes and fixed times say, and why they say nothing.

use super::View;
use crate::decimal::Rounding;
use crate::eval::exact::Units;
use crate::eval::fixed::Fixed;
use crate::eval::outcome::Unknown;
use crate::eval::scalar::{Cause, Known, Scalar};
use crate::eval::state::Latest;
use crate::lang::ir::{ArithmeticOp, FixedTime};
use crate::time::{Seconds, Timestamp};
use crate::value::Type;

impl<'a> View<'a> {
    /// What a window said when it was read, which is now.
    #[inline]
    pub(super) fn said(&self, window: usize) -> Known<&'a Units> {
        let memory = self.memory.ok_or(Cause::Unchecked)?;
        let reading = memory.windows[window].reading().as_ref();
        reading.map_err(|_lack| Cause::Window(window.into()))
    }

    /// The same as a value.
    pub(super) fn window(&self, index: usize) -> Known<Scalar<'a>> {
        let units = self.said(index)?;
        let value = match self.program.windows[index].ty {
            Type::Duration => units.to_seconds().map(Scalar::Duration),
            _ => units.to_decimal().map(Scalar::Decimal),
        };
        value.ok_or(Cause::Unchecked)
    }

    pub(super) fn change(&self, input: usize, window: usize) -> Known<Scalar<'a>> {
        let now = self.in_force(input)?;
        let then = self.window(window)?;
        now.arithmetic(ArithmeticOp::Subtract, Rounding::Truncate, then)
    }

    pub(super) fn at(&self, index: usize) -> Known<Scalar<'a>> {
        let unknown = Cause::Fixed(index.into());
        let (Some(time), Some(kept)) = (self.time_of(index), self.kept(index)) else {
            return Err(unknown);
        };
        match kept.value.get() {
            Some(value) if !self.was_stale(index, kept, time) => Ok(value),
            _ => Err(unknown),
        }
    }

    /// The fixed time, if it has come.
    fn time_of(&self, index: usize) -> Option<Timestamp> {
        self.fixed_time(index).filter(|time| *time <= self.now)
    }

    fn fixed_time(&self, index: usize) -> Option<Timestamp> {
        match self.program.fixed[index].time {
            FixedTime::Time(time) => Some(time),
            FixedTime::Inception => self.memory?.inception,
        }
    }

    fn kept(&self, index: usize) -> Option<&'a Latest> {
        match &self.memory?.fixed[index] {
            Fixed::Kept(kept) => kept.as_ref(),
            Fixed::Open => None,
        }
    }

    fn was_stale(&self, index: usize, kept: &Latest, time: Timestamp) -> bool {
        let input = self.program.fixed[index].input;
        let max_age = self.program.inputs[input].max_age;
        max_age.is_some_and(|max_age| time > kept.observed_at + max_age)
    }

    pub(super) fn explain_window(&self, index: usize) -> Unknown {
        let window = self.memory.map(|memory| &memory.windows[index]);
        window
            .and_then(|window| window.explain(&self.program.windows[index]))
            .unwrap_or(Unknown::Unchecked)
    }

    pub(super) fn explain_fixed(&self, index: usize) -> Unknown {
        let input = self.program.fixed[index].input;
        let Some(time) = self.fixed_time(index) else {
            return Unknown::Unchecked;
        };
        if time > self.now {
            return Unknown::NotYet { time };
        }
        match self.kept(index) {
            None => Unknown::NoObservation { input },
            Some(kept) if kept.value.is_empty() => Unknown::NoValue {
                input,
                since: kept.observed_at,
            },
            Some(kept) => {
                let max_age = self.program.inputs[input].max_age.unwrap_or(Seconds(0));
                let since = kept.observed_at + max_age + Seconds(1);
                Unknown::Stale { input, since }
            }
        }
    }
}
