//! One endpoint of the settlement chain.
//!
//! What is read at one endpoint is put together from that endpoint alone, so that a view is never of two chains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use alloy::network::Ethereum;
use alloy::primitives::Address;
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use url::Url;

use super::broadcast::Pushes;
use super::fees::Pricing;
use super::rpc::endpoint;
use super::settings::OnchainSettings;
use super::transport::BoundedHttp;
use crate::DeliveryError;

/// What the endpoints of a submitter share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: OnchainSettings,
    /// The account that sends and pays gas.
    pub(super) sender: Address,
    pub(super) pushes: Pushes,
    /// The newest final block that endpoints have agreed on; 0 before the first.
    pub(super) agreed_block: AtomicU64,
}

/// An endpoint.
#[derive(Debug)]
pub(super) struct Node {
    shared: Arc<Shared>,
    name: String,
    provider: RootProvider<Ethereum>,
    /// It was seen to serve the right chain.
    checked: AtomicBool,
}

impl Node {
    /// Sets up the client; nothing is asked yet.
    pub(super) fn new(shared: Arc<Shared>, url: &Url) -> Result<Self, DeliveryError> {
        let name = endpoint(url);
        let transport = BoundedHttp::new(url.clone(), shared.settings.request_timeout);
        let transport = transport.map_err(|source| DeliveryError::Client {
            endpoint: name.clone(),
            source,
        })?;
        // "Local" would only make alloy poll faster; nothing here polls.
        let provider = RootProvider::new(RpcClient::new(transport, false));
        Ok(Self {
            shared,
            name,
            provider,
            checked: AtomicBool::new(false),
        })
    }

    /// That it serves the right chain, with the fees that are configured and the verifier in place. Asked once, when it
    /// first answers.
    pub(super) async fn check(&self) -> Result<(), DeliveryError> {
        if self.checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let expected = self.settings().chain_id;
        let found = self.asked(
            "asking for the chain id",
            self.provider.get_chain_id().await,
        )?;
        if found != expected {
            return Err(DeliveryError::WrongChain {
                endpoint: self.endpoint(),
                expected,
                found,
            });
        }
        let verifier = self.settings().verifier;
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
        match self.settings().policy.fees.pricing {
            Pricing::Legacy { .. } => {}
            Pricing::Node | Pricing::History { .. } | Pricing::Fixed(_) => {
                self.base_fee(&self.heads().await?.latest)?;
            }
        }
        self.checked.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn provider(&self) -> &RootProvider<Ethereum> {
        &self.provider
    }

    pub(super) fn settings(&self) -> &OnchainSettings {
        &self.shared.settings
    }

    pub(super) fn sender(&self) -> Address {
        self.shared.sender
    }

    pub(super) fn pushes(&self) -> &Pushes {
        &self.shared.pushes
    }

    pub(super) fn endpoint(&self) -> String {
        self.name.clone()
    }
}
