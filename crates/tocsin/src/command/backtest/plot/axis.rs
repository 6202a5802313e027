//! Axes: where the round numbers, spans and dates are.

use tocsin_domain::decimal::{Decimal, Rounding};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;

use super::svg::Tenths;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Round spans, in seconds.
const ROUND_SPANS: [i64; 27] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    20 * DAY,
    50 * DAY,
    100 * DAY,
    200 * DAY,
    500 * DAY,
    1000 * DAY,
];

/// An axis of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueAxis {
    least: Decimal,
    range: Decimal,
    ty: Type,
}

impl ValueAxis {
    /// An axis with some room around these values; `None` where decimals cannot hold that.
    pub(super) fn around(least: Decimal, greatest: Decimal, ty: Type) -> Option<Self> {
        let twentieth = |of: Decimal| of.checked_div(Decimal::from_integer(20), Rounding::Truncate);
        let mut room = twentieth(greatest.checked_sub(least)?)?;
        if room == Decimal::ZERO {
            room = twentieth(greatest.abs().max(Decimal::ONE))?;
        }
        let least = least.checked_sub(room)?;
        let range = greatest.checked_add(room)?.checked_sub(least)?;
        Some(Self { least, range, ty })
    }

    /// Where a value is on an axis of `height` pixels whose top is at `top`.
    pub(super) fn y(&self, value: Decimal, top: i64, height: i64) -> Option<Tenths> {
        let above = value.checked_sub(self.least)?;
        let part = above.checked_div(self.range, Rounding::Truncate)?;
        let tenths = part.checked_mul(Decimal::from_integer(height * 10), Rounding::Truncate)?;
        Some(Tenths((top + height) * 10 - tenths.whole()?))
    }

    /// Round values with their labels.
    pub(super) fn ticks(&self) -> Vec<(Decimal, String)> {
        self.round_values().unwrap_or_default()
    }

    fn round_values(&self) -> Option<Vec<(Decimal, String)>> {
        let quarter = self
            .range
            .checked_div(Decimal::from_integer(4), Rounding::Up)?;
        let step = match self.ty {
            Type::Duration => {
                let mut spans = ROUND_SPANS.into_iter().map(Decimal::from_integer);
                spans.find(|span| *span >= quarter)
            }
            _ => round_step(quarter),
        }?;
        let first = self.least.checked_div(step, Rounding::Truncate)?.whole()?;
        let mut ticks = Vec::new();
        for number in first.checked_sub(1)?..=first.checked_add(8)? {
            let value = step.checked_mul(Decimal::from_integer(number), Rounding::Truncate)?;
            let above = value.checked_sub(self.least)?;
            if above >= Decimal::ZERO && above <= self.range {
                let label = match (self.ty, value.whole()) {
                    (Type::Duration, Some(seconds)) => Seconds(seconds).to_string(),
                    _ => value.to_string(),
                };
                ticks.push((value, label));
            }
        }
        Some(ticks)
    }
}

/// The least of 1, 2 and 5 times a power of ten that is no less.
fn round_step(least: Decimal) -> Option<Decimal> {
    let mut power = Decimal::from_units(alloy::primitives::I256::ONE)?;
    loop {
        for factor in [1, 2, 5] {
            let step = power.checked_mul(Decimal::from_integer(factor), Rounding::Truncate)?;
            if step >= least {
                return Some(step);
            }
        }
        power = power.checked_mul(Decimal::from_integer(10), Rounding::Truncate)?;
    }
}

/// More labels would run into each other.
const DATES_MAX: i64 = 8;

/// Round instants with their labels.
pub(super) fn dates(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, String)> {
    let eighth = to.since(from).0 / DATES_MAX + 1;
    if eighth > 14 * DAY
        && let Some(months) = months(from, to)
    {
        return months;
    }
    let last = ROUND_SPANS[ROUND_SPANS.len() - 1];
    let mut spans = ROUND_SPANS.into_iter();
    // Beyond the longest round span, multiples of it.
    let step = spans
        .find(|span| *span >= eighth)
        .unwrap_or_else(|| (eighth / last + 1) * last);
    let mut dates = Vec::new();
    let mut instant = Timestamp(from.0.div_euclid(step) * step);
    while instant <= to {
        if instant >= from {
            let text = instant.to_string();
            let label = match step {
                DAY.. => text.get(..10),
                MINUTE.. => text.get(5..16),
                _ => text.get(11..19),
            };
            dates.push((instant, label.unwrap_or(&text).replace('T', " ")));
        }
        instant = instant + Seconds(step);
    }
    dates
}

/// The first days of months or years; `None` if there are too many days to look at.
fn months(from: Timestamp, to: Timestamp) -> Option<Vec<(Timestamp, String)>> {
    const DAYS_MAX: i64 = 40_000;
    if to.since(from).0 / DAY > DAYS_MAX {
        return None;
    }
    let mut firsts = Vec::new();
    let mut day = Timestamp(from.0.div_euclid(DAY) * DAY);
    while day <= to {
        let text = day.to_string();
        if day >= from && text.get(8..10) == Some("01") {
            firsts.push((day, text.get(..7).unwrap_or(&text).to_owned()));
        }
        day = day + Seconds(DAY);
    }
    for every in [1, 2, 3, 6, 12, 24, 60, 120, 240] {
        let number = |label: &str| -> Option<i64> {
            let (year, month) = label.split_once('-')?;
            Some(year.parse::<i64>().ok()? * 12 + month.parse::<i64>().ok()? - 1)
        };
        let is_round = |label: &str| number(label).is_some_and(|number| number % every == 0);
        let round: Vec<_> = firsts
            .iter()
            .filter(|(_, label)| is_round(label))
            .cloned()
            .collect();
        if i64::try_from(round.len()).is_ok_and(|count| count <= DATES_MAX) {
            return Some(round);
        }
    }
    None
}
