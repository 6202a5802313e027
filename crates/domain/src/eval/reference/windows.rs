//! Windows over one input: the seconds of (t − w, t] at which a value was in force, and the observations inside.

use std::collections::BTreeMap;

use super::History;
use super::numbers::{Exact, exact, scale, seconds_between, units, value, whole};
use crate::calendar;
use crate::eval::outcome::{InputObservation, Unknown};
use crate::lang::ir::{FixedTime, Reach, Window, WindowFunction};
use crate::observation::Sequence;
use crate::real::{self, LogFixed};
use crate::time::{Seconds, Timestamp};
use crate::value::{Type, Value};

/// Seconds, `to` not included, at which one known value was in force.
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) value: Value,
}

/// The seconds at which a window begins and ends.
#[derive(Clone, Copy)]
struct Bounds {
    start: Timestamp,
    end: Timestamp,
}

impl<'a> History<'a> {
    pub(super) fn window(&self, window: &Window, at: Timestamp) -> Result<Value, Unknown> {
        use WindowFunction::{Count, GeoTwap, Max, Mean, Median, Min, Sum, Twap, TwapOfCloses};
        let bounds = self.bounds(window, at)?;
        let is_event = self.cover.inputs[window.input.0].ty == Type::Event;
        match window.function {
            Sum | Count if is_event => self.of_events(window, bounds),
            _ if is_event => Err(Unknown::Unchecked),
            Twap | TwapOfCloses(_) => self.time_weighted(window, bounds),
            GeoTwap => self.geometric(window, bounds),
            Min | Max => self.extreme(window, bounds),
            Mean | Median | Sum | Count => self.of_observations(window, bounds),
        }
    }

    fn bounds(&self, window: &Window, at: Timestamp) -> Result<Bounds, Unknown> {
        let end = match &window.every {
            None => at,
            Some(grid) => calendar::last_boundary(grid, at).ok_or(Unknown::Unchecked)?,
        };
        let start = match (window.reach, &window.every) {
            (Reach::Last(reach), None) => end - reach,
            (Reach::Last(reach), Some(grid)) => calendar::block_start(grid, end, reach),
            (Reach::SinceInception, _) => self.fixed_time(FixedTime::Inception)?,
        };
        if end < start {
            return Err(Unknown::NotYet { time: start });
        }
        Ok(Bounds { start, end })
    }

