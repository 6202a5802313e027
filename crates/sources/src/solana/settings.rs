//! What a reader of Solana needs to be told.

use core::fmt;
use core::num::{NonZeroU32, NonZeroU64};
use core::time::Duration;

use tocsin_domain::observation::{Metric, SourceId, Subject};
use url::Url;

use super::{Field, Pubkey, SolanaChain};
use crate::chain::Endpoint;

/// How one cluster is reached and read. Only `finalized` slots are.
#[derive(Clone)]
pub struct SolanaSettings {
    /// The cluster; the node must serve it.
    pub chain: SolanaChain,
    /// The JSON-RPC endpoint, over HTTP; its path and query may be secret.
    pub url: Url,
    /// No answer to a request within this time is a failure.
    pub request_timeout: Duration,
    /// At most this many blocks are read at once. A block of mainnet is some megabytes of JSON.
    pub max_blocks_per_batch: NonZeroU32,
    /// Accounts are looked at once in each stretch of this many slots, whose bounds are its multiples; a slot is 0.4 s.
    pub account_every_slots: NonZeroU64,
    /// How long [`stirred`](crate::BlockSource::stirred) waits.
    pub poll_interval: Duration,
}

/// A field of an account, looked at now and then.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// What the source is, as covers name it: `account:<CAIP-10>#field`.
    pub source: SourceId,
    /// The account.
    pub account: Pubkey,
    /// The program that must own it: only that one can have written its data.
    pub owner: Pubkey,
    /// The bytes that its data must begin with, such as Anchor's discriminator; may be empty.
    pub begins_with: Vec<u8>,
    /// Where the value is in its data.
    pub field: Field,
    /// What is measured.
    pub subject: Subject,
    /// Which property of it.
    pub metric: Metric,
    /// Slots before this one are not looked at.
    pub from_slot: u64,
}

/// An event that a program logs as `Program data: …`, as programs of the Anchor framework do with `emit!`.
#[derive(Clone, Debug)]
pub struct ProgramEventSettings {
    /// What the source is, as covers name it: `event:<CAIP-10>#Name`.
    pub source: SourceId,
    /// The program that logs it.
    pub program: Pubkey,
    /// The first eight bytes of the event: in Anchor, of the SHA-256 of `event:Name`.
    pub discriminator: [u8; 8],
    /// Where the value is; the discriminator is counted, so that the first field is at 8.
    pub field: Field,
    /// What is measured.
    pub subject: Subject,
    /// Which property of it.
    pub metric: Metric,
    /// Blocks before this slot are not read.
    pub from_slot: u64,
}

impl fmt::Debug for SolanaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SolanaSettings")
            .field("chain", &self.chain)
            .field("url", &Endpoint::from(&self.url))
            .field("request_timeout", &self.request_timeout)
            .field("max_blocks_per_batch", &self.max_blocks_per_batch)
            .field("account_every_slots", &self.account_every_slots)
            .field("poll_interval", &self.poll_interval)
            .finish()
    }
}
