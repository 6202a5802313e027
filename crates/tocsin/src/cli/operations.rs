//! What whoever runs a service does before, beside and between its runs.

use std::path::PathBuf;

use clap::Args;
use tocsin_auth::KeyId;
use url::Url;

/// Write a configuration that runs, with the cover, the feed and the policy that it names.
#[derive(Debug, Args)]
pub struct Init {
    /// Where; it is made if there is none. Nothing that is there is written over
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}

/// Say how a running service is doing.
#[derive(Debug, Args)]
pub struct Status {
    /// The service configuration, which says where the service listens
    #[arg(long, default_value = "tocsin.toml", conflicts_with = "url")]
    pub config: PathBuf,
    /// Where the service is reached instead, as in https://oracle.example
    #[arg(long)]
    pub url: Option<Url>,
    /// The id of a key with the scope `read`, where the service does not let anybody read how it is doing
    #[arg(long, env = "TOCSIN_KEY_ID", requires = "key_file")]
    pub key: Option<KeyId>,
    /// The file with its secret, or with its private key
    #[arg(long, env = "TOCSIN_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

/// Bring the schema of a database up to date.
#[derive(Debug, Args)]
pub struct Migrate {
    /// The service configuration
    #[arg(long, default_value = "tocsin.toml")]
    pub config: PathBuf,
    /// Change nothing; exit with 1 if there is something to do, with 2 if that cannot be known
    #[arg(long)]
    pub check: bool,
}
