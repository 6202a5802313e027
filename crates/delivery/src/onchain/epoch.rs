//! Whether the verifier would accept what the configured signers sign.
//!
//! Asked before anything is signed: a claim that was signed under a signer set that the verifier does not have is refused
//! by every transaction.

use alloy::network::TransactionBuilder;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use tocsin_domain::attestation::SignerSet;

use super::connect::Submitter;
use super::contract::TocsinVerifier::epochCall;
use crate::DeliveryError;

const ASKING: &str = "asking the verifier for an epoch";

impl Submitter {
    /// That the verifier announced these signers with this threshold for this epoch, and has not revoked it.
    ///
    /// # Errors
    /// [`DeliveryError::OtherSigners`] if not, with both sides; [`DeliveryError::Rpc`] when the verifier cannot be asked,
    /// which is also how it says that it has no such epoch.
    pub async fn check_signers(&self, signers: &SignerSet) -> Result<(), DeliveryError> {
        let call = epochCall {
            number: signers.epoch(),
        };
        let request = TransactionRequest::default()
            .with_to(self.settings().verifier)
            .with_input(call.abi_encode());
        let answer = self.asked(ASKING, self.provider().call(request).await)?;
        let announced = epochCall::abi_decode_returns(&answer)
            .map_err(|error| self.malformed(ASKING, format!("{answer} is no epoch: {error}")))?;
        let problem = if announced.revoked {
            "it is revoked".to_owned()
        } else if announced.threshold != signers.threshold() {
            format!(
                "its threshold is {}, the configuration says {}",
                announced.threshold,
                signers.threshold()
            )
        } else if announced.signers != signers.signers() {
            format!(
                "its signers are {:?}, the configuration says {:?}",
                announced.signers,
                signers.signers()
            )
        } else {
            return Ok(());
        };
        Err(DeliveryError::OtherSigners {
            verifier: self.settings().verifier,
            epoch: signers.epoch(),
            problem,
        })
    }
}
