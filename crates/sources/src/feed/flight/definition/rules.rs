//! When a status is final, what a flight can do, and when it is worth looking.

use tocsin_domain::time::Seconds;

use crate::feed::section::{Section, Wrong};

/// How long a status must have been seen unchanged before it is final.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settle {
    pub(crate) arrived: Seconds,
    /// And not before the scheduled departure.
    pub(crate) cancelled: Seconds,
    pub(crate) diverted: Seconds,
}

/// What a flight can do; anything beyond is a broken record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Before the schedule.
    pub(crate) early: Seconds,
    /// After the schedule.
    pub(crate) late: Seconds,
    /// From one gate to the other by the schedule.
    pub(crate) longest: Seconds,
    /// How far a time that has happened may lie after the answer that tells it.
    pub(crate) ahead: Seconds,
}

/// When it is worth looking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    /// Before the local day of the departure begins.
    pub(crate) first: Seconds,
    /// And up to so long earlier, by the flight.
    pub(crate) spread: Seconds,
    /// After the expected departure; no such look where it is absent.
    pub(crate) departure: Option<Seconds>,
    /// After the expected arrival.
    pub(crate) arrival: Seconds,
    /// From one look to the next while a flight is overdue.
    pub(crate) again: Seconds,
    /// From one look to the next while no record of it has been seen.
    pub(crate) unlisted: Seconds,
    /// After the expected arrival: no more looks, it needs a person.
    pub(crate) give_up: Seconds,
}

impl Settle {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let known = ["arrived", "cancelled", "diverted"];
        let section = section.section("final", &known)?.ok_or_else(|| {
            section.wrong(
                "final",
                "is missing: say how long arrived, cancelled and diverted must stand unchanged",
            )
        })?;
        Ok(Self {
            arrived: span(&section, "arrived", "15min")?,
            cancelled: span(&section, "cancelled", "2h")?,
            diverted: span(&section, "diverted", "2h")?,
        })
    }
}

impl Limits {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let mut limits = Self {
            early: Seconds(6 * 3600),
            late: Seconds(72 * 3600),
            longest: Seconds(24 * 3600),
            ahead: Seconds(300),
        };
        if let Some(section) = section.section("limits", &["early", "late", "longest", "ahead"])? {
            limits.early = section.span("early")?.unwrap_or(limits.early);
            limits.late = section.span("late")?.unwrap_or(limits.late);
            limits.longest = section.span("longest")?.unwrap_or(limits.longest);
            limits.ahead = section.span("ahead")?.unwrap_or(limits.ahead);
        }
        Ok(limits)
    }
}

impl Looks {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let known = [
            "first",
            "spread",
            "departure",
            "arrival",
            "again",
            "unlisted",
            "give_up",
        ];
        let section = section
            .section("looks", &known)?
            .ok_or_else(|| section.wrong("looks", "is missing: say when flights are looked at"))?;
        let looks = Self {
            first: span(&section, "first", "3h")?,
            spread: section.span("spread")?.unwrap_or(Seconds(0)),
            departure: section.span("departure")?,
            arrival: span(&section, "arrival", "10min")?,
            again: span(&section, "again", "45min")?,
            unlisted: span(&section, "unlisted", "3h")?,
            give_up: span(&section, "give_up", "24h")?,
        };
        for (key, span) in [("again", looks.again), ("unlisted", looks.unlisted)] {
            if span < Seconds(60) {
                return Err(section.wrong(key, "is shorter than a minute: no quota would last"));
            }
        }
        Ok(looks)
    }
}

fn span(section: &Section<'_>, key: &str, example: &str) -> Result<Seconds, Wrong> {
    section.span(key)?.ok_or_else(|| {
        section.wrong(
            key,
            format!("is missing: write for example {key} = {example:?}"),
        )
    })
}
