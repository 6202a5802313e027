//! Warnings of chains that nobody looks at any more.

use tocsin_domain::time::Timestamp;
use tocsin_store::warning::{WarningChange, WarningId};
use tocsin_store::{Store, StoreError};

use crate::config::{Chain, Config, Network};

/// Takes back the warnings of chains whose newest blocks nobody looks at any more: they would stand for ever.
pub(super) async fn withdraw_unwatched(
    store: &dyn Store,
    config: &Config,
    at: Timestamp,
) -> Result<(), StoreError> {
    let looked_at = |chain: &Chain| match &chain.network {
        Network::Evm { warnings, .. } => *warnings && chain.is_watched(),
        Network::Solana { .. } => false,
    };
    let looked_at = config.chains.iter().filter(|chain| looked_at(chain));
    let names: Vec<&str> = looked_at.map(|chain| chain.name.as_str()).collect();
    let standing = store.standing(None).await?;
    let withdraw: Vec<WarningId> = standing
        .iter()
        .filter(|stands| !names.contains(&stands.warning.chain.as_str()))
        .map(|stands| stands.id)
        .collect();
    if withdraw.is_empty() {
        return Ok(());
    }
    tracing::info!(
        count = withdraw.len(),
        "warnings withdrawn: nobody looks at the newest blocks of their chains"
    );
    let change = WarningChange {
        withdraw,
        raise: Vec::new(),
        at,
    };
    store.change_warnings(&change).await?;
    Ok(())
}
