//! What looks back: each distinct window, change and fixed time gets one place in the state of a risk.

use super::{Node, Place, Program};
use crate::eval::program::{Computed, FixedSpec, Mentioned, WindowSpec};
use crate::eval::scalar::Cause;
use crate::eval::window::Measure;
use crate::lang::ir::{FixedTime, InputIndex, Reach, Window, WindowFunction};
use crate::time::Seconds;
use crate::value::Type;

impl Program {
    pub(super) fn window(&mut self, window: &Window, ty: Type, place: Place) -> Node {
        let computed = match window.function {
            WindowFunction::Twap | WindowFunction::TwapOfCloses(_) => Computed::Mean,
            WindowFunction::GeoTwap => Computed::GeometricMean,
            WindowFunction::Min => Computed::Least,
            WindowFunction::Max => Computed::Greatest,
            WindowFunction::Mean => Computed::MeanInside,
            WindowFunction::Median => Computed::MedianInside,
            WindowFunction::Sum => Computed::SumInside,
            WindowFunction::Count => Computed::Count,
        };
        let closes = match window.function {
            WindowFunction::TwapOfCloses(period) => Some(period.0),
            _ => None,
        };
        let spec = self.input(window.input).and_then(|input| {
            let spec = WindowSpec {
                computed,
                input,
                over_events: self.inputs[input].ty == Type::Event,
                reach: window.reach,
                coverage: u64::try_from(window.coverage.units()).ok()?,
                every: window.every.clone(),
                measure: self.measure(input, closes.unwrap_or(1))?,
                closes,
                ty,
                watched: place.makes_instants(),
            };
            is_checked(&spec, self.inputs[input].ty).then_some(spec)
        });
        let Some(spec) = spec else {
            return Node::Failed(Cause::Unchecked);
        };
        if spec.reach == Reach::SinceInception {
            self.mention_inception(place);
        }
        Node::Window(self.window_of(spec))
    }

    pub(super) fn change(
        &mut self,
        input: InputIndex,
        window: Seconds,
        ty: Type,
        place: Place,
    ) -> Node {
        let spec = self.input(input).and_then(|input| {
            let spec = WindowSpec {
                computed: Computed::Past,
                input,
                over_events: false,
                reach: Reach::Last(window),
                coverage: 0,
                every: None,
                measure: self.measure(input, 1)?,
                closes: None,
                ty,
                watched: place.makes_instants(),
            };
            is_checked(&spec, self.inputs[input].ty).then_some(spec)
        });
        match spec {
            Some(spec) => Node::Change {
                input: spec.input,
                window: self.window_of(spec),
            },
            None => Node::Failed(Cause::Unchecked),
        }
    }

    pub(super) fn at(&mut self, input: InputIndex, time: FixedTime, place: Place) -> Node {
        let Some(input) = self.input(input) else {
            return Node::Failed(Cause::Unchecked);
        };
        if self.inputs[input].ty == Type::Event {
            return Node::Failed(Cause::Unchecked);
        }
        if time == FixedTime::Inception {
            self.mention_inception(place);
        }
        let watched = place.makes_instants();
        let like = |other: &FixedSpec| other.input == input && other.time == time;
        let index = match self.fixed.iter().position(like) {
            Some(index) => {
                self.fixed[index].watched |= watched;
                index
            }
            None => {
                self.fixed.push(FixedSpec {
                    input,
                    time,
                    watched,
                });
                let index = self.fixed.len() - 1;
                self.inputs[input].fixed.push(index);
                index
            }
        };
        Node::At(index)
    }

    /// The place of a window like this.
    fn window_of(&mut self, spec: WindowSpec) -> usize {
        if let Some(index) = self.windows.iter().position(|other| other.is_like(&spec)) {
            self.windows[index].watched |= spec.watched;
            return index;
        }
        let input = spec.input;
        self.windows.push(spec);
        let index = self.windows.len() - 1;
        self.inputs[input].windows.push(index);
        index
    }

    fn measure(&self, input: usize, period: i64) -> Option<Measure> {
        (period > 0).then(|| Measure {
            max_age: self.inputs[input].max_age.map(|max_age| max_age.0),
            period,
        })
    }

    fn mention_inception(&mut self, place: Place) {
        let here = if place.makes_instants() {
            Mentioned::Watched
        } else {
            Mentioned::Unwatched
        };
        self.inception = self.inception.max(here);
    }
}

/// Whether this can be computed of values of this type.
fn is_checked(spec: &WindowSpec, of: Type) -> bool {
    let reaches_back = match spec.reach {
        Reach::Last(reach) => reach > Seconds(0),
        Reach::SinceInception => true,
    };
    let typed = match (spec.computed, of) {
        (Computed::Count, _) => spec.ty == Type::Decimal,
        (Computed::SumInside, Type::Event) => spec.ty == Type::Decimal,
        (Computed::GeometricMean, _) => of == Type::Decimal && spec.ty == of,
        (_, Type::Decimal | Type::Duration) => spec.ty == of,
        _ => false,
    };
    reaches_back && typed
}
