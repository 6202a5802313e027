//! The command line.

mod clients;
mod log;
mod operations;
mod verifier;

use core::net::SocketAddr;
use core::num::NonZeroU16;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use self::clients::{Client, Clients, OneKey, Signed, Write};
pub use self::log::Log;
pub use self::operations::{Init, Migrate, Status};
pub use self::verifier::{Claims, Keys, Rotate, Sending};

/// A parametric-insurance oracle whose evidence anyone can re-execute.
#[derive(Debug, Parser)]
#[command(name = "tocsin", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads a command line whose first word is the program's name, or says what is wrong with it.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        Self::try_parse_from(words).map_err(|error| error.to_string())
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a configuration that runs, with the cover, the feed and the policy that it names
    Init(Init),
    /// Check covers, or a service configuration and all that it names, without contacting anybody
    Check {
        /// Cover files, or one service configuration with --config
        #[arg(required_unless_present = "config")]
        covers: Vec<PathBuf>,
        /// The service configuration
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Watch, decide, sign and deliver until told to stop
    Run {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// Write logs as JSON
        #[arg(long)]
        json_logs: bool,
    },
    /// Serve the API alone, from a database that a `tocsin run` on this machine fills: public and signed requests are kept
    /// away from the process that watches and signs. Takes no covers and policies, and sends no webhooks
    Serve {
        /// The service configuration, of which [api], [auth], [telemetry] and `database` are used
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// Where to listen, instead of at [api] listen
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Write logs as JSON
        #[arg(long)]
        json_logs: bool,
    },
    /// Say how a running service is doing, on a page of text; exit with 0 if it is ready, with 1 if it is not, with 2 if that
    /// cannot be told
    Status(Status),
    /// Bring the database of a stopped service up to date, and say from which version to which; `run` does it by itself
    Migrate(Migrate),
    /// Say the terms of a cover in plain sentences, or what every part of them is worth at an instant
    Explain(Explain),
    /// Say what a cover would have decided on recorded observations
    Backtest(Backtest),
    /// Re-execute an evidence bundle offline; exit with 1 if anything in it does not hold
    Verify {
        /// The bundle
        bundle: PathBuf,
        /// The signers that you trust, by address; without them the bundle's own set is only shown
        #[arg(long = "signer")]
        signers: Vec<alloy::primitives::Address>,
        /// The epochs that you trust: a file with what `GET /v1/epochs` answered, of the attestors or of your own books
        #[arg(long)]
        epochs: Option<PathBuf>,
        /// What verifies the eligibility log, as `tocsin log key` prints it: take it from whoever keeps the log
        #[arg(long)]
        log_key: Option<tocsin_log::VerifierKey>,
    },
    /// Replay the USDC depeg of March 2023 on a chain of your own: a claim is paid, and its evidence verified
    Demo {
        /// Replay the blizzard of February 2013 instead: 5,000 policies on 1,614 flights
        #[arg(long)]
        flights: bool,
        /// The anvil program
        #[arg(long, default_value = "anvil")]
        anvil: PathBuf,
        /// Where the demo leaves its files: a new folder, or that of an earlier demo, whose files it replaces
        #[arg(long, default_value = "demo-run")]
        output: PathBuf,
    },
    /// Chains that are watched
    #[command(subcommand)]
    Chain(Chain),
    /// Feeds that are polled
    #[command(subcommand)]
    Feeds(Feeds),
    /// Policies
    #[command(subcommand)]
    Policies(Policies),
    /// Keys of attestors and of the accounts that submit transactions
    #[command(subcommand)]
    Keys(Box<Keys>),
    /// Claims that must not be paid as they were attested
    #[command(subcommand)]
    Claims(Claims),
    /// The eligibility log: audits and proofs
    #[command(subcommand)]
    Log(Log),
    /// Clients of the API, and their keys
    #[command(subcommand)]
    Clients(Clients),
    /// Requests to the API, signed with your key
    #[command(subcommand)]
    Client(Box<Client>),
}

