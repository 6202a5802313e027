//! A service in small: an outbox that survives, a memory that does not, and a loop that does what it is told. It
//! checks the promises at every action.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes};
use tocsin_delivery::onchain::{
    Action, AttemptView, Broadcast, BumpPermille, ChainView, Consumption, Cost, DeliveryView, Fate,
    FeePolicy, HeldNonce, Market, Order, Outlook, Policy, Pricing, Prospect, Purpose, Pushed,
    Revert, next_action,
};
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::{Seconds, Timestamp};

use super::chain::{Call, Chain, Key, Transaction};

/// Where the process dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Crash {
    Never,
    BeforeStoring,
    BeforeBroadcast,
    AfterBroadcast,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Done,
    Failed,
}

#[derive(Debug)]
struct Row {
    view: DeliveryView,
    not_before: Timestamp,
    end: Option<End>,
    /// Everything that was ever signed for it.
    history: Vec<Transaction>,
    /// What was paid for it, by transaction.
    costs: BTreeMap<B256, Cost>,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) now: Timestamp,
    sender: Address,
    policy: Policy,
    rows: Vec<Row>,
    next_nonce: u64,
    memory: BTreeMap<B256, Pushed>,
}

impl Service {
    pub(crate) fn new(deliveries: usize, sender: Address, pricing: Pricing) -> Self {
        let row = |key: Key| Row {
            view: DeliveryView {
                attestation: AttestationId(B256::with_last_byte(u8::try_from(key).unwrap())),
                claim_key: ClaimKey(B256::with_last_byte(u8::try_from(key).unwrap())),
                consumer: Address::repeat_byte(0xc0),
                calldata: Bytes::new(),
                failures: 0,
                held: None,
            },
            not_before: Timestamp(0),
            end: None,
            history: Vec::new(),
            costs: BTreeMap::new(),
        };
        Self {
            now: Timestamp(1_000_000),
            sender,
            policy: Policy {
                fees: FeePolicy {
                    max_fee_cap: 1000,
                    min_tip: 2,
                    bump: BumpPermille::LEAST,
                    pricing,
                },
                bump_after: Seconds(60),
                resend_after: Seconds(10),
                poll_every: Seconds(5),
                back_off_at_most: Seconds(300),
            },
            rows: (0..deliveries).map(row).collect(),
            next_nonce: 0,
            memory: BTreeMap::new(),
        }
    }

    pub(crate) fn step(&mut self, delivery: Key, chain: &mut Chain, crash: Crash) {
        let row = &self.rows[delivery];
        if row.end.is_some() || self.now < row.not_before {
            return;
        }
        // A node that does not answer gives no view, and without a view nothing is done.
        let Some(view) = self.look(delivery, chain) else {
            return;
        };
        let action = next_action(&row.view, &view, &self.policy, self.now);
        self.check(delivery, chain, &action);
        self.charge(delivery, &view, &action);
        self.act(delivery, chain, action, crash);
        if crash != Crash::Never {
            self.memory.clear();
        }
    }

    fn look(&self, key: Key, chain: &Chain) -> Option<ChainView> {
        if chain.down {
            return None;
        }
        let held = self.rows[key].view.held.as_ref();
        let latest = Some(chain.seen_latest());
        let attempts = held.map_or(&[][..], |held| &held.attempts);
        let fates: Vec<Fate> = attempts
            .iter()
            .map(|attempt| fate(chain, attempt.hash))
            .collect();
        let consumption = match chain.consumed_at(key, chain.seen_final()) {
            Some((transaction, block)) => Consumption::Final { transaction, block },
            None if chain.consumed_at(key, latest).is_some() => Consumption::Recent,
            None => Consumption::None,
        };
        let latest_nonce = chain.nonce_at(self.sender, latest);
        let open = held.is_none_or(|held| latest_nonce <= held.nonce);
        Some(ChainView {
            latest_block: chain.seen_latest().try_into().unwrap(),
            consumption,
            pending_nonce: chain.pending_nonce(self.sender),
            latest_nonce,
            final_nonce: chain.nonce_at(self.sender, chain.seen_final()),
            pushed: attempts
                .last()
                .and_then(|attempt| self.memory.get(&attempt.hash).copied()),
            fates,
            stranger: self.stranger(key, chain),
            prospect: open.then(|| prospect(key, chain)),
            signer: self.sender,
        })
    }

