//! Windows as nouns.

use super::{Speaker, words};
use crate::decimal::Decimal;
use crate::lang::ir::{Reach, Window, WindowFunction};
use crate::value::Type;

impl Speaker<'_> {
    pub(super) fn window(&self, window: &Window) -> String {
        let input = self.name(window.input);
        let of_events = self
            .cover
            .inputs
            .get(window.input.0)
            .is_some_and(|input| input.ty == Type::Event);
        let what = match window.function {
            WindowFunction::Twap => format!(
                "the mean of {input}, each value weighed by the seconds for which it was in force,"
            ),
            WindowFunction::TwapOfCloses(period) => format!(
                "the mean of {input} as it stood just before the end of each {} (UTC) that ended",
                words::duration(period)
            ),
            WindowFunction::GeoTwap => {
                format!(
                    "the geometric mean of {input}, each value weighed by the seconds for which it was in force,"
                )
            }
            WindowFunction::Min => format!("the least {input} in force"),
            WindowFunction::Max => format!("the greatest {input} in force"),
            WindowFunction::Mean => format!("the plain mean of the observations of {input}"),
            WindowFunction::Median => format!("the median of the observations of {input}"),
            WindowFunction::Sum if of_events => format!("the sum of the amounts of {input}"),
            WindowFunction::Sum => format!("the sum of the observations of {input}"),
            WindowFunction::Count if of_events => {
                format!("the number of times that {input} happened")
            }
            WindowFunction::Count => format!("the number of observations of {input}"),
        };
        let carried = match window.function {
            WindowFunction::Min | WindowFunction::Max => {
                " (what was in force when it began included)"
            }
            WindowFunction::Mean
            | WindowFunction::Median
            | WindowFunction::Sum
            | WindowFunction::Count => " (its first second excluded, its last included)",
            WindowFunction::Twap | WindowFunction::TwapOfCloses(_) | WindowFunction::GeoTwap => "",
        };
        let when = match window.reach {
            Reach::Last(length) => format!("in the last {}", words::duration(length)),
            Reach::SinceInception => "since the policy's inception".to_owned(),
        };
        let moves = window.every.as_ref().map_or(String::new(), |grid| {
            let place = match &grid.zone {
                Some(zone) => format!("at midnight in {zone}"),
                None => "counted from 1970-01-01T00:00:00Z".to_owned(),
            };
            format!(
                ", looked at every {} {place} and unchanged between",
                words::duration(grid.period)
            )
        });
        let coverage = if of_events {
            String::new()
        } else if window.coverage == Decimal::ONE {
            "; unknown unless all of that time is known".to_owned()
        } else {
            format!(
                "; unknown unless at least {} of that time is known",
                words::percent(window.coverage)
            )
        };
        format!("[{what} {when}{carried}{moves}{coverage}]")
    }
}
