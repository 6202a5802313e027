//! What was signed of a loss event, by whom, and where the log shows it.

use alloy_primitives::Address;
use maud::{Markup, html};
use tocsin_domain::attestation::{ClaimAttestation, SignatureSet};
use tocsin_domain::ids::{BatchId, ClaimKey};
use tocsin_store::attestation::{AttestationRecord, Signed};
use tocsin_store::log::Leaf;
use tocsin_store::{Store, StoreError};

use crate::epochs::{StandingView, standing};
use crate::problem::Problem;

/// An attestation with what a reader wants to check of it.
pub(super) struct SignedClaim {
    record: AttestationRecord,
    claim_key: ClaimKey,
    epoch: u32,
    batch: Option<BatchId>,
    /// Those whose signatures it has, by their index; nobody where the epoch is not known here.
    signers: Vec<(u8, Option<Address>)>,
    standing: StandingView,
    /// Its place in the log.
    leaf: Option<u64>,
}

impl SignedClaim {
    pub(super) async fn of(store: &dyn Store, record: AttestationRecord) -> Result<Self, Problem> {
        let invalid = |reason: String| StoreError::InvalidRow {
            noun: "attestation",
            key: record.id.to_string(),
            reason,
        };
        let payload = ClaimAttestation::from_bytes(&record.payload)
            .map_err(|error| invalid(error.to_string()))?;
        let (packed, batch) = match &record.signed {
            Signed::Alone(signatures) => (signatures.clone(), None),
            Signed::InBatch { batch, .. } => {
                let stored = store.batch(*batch).await?;
                let stored = stored.ok_or_else(|| invalid("its batch is not stored".to_owned()))?;
                (stored.signatures, Some(*batch))
            }
        };
        let set = SignatureSet::parse(&packed).map_err(|error| invalid(error.to_string()))?;
        let epoch = store
            .epoch(record.domain_separator, payload.signerEpoch)
            .await?;
        let known = epoch.as_ref().map(|epoch| epoch.signers.signers());
        let signers = set
            .iter()
            .map(|(index, _)| {
                let address = known.and_then(|known| known.get(usize::from(index)));
                (index, address.copied())
            })
            .collect();
        let leaf = leaf(store, &record.id.to_string(), "attestation", 0).await?;
        Ok(Self {
            claim_key: record.claim_key,
            epoch: payload.signerEpoch,
            batch,
            signers,
            standing: standing(store, &record).await?,
            leaf,
            record,
        })
    }

    /// As a section of a page.
    pub(super) fn shown(&self) -> Markup {
        let id = self.record.id;
        html! {
            h3 { "For policy " a href={ "/eligibility?q=" (self.record.policy) } { code { (self.record.policy) } } }
            table {
                tbody {
                    tr { th { "Digest" } td { a href={ "/v1/attestations/" (id) } { code { (id) } } } }
                    tr { th { "Claim key" } td { a href={ "/v1/claims/" (self.claim_key) } { code { (self.claim_key) } } } }
                    tr { th { "Signed" } td { (self.record.attested_at.to_string()) ", in epoch " a href="/v1/epochs" { (self.epoch) } } }
                    @if let Some(batch) = self.batch { tr { th { "In the batch" } td { code { (batch) } ", whose signatures these are" } } }
                    tr {
                        th { "By" }
                        td {
                            ul {
                                @for (index, address) in &self.signers {
                                    li { "signer " (index) " " @if let Some(address) = address { code { (address) } } @else { "of an epoch that is not known here" } }
                                }
                            }
                        }
                    }
                    tr { th { "Now" } td { (self.standing.in_words()) } }
                    tr { th { "Evidence" } td { a href={ "/v1/attestations/" (id) "/evidence" } { "the bundle" } ", which " code { "tocsin verify" } " decides again" } }
                    tr { th { "In the log" } td { (proof(self.leaf)) } }
                }
            }
        }
    }
}

/// Where the log says it, and proves that it does.
pub(super) fn proof(leaf: Option<u64>) -> Markup {
    html! {
        @if let Some(index) = leaf {
            a href={ "/v1/log/entries?start=" (index) "&limit=1" } { "leaf " (index) }
            ", " a href={ "/v1/log/proof/inclusion?index=" (index) } { "its proof of inclusion" }
        } @else { "not yet" }
    }
}

/// The newest leaf of a kind about a subject.
pub(super) async fn leaf(
    store: &dyn Store,
    subject: &str,
    kind: &str,
    ordinal: u64,
) -> Result<Option<u64>, StoreError> {
    // Of one subject there are as many kinds of decisions as loss events, and few of each.
    const LOOKED_AT: u32 = 100;
    let leaves = store.leaves_about(subject, Some(kind), LOOKED_AT).await?;
    let of_it = |leaf: &&Leaf| ordinal == 0 || leaf.ordinal == ordinal;
    Ok(leaves.iter().find(of_it).map(|leaf| leaf.index))
}
