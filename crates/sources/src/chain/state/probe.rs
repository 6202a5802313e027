//! What state sources say as of one block: for trying out settings before money depends on them.

use alloy::primitives::{Address, U64};
use tocsin_domain::observation::Observation;

use super::read::{StateAt, read};
use super::source::StateSource;
use crate::SourceError;
use crate::chain::ChainSettings;
use crate::chain::blocks::Blocks;
use crate::chain::header::watermark;
use crate::chain::observe::OpenTime;
use crate::chain::rpc::Rpc;

/// Reads the sources as of the block with this number, as a reader of the chain would if all of them were due there. A feed
/// that says the same as at the block before has no observation.
///
/// # Errors
///
/// Why the node does not answer, or what is wrong with its answer.
pub async fn probe(
    settings: &ChainSettings,
    multicall: Option<Address>,
    number: u64,
    sources: &[StateSource],
) -> Result<Vec<Observation>, SourceError> {
    let node = Rpc::new(settings)?;
    let attempt = node.attempt("eth_chainId", "which chain it serves");
    let reported: U64 = node.call(&attempt, [(); 0]).await?;
    if reported.to::<u64>() != settings.chain_id {
        return Err(SourceError::WrongChain {
            endpoint: node.endpoint().clone(),
            configured: settings.chain_id,
            reported: reported.to(),
        });
    }
    let blocks = Blocks {
        node,
        finality: settings.finality,
    };
    let header = blocks.header(number).await?;
    let after = match number.checked_sub(1) {
        None => None,
        Some(parent) => {
            let parent = blocks.header(parent).await?;
            Some(watermark(
                parent.timestamp,
                settings.strictly_rising_timestamps,
            ))
        }
    };
    let at = StateAt {
        chain_id: settings.chain_id,
        header: &header,
        open: OpenTime {
            after,
            until: header.timestamp,
        },
        multicall,
    };
    let all: Vec<&StateSource> = sources.iter().collect();
    read(&blocks.node, at, &all).await
}
