//! What became of claims at the verifier: consumed, held, revoked.
//!
//! The logs only tell which claims to ask about; what counts is the verifier's state in the last final block.

use std::collections::BTreeSet;

use alloy::eips::BlockId;
use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolCall, SolEvent};
use tocsin_domain::ids::ClaimKey;

use super::agreed::Question;
use super::connect::Submitter;
use super::contract::TocsinVerifier::{ClaimHeld, ClaimReleased, ClaimRevoked, claimStatusCall};
use super::look::Head;
use super::node::Node;
use super::verifier::first_answer;
use crate::DeliveryError;

const ASKING: &str = "asking the verifier what became of a claim";
const SEARCHING: &str = "searching for holds and revocations of claims";

/// What the verifier says of a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimStatus {
    /// Which.
    pub claim_key: ClaimKey,
    /// It was paid.
    pub consumed: bool,
    /// The ordinal of the hold that is in force.
    pub hold: Option<u32>,
    /// Statements below this revision are refused.
    pub min_revision: u32,
}

/// What has happened to claims in some final blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happened {
    /// The block after the last of them.
    pub next_block: u64,
    /// What the last final block says of the claims that something happened to.
    pub claims: Vec<ClaimStatus>,
}

/// Asks what has happened in the final blocks from this one on.
struct Since(u64);

impl Question for Since {
    type Answer = Option<Happened>;

    const ATTEMPTED: &'static str = SEARCHING;

    async fn ask(&self, node: &Node, head: &Head) -> Result<Option<Happened>, DeliveryError> {
        node.happened(self.0, head).await
    }
}

/// Asks what became of these claims.
struct Of<'a>(&'a [ClaimKey]);

impl Question for Of<'_> {
    type Answer = Vec<ClaimStatus>;

    const ATTEMPTED: &'static str = ASKING;

    async fn ask(&self, node: &Node, head: &Head) -> Result<Vec<ClaimStatus>, DeliveryError> {
        let block = BlockId::hash(head.hash);
        node.statuses(self.0.iter().copied(), block).await
    }
}

impl Submitter {
    /// What has happened to claims in the final blocks from `from_block` on, as far as one search goes; `None` where there is
    /// no such block yet. As many endpoints as the settings say have to show the same.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when too few endpoints can say, [`DeliveryError::Disagree`] when they contradict each other.
    pub async fn happened(&self, from_block: u64) -> Result<Option<Happened>, DeliveryError> {
        Ok(self.agreed(&Since(from_block)).await?.flatten())
    }

    /// What the last final block says of these claims; nothing where it has no verifier. As many endpoints as the settings
    /// say have to show the same.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when too few endpoints can say, [`DeliveryError::Disagree`] when they contradict each other.
    pub async fn statuses(&self, claims: &[ClaimKey]) -> Result<Vec<ClaimStatus>, DeliveryError> {
        // Where it is not yet, nothing has become of them.
        Ok(self.agreed(&Of(claims)).await?.unwrap_or_default())
    }

    /// What the newest block says of a claim.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when no endpoint can say.
    pub async fn newest_status(&self, claim: ClaimKey) -> Result<ClaimStatus, DeliveryError> {
        first_answer!(self, node => node.status(claim, BlockId::latest()).await)
    }
}

impl Node {
    async fn happened(
        &self,
        from_block: u64,
        head: &Head,
    ) -> Result<Option<Happened>, DeliveryError> {
        let from = from_block.max(self.settings().verifier_block);
        if from > head.number {
            return Ok(None);
        }
        let last = from
            .saturating_add(self.settings().log_range_blocks - 1)
            .min(head.number);
        let keys = self.touched(from, last).await?;
        let claims = self.statuses(keys, BlockId::hash(head.hash)).await?;
        // A node that changed its mind about what is final has been asked about two chains.
        if !self.is_canonical(head).await? {
            return Err(self.malformed(SEARCHING, format!("final block {} is gone", head.number)));
        }
        Ok(Some(Happened {
            next_block: last.saturating_add(1),
            claims,
        }))
    }

    async fn is_canonical(&self, head: &Head) -> Result<bool, DeliveryError> {
        Ok(self.canonical_hash(head.number).await? == Some(head.hash))
    }

    async fn touched(&self, from: u64, to: u64) -> Result<BTreeSet<ClaimKey>, DeliveryError> {
        let settings = self.settings();
        let signatures: Vec<B256> = vec![
            ClaimHeld::SIGNATURE_HASH,
            ClaimReleased::SIGNATURE_HASH,
            ClaimRevoked::SIGNATURE_HASH,
        ];
        let filter = Filter::new()
            .address(settings.verifier)
            .event_signature(signatures)
            .from_block(from)
            .to_block(to);
        let logs = self.asked(SEARCHING, self.provider().get_logs(&filter).await)?;
        let mut keys = BTreeSet::new();
        for log in logs {
            let key = log
                .topics()
                .get(1)
                .filter(|_| log.address() == settings.verifier);
            let key = key.ok_or_else(|| {
                self.malformed(SEARCHING, "a log that was not asked for".to_owned())
            })?;
            keys.insert(ClaimKey(*key));
        }
        Ok(keys)
    }

    async fn statuses(
        &self,
        claims: impl IntoIterator<Item = ClaimKey>,
        block: BlockId,
    ) -> Result<Vec<ClaimStatus>, DeliveryError> {
        let mut statuses = Vec::new();
        for claim in claims {
            statuses.push(self.status(claim, block).await?);
        }
        Ok(statuses)
    }

    async fn status(&self, claim: ClaimKey, block: BlockId) -> Result<ClaimStatus, DeliveryError> {
        let call = claimStatusCall { claimKey: claim.0 };
        let answer = self.ask(ASKING, &call, block).await?;
        let status = claimStatusCall::abi_decode_returns(&answer)
            .map_err(|error| self.malformed(ASKING, format!("{answer} is no status: {error}")))?;
        Ok(ClaimStatus {
            claim_key: claim,
            consumed: status.consumed,
            hold: status.held.then_some(status.holds),
            min_revision: status.minRevision,
        })
    }
}
