//! The benchmark of reading chains: `cargo xtask bench chain`.
//!
//! Every figure is measured in a process of its own, so that memory and processor time are those of what is measured, and
//! every bound in the same run as what it bounds.

pub mod backfill;
pub mod bare;
pub mod latency;
pub mod many;
pub mod process;
pub mod report;
pub mod scene;
pub mod stored;
pub mod table;
