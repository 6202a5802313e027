//! `tocsin log`: the words of its command line.

use std::path::PathBuf;

use clap::Subcommand;

/// The eligibility log.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Recompute the whole log from its entries and compare it with its signed state and with the last audit; for a
    /// database also with every row that the leaves were made of. The service must be stopped for that. Exit with 1 if
    /// anything does not hold, with 2 if that cannot be known
    Audit {
        /// The log of a running service, as in https://oracle.example/v1/log; needs --key
        #[arg(long, requires = "key")]
        url: Option<String>,
        /// What verifies it, as `tocsin log key` prints it
        #[arg(long)]
        key: Option<String>,
        /// The service configuration, for its database
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// Keeps the audited state in this file, and compares the next audit with it
        #[arg(long)]
        state: Option<PathBuf>,
    },
    /// Print what verifies the log's signed states, for those who audit it
    Key {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Print everything that the log says of a policy, with a proof of each leaf: also that it did not trigger. The
    /// service must be stopped
    Prove {
        /// The policy id
        #[arg(long)]
        policy: String,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Check what `tocsin log prove` printed, with nothing but the key, and say what it shows: the terms before the policy,
    /// and where it did not trigger, that everything was read over its whole period. Exit with 1 if it does not hold, or
    /// does not show what it says
    Check {
        /// The file
        proof: PathBuf,
        /// What verifies the log
        #[arg(long)]
        key: String,
    },
}
