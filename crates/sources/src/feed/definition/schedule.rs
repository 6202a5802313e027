//! When a provider is asked, and within which limits.

use core::num::NonZeroU32;
use core::time::Duration;

use tocsin_domain::time::{Seconds, Timestamp};

use crate::feed::section::{Section, Wrong};

/// When a subject is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Poll {
    /// At multiples of this since 1970, and `offset` later: every node looks at the same times, and subjects together.
    pub(crate) every: Seconds,
    pub(crate) offset: Seconds,
    /// How long there may be no answer before what was known is not known any more.
    pub(crate) patience: Seconds,
    /// After how long it is tried again, the first time, the second, and so on; the last for all others.
    pub(crate) retry: Vec<Seconds>,
}

/// What a provider, and we, can bear.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// For the whole of one response.
    pub(crate) timeout: Duration,
    pub(crate) bytes: usize,
    /// How often one request is sent before it has failed.
    pub(crate) attempts: u32,
    pub(crate) per_second: NonZeroU32,
    pub(crate) in_flight: NonZeroU32,
    /// Requests of one key in a UTC day.
    pub(crate) per_day: Option<NonZeroU32>,
    /// After so many failures in a row nothing is sent for `rest`, which doubles up to `longest_rest`.
    pub(crate) breaker: NonZeroU32,
    pub(crate) rest: Seconds,
    pub(crate) longest_rest: Seconds,
}

impl Poll {
    const KEYS: [&str; 4] = ["every", "offset", "patience", "retry"];

    /// `usual` stands in for `every` where a kind of answer has looks of its own.
    pub(crate) fn read(top: &Section<'_>, usual: Option<Seconds>) -> Result<Self, Wrong> {
        let section = top
            .section("poll", &Self::KEYS)?
            .ok_or_else(|| top.wrong("poll", "is missing: write [poll] every = \"1min\""))?;
        let every = section.span("every")?.or(usual).unwrap_or(Seconds(0));
        if every.0 == 0 {
            return Err(section.wrong(
                "every",
                "is missing or no time at all: write for example every = \"1min\"",
            ));
        }
        let offset = section.span("offset")?.unwrap_or(Seconds(0));
        if offset >= every {
            return Err(section.wrong("offset", "is not shorter than `every`"));
        }
        let retry = section
            .spans("retry")?
            .unwrap_or_else(|| vec![Seconds(10), Seconds(30), Seconds(60)]);
        if retry.is_empty() || retry.contains(&Seconds(0)) {
            return Err(section.wrong(
                "retry",
                "has no step, or one of no time: write for example [\"10s\", \"1min\"]",
            ));
        }
        Ok(Self {
            every,
            offset,
            patience: section.span("patience")?.unwrap_or(every),
            retry,
        })
    }

    /// The first time after `now` at which a look is due.
    pub(crate) fn after(&self, now: Timestamp) -> Timestamp {
        let since = (now - self.offset).0.div_euclid(self.every.0);
        Timestamp(since.saturating_add(1).saturating_mul(self.every.0)) + self.offset
    }

    /// After how long a look is tried again that has failed so often before.
    pub(crate) fn retry(&self, failures: u32) -> Seconds {
        let step = usize::try_from(failures).unwrap_or(usize::MAX);
        let last = self.retry.last().copied().unwrap_or(self.every);
        self.retry.get(step).copied().unwrap_or(last)
    }
}

impl Limits {
    const KEYS: [&str; 9] = [
        "timeout",
        "bytes",
        "attempts",
        "per_second",
        "in_flight",
        "per_day",
        "breaker",
        "rest",
        "longest_rest",
    ];

    pub(crate) fn read(top: &Section<'_>) -> Result<Self, Wrong> {
        let empty = toml::Table::new();
        let section = match top.section("limits", &Self::KEYS)? {
            Some(section) => section,
            None => Section::new(&empty, "limits", &Self::KEYS)?,
        };
        let count = |key: &str, usual: u32| -> Result<NonZeroU32, Wrong> {
            Ok(section
                .count(key)?
                .unwrap_or(NonZeroU32::MIN.saturating_add(usual - 1)))
        };
        let timeout = section.span("timeout")?.unwrap_or(Seconds(10));
        if !(1..=120).contains(&timeout.0) {
            return Err(section.wrong("timeout", "is not between 1s and 2min"));
        }
        Ok(Self {
            timeout: Duration::from_secs(timeout.0.unsigned_abs()),
            bytes: usize::try_from(count("bytes", 1 << 20)?.get()).unwrap_or(usize::MAX),
            attempts: count("attempts", 3)?.get(),
            per_second: count("per_second", 5)?,
            in_flight: count("in_flight", 4)?,
            per_day: section.count("per_day")?,
            breaker: count("breaker", 5)?,
            rest: section.span("rest")?.unwrap_or(Seconds(30)),
            longest_rest: section.span("longest_rest")?.unwrap_or(Seconds(600)),
        })
    }
}
