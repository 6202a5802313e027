//! Who may call: every route that is not public goes through [`Auth::admit`], which judges a request in the one order that
//! `tocsin_auth::check` allows, and counts what came of it.
//!
//! Promises: a caller learns nothing of why a signature was refused; a stranger's body is not read; what is kept in memory
//! is bounded by the number of keys; a revocation made by another process counts after [`MOST_CACHED`] at the latest; and
//! where the nonce store fails, no write goes through.

pub mod admin;
mod cache;
pub(crate) mod caller;
mod gate;
mod keeper;
pub(crate) mod keys;
mod places;
mod rate;
mod tally;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use tocsin_auth::check::Windows;
use tocsin_auth::request::Authority;
use tocsin_auth::seal::Seal;
use tocsin_auth::{Environment, KeyId, Scopes, UnixTime};
use tocsin_store::credential::{KeyBooks, OwnerName};

use self::cache::Cache;
use self::places::Places;
use self::rate::Rates;
use self::tally::Tally;
use crate::metrics::Metrics;

/// How long a key may be taken for what it was when it was read last. A minute is promised; the rest is for a slow disk.
pub const MOST_CACHED: Duration = Duration::from_secs(30);

/// How requests are judged.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// Whose keys are taken.
    pub environment: Environment,
    /// Under which names clients reach the service; none means any. A signature for another host is refused: else whoever gets a
    /// client to sign for his own host could send it on.
    pub authorities: Vec<Authority>,
    /// How far clocks may differ.
    pub windows: Windows,
    /// What opens secrets; without it, only keys of ed25519 can be verified or made.
    pub seal: Option<Seal>,
    /// How long a key that was read is taken for granted; at most [`MOST_CACHED`].
    pub cached_for: Duration,
    /// Requests a second of each key, on average.
    pub per_second: u32,
    /// Requests of each key at once.
    pub burst: u32,
    /// The longest body, in bytes.
    pub most_body: usize,
    /// How long a body may take to come.
    pub body_patience: Duration,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            environment: Environment::Dev,
            authorities: Vec::new(),
            windows: Windows::default(),
            seal: None,
            cached_for: Duration::from_secs(10),
            per_second: 50,
            burst: 200,
            most_body: crate::limits::BODY_MAX,
            body_patience: Duration::from_secs(20),
        }
    }
}

/// Says what time it is.
pub type Now = Arc<dyn Fn() -> UnixTime + Send + Sync>;

/// Judges requests.
#[derive(Clone)]
pub struct Auth(Arc<Parts>);

struct Parts {
    settings: AuthSettings,
    store: Arc<dyn KeyBooks>,
    now: Now,
    metrics: Metrics,
    cache: Cache,
    rates: Rates,
    places: Places,
    tally: Tally,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({})", self.0.settings.environment)
    }
}

/// Who has signed the request that a handler is given; in its extensions.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose key it is.
    pub client: OwnerName,
    /// The key.
    pub key: KeyId,
    /// What the key may do.
    pub scopes: Scopes,
    /// Where.
    pub environment: Environment,
}

impl Auth {
    /// How long a key that was read is taken for granted.
    pub(crate) fn cached_for(&self) -> Duration {
        self.0.settings.cached_for
    }

    /// What time it is.
    pub(crate) fn now(&self) -> UnixTime {
        (self.0.now)()
    }

    /// Judges by the keys in `store`.
    pub fn new(
        settings: AuthSettings,
        store: Arc<dyn KeyBooks>,
        now: Now,
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Parts {
            cache: Cache::new(settings.cached_for),
            rates: Rates::new(settings.per_second, settings.burst),
            places: Places::default(),
            tally: Tally::default(),
            settings,
            store,
            now,
            metrics,
        }))
    }
}
