//! Who calls the API: their keys, and what they send.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tocsin_auth::{KeyId, Scope};
use tocsin_store::check::Flaw;
use tocsin_store::credential::OwnerName;
use url::Url;

/// Clients of the API and their keys. The service may be running: it takes up what changes within a minute.
#[derive(Debug, Subcommand)]
pub enum Clients {
    /// Make a client and its first key; its secret is shown once. For a client that is there, make one more key
    Add {
        /// Its name
        #[arg(value_parser = owner_name)]
        client: OwnerName,
        /// What the key may do: read, policies:write, covers:write, webhooks:manage, keys:manage, attest:sign
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
        /// The client's public key of ed25519, in base64url or hexadecimal; without it a secret is made
        #[arg(long)]
        public_key: Option<String>,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Show the keys of all clients
    List {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Make a new key of a client; those that it has are taken beside it for a while
    Rotate {
        /// The client
        #[arg(value_parser = owner_name)]
        client: OwnerName,
        /// The client's new public key of ed25519; without it a secret is made
        #[arg(long)]
        public_key: Option<String>,
        /// For how many hours the old keys are taken
        #[arg(long, default_value_t = 336)]
        overlap_hours: u16,
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
    /// Take a retiring key back into service
    Rollback(OneKey),
    /// Let a key retire at once, without saying that it is compromised
    Retire(OneKey),
    /// End a key for good: somebody else may have it
    Revoke(OneKey),
    /// Show what keys were used for, what was refused, and who still uses an old key
    Usage {
        /// The service configuration
        #[arg(long, default_value = "tocsin.toml")]
        config: PathBuf,
    },
}

/// One key.
#[derive(Debug, Args)]
pub struct OneKey {
    /// Its id, as `tocsin clients list` shows it
    pub key: KeyId,
    /// The service configuration
    #[arg(long, default_value = "tocsin.toml")]
    pub config: PathBuf,
}

/// Signed requests.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Make a pair of keys of ed25519: the private one goes into a new file, the public one is printed
    Generate {
        /// The file to write; it must not exist
        path: PathBuf,
    },
    /// Ask for something
    Get {
        /// What and by whom
        #[command(flatten)]
        signed: Signed,
    },
    /// Send something
    Post(Write),
    /// Replace something
    Put(Write),
    /// Remove something
    Delete(Write),
}

/// A request that changes something.
#[derive(Debug, Args)]
pub struct Write {
    /// What and by whom
    #[command(flatten)]
    pub signed: Signed,
    /// The file with the body; without it there is none
    #[arg(long)]
    pub body: Option<PathBuf>,
    /// What the body is
    #[arg(long, default_value = "application/json")]
    pub content_type: String,
    /// What makes it one write however often it is sent; random if silent
    #[arg(long)]
    pub idempotency_key: Option<String>,
}

/// A request and who signs it.
#[derive(Debug, Args)]
pub struct Signed {
    /// The address
    pub url: Url,
    /// The id of the key
    #[arg(long, env = "TOCSIN_KEY_ID")]
    pub key: KeyId,
    /// The file with the secret (tocsin_sk_…) or with the private key that `tocsin client generate` wrote
    #[arg(long, env = "TOCSIN_KEY_FILE")]
    pub key_file: PathBuf,
    /// Print the request as a line for curl instead of sending it; it is good for a minute
    #[arg(long)]
    pub curl: bool,
}

fn owner_name(text: &str) -> Result<OwnerName, String> {
    text.parse().map_err(|Flaw(reason)| reason)
}
