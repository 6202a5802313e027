//! `tocsin clients`: clients of the API and their keys. Works beside a running service, which takes up what has changed
//! within a minute; whoever may write the database needs no second person.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tocsin_api::auth::admin::{Act, Admin, Done, is_laggard};
use tocsin_auth::life::NOTICE;
use tocsin_auth::{State, UnixTime};
use tocsin_domain::time::Timestamp;
use tocsin_store::credential::{Credential, KeyBooks, Usage};
use tocsin_store_sqlite::SqliteStore;

use crate::cli::{Clients, OneKey};
use crate::clock::Clock;
use crate::config::Config;
use crate::report::Report;

/// As whom the log names whoever may write the database.
const OPERATOR: &str = "operator";

/// Does what was asked about clients.
pub async fn run(asked: Clients, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Report> {
    let now = UnixTime(clock.now().0);
    match asked {
        Clients::Add {
            client,
            scopes,
            public_key,
            config,
        } => {
            let (config, store) = open(&config).await?;
            let scopes = scopes.into_iter().collect();
            let known = store.clients().await?;
            let act = if known.iter().any(|known| known.name == client) {
                Act::AddKey {
                    client,
                    scopes,
                    public_key,
                }
            } else {
                Act::AddClient {
                    client,
                    scopes,
                    public_key,
                }
            };
            perform(&config, &*store, &act, now, out).await
        }
        Clients::Rotate {
            client,
            public_key,
            overlap_hours,
            config,
        } => {
            let (config, store) = open(&config).await?;
            let act = Act::Rotate {
                client,
                public_key,
                overlap: Some(u32::from(overlap_hours).saturating_mul(3_600)),
            };
            perform(&config, &*store, &act, now, out).await
        }
        Clients::Rollback(OneKey { key, config }) => {
            let (config, store) = open(&config).await?;
            perform(&config, &*store, &Act::RollBack { key }, now, out).await
        }
        Clients::Retire(OneKey { key, config }) => {
            let (config, store) = open(&config).await?;
            let act = Act::Retire { key, overlap: None };
            perform(&config, &*store, &act, now, out).await
        }
        Clients::Revoke(OneKey { key, config }) => {
            let (config, store) = open(&config).await?;
            perform(&config, &*store, &Act::Revoke { key }, now, out).await
        }
        Clients::List { config } => {
            let (_, store) = open(&config).await?;
            list(&*store, out).await
        }
        Clients::Usage { config } => {
            let (_, store) = open(&config).await?;
            usage(&*store, now, out).await
        }
    }
}

/// The database of a service that runs, or else as the service itself would open it: the first time there is none.
async fn open(config: &Path) -> Result<(Config, Arc<dyn KeyBooks>), Report> {
    let config = Config::load(config)?;
    let store: Arc<dyn KeyBooks> = match SqliteStore::open(&config.database).await {
        Ok(alone) => Arc::new(alone),
        // Whatever is wrong beyond that a service has it, is wrong for this as well, and then it says so.
        Err(_in_use) => SqliteStore::open_keys(&config.database).await?,
    };
    Ok((config, store))
}

async fn perform(
    config: &Config,
    store: &dyn KeyBooks,
    act: &Act,
    now: UnixTime,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let admin = Admin {
        store,
        seal: config.auth.seal.as_ref(),
        environment: config.auth.environment,
    };
    let done = admin.perform(act, OPERATOR, now).await?;
    print(&done, out)
}

fn print(done: &Done, out: &mut dyn Write) -> Result<(), Report> {
    for (key, life) in &done.changed {
        match life.state() {
            State::Retiring { until, .. } => {
                writeln!(out, "{key} is retiring, and taken until {}", time(until))?;
            }
            state => writeln!(out, "{key} is {state}")?,
        }
    }
    if let Some(key) = &done.key {
        writeln!(out, "key id: {key}")?;
    }
    if let Some(secret) = &done.secret {
        writeln!(out, "secret: {}", secret.text())?;
        writeln!(
            out,
            "It is shown this once. Give it to the client over a safe way."
        )?;
    }
    Ok(())
}

async fn list(store: &dyn KeyBooks, out: &mut dyn Write) -> Result<(), Report> {
    for key in store.credentials().await? {
        writeln!(
            out,
            "{} {} {} {} {} expires {} [{}]",
            key.id,
            key.owner.kind(),
            key.owner.name(),
            key.material.algorithm(),
            key.life.state(),
            time(key.life.expires_at()),
            key.scopes
        )?;
    }
    Ok(())
}

async fn usage(store: &dyn KeyBooks, now: UnixTime, out: &mut dyn Write) -> Result<(), Report> {
    let usage = store.credential_uses().await?;
    let nothing = Usage::default();
    for key in store.credentials().await? {
        let used = usage.get(&Some(key.id.clone())).unwrap_or(&nothing);
        one(&key, used, now, out)?;
    }
    if let Some(strangers) = usage.get(&None) {
        writeln!(out, "of no known key:")?;
        refused(strangers, out)?;
    }
    Ok(())
}

fn one(key: &Credential, used: &Usage, now: UnixTime, out: &mut dyn Write) -> Result<(), Report> {
    let last = used.last_used.map_or_else(|| "never".to_owned(), time);
    writeln!(
        out,
        "{} {} {}: {} requests, last {last}",
        key.id,
        key.owner.name(),
        key.life.state(),
        used.answered
    )?;
    if is_laggard(key, used.last_used, now) {
        writeln!(out, "  LAGGING: it is retiring and still used")?;
    }
    if key.life.signs(now) && key.life.expires_at().since(now) < NOTICE {
        writeln!(out, "  ENDING: it expires {}", time(key.life.expires_at()))?;
    }
    refused(used, out)?;
    for (network, since) in &used.networks {
        writeln!(out, "  from {network} since {}", time(*since))?;
    }
    Ok(())
}

fn refused(used: &Usage, out: &mut dyn Write) -> Result<(), Report> {
    for (kind, (count, last)) in &used.failures {
        writeln!(out, "  refused {kind}: {count}, last {}", time(*last))?;
    }
    Ok(())
}

fn time(at: UnixTime) -> String {
    Timestamp(at.0).to_string()
}
