//! Announce: the process that fills the database says how it is doing, for those that answer from it.

use std::path::PathBuf;
use std::time::Duration;

use super::status::{Identity, Status};
use crate::pipeline::{Stage, StageError, Turn, Work};

/// How often.
const NAP: Duration = Duration::from_secs(2);

/// Says how this process is doing.
pub(super) struct Announcer {
    file: PathBuf,
    identity: Identity,
}

impl Announcer {
    /// One that writes `file`.
    pub(super) fn new(file: PathBuf, identity: Identity) -> Self {
        Self { file, identity }
    }
}

impl Work for Announcer {
    fn name(&self) -> &str {
        "announce"
    }

    fn nap(&self) -> Duration {
        NAP
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let status = Status {
            at: stage.clock.now(),
            process: std::process::id(),
            identity: self.identity.clone(),
            chains: stage.chains.all(),
            feeds: stage.feeds.all(),
            quorum: stage.quorum.status(),
        };
        status.write(&self.file).await?;
        Ok(Turn::Idle)
    }
}
