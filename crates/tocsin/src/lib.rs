//! The only crate that knows all the others: configuration, pipeline stages, supervisor and commands.

pub mod anchor;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod demo;
pub mod insure;
pub mod log_key;
pub mod pipeline;
pub mod private_file;
pub mod report;
pub mod service;
pub mod supervisor;
pub mod telemetry;
