//! Evaluation: from observations to loss events, in observed time.

mod batch;
mod breach;
mod engine;
pub mod error;
pub mod intake;
pub mod outcome;
mod program;
pub mod reference;
mod scalar;
mod state;
mod view;

pub use error::EvalError;
pub use intake::{Batch, Intake};
pub use outcome::{InputObservation, LossEvent, Truth, Unknown};
pub use program::Program;
pub use state::RiskState;
