//! The service configuration: the one place that reads TOML settings, the environment and secret files.
//!
//! Text becomes settings structs of the crates here, once; inside there are no strings left to check. Unknown keys are
//! refused. Paths are relative to the configuration file. A secret is `file:PATH` or `${NAME}`, never the text itself.

mod caip;
mod file;
mod policies;
mod secret;
mod source;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use tocsin_delivery::onchain::OnchainSettings;
use tocsin_domain::attestation::{AttestationDomain, SignerSet};
use tocsin_domain::cover::{Cover, Finality};
use tocsin_domain::ids::RiskId;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;
use tocsin_sources::chain::state::StateSource;
use tocsin_sources::chain::{ChainSettings, EventSource};

/// Everything that `tocsin run` needs, checked.
#[derive(Debug)]
pub struct Config {
    /// The database file.
    pub database: PathBuf,
    /// Where the API listens; nowhere if absent.
    pub api: Option<SocketAddr>,
    /// Source chains.
    pub chains: Vec<Chain>,
    /// How often sources speak at the least, where that is said.
    pub heartbeats: BTreeMap<SourceId, Seconds>,
    /// Covers and the risks under them.
    pub covers: Vec<InsuredCover>,
    /// Policies.
    pub policies: Vec<Policy>,
    /// Who signs; nothing is attested if absent.
    pub attestor: Option<AttestorConfig>,
    /// Settlement chains; nothing is delivered to a chain that is not here.
    pub deliveries: Vec<DeliveryConfig>,
}

/// A source chain and what is read from it.
#[derive(Debug, Clone)]
pub struct Chain {
    /// How it is reached and read.
    pub settings: ChainSettings,
    /// How often a new block is asked for.
    pub poll_interval: Duration,
    /// Nothing new that is final for this long, by the clock: not ready.
    pub stalled_after: Seconds,
    /// What is read of its logs.
    pub sources: Vec<EventSource>,
    /// What is read of its state.
    pub state: Vec<StateSource>,
}

/// A cover and the risks of the subject that its inputs name.
#[derive(Debug, Clone)]
pub struct InsuredCover {
    /// Where it was read from.
    pub path: PathBuf,
    /// The terms.
    pub cover: Cover,
    /// By their inceptions: one risk without; or, of a cover that mentions the inception, one for each of its policies'.
    pub risks: BTreeMap<Option<Timestamp>, Risk>,
    /// What its inputs listen to.
    pub streams: Vec<Stream>,
    subject: String,
    evaluate_from: Timestamp,
}

impl Config {
    /// Inputs that become unknown between two observations of a source that does what it promises.
    pub fn impatient_inputs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for insured in &self.covers {
            for (input, stream) in insured.cover.inputs.iter().zip(&insured.streams) {
                let heartbeat = self.heartbeats.get(&stream.source).copied();
                if let (Some(max_age), Some(heartbeat)) = (input.max_age, heartbeat)
                    && max_age < heartbeat
                {
                    found.push(format!(
                        "cover `{}`: the max_age of input `{}` ({max_age}) is shorter than the heartbeat of its source ({heartbeat}): it will be unknown between two observations",
                        insured.cover.name, input.name
                    ));
                }
            }
        }
        found
    }
}

impl InsuredCover {
    /// The risk of a policy that begins at `inception`; one that is new is added.
    fn risk_from(&mut self, inception: Timestamp) -> RiskId {
        let inception = self.cover.mentions_inception().then_some(inception);
        let risk = self.risks.entry(inception).or_insert_with(|| {
            let (terms, subject) = (self.cover.terms_hash, self.subject.clone());
            Risk::new(terms, subject, inception, self.evaluate_from)
        });
        risk.id
    }
}

/// Who signs, for which verifier.
#[derive(Debug)]
pub struct AttestorConfig {
    /// The verifier contract.
    pub domain: AttestationDomain,
    /// The signers of the epoch, as the verifier has them.
    pub signers: SignerSet,
    /// This node's key.
    pub key: KeyConfig,
    /// How long after signing an attestation can be used first: the time for a veto.
    pub hold: Seconds,
    /// How long after signing it can be used last.
    pub valid_for: Seconds,
}

/// A settlement chain.
#[derive(Debug)]
pub struct DeliveryConfig {
    /// How it is reached, and what may be paid there.
    pub settings: OnchainSettings,
    /// The account that pays for gas.
    pub key: KeyConfig,
    /// How often it looks.
    pub poll_interval: Duration,
}

