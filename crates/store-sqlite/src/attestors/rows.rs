//! Rows of the life and the use of attestors' keys, and the way back to what they say.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use tocsin_auth::LifeCycle;
use tocsin_domain::attestation::EpochNotice;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestor::{Place, PlaceUse, SignerFailures};
use tocsin_store::check::Flaw;

use super::NOUN;
use crate::column::{address, hexed, unsigned};
use crate::lives::life;

pub(super) struct LifeRow {
    pub(super) epoch: i64,
    pub(super) state: String,
    pub(super) since: Option<i64>,
    pub(super) until: Option<i64>,
    pub(super) expires_at: i64,
}

impl LifeRow {
    pub(super) fn decode(self) -> Result<(u32, LifeCycle), StoreError> {
        let decode = || {
            let life = life(&self.state, self.since, self.until, self.expires_at)?;
            Ok((unsigned("epoch", self.epoch)?, life))
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, self.epoch))
    }
}

pub(super) struct NoticeRow {
    pub(super) epoch: i64,
    pub(super) notice: String,
    pub(super) at: i64,
}

impl NoticeRow {
    pub(super) fn decode(self) -> Result<((u32, EpochNotice), Timestamp), StoreError> {
        let decode = || {
            let notice = EpochNotice::named(&self.notice)
                .ok_or_else(|| Flaw(format!("there is no notice `{}`", self.notice)))?;
            Ok(((unsigned("epoch", self.epoch)?, notice), Timestamp(self.at)))
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, self.epoch))
    }
}

pub(super) struct UseRow {
    pub(super) epoch: String,
    pub(super) bitmap: Vec<u8>,
    pub(super) signed: i64,
    pub(super) claims: i64,
    pub(super) last_at: i64,
}

impl UseRow {
    /// Adds it to what each of those who signed was used for.
    pub(super) fn add_to(self, uses: &mut BTreeMap<Place, PlaceUse>) -> Result<(), StoreError> {
        let name = self.epoch.clone();
        self.try_add_to(uses)
            .map_err(|flaw| flaw.invalid_row("use of an attestor's key", name))
    }

    fn try_add_to(self, uses: &mut BTreeMap<Place, PlaceUse>) -> Result<(), Flaw> {
        let epoch = u32::from_str_radix(&self.epoch, 16)
            .map_err(|error| Flaw(format!("its epoch `{}` is no number: {error}", self.epoch)))?;
        let bitmap: [u8; 32] = self.bitmap.as_slice().try_into().map_err(|_length| {
            Flaw(format!(
                "its bitmap has {} bytes, not 32",
                self.bitmap.len()
            ))
        })?;
        let bitmap = U256::from_be_bytes(bitmap);
        let (signatures, claims): (u64, u64) = (
            unsigned("signed", self.signed)?,
            unsigned("claims", self.claims)?,
        );
        let last = Timestamp(self.last_at);
        // The last bit is no signer's.
        for index in (0..u8::MAX).filter(|index| bitmap.bit(usize::from(*index))) {
            let used = uses.entry(Place { epoch, index }).or_default();
            used.signatures = used.signatures.saturating_add(signatures);
            used.claims = used.claims.saturating_add(claims);
            used.last_signed_at = used.last_signed_at.max(Some(last));
        }
        Ok(())
    }
}

pub(super) struct FailureRow {
    pub(super) signer: Vec<u8>,
    pub(super) count: i64,
    pub(super) last_at: i64,
}

impl FailureRow {
    pub(super) fn decode(self) -> Result<(Address, SignerFailures), StoreError> {
        let decode = || {
            let failures = SignerFailures {
                count: unsigned("count", self.count)?,
                last_at: Timestamp(self.last_at),
            };
            Ok((address("signer", &self.signer)?, failures))
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row("failures of a signer", hexed(&self.signer)))
    }
}
