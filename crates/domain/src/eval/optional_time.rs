//! A time, or none, in the bytes of a time.

use core::fmt;

use crate::time::Timestamp;

/// `Option<Timestamp>` in half of its size. The first instant that can be written stands for none: it is farther away
/// than any that is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct OptionalTime(Timestamp);

impl OptionalTime {
    pub(super) const NONE: Self = Self(Timestamp(i64::MIN));

    #[inline]
    pub(super) fn get(self) -> Option<Timestamp> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl From<Timestamp> for OptionalTime {
    #[inline]
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<Option<Timestamp>> for OptionalTime {
    #[inline]
    fn from(time: Option<Timestamp>) -> Self {
        time.map_or(Self::NONE, Self)
    }
}

impl fmt::Debug for OptionalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
