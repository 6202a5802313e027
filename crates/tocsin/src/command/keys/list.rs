//! `tocsin keys list`: the keys of all attestors as the books have them: where each is in its life, what it was used for, what
//! was said of its epochs, and what lags behind. Works beside a running service, and asks no chain.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use tocsin_auth::{LifeCycle, State, UnixTime};
use tocsin_domain::attestation::Epoch;
use tocsin_domain::time::Timestamp;
use tocsin_store::attestor::{AttestorBooks, AttestorKeys, KeyPlace, Lag, overall};
use tocsin_store_sqlite::SqliteStore;

use crate::clock::Clock;
use crate::config::Config;
use crate::report::Report;

/// Prints it.
pub async fn list(config: &Path, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Report> {
    let config = Config::load(config)?;
    let Some(attestor) = &config.attestor else {
        return Err(Report::bad_input(
            "the configuration has no [attestor]: nobody signs anything here".to_owned(),
        ));
    };
    let books = SqliteStore::open_attestors(&config.database).await?;
    let domain = attestor.domain.domain_separator();
    let now = UnixTime(clock.now().0);
    let keys = AttestorKeys::read(&*books, domain, now).await?;
    for (address, places) in keys.by_address() {
        let state = overall(&places).map_or("in no epoch", State::name);
        writeln!(out, "{address:#x} {state}")?;
        for at in places {
            show(&at, out)?;
        }
    }
    let notices = books.epoch_notices(domain).await?;
    for ((epoch, notice), at) in notices {
        writeln!(out, "epoch {epoch}: said to be {notice} at {at}")?;
    }
    lagging(&*books, &keys, domain, out).await
}

fn show(at: &KeyPlace, out: &mut dyn Write) -> Result<(), Report> {
    let KeyPlace { place, used, .. } = at;
    let last = used
        .last_signed_at
        .map_or_else(|| "never".to_owned(), |last| last.to_string());
    writeln!(
        out,
        "  epoch {}, signer {}: {}; {} signatures for {} claims, last {last}",
        place.epoch,
        place.index,
        described(at.life),
        used.signatures,
        used.claims
    )?;
    Ok(())
}

/// A state and its times, in words.
pub(super) fn described(life: LifeCycle) -> String {
    let time = |at: UnixTime| Timestamp(at.0).to_string();
    match life.state() {
        State::Pending => "pending".to_owned(),
        State::Retiring { since, until } => {
            format!(
                "retiring since {}, taken until {}",
                time(since),
                time(until)
            )
        }
        state @ (State::Active { since } | State::Retired { since } | State::Revoked { since }) => {
            format!("{state} since {}", time(since))
        }
    }
}

async fn lagging(
    books: &dyn AttestorBooks,
    keys: &AttestorKeys,
    domain: alloy::primitives::B256,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let waiting: BTreeMap<u32, u64> = books.unredeemed(domain).await?.into_iter().collect();
    for epoch in keys.old().map(Epoch::number) {
        if let Some(count) = waiting.get(&epoch) {
            writeln!(out, "LAGGING: {count} claims wait under epoch {epoch}")?;
        }
    }
    for laggard in keys.laggards() {
        let (signer, epoch) = (laggard.signer, laggard.epoch);
        match laggard.lag {
            Lag::HasNotSigned => writeln!(
                out,
                "LAGGING: {signer:#x} has signed nothing that is recorded of epoch {epoch}, and others have"
            )?,
            Lag::SignsUnderOld => writeln!(
                out,
                "LAGGING: {signer:#x} has signed under epoch {epoch} after that began to retire"
            )?,
        }
    }
    Ok(())
}
