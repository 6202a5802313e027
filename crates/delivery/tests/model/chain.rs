//! A chain with one verifier, one claim key per delivery, two accounts that submit, and everybody else; and the one node
//! through which it is seen, which may be down, behind, hiding receipts, or losing what it accepts.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, keccak256};
use tocsin_delivery::onchain::{Broadcast, Cost, Fees};

/// A delivery's number is its claim key.
pub(crate) type Key = usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    Claim(Key),
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Transaction {
    pub(crate) hash: B256,
    pub(crate) sender: Address,
    pub(crate) nonce: u64,
    pub(crate) fees: Fees,
    pub(crate) call: Call,
}

impl Transaction {
    pub(crate) fn new(sender: Address, nonce: u64, fees: Fees, call: Call) -> Self {
        let hash = keccak256(format!("{sender} {nonce} {fees} {call:?}"));
        Self {
            hash,
            sender,
            nonce,
            fees,
            call,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mined {
    pub(crate) transaction: Transaction,
    pub(crate) success: bool,
}

#[derive(Debug)]
pub(crate) struct Chain {
    /// Block 0 is empty.
    blocks: Vec<Vec<Mined>>,
    pool: BTreeMap<B256, Transaction>,
    pub(crate) base_fee: u128,
    /// The contract refuses every call for now.
    pub(crate) refusing: bool,
    /// The contract refuses every call from this block on.
    expired_from: Option<usize>,
    /// No request is answered; what is broadcast arrives all the same.
    pub(crate) down: bool,
    /// The node shows the chain as it was this many blocks ago.
    pub(crate) lag: usize,
    /// The node says that it has taken a transaction, and forgets it.
    pub(crate) losing: bool,
    /// The node shows no receipt and no transaction by its hash.
    pub(crate) hiding: bool,
    others_nonce: u64,
    final_block: Option<usize>,
}

impl Chain {
    /// Blocks on top of a final one.
    pub(crate) const FINAL_DEPTH: usize = 3;
    pub(crate) const SUBMITTER: Address = Address::repeat_byte(0x51);
    pub(crate) const SECOND: Address = Address::repeat_byte(0x52);
    const OTHER: Address = Address::repeat_byte(0x07);

    pub(crate) fn new() -> Self {
        Self {
            blocks: vec![Vec::new()],
            pool: BTreeMap::new(),
            base_fee: 10,
            refusing: false,
            expired_from: None,
            down: false,
            lag: 0,
            losing: false,
            hiding: false,
            others_nonce: 0,
            final_block: None,
        }
    }

    pub(crate) fn latest(&self) -> usize {
        self.blocks.len() - 1
    }

    pub(crate) fn final_block(&self) -> Option<usize> {
        self.final_block
    }

    /// The latest block that the node shows.
    pub(crate) fn seen_latest(&self) -> usize {
        self.latest().saturating_sub(self.lag)
    }

    /// The last final block that the node shows.
    pub(crate) fn seen_final(&self) -> Option<usize> {
        if self.lag == 0 {
            return self.final_block;
        }
        let own = self.seen_latest().checked_sub(Self::FINAL_DEPTH);
        own.min(self.final_block)
    }

    fn is_submitter(account: Address) -> bool {
        account == Self::SUBMITTER || account == Self::SECOND
    }

    /// Transactions of a submitter up to a block.
    pub(crate) fn nonce_at(&self, sender: Address, block: Option<usize>) -> u64 {
        let mined = self
            .up_to(block)
            .filter(|(_, mined)| mined.transaction.sender == sender);
        mined.count().try_into().unwrap()
    }

    pub(crate) fn pending_nonce(&self, sender: Address) -> u64 {
        let mut nonce = self.nonce_at(sender, Some(self.seen_latest()));
        while self
            .pool
            .values()
            .any(|pooled| pooled.sender == sender && pooled.nonce == nonce)
        {
            nonce += 1;
        }
        nonce
    }

    pub(crate) fn consumed_at(&self, key: Key, block: Option<usize>) -> Option<(B256, u64)> {
        self.up_to(block)
            .find(|(_, mined)| mined.success && mined.transaction.call == Call::Claim(key))
            .map(|(block, mined)| (mined.transaction.hash, block.try_into().unwrap()))
    }

    pub(crate) fn find(&self, hash: B256, until: usize) -> Option<(usize, Mined)> {
        let found = self
            .up_to(Some(until))
            .find(|(_, mined)| mined.transaction.hash == hash);
        found.map(|(block, mined)| (block, *mined))
    }

    /// The transaction of a submitter that has used a nonce, up to a block.
    pub(crate) fn spender(
        &self,
        sender: Address,
        nonce: u64,
        until: Option<usize>,
    ) -> Option<B256> {
        self.up_to(until)
            .map(|(_, mined)| mined.transaction)
            .find(|sent| sent.sender == sender && sent.nonce == nonce)
            .map(|sent| sent.hash)
    }

    pub(crate) fn is_pooled(&self, hash: B256) -> bool {
        self.pool.contains_key(&hash)
    }

    pub(crate) fn is_expired_at(&self, block: Option<usize>) -> bool {
        matches!((self.expired_from, block), (Some(from), Some(block)) if block >= from)
    }

    pub(crate) fn would_succeed(&self, key: Key, on: usize) -> bool {
        !self.refusing && !self.is_expired_at(Some(on)) && self.consumed_at(key, Some(on)).is_none()
    }

    pub(crate) fn send(&mut self, transaction: Transaction) -> Broadcast {
        if self.pool.contains_key(&transaction.hash) {
            return Broadcast::AlreadyKnown;
        }
        if Self::is_submitter(transaction.sender)
            && transaction.nonce < self.nonce_at(transaction.sender, Some(self.latest()))
        {
            return Broadcast::NonceUsed;
        }
        let rival = self.pool.values().copied().find(|pooled| {
            pooled.sender == transaction.sender && pooled.nonce == transaction.nonce
        });
        if let Some(rival) = rival {
            let enough = |new: u128, old: u128| new * 10 >= old * 11;
            let raised = enough(transaction.fees.max_fee_per_gas, rival.fees.max_fee_per_gas)
                && enough(
                    transaction.fees.max_priority_fee_per_gas,
                    rival.fees.max_priority_fee_per_gas,
                );
            if !raised {
                return Broadcast::Underpriced;
            }
            self.pool.remove(&rival.hash);
        }
        if transaction.fees.max_fee_per_gas * 4 < self.base_fee {
            return Broadcast::Underpriced;
        }
        if !self.losing {
            self.pool.insert(transaction.hash, transaction);
        }
        Broadcast::Accepted
    }

    pub(crate) fn mine(&mut self) {
        self.blocks.push(Vec::new());
        loop {
            let latest = Some(self.latest());
            let next = self.pool.values().copied().find(|pooled| {
                let in_turn = !Self::is_submitter(pooled.sender)
                    || pooled.nonce == self.nonce_at(pooled.sender, latest);
                in_turn && pooled.fees.max_fee_per_gas >= self.base_fee
            });
            let Some(transaction) = next else { break };
            self.pool.remove(&transaction.hash);
            self.include(transaction);
        }
        self.final_block = self
            .final_block
            .max(self.latest().checked_sub(Self::FINAL_DEPTH));
        // A pool forgets what can no longer be mined.
        let latest = Some(self.latest());
        let [first, second] =
            [Self::SUBMITTER, Self::SECOND].map(|sender| self.nonce_at(sender, latest));
        self.pool.retain(|_, pooled| match pooled.sender {
            Self::SUBMITTER => pooled.nonce >= first,
            Self::SECOND => pooled.nonce >= second,
            _ => true,
        });
    }

    fn include(&mut self, transaction: Transaction) {
        let success = match transaction.call {
            Call::Claim(key) => self.would_succeed(key, self.latest()),
            Call::Nothing => true,
        };
        let latest = self.latest();
        self.blocks[latest].push(Mined {
            transaction,
            success,
        });
    }

    /// Takes up to `depth` blocks away, never a final one. Deliveries' transactions vanish or return to the pool; those
    /// of others return, since nobody is here who would send them again.
    pub(crate) fn reorganise(&mut self, depth: usize, vanish: bool) {
        let replaceable = self.latest() - self.final_block.unwrap_or(0);
        let depth = depth.min(replaceable);
        for _ in 0..depth {
            for mined in self.blocks.pop().unwrap() {
                let transaction = mined.transaction;
                let others =
                    transaction.call == Call::Nothing && transaction.fees == Self::OTHERS_FEES;
                if others || !Self::is_submitter(transaction.sender) || !vanish {
                    self.pool.insert(transaction.hash, transaction);
                }
            }
        }
    }

    /// The pool loses a delivery's transaction.
    pub(crate) fn drop_pooled(&mut self) {
        let first = self
            .pool
            .values()
            .find(|pooled| Self::is_submitter(pooled.sender) && pooled.fees != Self::OTHERS_FEES);
        if let Some(hash) = first.map(|pooled| pooled.hash) {
            self.pool.remove(&hash);
        }
    }

    pub(crate) fn expire(&mut self) {
        self.expired_from.get_or_insert(self.blocks.len());
    }

    pub(crate) fn other_consumes(&mut self, key: Key) {
        self.others_nonce += 1;
        let transaction = Transaction::new(
            Self::OTHER,
            self.others_nonce,
            Self::OTHERS_FEES,
            Call::Claim(key),
        );
        self.pool.insert(transaction.hash, transaction);
    }

    /// Somebody sends coin from the submitter's account, and pays whatever it takes to be next.
    pub(crate) fn other_uses_key(&mut self) {
        let nonce = self.nonce_at(Self::SUBMITTER, Some(self.latest()));
        let transaction =
            Transaction::new(Self::SUBMITTER, nonce, Self::OTHERS_FEES, Call::Nothing);
        self.pool
            .retain(|_, pooled| pooled.sender != Self::SUBMITTER || pooled.nonce != nonce);
        self.pool.insert(transaction.hash, transaction);
    }

    const OTHERS_FEES: Fees = Fees {
        max_fee_per_gas: 1_000_000,
        max_priority_fee_per_gas: 1_000_000,
    };

    /// What a mined transaction cost; no two cost the same.
    pub(crate) fn cost(block: usize, mined: &Mined) -> Cost {
        let nonce = mined.transaction.nonce;
        Cost {
            gas_used: 21_000 + nonce,
            gas_price: mined.transaction.fees.max_fee_per_gas + u128::try_from(block).unwrap(),
        }
    }

    fn up_to(&self, block: Option<usize>) -> impl Iterator<Item = (usize, &Mined)> {
        let count = block.map_or(0, |block| block + 1);
        self.blocks
            .iter()
            .take(count)
            .enumerate()
            .flat_map(|(number, block)| block.iter().map(move |mined| (number, mined)))
    }
}
