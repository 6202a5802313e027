//! Reading what a decision needs, all of it as of two blocks that are named by their hashes, so that the parts fit
//! together whatever node answers and whatever is reorganised meanwhile.

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256};
use alloy::providers::Provider;
use tocsin_domain::cover::Finality;
use tocsin_domain::time::Timestamp;

use super::decide::is_open;
use super::node::Node;
use super::transaction::Receipt;
use super::view::{ChainView, Consumption, DeliveryView, Fate};
use crate::DeliveryError;

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) time: Timestamp,
    pub(super) base_fee: Option<u128>,
}

/// The two blocks that everything is read at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Heads {
    pub(super) latest: Head,
    /// The last final block; a young chain has none.
    pub(super) finalized: Option<Head>,
}

impl Heads {
    pub(super) fn is_final(&self, block: u64) -> bool {
        self.finalized.is_some_and(|head| block <= head.number)
    }
}

impl Node {
    /// Reads everything that [`super::next_action`] wants to know.
    pub(super) async fn look(&self, delivery: &DeliveryView) -> Result<ChainView, DeliveryError> {
        let heads = self.heads().await?;
        let account = delivery
            .held
            .as_ref()
            .map_or(self.sender(), |held| held.sender);
        let (at_final, at_latest, latest_nonce, final_nonce, pending_nonce) = tokio::try_join!(
            self.consumed_at_final(delivery.claim_key, &heads),
            self.consumed_at_latest(delivery.claim_key, &heads),
            self.nonce_at(account, BlockId::hash(heads.latest.hash)),
            self.final_nonce(account, &heads),
            self.nonce_at(account, BlockId::pending()),
        )?;
        let (fates, receipts) = self.attempts(delivery, &heads).await?;
        let stranger = match &delivery.held {
            Some(held) => self.stranger(held, final_nonce, &fates, &heads).await?,
            None => None,
        };
        let consumption = self
            .consumption_from(delivery.claim_key, at_final, at_latest, &heads, &receipts)
            .await?;
        let signs = match &delivery.held {
            None => consumption == Consumption::None,
            Some(held) => is_open(held, latest_nonce, &fates),
        };
        Ok(ChainView {
            latest_block: heads.latest.number,
            consumption,
            pending_nonce,
            latest_nonce,
            final_nonce,
            fates,
            stranger,
            pushed: self.pushed(delivery, final_nonce),
            prospect: if signs {
                Some(self.prospect(delivery, &heads).await?)
            } else {
                None
            },
            signer: self.sender(),
        })
    }

    /// The submitter's count of transactions, mined and pending.
    pub(super) async fn transaction_count(&self) -> Result<u64, DeliveryError> {
        self.nonce_at(self.sender(), BlockId::pending()).await
    }

    pub(super) async fn heads(&self) -> Result<Heads, DeliveryError> {
        const ASKED: &str = "reading the latest block";
        let Some(latest) = self.head(BlockNumberOrTag::Latest, ASKED).await? else {
            return Err(self.malformed(ASKED, "there is no latest block".to_owned()));
        };
        let tag = match self.settings().finality {
            Finality::Finalized => Some(BlockNumberOrTag::Finalized),
            Finality::Safe => Some(BlockNumberOrTag::Safe),
            Finality::Confirmations(blocks) => latest
                .number
                .checked_sub(blocks)
                .map(BlockNumberOrTag::Number),
        };
        let finalized = match tag {
            Some(tag) => self.head(tag, "reading the final block").await?,
            None => None,
        };
        Ok(Heads { latest, finalized })
    }

    /// The hash of the block that the node's chain has at `number`.
    pub(super) async fn canonical_hash(&self, number: u64) -> Result<Option<B256>, DeliveryError> {
        Ok(self.head_at(number).await?.map(|head| head.hash))
    }

    /// The block that the node's chain has at `number`.
    pub(super) async fn head_at(&self, number: u64) -> Result<Option<Head>, DeliveryError> {
        let tag = BlockNumberOrTag::Number(number);
        self.head(tag, "reading a block").await
    }

    async fn head(
        &self,
        tag: BlockNumberOrTag,
        attempted: &'static str,
    ) -> Result<Option<Head>, DeliveryError> {
        let block = self.asked(attempted, self.provider().get_block_by_number(tag).await)?;
        let Some(header) = block.map(|block| block.header) else {
            return Ok(None);
        };
        let time = i64::try_from(header.timestamp).map_err(|_too_large| {
            self.malformed(attempted, format!("its time is {}", header.timestamp))
        })?;
        Ok(Some(Head {
            number: header.number,
            hash: header.hash,
            time: Timestamp(time),
            base_fee: header.base_fee_per_gas.map(u128::from),
        }))
    }

    async fn final_nonce(&self, account: Address, heads: &Heads) -> Result<u64, DeliveryError> {
        match &heads.finalized {
            Some(head) => self.nonce_at(account, BlockId::hash(head.hash)).await,
            None => Ok(0),
        }
    }

    pub(super) async fn nonce_at(
        &self,
        account: Address,
        block: BlockId,
    ) -> Result<u64, DeliveryError> {
        let count = self
            .provider()
            .get_transaction_count(account)
            .block_id(block)
            .await;
        self.asked("reading the account's nonce", count)
    }

    async fn attempts(
        &self,
        delivery: &DeliveryView,
        heads: &Heads,
    ) -> Result<(Vec<Fate>, Vec<(B256, Receipt)>), DeliveryError> {
        let Some(held) = &delivery.held else {
            return Ok((Vec::new(), Vec::new()));
        };
        let mut fates = Vec::with_capacity(held.attempts.len());
        let mut receipts = Vec::new();
        for (attempt, (fate, receipt)) in held.attempts.iter().zip(self.fates(held, heads).await?) {
            fates.push(fate);
            receipts.extend(receipt.map(|receipt| (attempt.hash, receipt)));
        }
        Ok((fates, receipts))
    }

    /// What this process knows of the newest attempt; all of a nonce is forgotten once it is finally used.
    fn pushed(&self, delivery: &DeliveryView, final_nonce: u64) -> Option<super::view::Pushed> {
        let held = delivery.held.as_ref()?;
        if final_nonce > held.nonce {
            for attempt in &held.attempts {
                self.pushes().forget(attempt.hash);
            }
            return None;
        }
        self.pushes().of(held.attempts.last()?.hash)
    }
}
