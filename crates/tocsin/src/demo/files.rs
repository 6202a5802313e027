//! What an operator would have written by hand: a cover, a policy, a service configuration, keys and their passwords.

use std::fs;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use secrecy::{ExposeSecret, SecretString};
use tocsin_domain::cover::Cover;
use tocsin_log::VerifierKey;
use url::Url;

use super::DemoError;
use super::SUM_INSURED;
use super::chain::{Bought, CHAIN_ID, Deployed, WAITING};
use crate::config::{Config, load_cover};
use crate::log_key;
use crate::service::ServiceError;

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Layout {
    folder: PathBuf,
}

/// Fresh keys.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Signs attestations.
    pub attestor: Address,
    /// Submits transactions.
    pub submitter: Address,
}

/// What a folder of an earlier demonstration may hold, and so what is removed from it.
const OURS: &[&str] = &[
    "cover.toml",
    "policies.toml",
    "tocsin.toml",
    "aeroapi.toml",
    "policies.csv",
    "flights.csv",
    "counts.json",
];
/// Tells a demonstration's folder from all others.
const MARK: &str = "tocsin-demo";
const OUR_FOLDERS: &[&str] = &["keys", "evidence"];

impl Layout {
    /// Makes the folder, or clears what an earlier demonstration left in it. Any other folder that is not empty is left
    /// alone: it may be somebody's service, with files of the same names.
    pub fn create(folder: &Path) -> Result<Self, DemoError> {
        let layout = Self {
            folder: folder.to_owned(),
        };
        make_folder(folder)?;
        let mut entries = fs::read_dir(folder).map_err(|source| DemoError::File {
            path: folder.to_owned(),
            source,
        })?;
        if entries.next().is_some() && !folder.join(MARK).exists() {
            return Err(DemoError::NotOurs {
                path: folder.to_owned(),
            });
        }
        layout.write(
            MARK,
            "A demonstration of Tocsin left its files here; the next one replaces them.\n",
        )?;
        for name in OURS {
            layout.clear(name, |path| fs::remove_file(path))?;
        }
        for name in OUR_FOLDERS {
            layout.clear(name, |path| fs::remove_dir_all(path))?;
        }
        for suffix in ["", "-wal", "-shm", ".lock", ".log-key", ".log-key.signed"] {
            layout.clear(&format!("tocsin.db{suffix}"), |path| fs::remove_file(path))?;
        }
        make_folder(&layout.folder.join("keys"))?;
        make_folder(&layout.evidence())?;
        Ok(layout)
    }

    /// The terms.
    pub fn cover(&self) -> PathBuf {
        self.folder.join("cover.toml")
    }

    /// The service configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("tocsin.toml")
    }

    /// The service's database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("tocsin.db")
    }

    /// What verifies the service's eligibility log.
    pub fn log_key(&self) -> Result<VerifierKey, DemoError> {
        let log = Config::load(&self.config())?.log;
        let key = log_key::open(&log.key_file, log.origin.as_ref()).map_err(ServiceError::from)?;
        Ok(key.verifier().clone())
    }

    /// Where evidence bundles go.
    pub fn evidence(&self) -> PathBuf {
        self.folder.join("evidence")
    }

    fn clear(
        &self,
        name: &str,
        remove: impl Fn(&Path) -> std::io::Result<()>,
    ) -> Result<(), DemoError> {
        let path = self.folder.join(name);
        match remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DemoError::File {
                path,
                source: error,
            }),
            _ => Ok(()),
        }
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), DemoError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|source| DemoError::File { path, source })
    }
}

impl Secrets {
    /// Makes two keys in encrypted keystores, each with a password file.
    pub fn generate(layout: &Layout) -> Result<Self, DemoError> {
        let make = |name: &str| -> Result<Address, DemoError> {
            let password = SecretString::from(password());
            layout.write(&format!("keys/{name}.password"), password.expose_secret())?;
            let path = layout.folder.join(format!("keys/{name}.json"));
            Ok(tocsin_attest::generate_keystore(&path, &password)?)
        };
        Ok(Self {
            attestor: make("attestor")?,
            submitter: make("submitter")?,
        })
    }
}

