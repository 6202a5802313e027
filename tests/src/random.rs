//! Random numbers that a failed test can repeat: the seed is in its message.

use std::fmt;

/// A small generator (xorshift); its seed comes from `TOCSIN_SEED`, or is new for every run.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// A generator.
    #[expect(clippy::new_without_default, reason = "it is different every time")]
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test's own variable")]
        let given = std::env::var("TOCSIN_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            use std::hash::{BuildHasher, Hasher};
            std::collections::hash_map::RandomState::new()
                .build_hasher()
                .finish()
        });
        Self::from_seed(seed)
    }

    /// The generator of this seed.
    pub fn from_seed(seed: u64) -> Self {
        Self {
            seed,
            state: seed | 1,
        }
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        u32::try_from(self.state >> 32).unwrap_or(0) % limit
    }
}

impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repeat with TOCSIN_SEED={}", self.seed)
    }
}
