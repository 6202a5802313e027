//! The submitter: one key, one chain, and the endpoints through which it is reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use tocsin_domain::ids::ClaimKey;
use tocsin_domain::time::Timestamp;

use super::action::{Action, Waiting};
use super::broadcast::Pushes;
use super::decide::next_action;
use super::ending::Ending;
use super::key::SubmitterKey;
use super::node::{Node, Shared};
use super::policy::Policy;
use super::settings::OnchainSettings;
use super::transaction::Receipt;
use super::view::{ChainView, Consumption, DeliveryView};
use crate::DeliveryError;

/// Reads the chain, signs and broadcasts. It fills in nothing by itself: nonces, fees and gas limits are all given.
#[derive(Debug)]
pub struct Submitter {
    shared: Arc<Shared>,
    signer: PrivateKeySigner,
    /// At least one.
    nodes: Vec<Node>,
    /// The one that answered last.
    preferred: AtomicUsize,
}

impl Submitter {
    /// [`Self::open`], then [`Self::check`].
    ///
    /// # Errors
    /// Those of both.
    pub async fn connect(
        settings: OnchainSettings,
        key: SubmitterKey,
    ) -> Result<Self, DeliveryError> {
        let submitter = Self::open(settings, key).await?;
        submitter.check().await?;
        Ok(submitter)
    }

