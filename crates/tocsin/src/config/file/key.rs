//! How a configuration says where a key is.

use std::path::Path;

use serde::Deserialize;

use crate::config::{KeyConfig, secret};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum KeySection {
    Keystore { path: String, password: String },
    Raw { key: String },
}

impl KeySection {
    /// The key's settings with its secrets read.
    pub(super) fn resolve(self, base: &Path) -> Result<KeyConfig, String> {
        Ok(match self {
            Self::Keystore { path, password } => KeyConfig::Keystore {
                path: base.join(path),
                password: secret::read(base, &password)?,
            },
            Self::Raw { key } => KeyConfig::Raw {
                key: secret::read(base, &key)?,
            },
        })
    }
}
