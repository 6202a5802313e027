//! What is asked of the verifier: epochs of keys, and the ends of claims.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use tocsin_domain::ids::ClaimKey;

use crate::command::claims::claim_key;

/// Keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key and write it into a new, encrypted keystore file
    Generate {
        /// The file to write; it must not exist
        path: PathBuf,
        /// The file that holds the password; without it the password is read from the terminal or standard input
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Announce the next epoch: who signs from when on. Refused where nobody would sign for a while, or this node would
    /// have no key in it
    Rotate {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// Who, and when
        #[command(flatten)]
        asked: Rotate,
    },
    /// Stop an epoch for good, with everything that it has signed and that is not redeemed yet
    Revoke {
        /// Its number
        epoch: u32,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// By whom
        #[command(flatten)]
        sending: Sending,
    },
    /// List the keys of all attestors, as the books have them: where each is in its life, what it was used for, and what lags
    /// behind a rotation. Works beside a running service
    List {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Show the epochs: who is in them, which signs now, until when it is accepted, and how many claims wait under it
    Status {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
}

/// Claims.
#[derive(Debug, Subcommand)]
pub enum Claims {
    /// Stop a claim at once, as the guardian, until a quorum releases or revokes it
    Hold {
        /// Its key
        #[arg(value_parser = claim_key)]
        claim: ClaimKey,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// By whom
        #[command(flatten)]
        sending: Sending,
    },
    /// Sign this node's part in the release of a hold, into a file. The service must be stopped
    Release {
        /// Its key
        #[arg(value_parser = claim_key)]
        claim: ClaimKey,
        /// The file: a new one, or one that another operator has begun
        #[arg(long)]
        file: PathBuf,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Sign this node's part in taking back what was said of a claim, into a file. The service must be stopped
    Revoke {
        /// Its key
        #[arg(value_parser = claim_key)]
        claim: ClaimKey,
        /// Why; all who sign give the same reason
        #[arg(long)]
        reason: String,
        /// The file: a new one, or one that another operator has begun
        #[arg(long)]
        file: PathBuf,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Put the signatures of a revocation or a release together, and send it to the verifier
    Submit {
        /// The file, or the copies that operators have signed
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
        /// By whom
        #[command(flatten)]
        sending: Sending,
    },
    /// Allow a corrected statement about a claim that was revoked. The service must be stopped
    Correct {
        /// Its key
        #[arg(value_parser = claim_key)]
        claim: ClaimKey,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Show whether a claim is paid, held or revoked, and what was said of it here
    Status {
        /// Its key
        #[arg(value_parser = claim_key)]
        claim: ClaimKey,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
}

/// The next epoch.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Rotate {
    /// Who signs, by address, in any order
    #[arg(long = "signer", required = true)]
    pub signers: Vec<Address>,
    /// How many must sign; default: two thirds of them, rounded down, and one
    #[arg(long)]
    pub threshold: Option<u8>,
    /// When it begins (RFC 3339 or unix seconds); default: a quarter of an hour after the newest block
    #[arg(long)]
    pub from: Option<String>,
    /// How long it signs, as in 180d
    #[arg(long, default_value = "180d")]
    pub lasts: String,
    /// How long what it signed last is accepted after that
    #[arg(long, default_value = "60d")]
    pub grace: String,
    /// This node will not sign in it
    #[arg(long)]
    pub without_this_node: bool,
    /// By whom
    #[command(flatten)]
    pub sending: Sending,
}

/// Who sends a transaction, and for how long it is waited for.
#[derive(Clone, Debug, Args)]
pub struct Sending {
    /// Print the call for somebody else to send (a multisig), and send nothing
    #[arg(long)]
    pub calldata: bool,
    /// The keystore of the account that sends; default: the one that delivers claims
    #[arg(long)]
    pub keystore: Option<PathBuf>,
    /// The file with its password
    #[arg(long)]
    pub password_file: Option<PathBuf>,
    /// For how many seconds to wait until the transaction is final
    #[arg(long, value_name = "SECONDS", default_value_t = Self::WAIT)]
    pub wait: u64,
}

impl Sending {
    /// What `--wait` is if silent: half an hour.
    pub const WAIT: u64 = 1_800;
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            calldata: false,
            keystore: None,
            password_file: None,
            wait: Self::WAIT,
        }
    }
}
