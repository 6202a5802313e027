//! What an operator sets of a feed: keys, their quotas, and where it is reached.

use core::fmt;
use core::num::NonZeroU32;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// How a feed is reached.
#[derive(Clone, Debug, Default)]
pub struct FeedSettings {
    /// The keys, tried in their order; none where the provider asks for none.
    pub keys: Vec<KeySettings>,
    /// Scheme, host, port and the beginning of the path instead of the definition's: a mirror, or a proxy of one's own.
    /// Without TLS only on a loopback address.
    pub base_url: Option<Url>,
    /// Requests that one key may make in a UTC day, instead of the definition's.
    pub per_day: Option<NonZeroU32>,
    /// Requests a second, instead of the definition's.
    pub per_second: Option<NonZeroU32>,
}

/// One key of a provider.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// What it is called where it may be shown.
    pub name: String,
    /// The key itself.
    pub text: KeyText,
    /// Requests that it may make in a UTC day, instead of the feed's.
    pub per_day: Option<NonZeroU32>,
}

/// Where a key is taken from. Neither is ever shown.
#[derive(Clone)]
pub enum KeyText {
    /// The key.
    Text(SecretString),
    /// A file that holds it; read again when it changes, so that a key is exchanged without a restart.
    File(PathBuf),
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("(secret)"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
