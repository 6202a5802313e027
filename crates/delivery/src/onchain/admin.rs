//! Transactions of people: an epoch announced or revoked, a claim held, released or revoked.
//!
//! One at a time, watched until it is final. What a person is told is what the chain says: a transaction that was not seen
//! to be final in time is named, with its nonce, and nothing is assumed about it.

use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::{SolCall, SolValue};
use tocsin_domain::attestation::{HoldRelease, Revocation, SignerSet};
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tokio::time::{Instant, sleep};

use super::action::Order;
use super::connect::Submitter;
use super::contract::TocsinVerifier::{
    announceEpochCall, epochCountCall, guardianCall, holdClaimCall, noticeSecondsCall, ownerCall,
    releaseClaimCall, revokeClaimCall, revokeEpochCall,
};
use super::fees::Raise;
use super::look::Heads;
use super::node::Node;
use super::sign::SignedAttempt;
use super::transaction::Receipt;
use super::verifier::first_answer;
use super::view::{DeliveryView, Prospect, Purpose};
use crate::DeliveryError;

const ASKING: &str = "asking the verifier who may do what";

/// How often a transaction is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a person wants of the verifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdminCall {
    /// Announce the next epoch. The owner's.
    Announce {
        /// Who signs; the number is the verifier's to give.
        signers: SignerSet,
        /// First `issuedAt`.
        active_from: u64,
        /// Last `issuedAt`.
        sign_until: u64,
        /// Last block time at which its signatures are accepted.
        accept_until: u64,
    },
    /// Stop an epoch for good. The guardian's, or the owner's.
    RevokeEpoch(u32),
    /// Stop a claim until a quorum has decided. The guardian's.
    Hold(ClaimKey),
    /// End a hold. Anybody's who has the quorum's signatures.
    Release(HoldRelease, Vec<u8>),
    /// Take back what was said of a claim. Anybody's who has the quorum's signatures.
    Revoke(Revocation, Vec<u8>),
}

/// Who may do what at the verifier, in the newest block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authorities {
    /// Announces epochs.
    pub owner: Address,
    /// Revokes epochs and holds claims; zero where nobody is.
    pub guardian: Address,
    /// How many epochs are announced.
    pub epochs: u32,
    /// How long before it begins an epoch has to be announced, seconds; not the first.
    pub notice_seconds: u64,
}

impl Authorities {
    /// The earliest that an epoch can begin whose announcement is mined at `time`.
    pub fn earliest_activation(&self, time: u64) -> u64 {
        if self.epochs == 0 || self.notice_seconds == 0 {
            return 0;
        }
        time.saturating_add(self.notice_seconds)
    }
}

/// A transaction that is final.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Performed {
    /// Its hash.
    pub transaction: B256,
    /// Its block.
    pub block: u64,
}

impl AdminCall {
    /// The call's data, for whoever sends it another way, a multisig for instance.
    pub fn calldata(&self) -> Bytes {
        match self {
            Self::Announce {
                signers,
                active_from,
                sign_until,
                accept_until,
            } => announceEpochCall {
                activeFrom: *active_from,
                signUntil: *sign_until,
                acceptUntil: *accept_until,
                threshold: signers.threshold(),
                signers: signers.signers().to_vec(),
                contractSigners: signers.contracts(),
            }
            .abi_encode(),
            Self::RevokeEpoch(number) => revokeEpochCall { number: *number }.abi_encode(),
            Self::Hold(claim) => holdClaimCall { claimKey: claim.0 }.abi_encode(),
            // The signed struct and the contract's are one type in two places; a test holds them together.
            Self::Release(release, signatures) => {
                let arguments = (release.clone(), Bytes::copy_from_slice(signatures));
                let arguments = arguments.abi_encode_params();
                [releaseClaimCall::SELECTOR.as_slice(), &arguments].concat()
            }
            Self::Revoke(revocation, signatures) => {
                let arguments = (revocation.clone(), Bytes::copy_from_slice(signatures));
                let arguments = arguments.abi_encode_params();
                [revokeClaimCall::SELECTOR.as_slice(), &arguments].concat()
            }
        }
        .into()
    }
}

impl Node {
    async fn authorities(&self) -> Result<Authorities, DeliveryError> {
        let wrong = |error: alloy::sol_types::Error| self.malformed(ASKING, error.to_string());
        let latest = BlockId::latest();
        let owner = self.ask(ASKING, &ownerCall {}, latest).await?;
        let guardian = self.ask(ASKING, &guardianCall {}, latest).await?;
        let epochs = self.ask(ASKING, &epochCountCall {}, latest).await?;
        let notice = self.ask(ASKING, &noticeSecondsCall {}, latest).await?;
        Ok(Authorities {
            owner: ownerCall::abi_decode_returns(&owner).map_err(wrong)?,
            guardian: guardianCall::abi_decode_returns(&guardian).map_err(wrong)?,
            epochs: epochCountCall::abi_decode_returns(&epochs).map_err(wrong)?,
            notice_seconds: noticeSecondsCall::abi_decode_returns(&notice).map_err(wrong)?,
        })
    }

