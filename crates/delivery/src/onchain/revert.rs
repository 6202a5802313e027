//! Why a contract refuses a call, and whether that can pass.
//!
//! The default is that it may pass: only what is known to be settled for good closes a delivery, so that a contract,
//! token or node that says something new delays a payment and never denies it.

use alloy::primitives::U256;
use alloy::sol_types::{Panic, Revert as RevertText, SolError, SolInterface};
use tocsin_domain::time::Timestamp;

use super::contract::ParametricCover::ParametricCoverErrors as CoverError;
use super::contract::TocsinVerifier::TocsinVerifierErrors as VerifierError;

/// Why a call would revert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revert {
    /// For people: the contract's error and its arguments.
    pub reason: String,
    /// Whether it can pass.
    pub outlook: Outlook,
}

/// Whether the cause of a revert can pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outlook {
    /// The claim is consumed already, by whomever.
    Consumed,
    /// The contract wants the claim presented first.
    ToPresent,
    /// It passes at this instant.
    ClearsAt(Timestamp),
    /// It may pass, or nobody knows.
    MayClear,
    /// It stays for ever.
    Permanent,
}

const SECONDS_PER_DAY: i64 = 86_400;

impl Revert {
    /// Reads what a contract gave as it reverted in a block of time `block_time`.
    pub(super) fn read(data: &[u8], message: &str, block_time: Timestamp) -> Self {
        if let Ok(error) = VerifierError::abi_decode(data) {
            return Self {
                reason: format!("the verifier refuses it: {}", named(&error)),
                outlook: by_verifier(&error),
            };
        }
        if let Ok(error) = CoverError::abi_decode(data) {
            return Self {
                reason: format!("the contract refuses it: {}", named(&error)),
                outlook: by_cover(&error, block_time),
            };
        }
        let reason = if let Ok(RevertText { reason }) = RevertText::abi_decode(data) {
            format!("the call reverts: {reason}")
        } else if let Ok(panic) = Panic::abi_decode(data) {
            format!("the call panics: {panic}")
        } else if data.is_empty() {
            format!("the call reverts without a reason (the node says: {message})")
        } else {
            format!(
                "the call reverts with an unknown error 0x{} (the node says: {message})",
                alloy::primitives::hex::encode(data)
            )
        };
        Self {
            reason,
            outlook: Outlook::MayClear,
        }
    }
}

fn by_verifier(error: &VerifierError) -> Outlook {
    use VerifierError as E;
    match error {
        E::AlreadyConsumed(_) => Outlook::Consumed,
        E::NotYetValid(error) => clears_at(U256::from(error.validAfter)),
        E::IssuedInFuture(error) => clears_at(U256::from(error.issuedAt)),
        // An instant that has passed, a statement that contradicts itself or was revoked (a least revision only rises), an
        // epoch that never changes.
        E::NoLongerValid(_)
        | E::EpochNotAccepted(_)
        | E::EpochIsRevoked(_)
        | E::IssuedOutsideEpoch(_)
        | E::InvalidVerdict(_)
        | E::NotTriggered(_)
        | E::MissingEventId(_)
        | E::PayoutWithoutTrigger(_)
        | E::FractionAboveOne(_)
        | E::LossOutsideWindow(_)
        | E::TimesOutOfOrder(_)
        | E::NotConsumer(_)
        | E::SignaturesTooShort(_)
        | E::SignerBitmapOutOfRange(_)
        | E::WrongSignerCount(_)
        | E::WrongSignaturesLength(_)
        | E::MalformedSignature(_)
        | E::WrongSigner(_)
        | E::WrongProofLength(_)
        | E::NotInBatch(_)
        | E::BatchOfOtherEpoch(_)
        | E::BatchBeforeAttestation(_)
        | E::StatementRevoked(_)
        | E::RevisionWithoutSuperseded(_)
        | E::SignerIsContract(_)
        | E::SignerIsNoContract(_)
        | E::ContractBitmapOutOfRange(_)
        | E::SignatureCutShort(_)
        | E::TrailingBytes(_) => Outlook::Permanent,
        // A quorum may end the hold, a contract change its vote, the epoch be announced yet; the others do not come from a
        // claim.
        _ => Outlook::MayClear,
    }
}

fn by_cover(error: &CoverError, block_time: Timestamp) -> Outlook {
    use CoverError as E;
    match error {
        // "A claim that the daily cap turns away can be filed again the next day"; days are UTC.
        E::DailyCapReached(_) => {
            let today = block_time.0.div_euclid(SECONDS_PER_DAY);
            Outlook::ClearsAt(Timestamp(
                today.saturating_add(1).saturating_mul(SECONDS_PER_DAY),
            ))
        }
        E::NotPresented(_) => Outlook::ToPresent,
        E::VetoOpen(error) => clears_at(U256::from(error.payableFrom)),
        E::PolicyReleased(_) | E::PolicyPaidInFull(_) | E::WrongTerms(_) | E::WrongWindow(_) => {
            Outlook::Permanent
        }
        // The node may lag behind the purchase; a token may be paused.
        _ => Outlook::MayClear,
    }
}

fn clears_at(instant: U256) -> Outlook {
    match i64::try_from(instant) {
        Ok(seconds) => Outlook::ClearsAt(Timestamp(seconds)),
        // Past the end of time.
        Err(_too_large) => Outlook::Permanent,
    }
}

/// `NotYetValid { validAfter: 5, blockTime: 3 }` without the name of the enum's variant around it.
fn named(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    match text.split_once('(') {
        Some((_variant, inner)) => inner.strip_suffix(')').unwrap_or(inner).to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};

    use super::super::contract::TocsinVerifier as V;
    use super::*;

    fn outlook(error: impl SolError) -> Outlook {
        Revert::read(&error.abi_encode(), "reverted", Timestamp(0)).outlook
    }

    #[test]
    fn a_revoked_statement_is_over_and_a_held_claim_waits() {
        let claim_key = B256::repeat_byte(1);
        let revoked = V::StatementRevoked {
            claimKey: claim_key,
            revision: 0,
            minRevision: 1,
        };
        assert_eq!(outlook(revoked), Outlook::Permanent);
        let held = V::ClaimIsHeld {
            claimKey: claim_key,
            hold: 1,
        };
        assert_eq!(outlook(held), Outlook::MayClear);
        let refused = V::VoteRefused {
            signerIndex: U256::ZERO,
            attestor: Address::ZERO,
        };
        assert_eq!(outlook(refused), Outlook::MayClear);
        let consumed = V::AlreadyConsumed {
            claimKey: claim_key,
        };
        assert_eq!(outlook(consumed), Outlook::Consumed);
    }
}
