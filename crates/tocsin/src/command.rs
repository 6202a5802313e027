//! The commands, one file each. Each says what it prints and when it fails; `main` maps that to an exit status.

pub mod backtest;
pub mod chain;
pub mod check;
pub mod claims;
pub mod client;
pub mod clients;
pub mod evidence;
pub mod explain;
pub mod feeds;
pub mod init;
pub mod keys;
pub mod log;
pub mod migrate;
pub mod policies;
pub mod status;
mod verifier;
pub mod verify;
