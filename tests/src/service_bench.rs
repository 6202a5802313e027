//! The benchmark of the service as its clients meet it: `cargo xtask bench service`.
//!
//! The service is a process of its own, on a database of its own, and so is every bound that it is compared with; both are
//! asked by the same client in the same run, on the same cores.

pub mod beside;
pub mod client;
pub mod hooks;
pub mod place;
pub mod reads;
pub mod report;
pub mod soak;
pub mod writes;
