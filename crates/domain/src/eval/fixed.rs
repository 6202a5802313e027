//! What was in force at a fixed time, kept from when that time has come.

use serde::{Deserialize, Serialize};

use super::state::Latest;

/// The value of an input as of a fixed time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fixed {
    /// Nothing after that time was taken in, and no instant read.
    Open,
    /// The last observation at or before that time.
    Kept(Option<Latest>),
}

impl Fixed {
    /// Keeps `latest`, unless something is kept already: the last observation as of the fixed time or a later one
    /// before any other observation.
    pub(super) fn keep(&mut self, latest: Option<&Latest>) {
        if *self == Self::Open {
            *self = Self::Kept(latest.cloned());
        }
    }
}
