//! Who used a nonce.
//!
//! A node that shows a nonce to be used, and no receipt of any transaction that was signed with it, has either a stranger's
//! transaction in its chain or a receipt that it does not show. Not seeing is not no: the transaction itself is looked for, in
//! the block in which the account's count went past the nonce, so that no cost is missing from the books because somebody hid it.

use alloy::consensus::Transaction as _;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionResponse as _;
use alloy::primitives::{Address, B256};
use alloy::providers::Provider;

use super::look::Heads;
use super::node::Node;
use super::view::{Fate, HeldNonce};
use crate::DeliveryError;

const ASKED: &str = "looking for the transaction that used a nonce";

impl Node {
    /// The stranger's transaction that has used a nonce in a final block; `None` where the nonce is not finally used, where
    /// nothing was ever signed with it, or where it was used by one of the attempts, as their fates show.
    ///
    /// # Errors
    /// Where one of the attempts has used it, and its receipt is not shown; where the block cannot be found or read.
    pub(super) async fn stranger(
        &self,
        held: &HeldNonce,
        final_nonce: u64,
        fates: &[Fate],
        heads: &Heads,
    ) -> Result<Option<B256>, DeliveryError> {
        let shown = |fate: &Fate| matches!(fate, Fate::Mined { is_final: true, .. });
        let Some(last) = heads.finalized.filter(|_| final_nonce > held.nonce) else {
            return Ok(None);
        };
        if held.attempts.is_empty() || fates.iter().any(shown) {
            return Ok(None);
        }
        let block = self.block_of_nonce(held, last.number).await?;
        let hash = self.sent_in(held.sender, held.nonce, block).await?;
        if held.attempts.iter().any(|attempt| attempt.hash == hash) {
            let detail = format!("transaction {hash} is in final block {block} and has no receipt");
            return Err(self.malformed(ASKED, detail));
        }
        Ok(Some(hash))
    }

    /// The first block after which the account has used the nonce; `last` is one.
    async fn block_of_nonce(&self, held: &HeldNonce, last: u64) -> Result<u64, DeliveryError> {
        let mut used = last;
        let mut step = 1_u64;
        // Back from the end in growing steps: it was used lately, and few nodes know old states.
        let mut unused = loop {
            let Some(earlier) = used.checked_sub(step) else {
                break None;
            };
            if self.uses_by(held, earlier).await? {
                (used, step) = (earlier, step.saturating_mul(2));
            } else {
                break Some(earlier);
            }
        };
        loop {
            let first = unused.map_or(0, |unused| unused.saturating_add(1));
            if first >= used {
                return Ok(used);
            }
            let middle = first.midpoint(used);
            if self.uses_by(held, middle).await? {
                used = middle;
            } else {
                unused = Some(middle);
            }
        }
    }

    async fn uses_by(&self, held: &HeldNonce, block: u64) -> Result<bool, DeliveryError> {
        let count = self.nonce_at(held.sender, BlockId::number(block)).await?;
        Ok(count > held.nonce)
    }

    /// The transaction of the account with this nonce in a block.
    async fn sent_in(
        &self,
        sender: Address,
        nonce: u64,
        block: u64,
    ) -> Result<B256, DeliveryError> {
        let number = BlockNumberOrTag::Number(block);
        let found = self.provider().get_block_by_number(number).full().await;
        let found = self.asked(ASKED, found)?;
        let sent = found.and_then(|found| {
            let mut all = found.transactions.into_transactions();
            all.find(|one| one.from() == sender && one.nonce() == nonce)
        });
        let sent = sent.ok_or_else(|| {
            let detail = format!("block {block} has no transaction of {sender} with nonce {nonce}");
            self.malformed(ASKED, detail)
        })?;
        Ok(sent.tx_hash())
    }
}
