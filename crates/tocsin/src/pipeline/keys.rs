//! Keys: uses of keys are written down, and keys whose time is over retire.
//!
//! Guarantee: a key is never taken longer because this stage is late; the door looks at the deadlines itself.

use std::time::Duration;

use tocsin_api::auth::Auth;

use super::{Stage, StageError, Turn, Work};

/// How often uses are written down, and alarms told.
const NAP: Duration = Duration::from_secs(10);

/// Looks after keys.
pub struct KeyKeeper {
    auth: Auth,
}

impl KeyKeeper {
    /// After those of `auth`.
    pub fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

impl Work for KeyKeeper {
    fn name(&self) -> &str {
        "keys"
    }

    fn nap(&self) -> Duration {
        NAP
    }

    async fn turn(&self, _stage: &Stage) -> Result<Turn, StageError> {
        self.auth.keep().await?;
        Ok(Turn::Idle)
    }
}
