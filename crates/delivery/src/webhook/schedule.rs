//! When a message that was not taken is tried again: later and later, not all at the same moment, and not before the
//! receiver wants it.

use tocsin_domain::time::Seconds;

/// The waits between attempts. Together they last more than a day, so that a receiver may be down overnight.
const USUAL: [i64; 12] = [
    5, 30, 120, 600, 1_800, 3_600, 7_200, 10_800, 14_400, 18_000, 21_600, 28_800,
];

/// A receiver may ask for so much patience at most.
const MOST_PATIENCE: Seconds = Seconds(86_400);

/// The waits between attempts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule(Vec<Seconds>);

impl Default for Schedule {
    fn default() -> Self {
        Self(USUAL.map(Seconds).to_vec())
    }
}

impl Schedule {
    /// These waits.
    pub fn new(waits: Vec<Seconds>) -> Self {
        Self(waits)
    }

    /// The same as far as its first `waits`: for a receiver that has just failed through the whole of it.
    pub fn shortened(&self, waits: usize) -> Self {
        Self(self.0.iter().copied().take(waits).collect())
    }

    /// How long to wait after the `attempts`-th attempt failed, and `None` where that was the last. `chance` is any number:
    /// up to a fifth of the wait is added by it. The receiver's own wish is granted where it is for later.
    pub fn wait(&self, attempts: u32, chance: u64, asked: Option<Seconds>) -> Option<Seconds> {
        let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let Seconds(wait) = *self.0.get(place)?;
        let most = u64::try_from(wait / 5).unwrap_or(0);
        let added = i64::try_from(chance % (most + 1)).unwrap_or(0);
        let jittered = Seconds(wait.saturating_add(added));
        let asked = asked.map_or(Seconds(0), |asked| asked.min(MOST_PATIENCE));
        Some(jittered.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_schedule_outlasts_a_day() {
        let usual = Schedule::default();
        let waits: Vec<Seconds> = (1..).map_while(|n| usual.wait(n, 0, None)).collect();
        assert_eq!(waits.len(), USUAL.len());
        assert!(waits.is_sorted());
        assert!(waits.iter().map(|wait| wait.0).sum::<i64>() > 24 * 3_600);
        assert_eq!(usual.shortened(2).wait(3, 0, None), None);
        assert_eq!(usual.wait(0, 0, None), None);
    }

    #[test]
    fn waits_vary_and_grant_wishes_within_bounds() {
        let usual = Schedule::default();
        for chance in [0, 1, 119, 120, 121, u64::MAX] {
            let wait = usual.wait(4, chance, None).unwrap();
            assert!((600..=720).contains(&wait.0), "{wait}");
        }
        assert_eq!(usual.wait(4, 0, Some(Seconds(1))), Some(Seconds(600)));
        assert_eq!(usual.wait(4, 0, Some(Seconds(4_000))), Some(Seconds(4_000)));
        let greedy = usual.wait(4, 0, Some(Seconds(i64::MAX)));
        assert_eq!(greedy, Some(MOST_PATIENCE));
    }
}