    /// Opens the key and sets up the clients; no node is asked anything yet.
    ///
    /// # Errors
    /// Wrong settings, or a key that cannot be opened: both need a person.
    pub async fn open(settings: OnchainSettings, key: SubmitterKey) -> Result<Self, DeliveryError> {
        settings.check()?;
        let signer = open_key(key).await?;
        let urls = settings.urls.clone();
        let shared = Arc::new(Shared {
            settings,
            sender: signer.address(),
            pushes: Pushes::default(),
            agreed_block: AtomicU64::new(0),
        });
        let nodes = urls.iter().map(|url| Node::new(Arc::clone(&shared), url));
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
            shared,
            signer,
            preferred: AtomicUsize::new(0),
        })
    }

    /// Checks that the nodes serve the right chain, that the chain has the fees that are configured, and that the verifier
    /// is there. Some may be silent, as long as one is not; they are checked when they first answer.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when none answers, which can pass; [`DeliveryError::WrongChain`],
    /// [`DeliveryError::NoVerifier`] and [`DeliveryError::NoBaseFee`] when the settings do not fit one of them.
    pub async fn check(&self) -> Result<(), DeliveryError> {
        let mut answered = false;
        let mut silent = None;
        for node in &self.nodes {
            match node.check().await {
                Ok(()) => answered = true,
                Err(error) if error.is_transient() => silent = Some(error),
                Err(error) => return Err(error),
            }
        }
        match silent {
            Some(error) if !answered => Err(error),
            Some(_) | None => Ok(()),
        }
    }

    /// The account that sends and pays gas.
    pub fn sender(&self) -> Address {
        self.shared.sender
    }

    /// What it was set up with.
    pub fn settings(&self) -> &OnchainSettings {
        &self.shared.settings
    }

    /// Fees and waits.
    pub fn policy(&self) -> &Policy {
        &self.settings().policy
    }

    /// Looks at the chain and decides: `look`, then [`next_action`]. The view goes along: it says what was paid for mined
    /// transactions, and a following broadcast wants to know which block the decision saw.
    ///
    /// What cannot be taken back (done, given up, a nonce released) needs as many endpoints as the settings say, each of
    /// which shows the same ending on its own.
    ///
    /// # Errors
    /// Those of [`Self::look`].
    pub async fn decide(
        &self,
        delivery: &DeliveryView,
        now: Timestamp,
    ) -> Result<(Action, ChainView), DeliveryError> {
        let (seen_by, chain) = self.see(delivery).await?;
        let action = next_action(delivery, &chain, self.policy(), now);
        let needed = self.settings().agree;
        let Some(ending) = Ending::of(&action, delivery, &chain).filter(|_| needed > 1) else {
            return Ok((action, chain));
        };
        let mut agreed = 1;
        for other in self.nodes_from(seen_by).skip(1) {
            if agreed >= needed {
                break;
            }
            match self.look_at(other, delivery).await {
                Ok(theirs) => {
                    let action = next_action(delivery, &theirs, self.policy(), now);
                    agreed +=
                        usize::from(Ending::of(&action, delivery, &theirs) == Some(ending.clone()));
                }
                Err(error) if error.is_transient() => {
                    tracing::debug!(error = %error, "an endpoint cannot confirm an ending");
                }
                Err(error) => return Err(error),
            }
        }
        if agreed >= needed {
            return Ok((action, chain));
        }
        let waiting = Waiting::Agreement { agreed, needed };
        Ok((self.policy().wait(now, waiting), chain))
    }

    /// Reads everything that [`next_action`] wants to know, at the first endpoint that says it all.
    ///
    /// # Errors
    /// Any read that fails, fails the whole: what is not known must not look like "no". The error is that of the endpoint
    /// that was asked first.
    pub async fn look(&self, delivery: &DeliveryView) -> Result<ChainView, DeliveryError> {
        let (_, chain) = self.see(delivery).await?;
        Ok(chain)
    }

    /// Whether the claim is consumed, by whomever.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when the node cannot say, [`DeliveryError::ConsumptionNotLocated`] when it contradicts
    /// itself.
    pub async fn consumption(&self, claim_key: ClaimKey) -> Result<Consumption, DeliveryError> {
        self.node().consumption(claim_key).await
    }

    /// The receipt of `hash`, if it is in a block of the canonical chain.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when the node cannot say.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, DeliveryError> {
        self.node().receipt(hash).await
    }

    /// The submitter's count of transactions, mined and pending.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when the node cannot say.
    pub async fn transaction_count(&self) -> Result<u64, DeliveryError> {
        self.node().transaction_count().await
    }

    /// The view of the first endpoint that has one, and which that is.
    async fn see(&self, delivery: &DeliveryView) -> Result<(usize, ChainView), DeliveryError> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut trouble = None;
        for index in self.indices_from(first) {
            match self.look_at(self.node_at(index), delivery).await {
                Ok(chain) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok((index, chain));
                }
                Err(error) if error.is_transient() => {
                    trouble.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(trouble.unwrap_or_else(no_endpoints))
    }

    async fn look_at(
        &self,
        node: &Node,
        delivery: &DeliveryView,
    ) -> Result<ChainView, DeliveryError> {
        node.check().await?;
        node.look(delivery).await
    }

    fn indices_from(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.nodes.len();
        (0..count).map(move |step| (first + step) % count)
    }

    fn nodes_from(&self, first: usize) -> impl Iterator<Item = &Node> {
        self.indices_from(first).map(|index| self.node_at(index))
    }

    fn node_at(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The endpoint that answered last.
    pub(super) fn node(&self) -> &Node {
        self.node_at(self.preferred.load(Ordering::Relaxed))
    }

    pub(super) fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    pub(super) fn agreed_block(&self) -> &AtomicU64 {
        &self.shared.agreed_block
    }

    pub(super) fn pushes(&self) -> &Pushes {
        &self.shared.pushes
    }
}

/// The settings are checked when a submitter is opened.
pub(super) fn no_endpoints() -> DeliveryError {
    DeliveryError::Settings {
        detail: "no endpoint is named".to_owned(),
    }
}

/// Opens the key on a thread of its own: it takes seconds of pure computing.
async fn open_key(key: SubmitterKey) -> Result<PrivateKeySigner, DeliveryError> {
    tokio::task::spawn_blocking(move || key.open())
        .await
        .map_err(|source| DeliveryError::KeyTask { source })?
}
