//! HTTP feeds: a provider is a file of `config/feeds`, and what it answers becomes observations.
//!
//! Promises: what a provider did not say, or said in a way that the definition does not name, is an observation without
//! value and a [`Trouble`] that names provider, field and value, never a value and never zero; every observation names
//! the hash of the response that it came from; no key is ever shown.

mod definition;
mod engine;
mod error;
mod exact;
mod fetch;
pub mod flight;
mod health;
mod kept;
mod look;
pub mod moment;
pub mod path;
mod reader;
mod records;
mod section;
mod settings;
pub mod status_map;
mod subject;
mod template;
mod transport;
mod trouble;
mod units;

pub use definition::Definition;
pub use engine::Feed;
pub use error::FeedError;
pub use health::{BreakerState, FeedHealth, KeyHealth, Usage};
pub use look::{Answer, Look, Next, RawResponse, Request, Seen};
pub use settings::{FeedSettings, KeySettings, KeyText};
pub use trouble::{Trouble, TroubleKind};
