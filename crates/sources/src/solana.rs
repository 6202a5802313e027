//! Accounts and program events of a Solana cluster, read over JSON-RPC.
//!
//! Promises, for every batch that [`SolanaReader`] returns: its blocks are `finalized` and linked by the hashes of their
//! parents to the cursor, so that a slot without a block is told from a block that was left out; the observations of events are
//! all those that the blocks' transactions logged; those of accounts come from one answer of the node. Anything else is
//! an error, and an error leaves the cursor where it was.
//!
//! **What a node's word is worth.** No header here commits to what a client could recompute, so a batch rests on the word of
//! the endpoint: its coverage says so. Blocks can be read again by anybody, and events with them. The state of an account
//! can only be asked for as of now: which slots are looked at depends on when the question arrives, so two nodes, or
//! two readers, see a different selection of slots, though at the same slot the same value. Covers on accounts should ask
//! for a breach that lasts, and bound the age of values.
//!
//! The hash in an observation's provenance is that of the `result` as the node wrote it: of the block, or of the answer
//! with all accounts. Who keeps the answer can show it; nodes of other versions may write the same facts in other bytes.

mod account;
mod blocks;
mod chain;
mod event;
mod field;
mod invocations;
mod node;
mod pubkey;
mod reader;
mod settings;
mod source;
pub mod stake_pool;

pub use chain::SolanaChain;
pub use field::{Field, FieldType};
pub use pubkey::Pubkey;
pub use reader::SolanaReader;
pub use settings::{AccountSettings, ProgramEventSettings, SolanaSettings};
pub use source::SolanaSource;
