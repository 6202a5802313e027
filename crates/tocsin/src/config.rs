//! The service configuration: the one place that reads TOML settings, the environment and secret files.
//!
//! Text becomes settings structs of the crates here, once; inside there are no strings left to check. Unknown keys are
//! refused. Paths are relative to the configuration file. A secret is `file:PATH` or `${NAME}`, never the text itself.

pub(crate) mod caip;
mod chain;
mod covers;
mod feeds;
mod file;
mod misfit;
mod offers;
mod policies;
mod secret;
mod served;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_api::auth::AuthSettings;
use tocsin_attest::KeySettings;
use tocsin_delivery::onchain::{OnchainSettings, SubmitterKey};
use tocsin_delivery::webhook::SenderSettings;
use tocsin_delivery::webhook::schedule::Schedule;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::attestation::{Epoch, SigningDomain};
use tocsin_domain::observation::SourceId;
use tocsin_domain::policy::Policy;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_log::KeyName;
use url::Url;

pub use self::chain::{Chain, Network};
use self::covers::load_covers;
pub use self::covers::{InsuredCover, Listening, Origin, RiskKey, load_cover};
pub use self::feeds::{FeedConfig, Feeds};
pub use self::misfit::Misfit;
pub use self::offers::Offers;
pub use self::served::Served;
use crate::insure::Insurer;
use crate::pipeline::webhooks::keyring::Keyring;

/// Everything that `tocsin run` needs, checked.
#[derive(Debug)]
pub struct Config {
    /// The database file.
    pub database: PathBuf,
    /// Where the API listens; nowhere if absent.
    pub api: Option<ApiConfig>,
    /// Who may call.
    pub auth: AuthSettings,
    /// Source chains.
    pub chains: Vec<Chain>,
    /// How often sources speak at the least, where that is said.
    pub heartbeats: BTreeMap<SourceId, Seconds>,
    /// Covers and the risks under them.
    pub covers: Vec<InsuredCover>,
    /// Feeds that are polled.
    pub feeds: Feeds,
    /// Policies that the configuration lists.
    pub policies: Vec<Policy>,
    /// Files with a policy a line, which are imported when the service starts.
    pub policy_files: Vec<PathBuf>,
    /// Who signs; nothing is attested if absent.
    pub attestor: Option<AttestorConfig>,
    /// The other attestors; attested alone if absent.
    pub quorum: Option<QuorumConfig>,
    /// How endpoints of webhooks are told; there are none if absent.
    pub webhooks: Option<WebhooksConfig>,
    /// The eligibility log.
    pub log: LogConfig,
    /// Settlement chains; nothing is delivered to a chain that is not here.
    pub deliveries: Vec<DeliveryConfig>,
    /// The collector that traces are sent to, if there is one.
    pub traces: Option<Url>,
}

impl Config {
    /// Inputs that become unknown between two observations of a source that does what it promises.
    pub fn impatient_inputs(&self) -> Vec<String> {
        let offers = self.offers();
        let mut found = Vec::new();
        for insured in &self.covers {
            let name = &insured.cover.name;
            let impatient = offers.impatient_inputs(insured).into_iter();
            found.extend(impatient.map(|misfit| format!("cover `{name}`: {misfit}")));
        }
        found
    }
}

/// The eligibility log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// What it is called; after its key if absent.
    pub origin: Option<KeyName>,
    /// The file with the seed of the key that signs its states; made for a log that has nothing in it.
    pub key_file: PathBuf,
    /// The file that keeps the state that was signed last.
    pub state_file: PathBuf,
    /// How often it says how far sources were read.
    pub coverage_every: Seconds,
}

/// How clients are served.
#[derive(Clone, Copy, Debug)]
pub struct ApiConfig {
    /// Where.
    pub listen: SocketAddr,
    /// Whether anybody may read how sources, feeds, attestors and deliveries are doing.
    pub open_reads: bool,
    /// Whether anybody may write.
    pub open_writes: bool,
    /// Requests a second of each address.
    pub requests_per_second: Option<u32>,
    /// How long after its inception a policy may still come from a client.
    pub late_policies: Seconds,
}

/// Who signs, for which verifier.
#[derive(Debug)]
pub struct AttestorConfig {
    /// The verifier contract, or the programme off-chain.
    pub domain: SigningDomain,
    /// The epochs of a programme off-chain, or the one, without bounds, whose signers the verifier must have; empty where the
    /// verifier is asked for all.
    pub epochs: Vec<Epoch>,
    /// This node's keys, of which each may be in some of the epochs.
    pub keys: Vec<KeySettings>,
    /// How long after signing an attestation can be used first: the time for a veto.
    pub hold: Seconds,
    /// How long after signing it can be used last.
    pub valid_for: Seconds,
    /// From how many claims at once on they are signed as one batch; `None`: never.
    pub batch_from: Option<NonZeroUsize>,
    /// Contracts whose attestations are fetched and used by others: nothing is submitted for them.
    pub fetched_by: BTreeSet<Address>,
    /// The contract of the Ethereum Attestation Service that attestations are mirrored for; `None`: they are not.
    pub eas: Option<EasContract>,
}

impl AttestorConfig {
    /// The verifier's chain; off-chain there is none, and a consumer may be an account on any.
    fn settlement_chain(&self) -> Option<u64> {
        self.domain.verifier().map(|verifier| verifier.chain_id)
    }
}

/// The other attestors, where one signature is not enough.
#[derive(Debug)]
pub struct QuorumConfig {
    /// Where they ask this node.
    pub listen: SocketAddr,
    /// Where this node asks them, and how long it waits for whom.
    pub settings: tocsin_quorum::Settings,
    /// How much later than the one before it each attestor delivers.
    pub deliver_after: Seconds,
}

