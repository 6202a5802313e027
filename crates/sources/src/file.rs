//! Recorded observations, as CSV.
//!
//! The first line names the columns `subject,metric,observed_at,sequence,value`, and optionally `source`. `observed_at` is RFC
//! 3339, its fraction cut toward the past, or unix seconds. `sequence` is there on all rows of an input or on none; then file
//! order counts. An empty `value` is an observation that says nothing. Quoting is RFC 4180's, but a row is one line.
//!
//! Promises: a recording is read whole or not at all, and every bad row is reported with its file and line.

mod columns;
mod line;
mod problem;
mod recording;
mod row;
mod value;

pub use problem::{BadRows, RowError};
pub use recording::{Recorded, Recording, read_files};
