//! Halting: everything that rests on a chain is in doubt, from the moment that any stage sees that the chain took back a final
//! block.
//!
//! Guarantee: the halt is in the store before anybody hears of it, and a stage that finds one waits for a person; it does not
//! end the process, which has other chains to watch.

use tocsin_domain::observation::SourceId;
use tocsin_sources::{BlockSource, SourceError};
use tocsin_store::halt::{Cause, Halt};

use super::{Stage, StageError};

/// The halt of a source of this chain, if there is one.
pub(super) async fn of(stage: &Stage, chain: &dyn BlockSource) -> Result<Option<Halt>, StageError> {
    let ours = |id: &SourceId| chain.watched().iter().any(|watched| watched.id == *id);
    let halts = stage.store.halts().await?;
    Ok(halts
        .into_iter()
        .find(|halted| ours(&halted.source))
        .map(|halted| halted.halt))
}

/// What a failed read of this chain means for its stage: all sources of a chain that took back a final block are halted first.
pub(super) async fn judge(
    stage: &Stage,
    chain: &dyn BlockSource,
    error: SourceError,
) -> Result<StageError, StageError> {
    let SourceError::ForkBelowFinality {
        endpoint,
        number,
        ours,
        theirs,
    } = error
    else {
        return Ok(error.into());
    };
    let halt = Halt {
        chain: chain.chain().to_owned(),
        number,
        cause: Cause::TookBack { ours, theirs },
        endpoint: endpoint.to_string(),
        since: stage.clock.now(),
    };
    let watched = chain.watched().iter();
    let sources: Vec<SourceId> = watched.map(|watched| watched.id.clone()).collect();
    stage.store.halt(&sources, &halt).await?;
    tracing::error!(
        chain = %halt.chain, block = halt.number, cause = %halt.cause, endpoint = %halt.endpoint,
        "halted: nothing that rests on this chain is read or signed from now on"
    );
    Ok(StageError::Halted(Box::new(halt)))
}
