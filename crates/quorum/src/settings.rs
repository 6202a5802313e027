//! What the operator of a node decides. All nodes of a quorum need the same `hold`, `valid_for` and
//! `most_bytes`.

use core::time::Duration;
use std::collections::BTreeMap;

use alloy_primitives::Address;
use tocsin_domain::time::Seconds;
use url::Url;

/// What [`Settings::most_bytes`] is in a service: all reports on some dozens of events.
pub const MOST_BYTES: usize = 64 << 20;

/// The settings of a node of a quorum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where the other attestors are, by the addresses of their keys.
    pub peers: BTreeMap<Address, Url>,
    /// From signing to first use.
    pub hold: Seconds,
    /// From signing to last use.
    pub valid_for: Seconds,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long to wait for the rest once a quorum has answered.
    pub patience: Duration,
    /// How much later than the one before it each attestor proposes, if nothing has come of it.
    pub takeover: Duration,
    /// How far the clocks of two attestors may be apart, together with the time that a message takes.
    pub clock_tolerance: Seconds,
    /// The most bytes that one message has. Everything is divided so that it fits.
    pub most_bytes: usize,
}
