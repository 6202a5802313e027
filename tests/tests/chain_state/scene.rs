//! A vault, a feed and a Multicall on a real node, a node of faults before it, and somebody who reads their state.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolCall;

use super::*;

pub(crate) const GENESIS: u64 = 1_700_000_000;

alloy::sol! {
    interface Vault {
        function reprice(uint256 assetsPerShare) external;
        function pause(bool paused) external;
        function give(address holder, uint256 shares) external;
        function note(uint256 id, address who, uint128 low, uint128 high, uint256 next) external;
    }

    interface Feed {
        function set(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound) external;
    }
}

/// What there is on the chain.
pub(crate) struct Scene {
    pub(crate) anvil: Anvil,
    pub(crate) node: FaultyNode,
    pub(crate) vault: Address,
    pub(crate) multicall: Address,
    /// The block before there was a Multicall.
    pub(crate) without_multicall: u64,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let anvil = Anvil::start(GENESIS).await;
        let node = FaultyNode::start(anvil.url()).await;
        let vault = deploy(&anvil, "DemoVault").await;
        let without_multicall = anvil.head().await;
        let multicall = deploy(&anvil, "DemoMulticall").await;
        Self {
            anvil,
            node,
            vault,
            multicall,
            without_multicall,
        }
    }

    /// Sends a transaction in a block of its own and gives the block's number.
    pub(crate) async fn send(&self, to: Address, call: impl SolCall) -> u64 {
        let transaction = self.anvil.send(Some(to), call.abi_encode().into()).await;
        self.anvil.mine(1).await;
        self.anvil.receipt(transaction).await;
        self.anvil.head().await
    }

    pub(crate) async fn reprice(&self, price: u64) -> u64 {
        let call = Vault::repriceCall {
            assetsPerShare: U256::from(price),
        };
        self.send(self.vault, call).await
    }

    pub(crate) async fn try_read(
        &self,
        block: u64,
        multicall: Option<Address>,
        sources: &[StateSource],
    ) -> Result<Vec<Observation>, SourceError> {
        state::probe(&settings(&self.node), multicall, block, sources).await
    }

    /// What the sources say as of the block, each asked alone.
    pub(crate) async fn read(&self, block: u64, sources: &[StateSource]) -> Vec<Observation> {
        self.try_read(block, None, sources).await.unwrap()
    }

    /// The value of one source as of the block.
    pub(crate) async fn value(&self, block: u64, source: &StateSource) -> Option<Value> {
        let mut seen = self.read(block, std::slice::from_ref(source)).await;
        assert_eq!(seen.len(), 1);
        seen.remove(0).value
    }

    /// A call of the vault.
    pub(crate) fn call(&self, function: &str, arguments: &[&str], value: &str) -> StateSource {
        self.call_with(function, arguments, value, |_| {})
    }

    pub(crate) fn call_with(
        &self,
        function: &str,
        arguments: &[&str],
        value: &str,
        change: impl FnOnce(&mut CallSettings),
    ) -> StateSource {
        let mut call = CallSettings {
            address: self.vault,
            function: function.to_owned(),
            arguments: arguments
                .iter()
                .map(|&literal| literal.to_owned())
                .collect(),
            value: value.to_owned(),
            decimals: 0,
            on_revert: OnRevert::NoValue,
            from: None,
        };
        change(&mut call);
        let (name, _) = function.split_once('(').unwrap();
        let id = format!("call:eip155:{CHAIN_ID}:{:?}#{name}", call.address);
        source(&id, Reading::Call(call))
    }

    /// A field of the vault's storage.
    pub(crate) fn slot(
        &self,
        slot: &str,
        bit_offset: u16,
        bits: u16,
        field: StorageField,
    ) -> StateSource {
        slot_of(self.vault, slot, bit_offset, bits, field)
    }
}

pub(crate) fn slot_of(
    address: Address,
    slot: &str,
    bit_offset: u16,
    bits: u16,
    field: StorageField,
) -> StateSource {
    let id = format!("storage:eip155:{CHAIN_ID}:{address:?}#{slot}");
    let storage = StorageSettings {
        address,
        slot: slot.to_owned(),
        bit_offset,
        bits,
        field,
        decimals: 0,
    };
    source(&id, Reading::Storage(storage))
}

pub(crate) fn source(id: &str, reading: Reading) -> StateSource {
    every(1, id, reading)
}

pub(crate) fn every(blocks: u64, id: &str, reading: Reading) -> StateSource {
    StateSource::new(StateSettings {
        source: id.into(),
        subject: "vault".into(),
        metric: "metric".into(),
        schedule: Schedule {
            every_blocks: NonZeroU64::new(blocks),
            events: Vec::new(),
        },
        from_block: 0,
        reading,
    })
    .unwrap()
}

pub(crate) fn settings(node: &FaultyNode) -> ChainSettings {
    let endpoints = vec![EndpointSettings::new(node.url())];
    ChainSettings::new(CHAIN_ID, endpoints, Finality::Confirmations(0))
}

/// Deploys a contract that takes nothing, in a block of its own.
pub(crate) async fn deploy(anvil: &Anvil, name: &str) -> Address {
    let path = repository().join(format!("contracts-abi/abi/{name}.json"));
    let artifact: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let code: Bytes = artifact["bytecode"].as_str().unwrap().parse().unwrap();
    let transaction = anvil.send(None, code).await;
    anvil.mine(1).await;
    let receipt = anvil.receipt(transaction).await;
    receipt["contractAddress"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn decimal(text: &str) -> Option<Value> {
    Some(Value::Decimal(text.parse().unwrap()))
}

pub(crate) fn text(text: impl Into<String>) -> Option<Value> {
    Some(Value::Text(text.into()))
}

pub(crate) async fn time_of(anvil: &Anvil, block: u64) -> Timestamp {
    let block = anvil.block(&format!("{block:#x}")).await;
    Timestamp(i64::try_from(quantity(&block["timestamp"])).unwrap())
}

pub(crate) async fn hash_of(anvil: &Anvil, block: u64) -> B256 {
    serde_json::from_value(anvil.block(&format!("{block:#x}")).await["hash"].take()).unwrap()
}
