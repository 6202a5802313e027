//! Signing. No network: the same order gives the same bytes.

use alloy::consensus::{SignableTransaction, Signed, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{B256, Bytes, Signature, TxKind, U256};
use alloy::signers::SignerSync;

use super::action::Order;
use super::connect::Submitter;
use super::fees::{Fees, Pricing};
use super::present::presenting;
use super::view::{DeliveryView, Purpose};
use crate::DeliveryError;

/// A signed transaction, to be stored before it is broadcast.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedAttempt {
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub raw: Bytes,
    /// What it offers.
    pub fees: Fees,
    /// Its gas limit.
    pub gas_limit: u64,
}

impl Submitter {
    /// Signs what [`super::Action::Sign`] asks for.
    ///
    /// # Errors
    /// [`DeliveryError::OtherSigner`] if the delivery's nonce is another account's.
    pub fn sign(
        &self,
        delivery: &DeliveryView,
        order: &Order,
    ) -> Result<SignedAttempt, DeliveryError> {
        let sender = self.sender();
        if let Some(held) = delivery.held.as_ref().filter(|held| held.sender != sender) {
            return Err(DeliveryError::OtherSigner {
                holder: held.sender,
                sender,
                nonce: order.nonce,
            });
        }
        let (to, input) = match order.purpose {
            Purpose::Claim => (delivery.consumer, delivery.calldata.clone()),
            Purpose::Present => (delivery.consumer, presenting(&delivery.calldata)),
            Purpose::Void => (sender, Bytes::new()),
        };
        let (chain_id, to, value) = (self.settings().chain_id, TxKind::Call(to), U256::ZERO);
        let signed = match self.policy().fees.pricing {
            Pricing::Legacy { .. } => self.sealed(TxLegacy {
                chain_id: Some(chain_id),
                nonce: order.nonce,
                gas_price: order.fees.max_fee_per_gas,
                gas_limit: order.gas_limit,
                to,
                value,
                input,
            })?,
            Pricing::Node | Pricing::History { .. } | Pricing::Fixed(_) => {
                self.sealed(TxEip1559 {
                    chain_id,
                    nonce: order.nonce,
                    gas_limit: order.gas_limit,
                    max_fee_per_gas: order.fees.max_fee_per_gas,
                    max_priority_fee_per_gas: order.fees.max_priority_fee_per_gas,
                    to,
                    value,
                    access_list: Default::default(),
                    input,
                })?
            }
        };
        Ok(SignedAttempt {
            hash: *signed.tx_hash(),
            raw: signed.encoded_2718().into(),
            fees: order.fees,
            gas_limit: order.gas_limit,
        })
    }

    fn sealed<T>(&self, transaction: T) -> Result<TxEnvelope, DeliveryError>
    where
        T: SignableTransaction<Signature>,
        TxEnvelope: From<Signed<T>>,
    {
        let sender = self.sender();
        let signature = self
            .signer()
            .sign_hash_sync(&transaction.signature_hash())
            .map_err(|source| DeliveryError::Sign { sender, source })?;
        Ok(TxEnvelope::from(transaction.into_signed(signature)))
    }
}
