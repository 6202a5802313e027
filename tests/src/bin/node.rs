//! The service as it is, with one thing exchanged: its clock follows a chain that lives in the past.
//!
//! `node CONFIG URL`: runs CONFIG until it is killed or told to end; URL is the chain whose newest block says what time it is.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::providers::{Provider, ProviderBuilder};
use tocsin::clock::SetClock;
use tocsin::config::Config;
use tocsin::service;
use tocsin_domain::time::Timestamp;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    tocsin::telemetry::start(false);
    let mut arguments = std::env::args().skip(1);
    let (Some(config), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: node CONFIG URL".to_owned());
    };
    let provider = ProviderBuilder::new()
        .connect(&url)
        .await
        .map_err(|error| error.to_string())?;
    let head = async move || -> Result<Timestamp, String> {
        let block = provider
            .get_block(BlockId::latest())
            .await
            .map_err(|error| error.to_string())?;
        let seconds = block.ok_or("the chain has no block")?.header.timestamp;
        i64::try_from(seconds)
            .map(Timestamp)
            .map_err(|error| error.to_string())
    };
    let clock = SetClock::new(head().await?);
    let config = Config::load(config.as_ref()).map_err(|error| error.to_string())?;
    let shutdown = service::shutdown_on_signal().map_err(|error| error.to_string())?;
    let service = service::run(config, Arc::new(clock.clone()), shutdown);
    let follow = async {
        loop {
            tokio::time::sleep(Duration::from_millis(25)).await;
            // A chain that does not answer leaves the clock where it is.
            if let Ok(now) = head().await {
                clock.advance_to(now);
            }
        }
    };
    tokio::select! {
        ended = service => ended.map_err(|error| tocsin::report::chain(&error)),
        never = follow => never,
    }
}
