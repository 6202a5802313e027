//! Evaluation: from observations to loss events, in observed time.
//!
//! A [`Program`] is a cover, compiled. A [`RiskState`] is what it remembers of one risk; [`Program::advance`] carries the
//! state over every instant up to a watermark and returns the loss events met on the way; [`Program::advance_each`] does so
//! for many risks of one batch. [`Intake`] makes the batches
//! for it out of independent sources. [`mod@reference`] says the same from the whole history, slowly and plainly.
//!
//! What both promise: the result depends on the terms, on the observations up to the watermark and on `evaluate_from`,
//! and on nothing else, in particular not on how the observations were cut into batches or how often the process
//! restarted in between. Unknown never makes a loss event.
//!
//! # Where the language leaves room, this is what both evaluators read
//!
//! **Instants.** Each second with an observation of an input; the first second at which the last observation of an input
//! is older than its `max_age`; for `age(x)` compared with L, the seconds at which the last observation of x is L and
//! L + 1 old; t₀ + d of a `holds` that is open. Without `evaluate_from` the first instant is the first observation. With
//! it, that very second is the first if an observation of it or earlier is carried in, else the first observation after
//! it; before the first instant the trigger is unknown.
//!
//! **State.** Of several observations of an input in one second the last by sequence is the one in force, and the only one
//! that confirms or counts: a value that an empty row withdraws in the same second reports nothing. An input whose last
//! row is empty is unknown for that reason, however old the row gets. `age` counts from the last row, valued or not.
//!
//! **Unknown.** `and` and `or` follow Kleene; where an operation is unknown, its leftmost unknown operand is the reason.
//! `min`, `max` and `clamp` are unknown if any operand is. A duration times or through a number is cut once, to whole
//! seconds.
//!
//! **`holds(c, for: d, recover: r)`** with deadline D = t₀ + d, where "in time" is up to D, or before D for `at least d`:
//! - No breach: c and not r opens one, with t₀ = now; c with r unknown is a gap. Else the value is that of `c and not r`.
//! - Open: false. In time, r ends it and r unknown makes it a gap. At D (`confirm: time`), or at the first instant after D
//!   at which an input of c or r reports a value (`confirm: observation`), it is met, whatever r is by then.
//! - Gap: unknown, whatever c is, until r is known again; then as if there had been no breach, at the same instant.
//! - Met: true until a later instant at which r is true.
//! - `observations: n` from 2 up counts distinct (source, sequence) among the values that inputs of c and r report from t₀
//!   on; inputs without a named source are a source of their own. While there are fewer by D, the breach stays open, r
//!   still ends it and r unknown still makes it a gap; it is met when there are enough. One observation is no
//!   requirement: a breach that time alone began need not have any.
//!
//! **Loss events.** The trigger's first instant of truth; then, with `rearm = "after d"`, the first at which it is true,
//! began at the last confirmation + d or later, and was false (not unknown) at an instant after that confirmation.

mod batch;
mod breach;
mod engine;
pub mod error;
mod exact;
mod few;
mod fixed;
pub mod intake;
pub mod many;
mod optional_time;
pub mod outcome;
mod program;
mod quiet;
pub mod reference;
mod scalar;
mod settle;
mod slot;
mod standing;
mod state;
mod view;
mod window;
mod written;

pub use error::EvalError;
pub use intake::{Batch, Intake};
pub use many::Part;
pub use outcome::{InputObservation, LossEvent, Truth, Unknown};
pub use program::Program;
pub use state::{Known, RiskState, Start};
