//! The key that signs the states of the eligibility log: a seed of 32 bytes in a file that only its owner can read.
//!
//! One is made for a log that has nothing in it, and never again: its public half is kept in the database, and another key, or
//! none, is refused. Whoever has the key can sign another history; whoever audits the log regularly, or has an older
//! checkpoint, sees that.

use std::path::{Path, PathBuf};

use alloy::primitives::hex;
use tocsin_domain::time::Timestamp;
use tocsin_log::{Checkpoint, KeyName, SigningKey};
use tocsin_store::Store;

use crate::config::LogConfig;
use crate::private_file;
use crate::service::ServiceError;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum LogKeyError {
    /// The file.
    #[error("cannot read or write {}, the key of the log: check [log] key_file and its folder", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no file.
    #[error(
        "there is no {}, the key that signs the log: put it back from where it is kept, or name the right file with [log] key_file. \
         If it is lost for ever, `tocsin log new-origin` begins the log under another key, for everybody to see", path.display()
    )]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// Its content.
    #[error(
        "{} does not hold the key of a log: 64 hexadecimal digits. Put it back from where it is kept; if it is lost for ever, \
         `tocsin log new-origin` begins the log under another key, for everybody to see", path.display()
    )]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// The file holds a key that this log was not signed by.
    #[error(
        "{} makes the log `{found}`, and this database is signed by `{signed}`: put back the key, and what [log] origin says. To go \
         on under another key or name, for everybody to see, use `tocsin log new-origin`", path.display()
    )]
    Other {
        /// Which.
        path: PathBuf,
        /// What it verifies.
        found: String,
        /// What verifies the log.
        signed: String,
    },
    /// The source of random numbers.
    #[error("there are no random numbers to make the key of the log from")]
    Random(#[source] rand::rngs::SysError),
    /// Its name.
    #[error(transparent)]
    Name(#[from] tocsin_log::LogError),
}

/// The key in `path`. Without an `origin` the log is called after its key.
pub fn open(path: &Path, origin: Option<&KeyName>) -> Result<SigningKey, LogKeyError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LogKeyError::Missing {
                path: path.to_owned(),
            });
        }
        Err(source) => {
            return Err(LogKeyError::File {
                path: path.to_owned(),
                source,
            });
        }
    };
    from_hex(&text, path, origin)
}

/// The key of the log of a service: that of the database, or the first one of a log that has nothing in it.
pub(crate) async fn of_service(
    config: &LogConfig,
    store: &dyn Store,
    now: Timestamp,
) -> Result<SigningKey, ServiceError> {
    let (path, name) = (&config.key_file, config.origin.as_ref());
    let origin = store.origin().await?;
    let key = match open(path, name) {
        Err(LogKeyError::Missing { .. }) if origin.is_none() && store.tree().await?.size == 0 => {
            make(path, name)?
        }
        opened => opened?,
    };
    let found = key.verifier().to_string();
    let other = |signed: String| LogKeyError::Other {
        path: path.clone(),
        found: found.clone(),
        signed,
    };
    match origin {
        Some(origin) if origin.verifier != found => Err(other(origin.verifier).into()),
        Some(_) => Ok(key),
        None => {
            let signed = store.checkpoint().await?;
            if signed.is_some_and(|state| Checkpoint::verify(&state.note, key.verifier()).is_err())
            {
                return Err(other("another key".to_owned()).into());
            }
            store.begin_origin(&found, None, now).await?;
            Ok(key)
        }
    }
}

fn from_hex(text: &str, path: &Path, origin: Option<&KeyName>) -> Result<SigningKey, LogKeyError> {
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).map_err(|_not_hex| LogKeyError::Content {
        path: path.to_owned(),
    })?;
    let name = match origin {
        Some(origin) => origin.clone(),
        None => {
            let nameless = SigningKey::from_seed("tocsin".parse()?, &seed);
            let shown = nameless.verifier().to_string();
            let id = shown.split('+').nth(1).unwrap_or_default();
            format!("tocsin-{id}").parse()?
        }
    };
    Ok(SigningKey::from_seed(name, &seed))
}

/// A new key, durably in its file before anything is signed with it. There must be no such file.
pub fn make(path: &Path, origin: Option<&KeyName>) -> Result<SigningKey, LogKeyError> {
    let file = |source| LogKeyError::File {
        path: path.to_owned(),
        source,
    };
    let mut seed = [0_u8; 32];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut seed)
        .map_err(LogKeyError::Random)?;
    let text = hex::encode(seed);
    private_file::make(path, &text).map_err(file)?;
    crate::anchor::sync_folder(path).map_err(file)?;
    tracing::info!(path = %path.display(), "made a key for the eligibility log");
    from_hex(&text, path, origin)
}
