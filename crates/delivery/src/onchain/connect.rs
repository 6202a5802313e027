//! The submitter: one key, one node, one chain.

use alloy::network::Ethereum;
use alloy::primitives::Address;
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::signers::local::PrivateKeySigner;
use tocsin_domain::time::Timestamp;

use super::action::Action;
use super::broadcast::Pushes;
use super::decide::next_action;
use super::key::SubmitterKey;
use super::policy::Policy;
use super::rpc::endpoint;
use super::settings::OnchainSettings;
use super::transport::BoundedHttp;
use super::view::{ChainView, DeliveryView};
use crate::DeliveryError;

/// Reads the chain, signs and broadcasts. It fills in nothing by itself: nonces, fees and gas limits are all given.
#[derive(Debug)]
pub struct Submitter {
    settings: OnchainSettings,
    provider: RootProvider<Ethereum>,
    signer: PrivateKeySigner,
    pushes: Pushes,
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

    /// Opens the key and sets up the client; the node is not asked anything yet.
    ///
    /// # Errors
    /// Wrong settings, or a key that cannot be opened: both need a person.
    pub async fn open(settings: OnchainSettings, key: SubmitterKey) -> Result<Self, DeliveryError> {
        settings.check()?;
        let signer = open_key(key).await?;
        let node =
            BoundedHttp::new(settings.url.clone(), settings.request_timeout).map_err(|source| {
                DeliveryError::Client {
                    endpoint: endpoint(&settings.url),
                    source,
                }
            })?;
        // "Local" would only make alloy poll faster; nothing here polls.
        let provider = RootProvider::new(RpcClient::new(node, false));
        Ok(Self {
            provider,
            settings,
            signer,
            pushes: Pushes::default(),
        })
    }

    /// Checks that the node serves the right chain, that the chain has EIP-1559 fees and that the verifier is there.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when the node does not answer, which can pass; [`DeliveryError::WrongChain`],
    /// [`DeliveryError::NoVerifier`] and [`DeliveryError::NoBaseFee`] when the settings do not fit it.
    pub async fn check(&self) -> Result<(), DeliveryError> {
        let found = self.asked(
            "asking for the chain id",
            self.provider.get_chain_id().await,
        )?;
        if found != self.settings.chain_id {
            return Err(DeliveryError::WrongChain {
                endpoint: self.endpoint(),
                expected: self.settings.chain_id,
                found,
            });
        }
        let verifier = self.settings.verifier;
        let code = self.asked(
            "reading the verifier's code",
            self.provider.get_code_at(verifier).await,
        )?;
        if code.is_empty() {
            return Err(DeliveryError::NoVerifier {
                verifier,
                chain_id: found,
            });
        }
        self.base_fee(&self.heads().await?.latest)?;
        Ok(())
    }

    /// The account that sends and pays gas.
    pub fn sender(&self) -> Address {
        self.signer.address()
    }

    /// What it was set up with.
    pub fn settings(&self) -> &OnchainSettings {
        &self.settings
    }

    /// Fees and waits.
    pub fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    /// Looks at the chain and decides: `look`, then [`next_action`]. The view goes along, since a following broadcast
    /// wants to know which block the decision saw.
    ///
    /// # Errors
    /// Those of [`Self::look`].
    pub async fn decide(
        &self,
        delivery: &DeliveryView,
        now: Timestamp,
    ) -> Result<(Action, ChainView), DeliveryError> {
        let chain = self.look(delivery).await?;
        let action = next_action(delivery, &chain, self.policy(), now);
        Ok((action, chain))
    }

    pub(super) fn provider(&self) -> &RootProvider<Ethereum> {
        &self.provider
    }

    pub(super) fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    pub(super) fn pushes(&self) -> &Pushes {
        &self.pushes
    }

    pub(super) fn endpoint(&self) -> String {
        endpoint(&self.settings.url)
    }
}

/// Opens the key on a thread of its own: it takes seconds of pure computing.
async fn open_key(key: SubmitterKey) -> Result<PrivateKeySigner, DeliveryError> {
    tokio::task::spawn_blocking(move || key.open())
        .await
        .map_err(|source| DeliveryError::KeyTask { source })?
}
