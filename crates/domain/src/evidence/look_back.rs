//! How far before a loss the expressions of a cover look.

use crate::cover::Cover;
use crate::lang::ir::{Expr, ExprKind, FixedTime, Grid, Reach, WindowFunction};
use crate::time::{Seconds, Timestamp};

/// How far back a cover looks from where a loss is evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LookBack {
    /// The longest window.
    span: Seconds,
    /// The earliest fixed time.
    fixed: Option<Timestamp>,
    /// Whether to the inception.
    to_inception: bool,
}

impl LookBack {
    /// Of all expressions of a cover.
    pub fn of(cover: &Cover) -> Self {
        let mut look_back = Self {
            span: Seconds(0),
            fixed: None,
            to_inception: false,
        };
        for expr in cover.expressions() {
            look_back.include(expr);
        }
        look_back
    }

    /// Observations after this instant, and the ones in force at it, are all that evaluating from `evidence_from` needs.
    /// `inception` is that of the risk; a cover that asks for it and does not get it needs everything.
    pub fn begins(self, evidence_from: Timestamp, inception: Option<Timestamp>) -> Timestamp {
        let mut begins = evidence_from - self.span;
        if let Some(fixed) = self.fixed {
            begins = begins.min(fixed);
        }
        if self.to_inception {
            begins = begins.min(inception.unwrap_or(Timestamp(i64::MIN)));
        }
        begins
    }

    fn include(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Window(window) => {
                match window.reach {
                    Reach::Last(length) => self.reach(length, window.every.as_ref()),
                    Reach::SinceInception => {
                        self.to_inception = true;
                        self.reach(Seconds(0), window.every.as_ref());
                    }
                }
                if let WindowFunction::TwapOfCloses(period) = window.function {
                    self.span = self.span.max(period);
                }
            }
            ExprKind::Change { window, .. } => self.span = self.span.max(*window),
            ExprKind::At { time, .. } => match time {
                FixedTime::Inception => self.to_inception = true,
                FixedTime::Time(time) => {
                    self.fixed = Some(self.fixed.map_or(*time, |fixed| fixed.min(*time)));
                }
            },
            _ => {}
        }
        for part in expr.children() {
            self.include(part);
        }
    }

    /// A window that stands still since the last boundary of a grid began up to a period earlier; a day of a time zone
    /// has up to 25 hours, and some zones have moved by a day.
    fn reach(&mut self, length: Seconds, every: Option<&Grid>) {
        let standing = every.map_or(Seconds(0), |grid| {
            let moved = if grid.zone.is_some() { 2 * 86_400 } else { 0 };
            Seconds(grid.period.0.saturating_add(moved))
        });
        self.span = self.span.max(Seconds(length.0.saturating_add(standing.0)));
    }
}
