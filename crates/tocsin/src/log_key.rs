//! The key that signs the states of the eligibility log: a seed of 32 bytes in a file that only its owner can read.
//!
//! A service without one makes one when it starts for the first time. Whoever has it can sign another history; whoever
//! audits the log regularly, or has an older checkpoint, sees that.

use std::path::{Path, PathBuf};

use alloy::primitives::hex;
use tocsin_log::{KeyName, SigningKey};

use crate::private_file;

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
    /// Its content.
    #[error(
        "{} does not hold the key of a log: 64 hexadecimal digits. A lost key cannot be made again; \
         name a new file and tell those who verify", path.display()
    )]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// The source of random numbers.
    #[error("there are no random numbers to make the key of the log from")]
    Random(#[source] rand::rngs::SysError),
    /// Its name.
    #[error(transparent)]
    Name(#[from] tocsin_log::LogError),
}

/// The key in `path`, which is made if there is none. Without an `origin` the log is called after its key.
pub fn open(path: &Path, origin: Option<&KeyName>) -> Result<SigningKey, LogKeyError> {
    let file = |source| LogKeyError::File {
        path: path.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(file(error)),
    };
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

/// A new seed, durably in its file before anything is signed with it.
fn make(path: &Path) -> Result<String, LogKeyError> {
    let mut seed = [0_u8; 32];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut seed)
        .map_err(LogKeyError::Random)?;
    let text = hex::encode(seed);
    private_file::make(path, &text).map_err(|source| LogKeyError::File {
        path: path.to_owned(),
        source,
    })?;
    tracing::info!(path = %path.display(), "made a key for the eligibility log");
    Ok(text)
}
