//! Who signs, and what stands in the way of claims.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_domain::attestation::{ClaimAttestation, SignerSet};
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::attestor::shown;
use tocsin_store::revocation::Standing;
use tocsin_store::{Store, StoreError};
use utoipa::ToSchema;

use crate::attestors::LifeView;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;

/// The epochs of a verifier, as its last final block has them, or of a programme off-chain, as they are configured.
#[derive(Serialize, ToSchema)]
pub(crate) struct EpochList {
    /// The verifier contract; none where attestations are for a programme off-chain.
    verifier: Option<VerifierView>,
    /// The programme off-chain, where it is for one.
    #[schema(value_type = Option<String>)]
    programme: Option<B256>,
    epochs: Vec<EpochView>,
}

/// A verifier contract.
#[derive(Serialize, ToSchema)]
struct VerifierView {
    /// EIP-155 chain id, decimal.
    chain_id: String,
    /// The contract.
    #[schema(value_type = String)]
    verifier: Address,
}

/// Signers, and how many of them have to sign.
#[derive(Serialize, ToSchema)]
struct SignersView {
    /// Decimal.
    epoch: String,
    /// Decimal.
    threshold: String,
    /// In ascending order.
    #[schema(value_type = Vec<String>)]
    addresses: Vec<Address>,
    /// Those of them that are contracts; absent where none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    contracts: Vec<Address>,
}

impl From<&SignerSet> for SignersView {
    fn from(signers: &SignerSet) -> Self {
        Self {
            epoch: signers.epoch().to_string(),
            threshold: signers.threshold().to_string(),
            addresses: signers.signers().to_vec(),
            contracts: signers.contract_addresses().collect(),
        }
    }
}

/// Who may sign when. Times are unix seconds, as decimal text: they can be as late as the end of time.
#[derive(Serialize, ToSchema)]
pub(crate) struct EpochView {
    epoch: u32,
    active_from: String,
    sign_until: String,
    accept_until: String,
    revoked: bool,
    /// Where the keys that sign in it are in their life.
    life: LifeView,
    /// What was said of it ahead of time, and when: `ending`, `unsucceeded`, `lagging`.
    #[schema(value_type = BTreeMap<String, String>)]
    notices: BTreeMap<&'static str, String>,
    signers: SignersView,
    /// Claims that were attested in it and are not paid yet.
    unredeemed_claims: u64,
}

/// What the verifier says of a claim, as of the last final block that was searched.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StandingView {
    /// A guardian holds it.
    pub(crate) held: bool,
    /// The number of the hold that is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<u32>,
    /// What was said of it is revoked.
    pub(crate) revoked: bool,
    /// Statements below this revision are revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_revision: Option<u32>,
    /// A person has allowed a corrected statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    correction_allowed: Option<bool>,
}

impl StandingView {
    /// What stands in the way, as a clause.
    pub(crate) fn in_words(&self) -> &'static str {
        match (self.held, self.revoked) {
            (_, true) => "it is revoked",
            (true, false) => "a guardian holds it",
            (false, false) => "nothing stands in its way",
        }
    }
}

/// The epochs of the verifier, with the unpaid claims under each.
#[utoipa::path(get, path = "/v1/epochs", operation_id = "list_epochs", tag = "epochs", responses((status = 200, description = "The epochs", body = EpochList), (status = 404, description = "This service attests nothing", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn epochs(State(api): State<Served>) -> Result<Json<EpochList>, Problem> {
    let Some(domain) = api.attestor else {
        return Err(Problem::NotFound("this service attests nothing".to_owned()));
    };
    let separator = domain.domain_separator();
    let unredeemed = api.store.unredeemed(separator).await?;
    let lives = api.store.epoch_lives(separator).await?;
    let notices = api.store.epoch_notices(separator).await?;
    let mut epochs = Vec::new();
    for epoch in api.store.epochs(separator).await? {
        let life = shown(&epoch, lives.get(&epoch.number()).copied(), api.auth.now());
        let said = notices
            .iter()
            .filter(|((number, _), _)| *number == epoch.number());
        let mut counts = unredeemed.iter();
        let count = counts.find(|(number, _)| *number == epoch.number());
        epochs.push(EpochView {
            epoch: epoch.number(),
            active_from: epoch.active_from.to_string(),
            sign_until: epoch.sign_until.to_string(),
            accept_until: epoch.accept_until.to_string(),
            revoked: epoch.revoked,
            life: LifeView::from(life),
            notices: said
                .map(|((_, notice), at)| (notice.name(), at.0.to_string()))
                .collect(),
            signers: SignersView::from(&epoch.signers),
            unredeemed_claims: count.map_or(0, |(_, count)| *count),
        });
    }
    let verifier = domain.verifier();
    let programme = domain.programme().map(|off_chain| off_chain.programme);
    Ok(Json(EpochList {
        verifier: verifier.map(|verifier| VerifierView {
            chain_id: verifier.chain_id.to_string(),
            verifier: verifier.verifier,
        }),
        programme,
        epochs,
    }))
}

impl StandingView {
    /// What stands in the way of the claim of an attestation.
    pub(crate) fn of(
        record: &AttestationRecord,
        standing: Option<Standing>,
    ) -> Result<Self, StoreError> {
        let Some(Standing { news, corrected }) = standing else {
            return Ok(Self {
                held: false,
                hold: None,
                revoked: false,
                min_revision: None,
                correction_allowed: None,
            });
        };
        let payload = ClaimAttestation::from_bytes(&record.payload).map_err(|error| {
            StoreError::InvalidRow {
                noun: "attestation",
                key: record.id.to_string(),
                reason: error.to_string(),
            }
        })?;
        Ok(Self {
            held: news.hold.is_some(),
            hold: news.hold,
            revoked: payload.revision < news.min_revision,
            min_revision: Some(news.min_revision),
            correction_allowed: Some(corrected == Some(news.min_revision)),
        })
    }
}

/// What the verifier says of the claim of an attestation.
pub(crate) async fn standing(
    store: &dyn Store,
    record: &AttestationRecord,
) -> Result<StandingView, StoreError> {
    let found = store.claim_standing(record.domain_separator, record.claim_key);
    StandingView::of(record, found.await?)
}