/// Writes the terms and reads them back, as everybody else will.
pub fn write_cover(
    layout: &Layout,
    aggregator: Address,
    product: Address,
) -> Result<Cover, DemoError> {
    layout.write("cover.toml", &cover_text(aggregator, product))?;
    Ok(load_cover(&layout.cover())?)
}

fn cover_text(aggregator: Address, product: Address) -> String {
    format!(
        r#"# The demonstration's terms: Etherisc's published rule for USDC (breach at 0.995 or lower; recovery at 0.999 or
# higher; not recovered within 24 h is a depeg, confirmed by the next round; payout 1 − price, at most 20 %).
name    = "usdc-depeg-24h"
title   = "USDC depeg, 24 h without recovery"
version = 1
peril   = "stablecoin-depeg"
consumer = "eip155:{CHAIN_ID}:{product:#x}"

[inputs.usdc]
metric  = "price"
subject = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
source  = "chainlink:eip155:{CHAIN_ID}:{aggregator:#x}"
max_age = "25h"

[trigger]
when  = "holds(usdc <= 0.995, for: 24h, recover: usdc >= 0.999, confirm: observation)"
rearm = "never"

[payout]
fraction = "clamp(1 - usdc, 0, 20%)"

[policy]
waiting         = "{waiting}s"
event_time      = "confirmed"
event_inclusion = "[inception, expiry)"
claim_deadline  = "7d"

[finality]
"eip155:{CHAIN_ID}" = "finalized"
"#,
        waiting = WAITING.0,
    )
}

/// Writes the policy and the service configuration; the service reads blocks from `from_block` on and asks for new ones
/// every `poll_ms`.
pub fn write_service(
    layout: &Layout,
    url: &Url,
    deployed: &Deployed,
    policy: &Bought,
    from_block: u64,
    poll_ms: u64,
) -> Result<(), DemoError> {
    let Deployed {
        aggregator,
        verifier,
        product,
        terms_hash,
        attestor,
        holder,
        ..
    } = deployed;
    layout.write(
        "policies.toml",
        &format!(
            r#"[[policy]]
number      = "{number}"
cover       = "usdc-depeg-24h"
terms_hash  = "{terms_hash}"
consumer    = "eip155:{CHAIN_ID}:{product:#x}"
holder      = "{holder:#x}"
sum_insured = "{SUM_INSURED}"
inception   = "{inception}"
expiry      = "{expiry}"
"#,
            number = policy.number,
            inception = policy.inception,
            expiry = policy.expiry,
        ),
    )?;
    layout.write(
        "tocsin.toml",
        &format!(
            r#"database = "tocsin.db"
policies = ["policies.toml"]

[[covers]]
file          = "cover.toml"
evaluate_from = "2023-03-02T00:00:00Z"

[api]
listen = "127.0.0.1:0"

[chains."eip155:{CHAIN_ID}"]
url              = "{url}"
finality         = "finalized"
strictly_rising_timestamps = true
stalled_after    = "7d"
poll_interval_ms = {poll_ms}

[sources."chainlink:eip155:{CHAIN_ID}:{aggregator:#x}"]
event       = "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)"
subject     = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
metric      = "price"
value       = "current"
decimals    = 8
sequence    = "roundId"
observed_at = "updatedAt"
from_block  = {from_block}

[attestor]
verifier  = "eip155:{CHAIN_ID}:{verifier:#x}"
epoch     = 1
threshold = 1
signers   = ["{attestor:#x}"]
hold      = "0s"
valid_for = "30d"
signer    = {{ kind = "keystore", path = "keys/attestor.json", password = "file:keys/attestor.password" }}

[delivery."eip155:{CHAIN_ID}"]
finality         = "finalized"
max_fee_gwei     = 100
poll_interval_ms = {poll_ms}
signer           = {{ kind = "keystore", path = "keys/submitter.json", password = "file:keys/submitter.password" }}
"#
        ),
    )
}

fn make_folder(path: &Path) -> Result<(), DemoError> {
    fs::create_dir_all(path).map_err(|source| DemoError::File {
        path: path.to_owned(),
        source,
    })
}

/// A password that nobody has to remember.
pub(super) fn password() -> String {
    // The signers' own randomness; the key is used for nothing else.
    format!(
        "{:x}",
        alloy::signers::local::PrivateKeySigner::random().to_bytes()
    )
}
