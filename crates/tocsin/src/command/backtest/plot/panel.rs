//! One risk: a strip for each kind of value over one axis of time, with the breaches shaded and the decisions marked.

use tocsin_domain::cover::{Cover, Input};
use tocsin_domain::decimal::{Decimal, Rounding};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};
use tocsin_sources::file::{RecordedRow, Recording};

use super::axis::{self, ValueAxis};
use super::series::{Series, Span};
use super::svg::{Anchor, Svg, Tenths, Text};
use super::{MARGIN, WIDTH};
use crate::command::backtest::Found;
use crate::command::backtest::risks::RecordedRisk;

const LEFT: i64 = 96;
const RIGHT: i64 = 24;
/// Above the strips: the subject, and the labels of decisions.
const TITLE: i64 = 50;
/// Below the strips: the dates, and some room.
const DATES: i64 = 46;
/// Above each strip: the names of its inputs.
const LEGEND: i64 = 18;
/// More kinds of values than this are not drawn.
const STRIPS_MAX: usize = 6;
/// Labels of decisions are not nearer to each other.
const LABEL_GAP: i64 = 110;
const SUBJECT_CHARACTERS_MAX: usize = 110;

const AXIS: &str = "#d9d9d9";
const FAINT: &str = "#eeeeee";
const GREY: &str = "#666666";
const BREACH: &str = "#f0a030";
const PAYS: &str = "#c0392b";
const INCONCLUSIVE: &str = "#6c6c80";
/// Told apart by people who see colours differently too.
const LINES: [&str; 6] = [
    "#1f5fa8", "#1b8a5a", "#8e44ad", "#b8650a", "#0e8fa3", "#7a7a2a",
];

/// One risk.
pub(super) struct Panel<'p> {
    risk: &'p RecordedRisk,
    losses: Vec<&'p Found>,
    span: Option<Span>,
    strips: Vec<Strip<'p>>,
}

/// Inputs of one kind share an axis of values.
struct Strip<'p> {
    ty: Type,
    /// Each with its place among the inputs.
    inputs: Vec<(usize, &'p Input, Series)>,
}

impl<'p> Panel<'p> {
    pub(super) fn new(
        cover: &'p Cover,
        risk: &'p RecordedRisk,
        found: &'p [Found],
        recording: &Recording,
        watermark: Timestamp,
    ) -> Self {
        let recorded = risk.recorded.iter().flatten();
        let first = recorded
            .map(|stream| recording.streams()[*stream].first_observed_at)
            .min();
        let span = first.filter(|first| *first <= watermark).map(|first| Span {
            from: first,
            // A single instant has some room too.
            to: watermark.max(first + Seconds(1)),
            left: LEFT,
            width: WIDTH - LEFT - RIGHT,
        });
        let mut strips: Vec<Strip<'p>> = Vec::new();
        for (place, input) in cover.inputs.iter().enumerate() {
            if !matches!(input.ty, Type::Decimal | Type::Duration) {
                continue;
            }
            let entry = (place, input, Series::default());
            let same = |strip: &Strip<'_>| {
                let mut inputs = strip.inputs.iter();
                strip.ty == input.ty && inputs.any(|(_, other, _)| other.metric == input.metric)
            };
            match strips.iter().position(same) {
                Some(strip) => strips[strip].inputs.push(entry),
                None if strips.len() < STRIPS_MAX => strips.push(Strip {
                    ty: input.ty,
                    inputs: vec![entry],
                }),
                None => {}
            }
        }
        Self {
            losses: found
                .iter()
                .filter(|loss| loss.subject == risk.subject)
                .collect(),
            risk,
            span,
            strips,
        }
    }

    /// Adds a row, if it is of one of the inputs.
    pub(super) fn add(&mut self, row: &RecordedRow) {
        let Some(span) = &self.span else {
            return;
        };
        for (place, _, series) in self.strips.iter_mut().flat_map(|strip| &mut strip.inputs) {
            if self.risk.recorded[*place] == Some(row.stream) {
                let value = match &row.value {
                    Some(Value::Decimal(value)) => Some(*value),
                    Some(Value::Duration(span)) => Some(Decimal::from_integer(span.0)),
                    _ => None,
                };
                series.add(span, row.observed_at, value);
            }
        }
    }

    /// In pixels.
    pub(super) fn height(&self) -> i64 {
        TITLE + self.strips_height() + DATES
    }

    fn strips_height(&self) -> i64 {
        self.strips
            .iter()
            .map(|_strip| LEGEND + self.strip_height())
            .sum::<i64>()
            .max(LEGEND)
    }

    fn strip_height(&self) -> i64 {
        match self.strips.len() {
            0 | 1 => 170,
            2 => 120,
            _ => 84,
        }
    }

    pub(super) fn draw(&self, svg: &mut Svg, top: i64) {
        svg.text(
            MARGIN,
            top + 16,
            &shortened(&self.risk.subject),
            Text::heading(),
        );
        let Some(span) = &self.span else {
            let note = Text::small(GREY, Anchor::Start);
            svg.text(MARGIN, top + 34, "nothing was observed", note);
            return;
        };
        let (above, below) = (top + TITLE, top + TITLE + self.strips_height());
        for loss in &self.losses {
            let from = span.x(loss.loss.occurred_at);
            let to = span.x(loss.loss.confirmed_at);
            let width = Tenths((to.0 - from.0).max(15));
            svg.rect((from, width), (above, below - above), BREACH, "0.22");
        }
        self.draw_dates(svg, span, above, below);
        let mut strip_top = above;
        for strip in &self.strips {
            strip.draw(svg, span, strip_top + LEGEND, self.strip_height());
            strip_top += LEGEND + self.strip_height();
        }
        self.draw_losses(svg, span, above, below);
    }

    fn draw_dates(&self, svg: &mut Svg, span: &Span, above: i64, below: i64) {
        for (instant, label) in axis::dates(span.from, span.to) {
            let x = span.x(instant);
            svg.line((x, above.into()), (x, below.into()), FAINT);
            svg.text(x, below + 16, &label, Text::small(GREY, Anchor::Middle));
        }
    }

    fn draw_losses(&self, svg: &mut Svg, span: &Span, above: i64, below: i64) {
        let mut labelled: Option<i64> = None;
        for found in &self.losses {
            let loss = &found.loss;
            let x = span.x(loss.confirmed_at);
            let (colour, label, exactly) = match &loss.payout {
                Ok(fraction) => (
                    PAYS,
                    format!("pays {}", percent(*fraction)),
                    format!("pays {fraction} of the sum insured"),
                ),
                Err(_) => {
                    let label = "inconclusive".to_owned();
                    (INCONCLUSIVE, label.clone(), label)
                }
            };
            svg.line((x, above.into()), (x, below.into()), colour);
            let about = format!(
                "loss event {}: occurred {}, confirmed {}, {exactly}",
                loss.ordinal, loss.occurred_at, loss.confirmed_at
            );
            svg.mark(x, above, colour, &about);
            // Above its mark, but not over an edge of the drawing.
            let half = LABEL_GAP * 5;
            let (anchor, centre) = if x.0 + half > (WIDTH - RIGHT) * 10 {
                (Anchor::End, x.0 - half)
            } else if x.0 - half < LEFT * 10 {
                (Anchor::Start, x.0 + half)
            } else {
                (Anchor::Middle, x.0)
            };
            if labelled.is_some_and(|last| centre - last < LABEL_GAP * 10) {
                continue;
            }
            labelled = Some(centre);
            svg.text(x, above - 13, &label, Text::small_bold(colour, anchor));
        }
    }
}