/// Chains.
#[derive(Debug, Subcommand)]
pub enum Chain {
    /// Let a chain go on that was halted because it took back a final block: unwind what was read of that, then clear
    /// the halt. The service must be stopped. Exit with 1 while a person has to look first
    Resume {
        /// The chain, as in eip155:1
        chain: String,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// You have looked at the claims that were reserved for a signature before their evidence was taken back
        #[arg(long)]
        acknowledge: bool,
    },
}

/// Feeds.
#[derive(Debug, Subcommand)]
pub enum Feeds {
    /// Decide about a subject that a feed cannot find out: have it asked about again, or leave it. The service must be
    /// stopped
    Attend {
        /// The feed, as in feed:aeroapi
        feed: String,
        /// The subject, as /v1/feeds lists it
        subject: String,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// Leave it: what is known is all that ever will be, and what is unknown stays so
        #[arg(long)]
        leave: bool,
    },
}

/// Policies.
#[derive(Debug, Subcommand)]
pub enum Policies {
    /// Take the policies of a CSV file into the books, all or none. The service must be stopped. Exit with 2 and a list of
    /// every bad row if there is one
    Import {
        /// The file, with the columns number, cover, terms_hash, consumer, holder, sum_insured, inception, expiry and, for
        /// covers that name no subject, subject
        file: PathBuf,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
}

/// Say the terms of a cover in plain sentences.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The cover
    pub cover: PathBuf,
    /// Show the value of every part of the terms at this instant (RFC 3339 or unix seconds)
    #[arg(long, requires = "observations")]
    pub at: Option<String>,
    /// Recorded observations, as for `backtest`
    #[arg(long, requires = "at")]
    pub observations: Vec<PathBuf>,
    /// The insured subject, for covers whose inputs name none
    #[arg(long, requires = "at")]
    pub subject: Option<String>,
    /// When the policy begins, for covers that look back to it; default: the first observation
    #[arg(long, requires = "at")]
    pub inception: Option<String>,
}

/// Say what a cover would have decided on recorded observations.
#[derive(Debug, clap::Args)]
pub struct Backtest {
    /// The cover
    #[arg(long)]
    pub cover: PathBuf,
    /// Recorded observations: CSV (plain, gzip or Zstandard) or Parquet with the columns
    /// subject,metric,observed_at,sequence,value and, if there are several, source
    #[arg(long, required = true)]
    pub observations: Vec<PathBuf>,
    /// One risk for each subject found, for covers whose inputs name no subject
    #[arg(long)]
    pub each_subject: bool,
    /// How far time is known to have advanced (RFC 3339 or unix seconds); default: the last observation
    #[arg(long)]
    pub as_of: Option<String>,
    /// When the policy begins, for covers that look back to it (RFC 3339 or unix seconds); default: the first
    /// observation
    #[arg(long)]
    pub inception: Option<String>,
    /// Evaluate under every value of a parameter of the cover, as in `threshold=0.90..0.99:0.01`; several options give
    /// every combination. Prints a summary for each instead of determinations
    #[arg(long, value_name = "NAME=FROM..TO:STEP")]
    pub sweep: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub format: Format,
    /// How many MiB of rows may be in memory at once. Unordered files with more are sorted in parts, in the system's
    /// folder for temporary files (TMPDIR)
    #[arg(long, value_name = "MIB", default_value_t = Self::MEMORY_MIB)]
    pub memory: NonZeroU16,
    /// Draw the observations, the breaches and what was decided into this SVG file
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

impl Backtest {
    /// What `--memory` is if silent: half a million rows.
    pub const MEMORY_MIB: NonZeroU16 = NonZeroU16::new(64).unwrap();
}

/// How to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// One JSON object per line
    Jsonl,
    /// For people
    Table,
    /// For spreadsheets; the summary goes to standard error
    Csv,
}
