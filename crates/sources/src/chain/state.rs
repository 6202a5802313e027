//! What contracts say between their events: values of functions, words of storage, rounds of price feeds.
//!
//! Promises: a reading is pinned to the hash of its block, so that it cannot come from another fork, and everybody who reads
//! the chain reads at the same blocks, so that it cannot depend on when somebody looked. A word of storage is proven from
//! the block's state root; of a call there is the word of the nodes that agree. A call that reverts, a contract that is not
//! there and an answer that is not what its function returns are told apart, from each other and from a node that fails:
//! the first says what the settings say that it says, the others say nothing, and the last is an error.
//!
//! The time of a reading is its block's, and its sequence is after every log of the block. A feed's round has a time and a
//! number of its own: see [`FeedSettings`].

mod ask;
mod call;
mod declaration;
mod feed;
mod path;
mod proof;
mod read;
mod rounds;
mod settings;
mod slot;
mod source;

pub(crate) use read::{StateAt, read};
pub use rounds::RoundsSource;
pub use settings::{
    AnswerLimits, CallSettings, FeedSettings, OnRevert, PhaseSettings, Reading, RoundsSettings,
    Schedule, SequencerSettings, StateSettings, StorageField, StorageSettings, WakingEvent,
};
pub use source::StateSource;
