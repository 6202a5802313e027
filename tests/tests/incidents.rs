//! Covers of protocol incidents: the attack is made on a real chain, the real reader reads it, and the terms of
//! config/incidents say what it is. Beside each attack stands normal life, which is nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "incidents/exploits.rs"]
mod exploits;
#[path = "incidents/governance.rs"]
mod governance;
#[path = "incidents/privileged.rs"]
mod privileged;
#[path = "incidents/redemption.rs"]
mod redemption;
#[path = "incidents/scene.rs"]
mod scene;
#[path = "incidents/service.rs"]
mod service;
#[path = "incidents/shelf.rs"]
mod shelf;