/// How endpoints of webhooks are told.
#[derive(Debug)]
pub struct WebhooksConfig {
    /// What makes and opens their secrets.
    pub keys: Keyring,
    /// Where messages may go, and how long that may take.
    pub sender: SenderSettings,
    /// When a message is tried again.
    pub schedule: Schedule,
    /// How many endpoints there may be.
    pub max_endpoints: u32,
    /// How long events are kept.
    pub keep: Seconds,
}

/// A settlement chain.
#[derive(Debug)]
pub struct DeliveryConfig {
    /// How it is reached, and what may be paid there.
    pub settings: OnchainSettings,
    /// The account that pays for gas.
    pub key: SubmitterKey,
    /// How often it looks.
    pub poll_interval: Duration,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path}: check that it is there and that this user may read it", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {problem}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to write.
        problem: String,
    },
    /// A cover is wrong; its diagnostics say where.
    #[error("{path}: the cover has {} error(s)", diagnostics.len(), path = path.display())]
    Cover {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// What is wrong.
        diagnostics: Vec<tocsin_domain::diagnostic::Diagnostic>,
    },
}

impl Config {
    /// Reads a configuration and everything that it names; nothing is contacted and nothing is written.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = file::ConfigFile::read(path)?;
        let base = path.parent().unwrap_or(Path::new("."));
        let chains = file.chains(path, base)?;
        let mut heartbeats = file.heartbeats(path)?;
        let feeds = file.feeds(path, base)?;
        // What a feed says again although it has not changed.
        heartbeats.extend(feeds.repeats());
        let offers = Offers::of(&chains, &feeds, &heartbeats);
        let mut covers = load_covers(path, base, &file.covers, &offers)?;
        let attestor = file
            .attestor
            .map(|attestor| attestor.resolve(path, base))
            .transpose()?;
        let auth = file.auth.map_or_else(
            || Ok(AuthSettings::default()),
            |auth| auth.resolve(path, base),
        )?;
        let quorum = file
            .quorum
            .map(|quorum| quorum.resolve(path, base, attestor.as_ref()))
            .transpose()?;
        let webhooks = file
            .webhooks
            .map(|webhooks| webhooks.resolve(path, &auth))
            .transpose()?;
        let settlement = attestor.as_ref().and_then(AttestorConfig::settlement_chain);
        let mut policies = Vec::new();
        let mut policy_files = Vec::new();
        for name in &file.policies {
            let place = base.join(name);
            if policies::is_table(&place) {
                policy_files.push(place);
            } else {
                policies.extend(policies::load(&place, &mut covers, &feeds, settlement)?);
            }
        }
        let mut deliveries = Vec::new();
        for (chain, delivery) in file.delivery {
            let Some(attestor) = &attestor else {
                return Err(invalid(
                    path,
                    "[delivery] needs an [attestor]: there is nothing to deliver without one"
                        .to_owned(),
                ));
            };
            let Some(verifier) = attestor.domain.verifier() else {
                return Err(invalid(
                    path,
                    "[delivery] needs a verifier contract, and [attestor] signs for a programme off-chain: leave one out"
                        .to_owned(),
                ));
            };
            deliveries.push(delivery.resolve(path, base, &chain, &chains, verifier)?);
        }
        let database = base.join(file.database);
        let log = file
            .log
            .resolve(base, &database)
            .map_err(|problem| invalid(path, problem))?;
        let config = Self {
            database,
            traces: file
                .telemetry
                .resolve()
                .map_err(|problem| invalid(path, problem))?,
            api: file.api.map(|api| api.resolve(path)).transpose()?,
            auth,
            chains,
            heartbeats,
            covers,
            feeds,
            policies,
            policy_files,
            attestor,
            quorum,
            webhooks,
            log,
            deliveries,
        };
        config.check_settlement(path)?;
        Ok(config)
    }

    /// What covers can listen to.
    pub fn offers(&self) -> Offers {
        Offers::of(&self.chains, &self.feeds, &self.heartbeats)
    }

    /// What reads rows of policies as this configuration means them, at `now`.
    pub fn insurer(&self, now: Timestamp) -> Insurer<'_> {
        Insurer {
            now,
            covers: &self.covers,
            feeds: &self.feeds,
            settlement: self.settlement(),
        }
    }

    /// The chain of the attestor's verifier, where there is one.
    pub fn settlement(&self) -> Option<u64> {
        let attestor = self.attestor.as_ref();
        attestor.and_then(AttestorConfig::settlement_chain)
    }

    /// What is signed can be used, and rests on what is final.
    fn check_settlement(&self, path: &Path) -> Result<(), ConfigError> {
        if let Some(attestor) = &self.attestor {
            if attestor.hold > attestor.valid_for {
                return Err(invalid(
                    path,
                    format!(
                        "[attestor] hold ({}) is longer than valid_for ({}): nothing could ever be used",
                        attestor.hold, attestor.valid_for
                    ),
                ));
            }
            // What is signed rests on final data; the newest block is not, unless somebody answers for it.
            if let Some(chain) = self
                .chains
                .iter()
                .find(|chain| chain.trusts_the_newest_block())
            {
                return Err(invalid(
                    path,
                    format!(
                        "[chains.\"{}\"] takes the newest block as final, and [attestor] would sign what may yet be \
                         undone: write \"finalized\", \"safe\" or a number of confirmations (or \"instant\" for a chain \
                         whose blocks are final as soon as they are there)",
                        chain.name
                    ),
                ));
            }
        }
        Ok(())
    }
}

pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn invalid(path: &Path, problem: String) -> ConfigError {
    ConfigError::Invalid {
        path: path.to_owned(),
        problem,
    }
}
