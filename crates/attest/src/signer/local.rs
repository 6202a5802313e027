//! A key in this process, from a keystore or, for demonstrations, from the configuration.

use std::path::Path;

use alloy::primitives::{Address, Signature};
use alloy::signers::local::PrivateKeySigner;
use async_trait::async_trait;
use secp256k1::ecdsa::RecoveryId;
use secp256k1::{Message, SECP256K1, SecretKey};
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};

use super::{Key, Statement};
use crate::error::KeyFault;
use crate::{AttestError, keystore};

/// Signs with libsecp256k1: deterministic (RFC 6979), in constant time, with a low s.
pub(super) struct LocalKey {
    secret: SecretKey,
    address: Address,
}

pub(super) fn from_keystore(path: &Path, password: &SecretString) -> Result<LocalKey, AttestError> {
    LocalKey::new(&keystore::open(path, password)?)
}

pub(super) fn from_text(key: &SecretString) -> Result<LocalKey, AttestError> {
    let signer: PrivateKeySigner = key
        .expose_secret()
        .trim()
        .parse()
        // The reason could quote the key.
        .map_err(|_unsaid: alloy::signers::local::LocalSignerError| AttestError::NotAKey)?;
    tracing::warn!(
        address = %signer.address(),
        "ATTESTING WITH A RAW KEY: anybody who can read the configuration can sign payouts. \
         For demonstrations and tests only; use a keystore"
    );
    LocalKey::new(&signer)
}

impl LocalKey {
    fn new(signer: &PrivateKeySigner) -> Result<Self, AttestError> {
        let mut bytes = signer.to_bytes();
        let secret = SecretKey::from_byte_array(bytes.0)
            // It is a key already; and the reason could quote it.
            .map_err(|_unsaid: secp256k1::Error| AttestError::NotAKey);
        bytes.0.zeroize();
        Ok(Self {
            secret: secret?,
            address: signer.address(),
        })
    }
}

#[async_trait]
impl Key for LocalKey {
    fn address(&self) -> Address {
        self.address
    }

    async fn sign(&self, statement: &Statement<'_>) -> Result<Signature, KeyFault> {
        let message = Message::from_digest(statement.what().digest().0);
        let (recovery, scalars) = SECP256K1
            .sign_ecdsa_recoverable(message, &self.secret)
            .serialize_compact();
        // Ids 2 and 3 are of an r that exceeds the order, which nobody has seen yet; the attestor's check would refuse it.
        let odd = matches!(recovery, RecoveryId::One | RecoveryId::Three);
        Ok(Signature::from_bytes_and_parity(&scalars, odd))
    }
}

impl Drop for LocalKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{b256, keccak256};
    use tocsin_domain::attestation::Signable;
    use tocsin_domain::ids::AttestationId;

    use super::*;

    /// EIP-712's own example signs its mail with the key keccak-256("cow"); the signature is deterministic.
    #[tokio::test]
    async fn the_mail_of_eip_712_is_signed_as_its_authors_did() {
        let key = SecretString::from(format!("{:x}", keccak256("cow")));
        let digest = b256!("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
        let mail = Signable::Attestation(AttestationId(digest));
        let signed = from_text(&key).unwrap().sign(&mail.into()).await.unwrap();
        let expected = [
            b256!("4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"),
            b256!("07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"),
        ]
        .concat();
        assert_eq!(signed.as_bytes(), [&expected[..], &[28]].concat()[..]);
    }
}
