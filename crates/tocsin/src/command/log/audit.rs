//! `tocsin log audit`: recomputes the whole log, and compares it with what was audited before; on a database also with every
//! row that its leaves were made of.

use std::io::Write;
use std::path::Path;

use tocsin_log::audit::{AuditError, Files, audit};
use tocsin_log::{Checkpoint, VerifierKey};
use tocsin_store::log::{Discrepancy, Log};
use tocsin_store_sqlite::SqliteStore;
use url::Url;

use super::fetch::{FetchError, Shown, Stored};
use crate::anchor::{Anchor, Found, examine};
use crate::config::Config;
use crate::log_key;
use crate::report::{self, Report};

/// How many differences are told.
const TOLD: u32 = 100;

/// What a person asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The log that a service shows; the database of `config` if absent.
    pub url: Option<&'a str>,
    /// What verifies it; for a database its own key if absent.
    pub key: Option<&'a str>,
    /// The service configuration.
    pub config: &'a Path,
    /// Where the state that was audited last is kept.
    pub state: Option<&'a Path>,
}

/// Audits, says what was found, and returns whether everything holds. What cannot be read is an error: then nothing is
/// known.
pub async fn run(asked: Asked<'_>, out: &mut dyn Write) -> Result<bool, Report> {
    let earlier = asked.state.map(read_state).transpose()?.flatten();
    match asked.url {
        Some(url) => {
            let key = asked.key.ok_or_else(|| {
                Report::bad_input(
                    "name the key that verifies the log with --key; ask whoever keeps it, not the same address",
                )
            })?;
            let key = verifier(key)?;
            let base: Url = url
                .parse()
                .map_err(|error| Report::bad_input(format!("`{url}` is no address: {error}")))?;
            let shown =
                Shown::new(base).map_err(|error| Report::bad_input(report::chain(&error)))?;
            let found = recompute(&shown, &key, earlier.as_ref(), out).await?;
            keep(asked.state, found.as_ref())?;
            Ok(found.is_some())
        }
        None => {
            let config = Config::load(asked.config)?;
            if !config.database.try_exists()? {
                return Err(Report::bad_input(format!(
                    "there is no database {}",
                    config.database.display()
                )));
            }
            let key = match asked.key {
                Some(key) => verifier(key)?,
                None => log_key::open(&config.log.key_file, config.log.origin.as_ref())
                    .map_err(|error| Report::unknown(&error))?
                    .verifier()
                    .clone(),
            };
            let store = SqliteStore::open(&config.database).await;
            let store = store.map_err(|error| Report::unknown(&error))?;
            let found = recompute(&Stored(&store), &key, earlier.as_ref(), out).await?;
            let signed = store.origin().await?.map(|origin| origin.verifier);
            let other_key = signed.filter(|signed| *signed != key.to_string());
            if let Some(signed) = &other_key {
                writeln!(
                    out,
                    "ALTERED: the database says that the log is signed by `{signed}`, and the key is `{key}`"
                )?;
            }
            let rewound = rewound(&config, &key, &store).await?;
            if let Some(why) = &rewound {
                writeln!(out, "ALTERED: {why}")?;
            }
            let differences = store.compare(TOLD).await;
            let differences = differences.map_err(|error| Report::unknown(&error))?;
            for difference in &differences {
                writeln!(out, "ALTERED: {}", told(difference))?;
            }
            for doubt in store.doubts(TOLD).await? {
                writeln!(
                    out,
                    "IN DOUBT: {} {}: {}",
                    doubt.kind, doubt.subject, doubt.reason
                )?;
            }
            if differences.is_empty() {
                writeln!(out, "every row says what its leaf says")?;
            }
            store.close().await;
            let holds = found.is_some()
                && differences.is_empty()
                && other_key.is_none()
                && rewound.is_none();
            if holds {
                keep(asked.state, found.as_ref())?;
            }
            Ok(holds)
        }
    }
}

/// Why the database is not the one that was signed last, as the file says that keeps it; without the file nothing is known, and
/// the service says so.
async fn rewound(
    config: &Config,
    key: &VerifierKey,
    store: &SqliteStore,
) -> Result<Option<String>, Report> {
    let anchor = Anchor::at(&config.log.state_file);
    let kept = anchor.read().map_err(|error| Report::unknown(&error))?;
    if kept.is_none() {
        return Ok(None);
    }
    let tree = store.tree().await?;
    match examine(&anchor, key, store, tree).await {
        Ok(Found::Sound(_)) => Ok(None),
        Ok(Found::Held(why)) => Ok(Some(why)),
        Err(error) => Err(Report::unknown(&error)),
    }
}

