//! Recorded observations: CSV, plain or compressed, and Parquet.
//!
//! The first line of a CSV file names the columns `subject,metric,observed_at,sequence,value`, and optionally `source`; a
//! Parquet file has columns of these names. `observed_at` is RFC 3339, its fraction cut toward the past, or unix seconds.
//! `sequence` is there on all rows of an input or on none; then file order counts. An empty `value` is an observation that
//! says nothing. Quoting is RFC 4180's, but a row is one line.
//!
//! Promises: a recording is read whole or not at all; every bad row is reported with its file and line; rows come in the
//! order of their time, however the files are ordered, and memory does not grow with the files: small ones are kept, ordered
//! ones are read straight through, and others are sorted in parts on disk.

mod columns;
mod container;
mod entry;
mod input;
mod line;
mod lines;
mod merge;
mod parquet;
mod problem;
mod recording;
mod row;
mod rows;
mod runs;
mod settings;
mod straight;
mod streams;
mod survey;
mod value;

pub use problem::{BadRows, RowError};
pub use recording::Recording;
pub use rows::{RecordedRow, Rows};
pub use settings::Settings;
pub use streams::RecordedStream;