    /// The last observation of each second, valued or not.
    fn seconds(&self, input: usize) -> Vec<&'a InputObservation> {
        let mut last = BTreeMap::new();
        for seen in self.of_input(input).into_values() {
            last.insert(seen.observed_at, seen);
        }
        last.into_values().collect()
    }

    /// Every observation of an input once, in order.
    fn of_input(&self, input: usize) -> BTreeMap<(Timestamp, Sequence), &'a InputObservation> {
        self.observations
            .iter()
            .filter(|seen| seen.input == input)
            .map(|seen| ((seen.observed_at, seen.sequence), *seen))
            .collect()
    }

    /// The known seconds from `start` up to `end`, which is not included.
    pub(super) fn known_spans(&self, input: usize, start: Timestamp, end: Timestamp) -> Vec<Span> {
        let seconds = self.seconds(input);
        let mut spans = Vec::new();
        for (index, seen) in seconds.iter().enumerate() {
            let Some(value) = &seen.value else {
                continue;
            };
            let next = seconds.get(index + 1).map(|next| next.observed_at);
            let stale = self.cover.inputs[input]
                .max_age
                .map(|max_age| seen.observed_at + max_age + Seconds(1));
            let to = [next, stale]
                .into_iter()
                .flatten()
                .fold(end, Timestamp::min);
            let from = seen.observed_at.max(start);
            if from < to {
                spans.push(Span {
                    from,
                    to,
                    value: value.clone(),
                });
            }
        }
        spans
    }

    /// The spans of the window, if they are enough of it; `weight` says how much lies in a stretch of time.
    fn covered(
        &self,
        window: &Window,
        bounds: Bounds,
        weight: impl Fn(Timestamp, Timestamp) -> i128,
    ) -> Result<Vec<Span>, Unknown> {
        let spans = self.known_spans(window.input.0, bounds.start, bounds.end);
        let known: i128 = spans.iter().map(|span| weight(span.from, span.to)).sum();
        let all = weight(bounds.start, bounds.end);
        if whole(known) * scale() < units(window.coverage) * whole(all) {
            return Err(Unknown::NotCovered {
                input: window.input.0,
            });
        }
        Ok(spans)
    }

    fn time_weighted(&self, window: &Window, bounds: Bounds) -> Result<Value, Unknown> {
        let weight = |from, to| match window.function {
            WindowFunction::TwapOfCloses(period) => ends_between(period, from, to),
            _ => seconds_between(from, to),
        };
        let mut sum = Exact::ZERO;
        let mut known = 0;
        for span in self.covered(window, bounds, weight)? {
            let weight = weight(span.from, span.to);
            sum += exact(&span.value)? * whole(weight);
            known += weight;
        }
        if known == 0 {
            return Err(Unknown::NotCovered {
                input: window.input.0,
            });
        }
        value(self.cover.inputs[window.input.0].ty, sum / whole(known))
    }

    fn geometric(&self, window: &Window, bounds: Bounds) -> Result<Value, Unknown> {
        let mut sum = LogFixed::ZERO;
        let mut known = Seconds(0);
        for span in self.covered(window, bounds, seconds_between)? {
            let Value::Decimal(value) = span.value else {
                return Err(Unknown::Unchecked);
            };
            let seconds = span.to.since(span.from);
            sum += real::ln(value).ok_or(Unknown::NotPositive)? * seconds.0;
            known.0 += seconds.0;
        }
        if known == Seconds(0) {
            return Err(Unknown::NotCovered {
                input: window.input.0,
            });
        }
        real::geometric_mean(sum, known.0)
            .map(Value::Decimal)
            .ok_or(Unknown::Overflow)
    }

    fn extreme(&self, window: &Window, bounds: Bounds) -> Result<Value, Unknown> {
        self.covered(window, bounds, seconds_between)?;
        let input = window.input.0;
        // The one that arrives at the end counts too.
        let values: Vec<Exact> = self
            .known_spans(input, bounds.start, bounds.end + Seconds(1))
            .iter()
            .map(|span| exact(&span.value))
            .collect::<Result<_, _>>()?;
        let found = match window.function {
            WindowFunction::Min => values.into_iter().min(),
            _ => values.into_iter().max(),
        };
        value(
            self.cover.inputs[input].ty,
            found.ok_or(Unknown::NotCovered { input })?,
        )
    }

    /// Every observation inside, in order.
    fn inside(&self, input: usize, bounds: Bounds) -> Vec<&'a InputObservation> {
        self.of_input(input)
            .into_values()
            .filter(|seen| bounds.start < seen.observed_at && seen.observed_at <= bounds.end)
            .collect()
    }

    fn of_observations(&self, window: &Window, bounds: Bounds) -> Result<Value, Unknown> {
        self.covered(window, bounds, seconds_between)?;
        let input = window.input.0;
        let ty = self.cover.inputs[input].ty;
        let inside: Vec<&Value> = self
            .inside(input, bounds)
            .into_iter()
            .filter_map(|seen| seen.value.as_ref())
            .collect();
        let number = i128::try_from(inside.len()).map_err(|_too_many| Unknown::Overflow)?;
        if number == 0 {
            return Err(Unknown::EmptyWindow { input });
        }
        if window.function == WindowFunction::Count {
            return value(Type::Decimal, whole(number) * scale());
        }
        let mut values: Vec<Exact> = inside.into_iter().map(exact).collect::<Result<_, _>>()?;
        let sum = values
            .iter()
            .copied()
            .fold(Exact::ZERO, |sum, value| sum + value);
        let found = match window.function {
            WindowFunction::Sum => sum,
            WindowFunction::Mean => sum / whole(number),
            _ => middle(&mut values),
        };
        value(ty, found)
    }

    fn of_events(&self, window: &Window, bounds: Bounds) -> Result<Value, Unknown> {
        let input = window.input.0;
        let mut sum = Exact::ZERO;
        for seen in self.inside(input, bounds) {
            sum += match (window.function, &seen.value) {
                (WindowFunction::Count, _) => scale(),
                (_, Some(amount)) => exact(amount)?,
                (_, None) => {
                    return Err(Unknown::NoValue {
                        input,
                        since: seen.observed_at,
                    });
                }
            };
        }
        value(Type::Decimal, sum)
    }

    /// The value of an input as of a fixed time.
    pub(super) fn as_of(
        &self,
        input: usize,
        time: FixedTime,
        at: Timestamp,
    ) -> Result<Value, Unknown> {
        let time = self.fixed_time(time)?;
        if at < time {
            return Err(Unknown::NotYet { time });
        }
        self.in_force(input, time)
    }

    pub(super) fn fixed_time(&self, time: FixedTime) -> Result<Timestamp, Unknown> {
        match time {
            FixedTime::Time(time) => Ok(time),
            FixedTime::Inception => self.inception.ok_or(Unknown::NotBegun),
        }
    }
}

/// How many multiples of `period` have their second before in `from`…`to`, the latter not included.
fn ends_between(period: Seconds, from: Timestamp, to: Timestamp) -> i128 {
    let up_to = |time: Timestamp| i128::from(time.0).div_euclid(i128::from(period.0.max(1)));
    up_to(to) - up_to(from)
}

/// The middle one, or the mean of the middle two, cut toward zero; `values` is not empty.
pub(super) fn middle(values: &mut [Exact]) -> Exact {
    values.sort_unstable();
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        (values[half - 1] + values[half]) / whole(2)
    }
}
