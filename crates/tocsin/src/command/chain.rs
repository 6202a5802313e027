//! `tocsin chain resume`: lets a chain go on that was halted because it took back a final block.
//!
//! The books are made to match the chain first: what was read after the newest block that both share is unwound, with what
//! was decided of it. A claim that may have been signed cannot be unwound; it is listed, and a person has to say that they
//! have looked.

mod shared;

use std::io::Write;
use std::path::Path;

use tocsin_domain::observation::SourceId;
use tocsin_sources::chain::ChainReader;
use tocsin_store::halt::{Halted, Halts};
use tocsin_store::unwind::{Kept, Mark, Unwinds, Unwound};
use tocsin_store_sqlite::SqliteStore;

use crate::clock::Clock;
use crate::config::{Config, Network, invalid};
use crate::report::Report;

/// What a person asked for.
#[derive(Clone, Copy, Debug)]
pub struct Resume<'a> {
    /// The service configuration.
    pub config: &'a Path,
    /// The chain's CAIP-2 identifier.
    pub chain: &'a str,
    /// Whether they have looked at the claims that cannot be unwound.
    pub acknowledge: bool,
}

/// Makes the books match the chain and clears the halt, and says whether the chain goes on. The service must not run: it
/// owns the database.
pub async fn resume(
    asked: Resume<'_>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<bool, Report> {
    let config = Config::load(asked.config)?;
    let store = SqliteStore::open(&config.database).await?;
    let halted = halted(&store, asked.chain).await?;
    if halted.is_empty() {
        writeln!(out, "{} is not halted: there is nothing to do", asked.chain)?;
        return Ok(true);
    }
    let reader = connect(&config, asked).await?;
    let mark = shared::newest(&store, &reader, &halted).await?;
    let sources: Vec<SourceId> = halted.into_iter().map(|halted| halted.source).collect();
    let unwound = store.unwind(&sources, mark.as_ref()).await?;
    say(out, asked.chain, mark.as_ref(), &unwound)?;
    let waiting: Vec<Kept> = store
        .kept()
        .await?
        .into_iter()
        .filter(|claim| claim.acknowledged_at.is_none())
        .map(|claim| claim.kept)
        .collect();
    if !waiting.is_empty() && !asked.acknowledge {
        list(out, &waiting)?;
        return Ok(false);
    }
    store.acknowledge(&waiting, clock.now()).await?;
    store.clear_halt(&sources).await?;
    writeln!(out, "{} goes on when the service starts again", asked.chain)?;
    Ok(true)
}

async fn connect(config: &Config, asked: Resume<'_>) -> Result<ChainReader, Report> {
    let chain = config.chains.iter().find(|chain| chain.name == asked.chain);
    match chain.map(|chain| &chain.network) {
        Some(Network::Evm {
            settings, sources, ..
        }) => Ok(ChainReader::connect(settings.clone(), sources.clone()).await?),
        // Its slots are final for good: it is never halted.
        Some(Network::Solana { .. }) | None => {
            let problem = format!("there is no EVM chain [chains.\"{}\"]", asked.chain);
            Err(invalid(asked.config, problem).into())
        }
    }
}

async fn halted(store: &SqliteStore, chain: &str) -> Result<Vec<Halted>, Report> {
    let mut halts = store.halts().await?;
    halts.retain(|halted| halted.halt.chain == chain);
    Ok(halts)
}

fn say(
    out: &mut dyn Write,
    chain: &str,
    mark: Option<&Mark>,
    unwound: &Unwound,
) -> std::io::Result<()> {
    match mark {
        Some(mark) => writeln!(
            out,
            "block {} ({}) is the newest that was read and is on {chain} now",
            mark.cursor.number, mark.cursor.hash
        )?,
        None => writeln!(
            out,
            "no block that was read is on {chain} now: it is read from its beginning"
        )?,
    }
    let Unwound {
        sources,
        observations,
        risks,
        determinations,
        claims,
        kept: _,
    } = unwound;
    writeln!(
        out,
        "unwound {} source(s): {observations} observations, {} determinations and {claims} claims are gone, {} risk(s) \
         are evaluated again",
        sources.len(),
        determinations.len(),
        risks.len()
    )
}

fn list(out: &mut dyn Write, waiting: &[Kept]) -> std::io::Result<()> {
    writeln!(
        out,
        "{} claim(s) were reserved for a signature, and what they rest on was taken back:",
        waiting.len()
    )?;
    for Kept {
        risk,
        ordinal,
        policy,
    } in waiting
    {
        writeln!(
            out,
            "  policy {policy}, loss event {ordinal} of risk {risk}"
        )?;
    }
    writeln!(
        out,
        "hold or revoke them on the verifier if they must not be paid, then run this again with --acknowledge"
    )
}
