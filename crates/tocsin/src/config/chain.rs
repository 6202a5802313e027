//! A source chain as it is configured, whatever kind of chain it is.

use std::time::Duration;

use tocsin_domain::cover::Finality;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Type;
use tocsin_sources::chain::{ChainSettings, ChainSource};
use tocsin_sources::solana::{SolanaSettings, SolanaSource};

/// A source chain and what is read from it.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Its CAIP-2 identifier.
    pub name: String,
    /// How it is reached and read.
    pub network: Network,
    /// How often a new block is asked for where none is announced.
    pub poll_interval: Duration,
    /// Nothing new that is final for this long, by the clock: not ready.
    pub stalled_after: Seconds,
}

/// What depends on the kind of chain.
#[derive(Debug, Clone)]
pub enum Network {
    /// An EVM chain.
    Evm {
        /// How it is reached and read.
        settings: ChainSettings,
        /// Whether the operator says that no block is ever taken back.
        instant: bool,
        /// Whether blocks that are not final are looked at, for warnings.
        warnings: bool,
        /// How often a part that was read is read again through another endpoint; never if absent.
        recheck_every: Option<Duration>,
        /// What is read.
        sources: Vec<ChainSource>,
    },
    /// A Solana cluster.
    Solana {
        /// How it is reached and read.
        settings: SolanaSettings,
        /// What is read.
        sources: Vec<SolanaSource>,
    },
}

/// What a source gives, for the inputs that name it.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) chain: String,
    pub(super) subject: Subject,
    pub(super) metric: Metric,
    pub(super) value_type: Type,
    /// Where covers may say how a chain's blocks become final.
    pub(super) finality: Option<Finality>,
}

impl Chain {
    /// The settings of an EVM chain.
    pub(super) fn evm_settings(&self) -> Option<&ChainSettings> {
        match &self.network {
            Network::Evm { settings, .. } => Some(settings),
            Network::Solana { .. } => None,
        }
    }

    /// Whether the newest block counts as final without anybody's word for it.
    pub(super) fn trusts_the_newest_block(&self) -> bool {
        match &self.network {
            Network::Evm {
                settings, instant, ..
            } => settings.finality == Finality::Confirmations(0) && !instant,
            Network::Solana { .. } => false,
        }
    }

    /// Whether anything is read from it.
    pub fn is_watched(&self) -> bool {
        match &self.network {
            Network::Evm { sources, .. } => !sources.is_empty(),
            Network::Solana { sources, .. } => !sources.is_empty(),
        }
    }

    pub(super) fn offers(&self) -> Vec<(SourceId, Offer)> {
        let offer = |subject: &Subject, metric: &Metric, value_type, finality| Offer {
            chain: self.name.clone(),
            subject: subject.clone(),
            metric: metric.clone(),
            value_type,
            finality,
        };
        match &self.network {
            Network::Evm {
                settings, sources, ..
            } => sources
                .iter()
                .map(|source| {
                    let finality = Some(settings.finality);
                    let offer = offer(
                        source.subject(),
                        source.metric(),
                        source.value_type(),
                        finality,
                    );
                    (source.id().clone(), offer)
                })
                .collect(),
            Network::Solana { sources, .. } => sources
                .iter()
                .map(|source| {
                    let offer = offer(source.subject(), source.metric(), source.value_type(), None);
                    (source.id().clone(), offer)
                })
                .collect(),
        }
    }
}
