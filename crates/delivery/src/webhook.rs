//! Webhooks: what is sent to strangers' servers, signed so that they can tell who sent it.
//!
//! Promises: every request carries the headers of the Standard Webhooks specification, signed with each secret that is
//! given; nothing is ever sent to an address that the [`guard`] refuses, whatever a name resolves to and whenever; no
//! redirect is followed; time and bytes of an answer are bounded.

pub mod guard;
mod resolve;
pub mod schedule;
pub mod secret;
mod send;

pub use self::resolve::{Lookup, SystemLookup};
pub use self::send::{Answer, Failure, Message, Sender, SenderSettings, UrlRefusal};
