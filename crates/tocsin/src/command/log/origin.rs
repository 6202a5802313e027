//! `tocsin log adopt`, `new-origin` and `settle`: what a person decides where the log cannot go on by itself. Each is in the log
//! for everybody to see. The service must be stopped.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use tocsin_log::{Checkpoint, SigningKey};
use tocsin_store::log::{Audit, AuditEntry, Log, Tree};
use tocsin_store_sqlite::SqliteStore;

use crate::anchor::{Anchor, Found, examine};
use crate::clock::Clock;
use crate::config::{Config, LogConfig};
use crate::log_key::{self, LogKeyError};
use crate::report::Report;
use crate::service::ServiceError;

/// Lets the log go on although the file with its last signed state is gone: the person says that the database is the newest.
pub async fn adopt(
    config: &Path,
    reason: &str,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let config = Config::load(config)?;
    let key = opened(&config.log)?;
    let store = SqliteStore::open(&config.database).await?;
    let known = store.origin().await?;
    if known.is_none_or(|origin| origin.verifier != key.verifier().to_string()) {
        return Err(Report::bad_input(
            "this key has not signed this log: put back its own, or begin the log anew with `tocsin log new-origin`",
        ));
    }
    let tree = store.tree().await?;
    let anchor = Anchor::at(&config.log.state_file);
    let kept = anchor.read().map_err(|error| Report::unknown(&error))?;
    if kept.is_some() {
        let found = examine(&anchor, key.verifier(), &store, tree).await;
        let found = found.map_err(|error| Report::unknown(&error))?;
        return match found {
            Found::Sound(_) => {
                writeln!(
                    out,
                    "there is nothing to adopt: the log begins with what was signed last"
                )?;
                Ok(())
            }
            Found::Held(why) => Err(Report::refused(why)),
        };
    }
    let now = clock.now();
    let entry = AuditEntry {
        at: now,
        action: "log-adopted".to_owned(),
        actor: None,
        subject: key.verifier().name().to_string(),
        detail: json!({ "leaves": tree.size, "root": tree.root.to_string(), "reason": reason }),
    };
    store.record(&[entry]).await?;
    keep(&anchor, &key, tree)?;
    store.hold(None, now).await?;
    store.close().await;
    writeln!(
        out,
        "the log goes on from its {} leaves, root {}",
        tree.size, tree.root
    )?;
    Ok(())
}

/// Begins the log under another key and name, with the leaves that the database has. That, what was signed under the old one, and why, is
/// its next leaf.
pub async fn new_origin(
    config: &Path,
    reason: &str,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let config = Config::load(config)?;
    let log = &config.log;
    let store = SqliteStore::open(&config.database).await?;
    let old = store.origin().await?.ok_or_else(|| {
        Report::bad_input("nothing was signed yet: start the service, which makes its key")
    })?;
    let old_name = old.verifier.split('+').next().unwrap_or_default();
    if log
        .origin
        .as_ref()
        .is_some_and(|name| name.as_str() == old_name)
    {
        return Err(Report::bad_input(format!(
            "two histories must not have one name: write another one than `{old_name}` into [log] origin first"
        )));
    }
    let signed_with = match log_key::open(&log.key_file, log.origin.as_ref()) {
        // The old one, also where it would have another name from here on.
        Ok(key) => Some(key).filter(|key| is_key_of(&old.verifier, key)),
        Err(LogKeyError::Missing { .. } | LogKeyError::Content { .. }) => None,
        Err(error) => return Err(ServiceError::from(error).into()),
    };
    let id = old.verifier.split('+').nth(1).unwrap_or("old");
    if signed_with.is_some() {
        set_aside(&log.key_file, id)?;
    }
    let key = match log_key::open(&log.key_file, log.origin.as_ref()) {
        Err(LogKeyError::Missing { .. }) => log_key::make(&log.key_file, log.origin.as_ref()),
        opened => opened,
    };
    let key = key.map_err(ServiceError::from)?;
    let anchor = Anchor::at(&log.state_file);
    let last = set_aside(&log.state_file, id)?;
    let last = last.map(std::fs::read_to_string).transpose()?;
    let tree = store.tree().await?;
    let told = json!({
        "before": old.verifier,
        "signed": last,
        "leaves": tree.size,
        "root": tree.root.to_string(),
        "reason": reason,
    });
    keep(&anchor, &key, tree)?;
    let verifier = key.verifier().to_string();
    store
        .begin_origin(&verifier, Some(&told), clock.now())
        .await?;
    store.close().await;
    writeln!(out, "{verifier}")?;
    writeln!(
        out,
        "the log goes on under this key from its {} leaves; tell everybody who verifies it",
        tree.size
    )?;
    Ok(())
}

/// Ends doubts about rows that say again what their leaves say; returns whether none remains.
pub async fn settle(config: &Path, clock: &dyn Clock, out: &mut dyn Write) -> Result<bool, Report> {
    let config = Config::load(config)?;
    let store = SqliteStore::open(&config.database).await?;
    let remaining = store.settle_doubts(clock.now()).await?;
    store.close().await;
    for doubt in &remaining {
        writeln!(
            out,
            "IN DOUBT: {} {}, number {}: {}",
            doubt.kind, doubt.subject, doubt.ordinal, doubt.reason
        )?;
    }
    if remaining.is_empty() {
        writeln!(
            out,
            "nothing is in doubt: every row says what its leaf says"
        )?;
    }
    Ok(remaining.is_empty())
}

fn opened(log: &LogConfig) -> Result<SigningKey, Report> {
    let key = log_key::open(&log.key_file, log.origin.as_ref());
    Ok(key.map_err(ServiceError::from)?)
}

/// Whether the public half of this key is that of a verifier, whatever it is called.
fn is_key_of(verifier: &str, key: &SigningKey) -> bool {
    let shown = key.verifier().to_string();
    verifier.splitn(3, '+').nth(2) == shown.splitn(3, '+').nth(2)
}

fn keep(anchor: &Anchor, key: &SigningKey, tree: Tree) -> Result<(), Report> {
    let state = Checkpoint {
        origin: key.verifier().name().to_string(),
        size: tree.size,
        root: tree.root,
    };
    let note = state.sign(key).map_err(|error| Report::unknown(&error))?;
    anchor.write(&note).map_err(|error| Report::unknown(&error))
}

/// Renames a file, whose new name is returned, so that nothing of the old log is lost. One that was set aside before stays.
fn set_aside(path: &Path, id: &str) -> Result<Option<PathBuf>, Report> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{id}"));
    let aside = PathBuf::from(aside);
    if aside.try_exists()? {
        return Ok(Some(aside));
    }
    if !path.try_exists()? {
        return Ok(None);
    }
    std::fs::rename(path, &aside)?;
    crate::anchor::sync_folder(path)?;
    Ok(Some(aside))
}
