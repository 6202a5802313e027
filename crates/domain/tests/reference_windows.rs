//! The naive evaluator against answers worked out by hand, and against counting second by second: windows, functions, the
//! instants they add, and how losses are settled.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "by_hand/expressions.rs"]
mod by_hand;
#[path = "reference_windows/functions.rs"]
mod functions;
#[path = "reference_windows/instants.rs"]
mod instants;
#[path = "reference_windows/losses.rs"]
mod losses;
#[path = "reference_windows/observed.rs"]
mod observed;
#[path = "reference_windows/seconds.rs"]
mod seconds;
#[path = "reference_windows/terms.rs"]
mod terms;
#[path = "reference_windows/weighed.rs"]
mod weighed;
