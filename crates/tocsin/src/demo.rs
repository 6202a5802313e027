//! `tocsin demo`: the main job from end to end, on a chain of its own.
//!
//! Everything in it is real: an anvil node, the contracts, a normal `run` with its database and encrypted keys. Only two
//! things are staged: the feed contract is fed with Chainlink's recorded answers of March 2023 at their own times, and
//! the service's clock follows that chain, which lives in 2023.

mod chain;
mod contracts;
mod error;
mod files;
mod rounds;
pub mod storm;
mod story;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::U256;
use tocsin_domain::time::{Seconds, Timestamp};

pub use chain::{Bought, Chain, Deployed};
pub use contracts::{DemoAggregator, DemoToken, ParametricCover, TocsinVerifier};
pub use error::DemoError;
pub use files::{Layout, Secrets, write_cover, write_service};
pub use rounds::{ROUNDS, Round};

use crate::clock::SetClock;
use crate::config::Config;
use crate::service;
use crate::supervisor::Shutdown;

/// The chain begins here, 2023-03-02T00:00:00Z: eight days before the depeg.
const GENESIS: Timestamp = Timestamp(1_677_715_200);

/// How long the last part may take, from the last round to the payout.
const PATIENCE: Duration = Duration::from_secs(60);

/// How fast recorded rounds are replayed: slow enough to be read.
const PACE: Duration = Duration::from_millis(180);

/// What is insured, in units of a token with six decimals.
pub const SUM_INSURED: u64 = 10_000_000_000;

/// Runs the demonstration and tells its story on `out`. Its files are left in `folder`.
pub async fn run(
    anvil: &Path,
    folder: &Path,
    out: &mut (dyn Write + Send),
) -> Result<(), DemoError> {
    let mut story = story::Story::new(out);
    let layout = Layout::create(folder)?;

    story.chapter("A chain of our own")?;
    let chain = Chain::start(anvil, GENESIS).await?;
    story.line(&format!("anvil runs at {}, in the year 2023", chain.url()))?;
    let secrets = Secrets::generate(&layout)?;
    let deployed = chain.deploy(&layout, &secrets).await?;
    story.deployed(&deployed)?;

    story.chapter("A policy")?;
    let policy = chain.buy(&deployed).await?;
    let after_setup = chain.head_number().await? + 1;
    write_service(&layout, &chain.url(), &deployed, &policy, after_setup, 100)?;
    story.bought(&deployed, &policy)?;

    story.chapter("March 2023, as Chainlink saw it")?;
    let clock = SetClock::new(GENESIS);
    let shutdown = Shutdown::default();
    let config = Config::load(&layout.config())?;
    let mut service = Box::pin(service::run(
        config,
        Arc::new(clock.clone()),
        shutdown.clone(),
    ));
    let paid = tokio::select! {
        watched = watch(&chain, &deployed, &clock, &mut story) => watched?,
        // Only ever by an error: nobody has asked it to end yet.
        ended = &mut service => return Err(ended.err().map_or(DemoError::ServiceEnded, DemoError::from)),
    };
    shutdown.request();
    service.await?;

    story.chapter("Why, for anyone who asks")?;
    let evidence =
        crate::command::evidence::export_all(&layout.config(), &layout.evidence()).await?;
    story.explained(&layout, &deployed, &paid, &evidence)?;
    Ok(())
}

/// What the holder got, and when.
pub struct Paid {
    /// In units of the token.
    pub amount: U256,
    /// The chain's time at which the replay saw it.
    pub seen_at: Timestamp,
}

async fn watch(
    chain: &Chain,
    deployed: &Deployed,
    clock: &SetClock,
    story: &mut story::Story<'_>,
) -> Result<Paid, DemoError> {
    let mut paid = None;
    for round in ROUNDS {
        chain.post(deployed, round).await?;
        clock.advance_to(round.updated_at());
        story.round(round)?;
        if paid.is_none() {
            paid = look(chain, deployed, round.updated_at(), story).await?;
        }
        tokio::time::sleep(PACE).await;
    }
    let begun = Instant::now();
    let mut now = ROUNDS.last().map_or(GENESIS, Round::updated_at);
    while begun.elapsed() < PATIENCE {
        if let Some(paid) = paid {
            // The submitter calls a delivery done when its block is final.
            for _ in 0..4 {
                now = now + Seconds(12);
                chain.mine(now).await?;
                clock.advance_to(now);
                tokio::time::sleep(PACE).await;
            }
            return Ok(paid);
        }
        now = now + Seconds(12);
        chain.mine(now).await?;
        clock.advance_to(now);
        tokio::time::sleep(PACE).await;
        paid = look(chain, deployed, now, story).await?;
    }
    Err(DemoError::NotPaid(PATIENCE))
}

async fn look(
    chain: &Chain,
    deployed: &Deployed,
    now: Timestamp,
    story: &mut story::Story<'_>,
) -> Result<Option<Paid>, DemoError> {
    let amount = chain.holder_received(deployed).await?;
    if amount.is_zero() {
        return Ok(None);
    }
    story.paid(amount, now)?;
    Ok(Some(Paid {
        amount,
        seen_at: now,
    }))
}
