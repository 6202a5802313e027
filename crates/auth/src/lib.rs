//! Who may call: signed requests, sealed secrets, and the life of a key. No I/O and no clock: times are arguments.
//!
//! Requests are signed by a strict profile of RFC 9421 (HTTP Message Signatures), so that any standard client can sign.
//! [`check`] has the order in which a request is judged, as types: each step gives what the next one needs, so that no step
//! can be left out or done too early. [`life`] is the one state machine that keys of clients and secrets of webhooks live
//! by, and [`term`] has it for keys that a registry decides about. [`seal`] keeps secrets unreadable in a stolen database.

pub mod base;
pub mod check;
pub mod digest;
pub mod failure;
pub mod flaw;
pub mod key;
pub mod life;
pub mod nonce;
pub mod parse;
pub mod request;
pub mod scope;
pub mod seal;
pub mod sign;
pub mod term;

use serde::{Deserialize, Serialize};

pub use self::failure::Failure;
pub use self::key::{Algorithm, KeyId, SigningKey, VerifyingKey};
pub use self::life::{LifeCycle, State};
pub use self::scope::{Environment, Scope, Scopes};
pub use self::term::Term;

/// The only value of the parameter `tag`: a signature that was made for something else is not one for this API.
pub const TAG: &str = "tocsin-api-v1";

/// Whole seconds since 1970, by the clock of whoever asks.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// So many seconds later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds have passed since `earlier`.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
