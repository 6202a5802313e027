//! How often somebody may ask: a bucket of tokens that fills evenly.

use std::time::Instant;

/// Tokens are counted in thousandths, so that slow rates fill without rounding.
const TOKEN: u64 = 1_000;

/// How fast buckets fill, and how much they hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    per_second: u64,
    burst: u64,
}

impl Pace {
    /// So many a second on average, and so many at once.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: u64::from(per_second),
            burst: u64::from(burst).saturating_mul(TOKEN),
        }
    }
}

/// What somebody has left.
#[derive(Debug)]
pub(crate) struct Bucket {
    level: u64,
    at: Instant,
}

impl Bucket {
    /// Everything.
    pub(crate) fn full(pace: Pace, now: Instant) -> Self {
        Self {
            level: pace.burst,
            at: now,
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, pace: Pace, now: Instant) -> bool {
        let millis = now.saturating_duration_since(self.at).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        // A token a second is a thousandth a millisecond.
        let filled = millis.saturating_mul(pace.per_second);
        if filled > 0 {
            self.level = self.level.saturating_add(filled).min(pace.burst);
            self.at = now;
        }
        match self.level.checked_sub(TOKEN) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let (pace, begun) = (Pace::new(2, 5), Instant::now());
        let mut bucket = Bucket::full(pace, begun);
        let mut taken = |millis: u64, tries: usize| {
            let at = begun + Duration::from_millis(millis);
            (0..tries).filter(|_| bucket.take(pace, at)).count()
        };
        assert_eq!(taken(0, 20), 5);
        assert_eq!(taken(400, 20), 0);
        assert_eq!(taken(1_000, 20), 2);
        assert_eq!(taken(900_000, 20), 5);
    }
}
