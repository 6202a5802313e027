//! What state sources say as of one block: for trying out settings before money depends on them.

use alloy::primitives::Address;
use tocsin_domain::observation::Observation;

use super::read::{StateAt, read};
use super::source::StateSource;
use crate::SourceError;
use crate::chain::ChainSettings;
use crate::chain::header::watermark;
use crate::chain::nodes::Nodes;
use crate::chain::observe::OpenTime;

/// Reads the sources at one endpoint as of the block with this number, as a reader of the chain would if all of them were due there. A feed
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
    let nodes = Nodes::connect(settings).await?;
    let counting = nodes.counting()?;
    let Some(node) = nodes.lead(&counting) else {
        return Err(nodes.too_few(0));
    };
    let header = node.header(number).await?;
    let after = match number.checked_sub(1) {
        None => None,
        Some(parent) => {
            let parent = node.header(parent).await?;
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
    read(&node.rpc, at, &all).await
}
