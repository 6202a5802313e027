//! Known answers: what covers make of observations, worked out by hand from the language's definition. Every case goes
//! through both evaluators.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

// One case, one line.
#[rustfmt::skip]
#[path = "eval_answers/breaches.rs"]
mod breaches;
#[rustfmt::skip]
#[path = "eval_answers/conditions.rs"]
mod conditions;
#[rustfmt::skip]
#[path = "eval_answers/events.rs"]
mod events;
#[path = "eval_answers/notation.rs"]
mod notation;
#[path = "eval_answers/usdc.rs"]
mod usdc;
