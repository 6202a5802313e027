//! Who and what lags behind a rotation: claims that wait under epochs which sign no more, and keys.

use alloy_primitives::B256;
use serde::Serialize;
use tocsin_store::attestor::AttestorKeys;
use tocsin_store::renewal::Cutoff;
use tocsin_store::{Store, StoreError};
use utoipa::ToSchema;

/// Claims that are named; of more it is only said that there are some.
const NAMED: usize = 100;

/// What keeps an old epoch from being over, and a new one from being in use.
#[derive(Serialize, ToSchema)]
pub(super) struct LaggardsView {
    /// Claims that were attested in an epoch which signs no more, and wait to be paid or attested anew. Held and revoked ones,
    /// and those that the verifier says are paid, are none of them.
    claims: Vec<LaggingClaimView>,
    /// There are more than are named.
    more: bool,
    keys: Vec<LaggingKeyView>,
}

/// A claim that waits.
#[derive(Serialize, ToSchema)]
struct LaggingClaimView {
    /// Under which epoch.
    epoch: u32,
    policy: String,
    /// Which loss event.
    loss: u32,
    claim_key: String,
    /// Its newest attestation.
    attestation: String,
}

/// A key that does not do what the others do.
#[derive(Serialize, ToSchema)]
struct LaggingKeyView {
    address: String,
    epoch: u32,
    /// `has_not_signed`: others have signed in this epoch, which is the newest that is active, and this one is in none of what
    /// is recorded. `signs_under_old`: it has signed in this epoch after that began to retire.
    what: &'static str,
}

impl LaggardsView {
    pub(super) async fn of(
        store: &dyn Store,
        separator: B256,
        known: &AttestorKeys,
    ) -> Result<Self, StoreError> {
        let (mut claims, mut more) = (Vec::new(), false);
        let limit = u32::try_from(NAMED.saturating_add(1)).unwrap_or(u32::MAX);
        for epoch in known.old() {
            let cutoff = Cutoff {
                epoch: epoch.number(),
                valid_until: u64::MAX,
            };
            for waiting in store.renewable(separator, &[cutoff], limit).await? {
                if claims.len() == NAMED {
                    more = true;
                    break;
                }
                claims.push(LaggingClaimView {
                    epoch: epoch.number(),
                    policy: waiting.policy.to_string(),
                    loss: waiting.ordinal,
                    claim_key: waiting.claim_key.to_string(),
                    attestation: waiting.attestation.to_string(),
                });
            }
        }
        let keys = known.laggards().into_iter().map(|laggard| LaggingKeyView {
            address: format!("{:#x}", laggard.signer),
            epoch: laggard.epoch,
            what: laggard.lag.name(),
        });
        Ok(Self {
            claims,
            more,
            keys: keys.collect(),
        })
    }
}