    /// Whose transaction used the nonce, where it is nobody's of this delivery.
    fn stranger(&self, key: Key, chain: &Chain) -> Option<B256> {
        let held = self.rows[key].view.held.as_ref()?;
        let spender = chain.spender(self.sender, held.nonce, chain.seen_final())?;
        let mut own = held.attempts.iter();
        own.all(|attempt| attempt.hash != spender)
            .then_some(spender)
    }

    /// What the stage does before an ending: it writes down what was paid. The same again is no other amount.
    fn charge(&mut self, delivery: Key, view: &ChainView, action: &Action) {
        let ends = match action {
            Action::Finish { .. } | Action::GiveUp { .. } => true,
            Action::PutBack { release_nonce, .. } => *release_nonce,
            _ => false,
        };
        let row = &mut self.rows[delivery];
        let attempts = row.view.held.iter().flat_map(|held| &held.attempts);
        for (attempt, fate) in attempts.zip(&view.fates).filter(|_| ends) {
            if let Fate::Mined {
                is_final: true,
                cost,
                ..
            } = *fate
            {
                let known = row.costs.insert(attempt.hash, cost);
                assert!(known.is_none_or(|known| known == cost));
            }
        }
    }

    /// The promises.
    fn check(&self, delivery: Key, chain: &Chain, action: &Action) {
        let row = &self.rows[delivery];
        let final_nonce = chain.nonce_at(self.sender, chain.final_block());
        // A node that is behind does not know of the newest endings.
        let final_consumption = chain.consumed_at(delivery, chain.seen_final());
        let nothing_can_be_mined = row.history.iter().all(|signed| signed.nonce < final_nonce);
        match action {
            Action::TakeNonce { .. } => {
                assert!(row.view.held.is_none(), "a second nonce beside the first");
                assert!(
                    nothing_can_be_mined,
                    "a nonce while an earlier transaction could be mined"
                );
            }
            Action::Sign(order) => self.check_order(row, order),
            Action::Broadcast { hash } => {
                let held = row.view.held.as_ref().unwrap();
                assert!(
                    held.attempts.iter().any(|attempt| attempt.hash == *hash),
                    "not stored"
                );
            }
            Action::Wait { until, .. } => assert!(*until > self.now, "a busy loop"),
            Action::Finish { transaction, block } => {
                assert_eq!(final_consumption, Some((*transaction, *block)));
                assert!(nothing_can_be_mined, "done while a nonce is in the air");
            }
            Action::PutBack {
                not_before,
                release_nonce,
                ..
            } => {
                assert!(*not_before > self.now, "a busy loop");
                assert_eq!(*release_nonce, row.view.held.is_some());
                assert!(nothing_can_be_mined && final_consumption.is_none());
            }
            Action::GiveUp { .. } => {
                assert!(nothing_can_be_mined && final_consumption.is_none());
                assert!(
                    chain.is_expired_at(chain.final_block()),
                    "given up without a final reason"
                );
            }
        }
    }

    fn check_order(&self, row: &Row, order: &Order) {
        let held = row.view.held.as_ref().unwrap();
        assert_eq!(order.nonce, held.nonce);
        assert!(
            order.fees.max_fee_per_gas <= self.policy.fees.max_fee_cap,
            "above the cap"
        );
        assert!(order.fees.max_priority_fee_per_gas <= order.fees.max_fee_per_gas);
        let Some(newest) = held.attempts.last() else {
            return;
        };
        assert!(
            self.memory.contains_key(&newest.hash),
            "new fees before a rebroadcast"
        );
        for earlier in &held.attempts {
            for (new, old) in [
                (order.fees.max_fee_per_gas, earlier.fees.max_fee_per_gas),
                (
                    order.fees.max_priority_fee_per_gas,
                    earlier.fees.max_priority_fee_per_gas,
                ),
            ] {
                assert!(
                    new * 1000 >= old * 1125 && new > old,
                    "{new} replaces {old}"
                );
            }
        }
    }

