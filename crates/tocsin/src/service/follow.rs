//! Follow: whether the database that this process answers from is still filled by another, still has the schema that this one
//! knows, and belongs to the same service as before.
//!
//! Guarantee: where nobody fills it, readiness says so within seconds, and since when; what was stored is served all the same. A
//! schema or a service that has become another ends the process: what it would answer could be wrong.

use std::path::PathBuf;
use std::time::Duration;

use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store_sqlite::Neighbour;

use super::status::{Identity, Status};
use crate::pipeline::{Stage, StageError, Turn, Work};

/// How often it looks.
const NAP: Duration = Duration::from_secs(1);

/// Whoever says nothing for so long hangs.
const SILENT: Seconds = Seconds(30);

/// Looks at whoever fills the database.
pub(super) struct Follower {
    neighbour: Neighbour,
    file: PathBuf,
    identity: Identity,
}

impl Follower {
    /// One that looks at `neighbour`, which says how it is doing in `file`, and was `identity` when this process started.
    pub(super) fn new(neighbour: Neighbour, file: PathBuf, identity: Identity) -> Self {
        Self {
            neighbour,
            file,
            identity,
        }
    }
}

impl Work for Follower {
    fn name(&self) -> &str {
        "database"
    }

    fn nap(&self) -> Duration {
        NAP
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        self.neighbour.check_schema().await?;
        let is_there = self.neighbour.is_there()?;
        let status = Status::read(&self.file).await?;
        let since = status.as_ref().map(|status| status.at);
        if !is_there {
            return Err(StageError::Unfilled(alone(since)));
        }
        let Some(status) = status else {
            return Err(StageError::Unfilled(alone(None)));
        };
        if status.identity != self.identity {
            return Err(StageError::AnotherService);
        }
        stage.chains.replace(status.chains);
        stage.feeds.replace(status.feeds);
        stage.quorum.replace(status.quorum);
        if stage.clock.now() > status.at + SILENT {
            return Err(StageError::Unfilled(format!(
                "the process that fills it ({}) has said nothing since {}: look at that one",
                status.process, status.at
            )));
        }
        Ok(Turn::Idle)
    }
}

fn alone(since: Option<Timestamp>) -> String {
    let since = since.map_or_else(String::new, |since| format!(" since {since}"));
    format!(
        "nobody fills it{since}: start `tocsin run`. What was stored is served, and nothing new is decided"
    )
}
