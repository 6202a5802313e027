//! Grids of instants: multiples of a period, or local midnights.
//!
//! Time zones come from the data compiled into the program, never from the machine, so that every node that runs one
//! version cuts the days alike. A local day lasts from its first instant to that of the next one that there is: 23 h or
//! 25 h where clocks are changed, and a date that a zone skipped is no day at all.

use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Unit};

use crate::lang::ir::Grid;
use crate::time::{Seconds, Timestamp};

const DAY: i64 = 86_400;

/// Whether there is a time zone of exactly this name.
pub fn zone_exists(name: &str) -> bool {
    zone(name).is_some()
}

/// The last boundary of `grid` at or before `at`; `None` outside the years −9999…9999.
pub fn last_boundary(grid: &Grid, at: Timestamp) -> Option<Timestamp> {
    let Some(name) = &grid.zone else {
        return last_multiple(grid.period, at);
    };
    let days = Days::new(name, grid.period)?;
    let mut day = days.block_of(at)?;
    // The date alone does not tell: clocks set back across midnight repeat a part of the day before.
    while days.start(days.later(day)?)? <= at {
        day = days.later(day)?;
    }
    loop {
        let start = days.start(day)?;
        if start <= at {
            return Some(start);
        }
        day = days.earlier(day)?;
    }
}

/// The first boundary of `grid` after `after`; `None` outside the years −9999…9999.
pub fn next_boundary(grid: &Grid, after: Timestamp) -> Option<Timestamp> {
    let Some(name) = &grid.zone else {
        let last = last_multiple(grid.period, after)?;
        return last.0.checked_add(grid.period.0).map(Timestamp);
    };
    let days = Days::new(name, grid.period)?;
    let mut day = days.block_of(after)?;
    while days.start(day)? > after {
        day = days.earlier(day)?;
    }
    loop {
        day = days.later(day)?;
        let start = days.start(day)?;
        if start > after {
            return Some(start);
        }
    }
}

/// Where a window of length `reach` that ends at `boundary` starts: that long before; with a zone and whole days, at the
/// start of the local day that many days before.
pub fn block_start(grid: &Grid, boundary: Timestamp, reach: Seconds) -> Timestamp {
    let local = || {
        let zone = zone(grid.zone.as_ref()?)?;
        let days = (reach.0 % DAY == 0).then_some(reach.0 / DAY)?;
        let date = local_date(&zone, boundary)?;
        start_of_day(&zone, shifted(date, -days)?)
    };
    local().unwrap_or(boundary - reach)
}

fn last_multiple(period: Seconds, at: Timestamp) -> Option<Timestamp> {
    if period.0 <= 0 {
        return None;
    }
    at.0.div_euclid(period.0)
        .checked_mul(period.0)
        .map(Timestamp)
}

/// The blocks of so many local days, counted from the local 1970-01-01.
struct Days {
    zone: TimeZone,
    length: i64,
}

impl Days {
    fn new(name: &str, period: Seconds) -> Option<Self> {
        let length = period.0 / DAY;
        (period.0 % DAY == 0 && length > 0).then_some(())?;
        Some(Self {
            zone: zone(name)?,
            length,
        })
    }

    /// The first day of the block of the local date at `at`.
    fn block_of(&self, at: Timestamp) -> Option<i64> {
        let date = local_date(&self.zone, at)?;
        let day = match epoch().until((Unit::Day, date)) {
            Ok(span) => i64::from(span.get_days()),
            Err(_out_of_range) => return None,
        };
        day.div_euclid(self.length).checked_mul(self.length)
    }

    fn later(&self, day: i64) -> Option<i64> {
        day.checked_add(self.length)
    }

    fn earlier(&self, day: i64) -> Option<i64> {
        day.checked_sub(self.length)
    }

    fn start(&self, day: i64) -> Option<Timestamp> {
        start_of_day(&self.zone, shifted(epoch(), day)?)
    }
}

fn epoch() -> Date {
    Date::constant(1970, 1, 1)
}

fn shifted(date: Date, days: i64) -> Option<Date> {
    let span = Span::new().try_days(days).ok()?;
    date.checked_add(span).ok()
}

fn local_date(zone: &TimeZone, at: Timestamp) -> Option<Date> {
    let at = jiff::Timestamp::from_second(at.0).ok()?;
    Some(zone.to_datetime(at).date())
}

/// The midnight of a local date; of a date that was skipped, that of the next one.
fn start_of_day(zone: &TimeZone, date: Date) -> Option<Timestamp> {
    let start = date.to_zoned_datetime(zone.clone()).ok()?;
    Some(Timestamp(start.timestamp().as_second()))
}

/// The time zone of exactly this name.
pub fn zone(name: &str) -> Option<TimeZone> {
    static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let zone = BUNDLED
        .get_or_init(TimeZoneDatabase::bundled)
        .get(name)
        .ok()?;
    // Look-ups forgive upper and lower case, terms do not.
    (zone.iana_name() == Some(name) && !zone.is_unknown()).then_some(zone)
}