    fn act(&mut self, delivery: Key, chain: &mut Chain, action: Action, crash: Crash) {
        if crash == Crash::BeforeStoring && !matches!(action, Action::Broadcast { .. }) {
            return;
        }
        let row = &mut self.rows[delivery];
        match action {
            Action::TakeNonce { chain_nonce } => {
                let nonce = self.next_nonce.max(chain_nonce);
                self.next_nonce = nonce + 1;
                row.view.held = Some(HeldNonce {
                    sender: self.sender,
                    nonce,
                    attempts: Vec::new(),
                });
            }
            Action::Sign(order) => {
                let call = match order.purpose {
                    Purpose::Claim | Purpose::Present => Call::Claim(delivery),
                    Purpose::Void => Call::Nothing,
                };
                let signed = Transaction::new(self.sender, order.nonce, order.fees, call);
                row.history.push(signed);
                row.view.held.as_mut().unwrap().attempts.push(AttemptView {
                    hash: signed.hash,
                    raw: Bytes::new(),
                    fees: signed.fees,
                    gas_limit: order.gas_limit,
                    purpose: order.purpose,
                });
                self.broadcast(signed, chain, crash);
            }
            Action::Broadcast { hash } => {
                let signed = *row
                    .history
                    .iter()
                    .find(|signed| signed.hash == hash)
                    .unwrap();
                self.broadcast(signed, chain, crash);
            }
            Action::Wait { .. } => {}
            Action::Finish { .. } => row.end = Some(End::Done),
            Action::GiveUp { .. } => row.end = Some(End::Failed),
            Action::PutBack {
                not_before,
                release_nonce,
                ..
            } => {
                row.view.failures += 1;
                row.not_before = not_before;
                if release_nonce {
                    row.view.held = None;
                }
            }
        }
    }

    fn broadcast(&mut self, signed: Transaction, chain: &mut Chain, crash: Crash) {
        if crash == Crash::BeforeBroadcast {
            return;
        }
        let answer: Broadcast = chain.send(signed);
        let first = Pushed {
            first_at: self.now,
            first_block: chain.seen_latest().try_into().unwrap(),
            last_at: self.now,
            last: None,
        };
        let pushed = self.memory.entry(signed.hash).or_insert(first);
        pushed.last_at = self.now;
        pushed.last = (!chain.down).then_some(answer);
    }

    /// Every delivery has ended as the chain says, every nonce that was taken is used, and every transaction that was
    /// mined is paid for in the books, at its price.
    pub(crate) fn assert_all_ended(&self, chain: &Chain) {
        for (key, row) in self.rows.iter().enumerate() {
            let consumed = chain.consumed_at(key, chain.final_block()).is_some();
            let expected = if consumed { End::Done } else { End::Failed };
            assert_eq!(row.end, Some(expected), "{row:?}");
            let mined = row.history.iter().filter_map(|signed| {
                let (block, mined) = chain.find(signed.hash, chain.latest())?;
                Some((signed.hash, Chain::cost(block, &mined)))
            });
            assert_eq!(row.costs, mined.collect(), "the books of {row:?}");
        }
        assert!(
            chain.nonce_at(self.sender, chain.final_block()) >= self.next_nonce,
            "a nonce is left behind"
        );
    }
}

fn fate(chain: &Chain, hash: B256) -> Fate {
    if chain.hiding {
        return Fate::Unknown;
    }
    match chain.find(hash, chain.seen_latest()) {
        Some((block, mined)) => Fate::Mined {
            block: block.try_into().unwrap(),
            success: mined.success,
            is_final: Some(block) <= chain.seen_final(),
            cost: Chain::cost(block, &mined),
        },
        None if chain.is_pooled(hash) => Fate::Pooled,
        None => Fate::Unknown,
    }
}

fn prospect(key: Key, chain: &Chain) -> Prospect {
    let latest = chain.seen_latest();
    let outlook = if chain.is_expired_at(chain.seen_final()) {
        Outlook::Permanent
    } else if chain.consumed_at(key, Some(latest)).is_some() {
        Outlook::Consumed
    } else {
        Outlook::MayClear
    };
    let call = if chain.would_succeed(key, latest) {
        Ok(100_000)
    } else {
        Err(Revert {
            reason: "refused".to_owned(),
            outlook,
        })
    };
    Prospect {
        call,
        purpose: Purpose::Claim,
        void_gas_limit: 21_000,
        market: Market {
            base_fee: chain.base_fee,
            tip: 1,
        },
    }
}
