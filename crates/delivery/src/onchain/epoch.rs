//! Who may sign, as the verifier says, and whether it would accept what the configured signers sign.
//!
//! Asked before anything is signed: a claim that was signed under a signer set that the verifier does not have is refused
//! by every transaction. What counts for signing is its state in the last final block, which no reorganisation takes back.

use alloy::eips::BlockId;
use alloy::sol_types::SolCall;
use tocsin_domain::attestation::{Epoch, SignerSet};

use super::agreed::Question;
use super::connect::Submitter;
use super::contract::TocsinVerifier::{epochCall, epochCountCall};
use super::look::Head;
use super::node::Node;
use super::verifier::first_answer;
use crate::DeliveryError;

const ASKING: &str = "asking the verifier for an epoch";

/// Asks for the epochs, without those that are known to be revoked.
struct Announced<'a>(&'a [Epoch]);

impl Question for Announced<'_> {
    type Answer = Vec<Epoch>;

    const ATTEMPTED: &'static str = ASKING;

    async fn ask(&self, node: &Node, head: &Head) -> Result<Vec<Epoch>, DeliveryError> {
        node.epochs_at(BlockId::hash(head.hash), self.0).await
    }
}

impl Node {
    async fn epochs_at(
        &self,
        block: BlockId,
        known: &[Epoch],
    ) -> Result<Vec<Epoch>, DeliveryError> {
        let count = self.ask(ASKING, &epochCountCall {}, block).await?;
        let count = epochCountCall::abi_decode_returns(&count)
            .map_err(|error| self.malformed(ASKING, format!("{count} is no count: {error}")))?;
        let is_over = |number: u32| {
            let mut known = known.iter();
            known.any(|epoch| epoch.number() == number && epoch.revoked)
        };
        let mut epochs = Vec::new();
        for number in (1..=count).filter(|number| !is_over(*number)) {
            epochs.push(self.read_epoch(number, block).await?);
        }
        Ok(epochs)
    }

    pub(super) async fn read_epoch(
        &self,
        number: u32,
        block: BlockId,
    ) -> Result<Epoch, DeliveryError> {
        let answer = self.ask(ASKING, &epochCall { number }, block).await?;
        let wrong = |problem: String| self.malformed(ASKING, format!("{answer}: {problem}"));
        let epoch =
            epochCall::abi_decode_returns(&answer).map_err(|error| wrong(error.to_string()))?;
        let signers = SignerSet::new(number, epoch.threshold, epoch.signers)
            .and_then(|signers| signers.with_contracts(epoch.contractSigners))
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Epoch {
            signers,
            active_from: epoch.activeFrom,
            sign_until: epoch.signUntil,
            accept_until: epoch.acceptUntil,
            revoked: epoch.revoked,
        })
    }
}

impl Submitter {
    /// The epochs that the verifier has announced up to its last final block, without those that are known to be revoked:
    /// nothing changes them any more. None where no final block has the verifier yet. As many endpoints as the settings say
    /// have to show the same.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when too few endpoints can say, [`DeliveryError::Disagree`] when they contradict each other.
    pub async fn epochs(&self, known: &[Epoch]) -> Result<Vec<Epoch>, DeliveryError> {
        let announced = self.agreed(&Announced(known)).await?;
        // Before there is a verifier it has announced none.
        Ok(announced.unwrap_or_default())
    }

    /// Every epoch that the verifier has announced, as of the newest block.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when no endpoint can say.
    pub async fn newest_epochs(&self) -> Result<Vec<Epoch>, DeliveryError> {
        first_answer!(self, node => node.epochs_at(BlockId::latest(), &[]).await)
    }

    /// That the verifier announced these signers with this threshold for this epoch.
    ///
    /// # Errors
    /// [`DeliveryError::OtherSigners`] if not, with both sides; [`DeliveryError::Rpc`] when the verifier cannot be asked,
    /// which is also how it says that it has no such epoch.
    pub async fn check_signers(&self, signers: &SignerSet) -> Result<(), DeliveryError> {
        let announced = self.node();
        let announced = announced.read_epoch(signers.epoch(), BlockId::latest());
        let announced = announced.await?.signers;
        let problem = if announced.threshold() != signers.threshold() {
            format!(
                "its threshold is {}, the configuration says {}",
                announced.threshold(),
                signers.threshold()
            )
        } else if announced.signers() != signers.signers() {
            format!(
                "its signers are {:?}, the configuration says {:?}",
                announced.signers(),
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
