//! The values of one input over time, as much of them as a drawing can show: what they were at both ends of each column of
//! pixels, and the least and greatest between.

use tocsin_domain::decimal::Decimal;
use tocsin_domain::time::Timestamp;

use super::svg::Tenths;

/// From where to where a panel goes in time, and over how many columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) left: i64,
    pub(super) width: i64,
}

/// The values of one input.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// By column.
    columns: Vec<Option<Column>>,
    extremes: Option<(Decimal, Decimal)>,
}

/// What happens in one column.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    values: Option<Values>,
    /// Whether the last observation has no value.
    ends_unknown: bool,
}

#[derive(Clone, Copy, Debug)]
struct Values {
    first: Decimal,
    least: Decimal,
    greatest: Decimal,
    last: Decimal,
}

impl Span {
    /// Where an instant is.
    pub(super) fn x(&self, instant: Timestamp) -> Tenths {
        let clamped = instant.clamp(self.from, self.to);
        let passed = i128::from(clamped.since(self.from).0);
        let all = i128::from(self.to.since(self.from).0.max(1));
        let tenths = passed * i128::from(self.width) * 10 / all;
        // Never more than the width.
        Tenths(self.left * 10 + i64::try_from(tenths).unwrap_or(self.width * 10))
    }

    fn column(&self, instant: Timestamp) -> Option<usize> {
        usize::try_from(self.x(instant).0 / 10 - self.left).ok()
    }
}

impl Series {
    /// Adds an observation; they come in the order of time.
    pub(super) fn add(&mut self, span: &Span, at: Timestamp, value: Option<Decimal>) {
        let Some(place) = span.column(at) else {
            return;
        };
        if self.columns.len() <= place {
            self.columns.resize(place + 1, None);
        }
        let column = self.columns[place].get_or_insert_default();
        column.ends_unknown = value.is_none();
        let Some(value) = value else {
            return;
        };
        let values = column.values.get_or_insert(Values {
            first: value,
            least: value,
            greatest: value,
            last: value,
        });
        values.least = values.least.min(value);
        values.greatest = values.greatest.max(value);
        values.last = value;
        let (least, greatest) = self.extremes.get_or_insert((value, value));
        *least = (*least).min(value);
        *greatest = (*greatest).max(value);
    }

    /// The least and the greatest value.
    pub(super) fn extremes(&self) -> Option<(Decimal, Decimal)> {
        self.extremes
    }

    /// The path of a step line; `y` places a value.
    pub(super) fn path(&self, span: &Span, y: impl Fn(Decimal) -> Option<Tenths>) -> String {
        let mut path = String::new();
        let mut drawing = false;
        for (place, column) in (span.left..).zip(&self.columns) {
            let Some(column) = column else {
                continue;
            };
            let x = Tenths::from(place);
            if let Some(values) = &column.values {
                let points = [values.first, values.least, values.greatest, values.last];
                let mut points = points.into_iter().filter_map(&y);
                let Some(first) = points.next() else {
                    continue;
                };
                if drawing {
                    path += &format!("H{x}V{first}");
                } else {
                    path += &format!("M{x} {first}");
                }
                let mut before = first;
                for point in points {
                    if point != before {
                        path += &format!("V{point}");
                    }
                    before = point;
                }
                drawing = true;
            } else if drawing {
                path += &format!("H{x}");
            }
            if column.ends_unknown && drawing {
                // Something must be seen of a value that held for no pixel.
                path += "h0.5";
                drawing = false;
            }
        }
        if drawing {
            path += &format!("H{}", span.left + span.width);
        }
        path
    }
}