impl Strip<'_> {
    fn draw(&self, svg: &mut Svg, span: &Span, top: i64, height: i64) {
        let (left, right) = (Tenths::from(LEFT), Tenths::from(WIDTH - RIGHT));
        let bottom = Tenths::from(top + height);
        svg.line((left, bottom), (right, bottom), AXIS);
        svg.line((left, top.into()), (left, bottom), AXIS);
        let mut place = LEFT + 6;
        for (number, input, _) in &self.inputs {
            let name = format!("{} ({})", input.name, input.metric);
            svg.text(
                place,
                top - 5,
                &name,
                Text::small_bold(line_colour(*number), Anchor::Start),
            );
            // About as wide as its letters.
            let letters = i64::try_from(name.chars().count()).unwrap_or(WIDTH);
            place += letters * 7 + 12;
        }
        let extremes = self
            .inputs
            .iter()
            .filter_map(|(_, _, line)| line.extremes());
        let extremes = extremes.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let axis =
            extremes.and_then(|(least, greatest)| ValueAxis::around(least, greatest, self.ty));
        let Some(axis) = axis else {
            let note = Text::small(GREY, Anchor::Start);
            svg.text(LEFT + 6, top + height / 2, "no values", note);
            return;
        };
        for (value, label) in axis.ticks() {
            if let Some(y) = axis.y(value, top, height) {
                svg.line((left, y), (right, y), FAINT);
                svg.text(
                    LEFT - 8,
                    y.0 / 10 + 4,
                    &label,
                    Text::small(GREY, Anchor::End),
                );
            }
        }
        for (place, _, line) in &self.inputs {
            let path = line.path(span, |value| axis.y(value, top, height));
            if !path.is_empty() {
                svg.path(&path, line_colour(*place));
            }
        }
    }
}

/// The colour of the input in this place.
fn line_colour(place: usize) -> &'static str {
    LINES[place % LINES.len()]
}

/// For a label: cut to hundredths.
fn percent(fraction: Decimal) -> String {
    let basis_points = fraction.checked_mul(Decimal::from_integer(10_000), Rounding::Truncate);
    let whole = basis_points.and_then(Decimal::whole).unwrap_or_default();
    let digits = format!("{}.{:02}", whole / 100, whole % 100);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

fn shortened(subject: &str) -> String {
    match subject.char_indices().nth(SUBJECT_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &subject[..end]),
        None => subject.to_owned(),
    }
}
