//! Keys on a Ledger.
//!
//! The device hashes the statement itself and signs no bare digest, so it signs what is shown to a person as EIP-712:
//! claims and batches.

use std::time::Duration;

use alloy::primitives::{Address, Signature};
use alloy::signers::Signer as _;
use alloy_signer_ledger::{HDPath, LedgerError, LedgerSigner};
use async_trait::async_trait;

use super::{Content, Key, Statement};
use crate::error::KeyFault;

/// A person has to look and press two buttons.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

struct LedgerKey(LedgerSigner);

pub(super) async fn open(path: &str) -> Result<Box<dyn Key>, KeyFault> {
    let opened = LedgerSigner::new(derivation(path)?, None).await;
    Ok(Box::new(LedgerKey(opened.map_err(fault)?)))
}

#[async_trait]
impl Key for LedgerKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    async fn sign(&self, statement: &Statement<'_>) -> Result<Signature, KeyFault> {
        let signed = match statement.content() {
            Some(Content::Claim(domain, claim)) => {
                self.0.sign_typed_data(claim, &domain.eip712()).await
            }
            Some(Content::Batch(domain, batch)) => {
                self.0.sign_typed_data(batch, &domain.eip712()).await
            }
            None => {
                let what = statement.what();
                let said = format!("a Ledger signs claims and batches only, not {what}");
                return Err(KeyFault::Lasting(said.into()));
            }
        };
        signed.map_err(|error| match error {
            alloy::signers::Error::Other(cause) => match cause.downcast::<LedgerError>() {
                Ok(cause) => fault(*cause),
                Err(cause) => KeyFault::Lasting(cause),
            },
            other => KeyFault::Lasting(other.into()),
        })
    }
}

/// Locked, unplugged, another app open, or refused by the person: the next attempt may find it ready.
fn fault(error: LedgerError) -> KeyFault {
    match error {
        LedgerError::UnsupportedAppVersion(_) | LedgerError::InvalidDerivationPath(_) => {
            KeyFault::Lasting(error.into())
        }
        other => KeyFault::Passing(other.into()),
    }
}

/// A path of at most ten steps, each a number below 2³¹, hardened or not: what the device takes.
fn derivation(path: &str) -> Result<HDPath, KeyFault> {
    let steps = path.strip_prefix("m/").map(|rest| rest.split('/'));
    let sound = steps.is_some_and(|mut steps| {
        steps.clone().count() <= 10
            && steps.all(|step| {
                let number = step.strip_suffix('\'').unwrap_or(step);
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                digits && number.parse().is_ok_and(|number: u32| number < 1 << 31)
            })
    });
    if sound {
        Ok(HDPath::Other(path.to_owned()))
    } else {
        let said = format!("`{path}` is not a derivation path: write m/44'/60'/0'/0/0");
        Err(KeyFault::Lasting(said.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::derivation;

    #[test]
    fn a_path_is_what_the_device_takes() {
        for (path, sound) in [
            ("m/44'/60'/0'/0/0", true),
            ("m/44'/60'/7'/0/0", true),
            ("m/44'/60'/0'/2147483647", true),
            ("m/44'/60'/0'/2147483648", false),
            ("44'/60'/0'/0/0", false),
            ("m/44'/60'//0/0", false),
            ("m/44h/60h/0h/0/0", false),
            ("m/1/2/3/4/5/6/7/8/9/10/11", false),
            ("m/+1", false),
            ("", false),
        ] {
            assert_eq!(derivation(path).is_ok(), sound, "{path}");
        }
    }
}
