//! `tocsin feeds attend`: what a person decides about a subject that a feed cannot find out.

use std::io::Write;
use std::path::Path;

use tocsin_domain::observation::{SourceId, Subject};
use tocsin_store::look::Looks;
use tocsin_store_sqlite::SqliteStore;

use crate::clock::Clock;
use crate::config::Config;
use crate::report::Report;

/// What was decided.
#[derive(Clone, Copy, Debug)]
pub struct Attend<'a> {
    /// The service configuration.
    pub config: &'a Path,
    /// The feed.
    pub feed: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// To leave it.
    pub leave: bool,
}

/// Has the subject asked about again when the service runs next, or leaves it.
pub async fn attend(
    decided: Attend<'_>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let config = Config::load(decided.config)?;
    let store = SqliteStore::open(&config.database).await?;
    let (feed, subject) = (SourceId::from(decided.feed), Subject::from(decided.subject));
    let due_at = (!decided.leave).then(|| clock.now());
    store.attend(&feed, &subject, due_at).await?;
    store.close().await;
    let outcome = if decided.leave {
        "is left as it is"
    } else {
        "will be asked about again when the service runs"
    };
    writeln!(out, "{subject} of {feed} {outcome}")?;
    Ok(())
}
