//! The model's outbox.

use alloy_primitives::{Address, B256};
use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Timestamp;

use crate::attestation::AttestationRecord;
use crate::conformance::Fault;
use crate::conformance::model::Model;
use crate::delivery::{Attempt, Delivery, DeliveryState, NewDelivery};

pub(in crate::conformance) fn queued(record: &AttestationRecord, call: &NewDelivery) -> Delivery {
    Delivery {
        attestation: record.id,
        claim_key: record.claim_key,
        chain_id: call.chain_id,
        consumer: call.consumer,
        calldata: call.calldata.clone(),
        state: DeliveryState::Queued,
        not_before: call.not_before.unwrap_or(record.attested_at),
        last_error: None,
        failures: 0,
        superseded: false,
    }
}

impl Model {
    fn delivery(&mut self, id: AttestationId) -> Result<&mut Delivery, Fault> {
        self.deliveries
            .iter_mut()
            .find(|delivery| delivery.attestation == id)
            .ok_or(Fault::Missing)
    }

    pub(in crate::conformance) fn take_nonce(
        &mut self,
        id: AttestationId,
        sender: Address,
        chain_nonce: u64,
    ) -> Result<u64, Fault> {
        let delivery = self.delivery(id)?;
        match &delivery.state {
            DeliveryState::Queued => {}
            DeliveryState::Sending {
                sender: holder,
                nonce,
                ..
            } if *holder == sender => {
                return Ok(*nonce);
            }
            _ => return Err(Fault::Refused),
        }
        let chain = delivery.chain_id;
        let stored = self.next_nonces.get(&(chain, sender)).copied().unwrap_or(0);
        let nonce = stored.max(chain_nonce);
        self.next_nonces.insert((chain, sender), nonce + 1);
        self.delivery(id)?.state = DeliveryState::Sending {
            sender,
            nonce,
            attempts: Vec::new(),
        };
        Ok(nonce)
    }

    pub(in crate::conformance) fn add_attempt(
        &mut self,
        id: AttestationId,
        attempt: &Attempt,
    ) -> Result<(), Fault> {
        let known = self.signed.contains(&attempt.hash);
        let DeliveryState::Sending { attempts, .. } = &mut self.delivery(id)?.state else {
            return Err(Fault::Refused);
        };
        if attempts.contains(attempt) {
            return Ok(());
        }
        if known {
            return Err(Fault::Conflict);
        }
        attempts.push(attempt.clone());
        self.signed.insert(attempt.hash);
        Ok(())
    }

    pub(in crate::conformance) fn put_back(
        &mut self,
        id: AttestationId,
        error: &str,
        not_before: Timestamp,
        release_nonce: bool,
    ) -> Result<(), Fault> {
        let delivery = self.delivery(id)?;
        match (&delivery.state, release_nonce) {
            (DeliveryState::Queued, false) | (DeliveryState::Sending { .. }, false) => {}
            (DeliveryState::Sending { .. }, true) => delivery.state = DeliveryState::Queued,
            _ => return Err(Fault::Refused),
        }
        delivery.last_error = Some(error.to_owned());
        delivery.not_before = not_before;
        delivery.failures += 1;
        Ok(())
    }

    pub(in crate::conformance) fn finish(
        &mut self,
        id: AttestationId,
        transaction: B256,
        block: u64,
    ) -> Result<(), Fault> {
        let delivery = self.delivery(id)?;
        let done = DeliveryState::Done { transaction, block };
        if matches!(delivery.state, DeliveryState::Done { .. }) && delivery.state != done {
            return Err(Fault::Conflict);
        }
        delivery.state = done;
        Ok(())
    }

    pub(in crate::conformance) fn give_up(
        &mut self,
        id: AttestationId,
        error: &str,
    ) -> Result<(), Fault> {
        let delivery = self.delivery(id)?;
        match delivery.state {
            DeliveryState::Queued | DeliveryState::Sending { .. } => {
                delivery.state = DeliveryState::Failed;
                delivery.last_error = Some(error.to_owned());
                Ok(())
            }
            DeliveryState::Done { .. } | DeliveryState::Failed | DeliveryState::Superseded => {
                Err(Fault::Refused)
            }
        }
    }
}