fn verifier(key: &str) -> Result<VerifierKey, Report> {
    key.parse()
        .map_err(|error| Report::bad_input(format!("`{key}`: {error}")))
}

/// The state of the log, if everything about it holds; says what does not.
async fn recompute<F: Files<Error = FetchError>>(
    files: &F,
    key: &VerifierKey,
    earlier: Option<&Checkpoint>,
    out: &mut dyn Write,
) -> Result<Option<Checkpoint>, Report> {
    match audit(files, key, earlier, |_, _| {}).await {
        Ok(checkpoint) => {
            writeln!(out, "log        {}", checkpoint.origin)?;
            writeln!(out, "leaves     {}", checkpoint.size)?;
            writeln!(out, "root       {}", checkpoint.root)?;
            writeln!(
                out,
                "the signature, every leaf, every tile and the root hold"
            )?;
            match earlier {
                Some(earlier) => writeln!(
                    out,
                    "it begins with the {} leaves that were audited before",
                    earlier.size
                )?,
                None => writeln!(
                    out,
                    "there is no earlier audit to compare with: keep this one with --state"
                )?,
            }
            Ok(Some(checkpoint))
        }
        Err(error @ AuditError::Read { .. }) => Err(Report::unknown(&error)),
        Err(error) => {
            writeln!(out, "ALTERED: {}", report::chain(&error))?;
            Ok(None)
        }
    }
}

fn read_state(path: &Path) -> Result<Option<Checkpoint>, Report> {
    let unreadable = |why: String| {
        Report::bad_input(format!(
            "{} does not hold the state of an earlier audit: {why}",
            path.display()
        ))
    };
    match std::fs::read_to_string(path) {
        Ok(text) => text
            .parse()
            .map(Some)
            .map_err(|error: tocsin_log::LogError| unreadable(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Replaces what was audited before, whole or not at all.
fn keep(path: Option<&Path>, checkpoint: Option<&Checkpoint>) -> Result<(), Report> {
    let (Some(path), Some(checkpoint)) = (path, checkpoint) else {
        return Ok(());
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, checkpoint.to_string())?;
    std::fs::rename(&beside, path)?;
    Ok(())
}

fn told(difference: &Discrepancy) -> String {
    let named = |kind: &str, subject: &str, ordinal: u64| match ordinal {
        0 => format!("{kind} {subject}"),
        _ => format!("{kind} {subject}, number {ordinal}"),
    };
    match difference {
        Discrepancy::Contradicts {
            index,
            earlier,
            kind,
            subject,
            ordinal,
        } => format!(
            "leaf {index} contradicts leaf {earlier}, which is also about {}",
            named(kind, subject, *ordinal)
        ),
        Discrepancy::Forged {
            kind,
            subject,
            ordinal,
        } => format!(
            "what waits to become a leaf about {} was not put there by Tocsin",
            named(kind, subject, *ordinal)
        ),
        Discrepancy::Unattested { subject, ordinal } => format!(
            "{} counts as attested, and there is no attestation of it",
            named("claim", subject, *ordinal)
        ),
        Discrepancy::Schema { name } => format!(
            "`{name}` of the schema is not as Tocsin makes it: what it should have said is in no leaf"
        ),
        Discrepancy::Differs {
            index,
            kind,
            subject,
            ordinal,
        } => format!(
            "the row of {} says something else than leaf {index}, which was made of it",
            named(kind, subject, *ordinal)
        ),
        Discrepancy::NoLeaf {
            kind,
            subject,
            ordinal,
        } => format!(
            "the row of {} has no leaf: it was not written by Tocsin",
            named(kind, subject, *ordinal)
        ),
        Discrepancy::NoRow {
            index,
            kind,
            subject,
            ordinal,
        } => format!(
            "leaf {index} says that there is {}, and the row is gone",
            named(kind, subject, *ordinal)
        ),
        Discrepancy::Misfiled { index } => {
            format!("leaf {index} is filed under something else than it says")
        }
        Discrepancy::Uncovered { index, source } => format!(
            "leaf {index} says what of {source} was read and how, and the books say otherwise"
        ),
    }
}
