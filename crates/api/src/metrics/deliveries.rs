//! What deliveries on chains cost.

use alloy_primitives::U256;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

const WEI_PER_GWEI: u64 = 1_000_000_000;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ChainLabels {
    chain: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct TransactionLabels {
    chain: String,
    outcome: OutcomeLabel,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
enum OutcomeLabel {
    Succeeded,
    Reverted,
}

pub(super) struct Deliveries {
    transactions: Family<TransactionLabels, Counter>,
    gas_used: Family<ChainLabels, Counter>,
    fees_gwei: Family<ChainLabels, Counter>,
}

impl Deliveries {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let deliveries = Self {
            transactions: Family::default(),
            gas_used: Family::default(),
            fees_gwei: Family::default(),
        };
        registry.register(
            "delivery_transactions",
            "Transactions of deliveries in final blocks, by outcome",
            deliveries.transactions.clone(),
        );
        registry.register(
            "delivery_gas_used",
            "Gas that transactions of deliveries used",
            deliveries.gas_used.clone(),
        );
        registry.register(
            "delivery_fees_gwei",
            "What was paid for that gas, each transaction's whole gwei",
            deliveries.fees_gwei.clone(),
        );
        deliveries
    }

    pub(super) fn paid(&self, chain_id: u64, succeeded: bool, gas_used: u64, wei: U256) {
        let chain = format!("eip155:{chain_id}");
        let outcome = if succeeded {
            OutcomeLabel::Succeeded
        } else {
            OutcomeLabel::Reverted
        };
        let labels = TransactionLabels {
            chain: chain.clone(),
            outcome,
        };
        self.transactions.get_or_create(&labels).inc();
        let labels = ChainLabels { chain };
        self.gas_used.get_or_create(&labels).inc_by(gas_used);
        let gwei = wei / U256::from(WEI_PER_GWEI);
        self.fees_gwei
            .get_or_create(&labels)
            .inc_by(gwei.saturating_to());
    }
}
