//! On-chain delivery: from a stored delivery and the state of the chain to the one next action.
//!
//! ```text
//! DeliveryView ──▶ Submitter::look ──▶ ChainView ──▶ next_action ──▶ Action ──▶ the stage does it, stores it, looks again
//! ```
//!
//! Every step can be repeated or lost: a process that dies anywhere starts again at `look`, and the decision depends on
//! nothing but what is stored, what the chain says, and which bytes this process has handed to the node.

mod action;
mod admin;
mod agreed;
mod broadcast;
mod call;
mod connect;
mod consumption;
mod contract;
mod decide;
mod ending;
mod epoch;
mod fees;
mod key;
mod look;
mod market;
mod node;
mod policy;
mod present;
mod revert;
mod rpc;
mod settings;
mod sign;
mod simulate;
mod spender;
mod standing;
mod transaction;
mod transport;
mod verifier;
mod view;

pub use action::{Action, Order, Waiting};
pub use admin::{AdminCall, Authorities, Performed};
pub use broadcast::Broadcast;
pub use call::{batched_claim_calldata, claim_calldata};
pub use connect::Submitter;
pub use decide::next_action;
pub use fees::{BumpPermille, FeePolicy, Fees, Market, Pricing, Raise};
pub use key::SubmitterKey;
pub use policy::Policy;
pub use revert::{Outlook, Revert};
pub use rpc::RpcFailure;
pub use settings::OnchainSettings;
pub use sign::SignedAttempt;
pub use standing::{ClaimStatus, Happened};
pub use transaction::Receipt;
pub use view::{
    AttemptView, ChainView, Consumption, Cost, DeliveryView, Fate, HeldNonce, Prospect, Purpose,
    Pushed,
};
