//! One endpoint: how it is asked, what it said last, and whether it is believed.

pub(crate) mod health;

use core::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy::primitives::U64;
use url::Url;

use self::health::Health;
use super::rpc::Rpc;
use super::{Endpoint, EndpointSettings};
use crate::SourceError;

/// Blocks that a first `eth_getLogs` spans.
const FIRST_SPAN: u64 = 256;

/// One endpoint of a chain.
pub(crate) struct Node {
    /// Its place among the chain's endpoints.
    pub(crate) index: usize,
    pub(crate) rpc: Rpc,
    pub(crate) weight: u32,
    pub(crate) ws: Option<Url>,
    /// How many blocks one `eth_getLogs` spans: adapted to what it answers.
    pub(crate) span: AtomicU64,
    /// How many bytes the receipts of a block take, about.
    pub(crate) receipt_bytes: AtomicU64,
    health: Mutex<Health>,
}

impl Node {
    pub(crate) fn new(
        index: usize,
        settings: &EndpointSettings,
        endpoint: Endpoint,
        timeout: core::time::Duration,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            index,
            rpc: Rpc::new(settings, endpoint, timeout)?,
            weight: settings.weight,
            ws: settings.ws.clone(),
            span: AtomicU64::new(FIRST_SPAN),
            receipt_bytes: AtomicU64::new(0),
            health: Mutex::new(Health::new()),
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.rpc.endpoint()
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        // Every change is one assignment: a panic elsewhere leaves it whole.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks which chain it serves, which must be this one.
    pub(crate) async fn greet(&self, chain_id: u64) -> Result<(), SourceError> {
        let attempt = self.rpc.attempt("eth_chainId", "which chain it serves");
        let reported: U64 = self.rpc.call(&attempt, [(); 0]).await?;
        let reported = reported.to::<u64>();
        if reported == chain_id {
            return Ok(());
        }
        Err(SourceError::WrongChain {
            endpoint: self.endpoint().clone(),
            configured: chain_id,
            reported,
        })
    }
}
