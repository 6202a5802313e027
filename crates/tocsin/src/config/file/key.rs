//! How a configuration says where a key is.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tocsin_attest::KeySettings;
use tocsin_delivery::onchain::SubmitterKey;
use url::{Host, Url};

use crate::config::secret;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum KeySection {
    Keystore {
        path: String,
        password: String,
    },
    Raw {
        key: String,
    },
    AwsKms {
        key: String,
        #[serde(default)]
        region: Option<String>,
        #[serde(default)]
        endpoint: Option<String>,
        #[serde(default)]
        credentials: Option<String>,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    GcpKms {
        key: String,
        #[serde(default)]
        endpoint: Option<String>,
        #[serde(default)]
        credentials: Option<String>,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    Ledger {
        #[serde(default = "first_account")]
        path: String,
    },
}

/// The first account as Ledger's own wallet counts them.
fn first_account() -> String {
    "m/44'/60'/0'/0/0".to_owned()
}

impl KeySection {
    /// An attestor's key, with its secrets read.
    pub(super) fn attestor(self, base: &Path) -> Result<KeySettings, String> {
        Ok(match self {
            Self::Keystore { path, password } => KeySettings::Keystore {
                path: base.join(path),
                password: secret::read(base, &password)?,
            },
            Self::Raw { key } => KeySettings::Raw {
                key: secret::read(base, &key)?,
            },
            Self::AwsKms {
                key,
                region,
                endpoint,
                credentials,
                timeout_ms,
            } => KeySettings::AwsKms {
                key,
                region,
                endpoint: endpoint.as_deref().map(service).transpose()?,
                credentials: credentials.map(|path| base.join(path)),
                timeout: timeout(timeout_ms)?,
            },
            Self::GcpKms {
                key,
                endpoint,
                credentials,
                timeout_ms,
            } => KeySettings::GcpKms {
                key,
                endpoint: endpoint.as_deref().map(service).transpose()?,
                credentials: credentials.map(|path| base.join(path)),
                timeout: timeout(timeout_ms)?,
            },
            Self::Ledger { path } => KeySettings::Ledger { path },
        })
    }

    /// The key of the account that pays for gas, which is one on this machine.
    pub(super) fn submitter(self, base: &Path) -> Result<SubmitterKey, String> {
        match self.attestor(base)? {
            KeySettings::Keystore { path, password } => {
                Ok(SubmitterKey::Keystore { path, password })
            }
            KeySettings::Raw { key } => Ok(SubmitterKey::Raw { key }),
            KeySettings::AwsKms { .. }
            | KeySettings::GcpKms { .. }
            | KeySettings::Ledger { .. } => Err(
                "transactions are signed with a key on this machine only: kind = \"keystore\", with no more money than gas costs"
                    .to_owned(),
            ),
        }
    }
}

fn timeout(given_ms: Option<u64>) -> Result<Duration, String> {
    match given_ms {
        None => Ok(tocsin_attest::signer::REMOTE_TIMEOUT),
        Some(0) => Err("a signer's timeout_ms must be greater than 0".to_owned()),
        Some(given) => Ok(Duration::from_millis(given)),
    }
}

/// A key service's address. What it is sent is a licence to sign, so it travels encrypted, or not at all.
fn service(text: &str) -> Result<Url, String> {
    let wrong = |problem: &str| format!("a signer's endpoint `{text}` {problem}");
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no address: {error}")))?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return Err(wrong("has no host")),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if local => Ok(url),
        "http" => Err(wrong("must begin with https: it is not on this machine")),
        _ => Err(wrong("must begin with https")),
    }
}
