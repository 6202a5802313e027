//! How independent attestors come to one attestation.
//!
//! Every node has its own sources, books, key and clock, and decides claims by itself. Here the nodes tell each other what
//! they have seen (reports), settle which reports count (two votes, by [`tocsin_store::quorum::Ballot`]), and sign the
//! claims that follow. Whoever proposes is trusted with nothing.
//!
//! Promises. An attestor signs nothing that it has not itself determined, by its own terms and for its own policies. What it
//! says it has journaled before. It signs one content per claim key, for ever. A quorum that can reach each other comes to a
//! result, whoever of the others is away, lies, or dies in the middle.
//!
//! One round:
//!
//! ```text
//! report  what has each seen, and what is each bound to?
//! vote    these reports hold                              m of them: a certificate
//! lock    and I vote for nothing else                     m of them: a decision
//! sign    these claims follow, by my own books            m of them: attestations
//! signed  told to everybody
//! ```

mod apart;
mod attestor;
mod client;
pub mod envelope;
mod gate;
mod memory;
pub mod message;
mod node;
mod proposer;
mod refusal;
mod serve;
mod server;
mod settings;
mod size;
mod standing;
mod turns;
mod works;

pub use attestor::{Batch, Issued, MOST_CLAIMS, MOST_EVENTS, Proof, Verified};
pub use message::Signed;
pub use node::{Node, NodeError, Now, Ring};
pub use proposer::{Outcome, Trouble, Wish};
pub use refusal::{Reason, Refusal};
pub use serve::{ServeError, serve};
pub use server::router;
pub use settings::{MOST_BYTES, Settings};
pub use standing::{PeerStanding, RoundStanding, Standing};
pub use turns::{next_turn, rank, turns_begun};
