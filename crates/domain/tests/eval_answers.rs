//! Known answers: what covers make of observations, worked out by hand from the language's definition. Every case goes
//! through both evaluators.

#[path = "eval_answers/breaches.rs"]
mod breaches;
#[path = "eval_answers/conditions.rs"]
mod conditions;
#[path = "eval_answers/events.rs"]
mod events;
#[path = "eval_answers/notation.rs"]
mod notation;
#[path = "eval_answers/usdc.rs"]
mod usdc;