/// Where a key is.
#[derive(Debug)]
pub enum KeyConfig {
    /// An encrypted keystore file.
    Keystore {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: SecretString,
    },
    /// A bare key, for demonstrations and tests.
    Raw {
        /// 32 bytes in hex.
        key: SecretString,
    },
}

impl KeyConfig {
    /// As the attestor wants it.
    pub fn attestor(&self) -> tocsin_attest::KeySettings {
        match self {
            Self::Keystore { path, password } => tocsin_attest::KeySettings::Keystore {
                path: path.clone(),
                password: password.clone(),
            },
            Self::Raw { key } => tocsin_attest::KeySettings::Raw { key: key.clone() },
        }
    }

    /// As the submitter wants it.
    pub fn submitter(&self) -> tocsin_delivery::onchain::SubmitterKey {
        match self {
            Self::Keystore { path, password } => tocsin_delivery::onchain::SubmitterKey::Keystore {
                path: path.clone(),
                password: password.clone(),
            },
            Self::Raw { key } => tocsin_delivery::onchain::SubmitterKey::Raw { key: key.clone() },
        }
    }
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
        let text = read(path)?;
        let file: file::ConfigFile = toml::from_str(&text)
            .map_err(|error| invalid(path, error.to_string().trim_end().to_owned()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        let chains = file.chains(path)?;
        let heartbeats = file.heartbeats(path)?;
        let mut covers = load_covers(path, base, &file.covers, &chains)?;
        let mut policies = Vec::new();
        for name in &file.policies {
            policies.extend(policies::load(&base.join(name), &mut covers)?);
        }
        let attestor = file
            .attestor
            .map(|attestor| attestor.resolve(path, base))
            .transpose()?;
        let mut deliveries = Vec::new();
        for (chain, delivery) in file.delivery {
            let Some(attestor) = &attestor else {
                return Err(invalid(
                    path,
                    "[delivery] needs an [attestor]: there is nothing to deliver without one"
                        .to_owned(),
                ));
            };
            deliveries.push(delivery.resolve(path, base, &chain, &chains, attestor.domain)?);
        }
        let config = Self {
            database: base.join(file.database),
            api: file.api.map(|api| api.listen),
            chains,
            heartbeats,
            covers,
            policies,
            attestor,
            deliveries,
        };
        config.check_settlement(path)?;
        Ok(config)
    }

    /// A policy is paid on the chain of the attestor's verifier, or never.
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
            // What is signed rests on final data; the newest block is not.
            let newest = Finality::Confirmations(0);
            if let Some(chain) = self
                .chains
                .iter()
                .find(|chain| chain.settings.finality == newest)
            {
                return Err(invalid(
                    path,
                    format!(
                        "[chains.\"eip155:{}\"] takes the newest block as final, and [attestor] would sign what may yet be \
                         undone: write \"finalized\", \"safe\" or a number of confirmations",
                        chain.settings.chain_id
                    ),
                ));
            }
            for policy in &self.policies {
                if policy.consumer.chain_id != attestor.domain.chain_id {
                    return Err(invalid(
                        path,
                        format!(
                            "policy {} is paid on eip155:{}, but the attestor's verifier is on eip155:{}: an attestation \
                             is valid on its verifier's chain only",
                            policy.number, policy.consumer.chain_id, attestor.domain.chain_id
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Reads a cover file and draws its diagnostics as an error.
pub fn load_cover(path: &Path) -> Result<Cover, ConfigError> {
    let text = read(path)?;
    match Cover::parse(&text) {
        Ok((cover, _warnings)) => Ok(cover),
        Err(diagnostics) => Err(ConfigError::Cover {
            path: path.to_owned(),
            text,
            diagnostics,
        }),
    }
}

fn load_covers(
    config: &Path,
    base: &Path,
    entries: &[file::CoverEntry],
    chains: &[Chain],
) -> Result<Vec<InsuredCover>, ConfigError> {
    let known: BTreeMap<&str, Known<'_>> = chains.iter().flat_map(Known::of).collect();
    let mut covers: Vec<InsuredCover> = Vec::new();
    for entry in entries {
        let path = base.join(&entry.file);
        let cover = load_cover(&path)?;
        let is_twin = |other: &&InsuredCover| {
            (&other.cover.name, other.cover.version) == (&cover.name, cover.version)
        };
        if let Some(twin) = covers.iter().find(is_twin) {
            return Err(invalid(
                config,
                format!(
                    "two covers are version {} of `{}`: {} and {}",
                    cover.version,
                    cover.name,
                    twin.path.display(),
                    path.display()
                ),
            ));
        }
        let evaluate_from = Timestamp::parse(&entry.evaluate_from)
            .map_err(|error| invalid(config, format!("covers.evaluate_from: {error}")))?;
        let mut streams = Vec::with_capacity(cover.inputs.len());
        for input in &cover.inputs {
            streams.push(resolve_input(&path, input, &known, &cover.finality)?);
        }
        let subject = Risk::subject_of(&cover).ok_or_else(|| {
            invalid(
                &path,
                "every input of a cover that is run names its subject".to_owned(),
            )
        })?;
        // Without a policy, a cover that mentions the inception has no risk yet.
        let without_policy = (!cover.mentions_inception())
            .then(|| Risk::new(cover.terms_hash, subject.clone(), None, evaluate_from));
        covers.push(InsuredCover {
            path,
            cover,
            risks: without_policy
                .map(|risk| (risk.inception, risk))
                .into_iter()
                .collect(),
            streams,
            subject,
            evaluate_from,
        });
    }
    Ok(covers)
}

/// A configured source, as inputs of covers see it.
struct Known<'a> {
    chain: &'a Chain,
    subject: &'a Subject,
    metric: &'a Metric,
    value_type: Type,
}

impl<'a> Known<'a> {
    /// The sources of a chain, by their identities.
    fn of(chain: &'a Chain) -> impl Iterator<Item = (&'a str, Self)> {
        let events = chain.sources.iter().map(move |event| {
            let settings = event.settings();
            let known = Self {
                chain,
                subject: &settings.subject,
                metric: &settings.metric,
                value_type: event.value_type(),
            };
            (event.id().0.as_str(), known)
        });
        let state = chain.state.iter().map(move |state| {
            let settings = state.settings();
            let known = Self {
                chain,
                subject: &settings.subject,
                metric: &settings.metric,
                value_type: state.value_type(),
            };
            (state.id().0.as_str(), known)
        });
        events.chain(state)
    }
}

fn resolve_input(
    path: &Path,
    input: &tocsin_domain::cover::Input,
    known: &BTreeMap<&str, Known<'_>>,
    finality: &[(String, Finality)],
) -> Result<Stream, ConfigError> {
    let name = &input.name;
    let (Some(subject), Some(source)) = (&input.subject, &input.source) else {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} names no subject or no source: a cover that is run says what it watches and where"
            ),
        ));
    };
    let Some(Known {
        chain,
        subject: measured,
        metric,
        value_type,
    }) = known.get(source.0.as_str())
    else {
        let names: Vec<&str> = known.keys().copied().collect();
        return Err(invalid(
            path,
            format!(
                "inputs.{name}.source `{source}` is not configured: add [sources.\"{source}\"] to the service \
                 configuration (configured: {})",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ),
        ));
    };
    if *measured != subject || **metric != input.metric {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} wants {} of {subject}, but source `{source}` is configured as {metric} of {measured}",
                input.metric
            ),
        ));
    }
    // An event counts by being there, and the decimal that it may carry is its amount.
    let fits = *value_type == input.ty || (input.ty, *value_type) == (Type::Event, Type::Decimal);
    if !fits {
        return Err(invalid(
            path,
            format!(
                "inputs.{name} is a {}, but source `{source}` gives a {value_type}: correct the input's type or the \
                 source's value field",
                input.ty
            ),
        ));
    }
    let chain_name = format!("eip155:{}", chain.settings.chain_id);
    if let Some((_, wanted)) = finality.iter().find(|(name, _)| *name == chain_name)
        && *wanted != chain.settings.finality
    {
        return Err(invalid(
            path,
            format!(
                "the terms take {chain_name} as final by {wanted:?}, but [chains.\"{chain_name}\"] is configured with \
                 {:?}: make the configuration agree with the terms",
                chain.settings.finality
            ),
        ));
    }
    Ok(Stream {
        source: source.clone(),
        subject: subject.clone(),
        metric: input.metric.clone(),
    })
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
