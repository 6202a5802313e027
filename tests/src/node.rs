//! The service as it is, with one thing exchanged: its clock follows a chain that lives in the past.
//!
//! `node CONFIG URL [die=DEATH]`: runs CONFIG until it is killed or told to end; URL is the chain whose newest block says
//! what time it is, or ends with `/clock` and answers with unix seconds. With DEATH (`never`, `before:3`, `after:finish`) its store is a [`Mortal`] one.

use std::sync::Arc;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use tocsin::clock::SetClock;
use tocsin::config::Config;
use tocsin::service::{self, ServiceError};
use tocsin::supervisor::Shutdown;
use tocsin_domain::time::Timestamp;
use tocsin_store_sqlite::SqliteStore;

use crate::http::client;
use crate::mortal::{Death, Mortal};

/// Runs the service with these arguments until it ends.
pub async fn run(arguments: impl IntoIterator<Item = String>) -> Result<(), String> {
    let mut arguments = arguments.into_iter();
    let (Some(config), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: node CONFIG URL [die=DEATH]".to_owned());
    };
    let death = arguments.next().map(|text| read_death(&text)).transpose()?;
    let time = Time::of(&url).await?;
    let clock = SetClock::new(time.now().await?);
    let config = Config::load(config.as_ref()).map_err(|error| error.to_string())?;
    let _traces = tocsin::telemetry::start(false, config.traces.as_ref())
        .map_err(|error| tocsin::report::chain(&error))?;
    let shutdown = service::shutdown_on_signal().map_err(|error| error.to_string())?;
    let service = serve(config, death, clock.clone(), shutdown);
    let follow = async {
        loop {
            tokio::time::sleep(Duration::from_millis(25)).await;
            // Who does not answer leaves the clock where it is.
            if let Ok(now) = time.now().await {
                clock.advance_to(now);
            }
        }
    };
    tokio::select! {
        ended = service => ended.map_err(|error| tocsin::report::chain(&error)),
        never = follow => never,
    }
}

/// Who says what time it is.
enum Time {
    Chain(DynProvider),
    Clock(String),
}

impl Time {
    async fn of(url: &str) -> Result<Self, String> {
        if url.ends_with("/clock") {
            return Ok(Self::Clock(url.to_owned()));
        }
        let provider = ProviderBuilder::new().connect(url).await;
        let provider = provider.map_err(|error| error.to_string())?;
        Ok(Self::Chain(provider.erased()))
    }

    async fn now(&self) -> Result<Timestamp, String> {
        let seconds = match self {
            Self::Chain(provider) => {
                let block = provider.get_block(BlockId::latest()).await;
                let block = block.map_err(|error| error.to_string())?;
                let seconds = block.ok_or("the chain has no block")?.header.timestamp;
                i64::try_from(seconds).map_err(|error| error.to_string())?
            }
            Self::Clock(url) => {
                // Forty times a second: one client, and not a new one each time.
                let answer = client().get(url).send().await;
                let answer = answer.map_err(|error| error.to_string())?;
                let text = answer.text().await.map_err(|error| error.to_string())?;
                text.parse().map_err(|_not_a_number| text)?
            }
        };
        Ok(Timestamp(seconds))
    }
}

fn read_death(text: &str) -> Result<Death, String> {
    let death = text
        .strip_prefix("die=")
        .ok_or("the third argument is die=DEATH")?;
    death.parse().map_err(|error| format!("{text}: {error}"))
}

async fn serve(
    config: Config,
    death: Option<Death>,
    clock: SetClock,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    let Some(death) = death else {
        return service::run(config, Arc::new(clock), shutdown).await;
    };
    let store = SqliteStore::open(&config.database).await?;
    let store = Arc::new(Mortal::new(store, death));
    service::run_on(store, config, Arc::new(clock), shutdown).await
}