    async fn outlook(&self, view: &DeliveryView) -> Result<(Heads, Prospect), DeliveryError> {
        let heads = self.heads().await?;
        let prospect = self.prospect(view, &heads).await?;
        Ok((heads, prospect))
    }
}

impl Submitter {
    /// Who may do what.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when no endpoint can say.
    pub async fn authorities(&self) -> Result<Authorities, DeliveryError> {
        first_answer!(self, node => node.authorities().await)
    }

    /// The time of the newest block, unix seconds.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when no endpoint can say.
    pub async fn chain_time(&self) -> Result<u64, DeliveryError> {
        let heads = first_answer!(self, node => node.heads().await)?;
        Ok(heads.latest.time.to_u64().unwrap_or(0))
    }

    /// Sends the call, raises its fees as the policy says, and waits until it is final.
    ///
    /// # Errors
    /// [`DeliveryError::AdminReverts`] where the verifier would refuse it, and nothing was sent;
    /// [`DeliveryError::AdminPending`] where it is not final within `patience`.
    pub async fn perform(
        &self,
        call: &AdminCall,
        patience: Duration,
    ) -> Result<Performed, DeliveryError> {
        let began = Instant::now();
        let view = DeliveryView {
            attestation: AttestationId(B256::ZERO),
            claim_key: ClaimKey(B256::ZERO),
            consumer: self.settings().verifier,
            calldata: call.calldata(),
            failures: 0,
            held: None,
        };
        let nonce = self.transaction_count().await?;
        let mut attempts = Vec::new();
        self.offer(&view, nonce, &mut attempts).await?;
        let mut raised = Instant::now();
        let bump_after = Duration::from_secs(self.policy().bump_after.0.unsigned_abs());
        loop {
            let mined = self.mined(&attempts).await?;
            match mined {
                Some((transaction, receipt)) if receipt.is_final => {
                    return if receipt.success {
                        let block = receipt.block;
                        Ok(Performed { transaction, block })
                    } else {
                        let reason = format!("transaction {transaction} was mined and reverted");
                        Err(DeliveryError::AdminReverts { reason })
                    };
                }
                None if raised.elapsed() > bump_after => {
                    self.offer(&view, nonce, &mut attempts).await?;
                    raised = Instant::now();
                }
                Some(_) | None => {}
            }
            if began.elapsed() > patience {
                return Err(DeliveryError::AdminPending {
                    transactions: attempts.iter().map(|attempt| attempt.hash).collect(),
                    nonce,
                });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn mined(
        &self,
        attempts: &[SignedAttempt],
    ) -> Result<Option<(B256, Receipt)>, DeliveryError> {
        for attempt in attempts {
            if let Some(receipt) = self.receipt(attempt.hash).await? {
                return Ok(Some((attempt.hash, receipt)));
            }
        }
        Ok(None)
    }

    /// Signs and broadcasts: with the first fees, or with those of the last attempt raised, unless that is above the cap.
    async fn offer(
        &self,
        view: &DeliveryView,
        nonce: u64,
        attempts: &mut Vec<SignedAttempt>,
    ) -> Result<(), DeliveryError> {
        let (heads, prospect) = first_answer!(self, node => node.outlook(view).await)?;
        let gas_limit = match (prospect.call, attempts.last()) {
            (Ok(gas_limit), _) => gas_limit,
            (Err(revert), None) => {
                let reason = revert.reason;
                return Err(DeliveryError::AdminReverts { reason });
            }
            // Its predecessor may be in the newest block.
            (Err(_), Some(_)) => return Ok(()),
        };
        let policy = self.policy().fees;
        let fees = match attempts.last() {
            None => policy.initial(prospect.market),
            Some(last) => match policy.bumped(last.fees, prospect.market) {
                Raise::To(fees) => fees,
                Raise::AboveCap => return Ok(()),
            },
        };
        let order = Order {
            purpose: Purpose::Claim,
            nonce,
            fees,
            gas_limit,
        };
        let signed = self.sign(view, &order)?;
        let latest = heads.latest;
        self.broadcast(signed.hash, &signed.raw, latest.number, latest.time)
            .await?;
        attempts.push(signed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_reads_statements_where_they_were_put() {
        let release = HoldRelease {
            claimKey: B256::repeat_byte(1),
            hold: 2,
            issuedAt: 3,
            signerEpoch: 4,
        };
        let call = AdminCall::Release(release.clone(), vec![7; 97]).calldata();
        let read = releaseClaimCall::abi_decode(&call).unwrap();
        assert_eq!(read.signatures, Bytes::from(vec![7; 97]));
        assert_eq!(format!("{:?}", read.release), format!("{release:?}"));
        let revocation = Revocation {
            claimKey: B256::repeat_byte(1),
            minRevision: 2,
            reason: B256::repeat_byte(3),
            issuedAt: 4,
            signerEpoch: 5,
        };
        let call = AdminCall::Revoke(revocation.clone(), vec![7; 97]).calldata();
        let read = revokeClaimCall::abi_decode(&call).unwrap();
        assert_eq!(read.signatures, Bytes::from(vec![7; 97]));
        assert_eq!(format!("{:?}", read.revocation), format!("{revocation:?}"));
    }
}
