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
    /// Let the log go on although the file that keeps its last signed state ([log] state_file) is lost: you say that the database is
    /// the newest one, after you have compared it with an earlier audit. It is recorded in the log. The service must be
    /// stopped
    Adopt {
        /// Why, for everybody to see
        #[arg(long)]
        reason: String,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Go on with the log under another key and name, for everybody to see: where its key is lost or stolen, or the newest database
    /// is lost and an older one was put back. Prints what verifies it from here on. The service must be stopped
    NewOrigin {
        /// Why, for everybody to see
        #[arg(long)]
        reason: String,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// End doubts about what was changed by hand, once the rows say again what their leaves say. The service must be
    /// stopped. Exit with 1 if any remains
    Settle {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
}
