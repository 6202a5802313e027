//! The secrets that sign, as the Standard Webhooks specification has them: `v1` is HMAC-SHA256 with a secret that both
//! sides know, `v1a` is Ed25519 with a key of which the receiver has the public half.
//!
//! They are made of bytes that somebody else draws at random and keeps. A secret is shown to its owner and otherwise never
//! leaves this module.

use core::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use crate::DeliveryError;

/// How many bytes a secret is made of, of either kind.
pub const SECRET_BYTES: usize = 32;

/// A secret that signs.
pub enum Secret {
    /// `v1`.
    Hmac {
        /// Signs.
        key: Box<hmac::Key>,
        /// As its owner is shown it.
        shown: SecretString,
    },
    /// `v1a`.
    Ed25519(Ed25519KeyPair),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac { .. } => "Secret::Hmac",
            Self::Ed25519(_) => "Secret::Ed25519",
        })
    }
}

impl Secret {
    /// A secret of HMAC.
    pub fn hmac(bytes: &[u8]) -> Result<Self, DeliveryError> {
        check_length(bytes)?;
        let text = format!("whsec_{}", STANDARD.encode(bytes));
        Ok(Self::Hmac {
            key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)),
            shown: SecretString::from(text),
        })
    }

    /// A key of Ed25519, from its private half.
    pub fn ed25519(seed: &[u8]) -> Result<Self, DeliveryError> {
        check_length(seed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        pair.map(Self::Ed25519)
            .map_err(|_rejected| DeliveryError::Settings {
                detail: "a webhook's key is none of Ed25519: make the endpoint a new secret"
                    .to_owned(),
            })
    }

    /// The public half, of a key that has one.
    pub fn public(&self) -> Option<[u8; 32]> {
        match self {
            Self::Hmac { .. } => None,
            // Never another length.
            Self::Ed25519(pair) => pair.public_key().as_ref().try_into().ok(),
        }
    }

    /// What the receiver needs to verify: the secret itself (`whsec_…`), or the public key (`whpk_…`).
    pub fn for_receiver(&self) -> SecretString {
        match self {
            Self::Hmac { shown, .. } => shown.clone(),
            Self::Ed25519(pair) => {
                let public = STANDARD.encode(pair.public_key().as_ref());
                SecretString::from(format!("whpk_{public}"))
            }
        }
    }

    /// One signature, as it stands in the header.
    fn sign(&self, content: &[u8]) -> String {
        match self {
            Self::Hmac { key, .. } => {
                format!("v1,{}", STANDARD.encode(hmac::sign(key, content).as_ref()))
            }
            Self::Ed25519(pair) => {
                format!("v1a,{}", STANDARD.encode(pair.sign(content).as_ref()))
            }
        }
    }
}

fn check_length(bytes: &[u8]) -> Result<(), DeliveryError> {
    if bytes.len() == SECRET_BYTES {
        return Ok(());
    }
    Err(DeliveryError::Settings {
        detail: format!(
            "a webhook's secret has {} bytes instead of {SECRET_BYTES}: make the endpoint a new secret",
            bytes.len()
        ),
    })
}

/// The header `webhook-signature`: one signature of each secret, with spaces between.
pub fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    let signed: Vec<String> = secrets.iter().map(|secret| secret.sign(&content)).collect();
    signed.join(" ")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_shows_itself_to_its_owner_only() {
        for bytes in [&[][..], &[7; 31], &[7; 33]] {
            assert!(Secret::hmac(bytes).is_err() && Secret::ed25519(bytes).is_err());
        }
        let secret = Secret::hmac(&[7; 32]).unwrap();
        assert!(secret.for_receiver().expose_secret().starts_with("whsec_"));
        assert_eq!(format!("{secret:?}"), "Secret::Hmac");
        let pair = Secret::ed25519(&[7; 32]).unwrap();
        let shown = pair.for_receiver();
        let public = STANDARD.encode(pair.public().unwrap());
        assert_eq!(shown.expose_secret(), format!("whpk_{public}"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The crate of the specification's authors takes what is signed here, whichever of two secrets it has.
        #[test]
        fn the_reference_library_verifies(body in "\\PC{0,200}", at in 1_700_000_000_i64..1_900_000_000) {
            let secrets = [Secret::hmac(&[1; 32]), Secret::hmac(&[2; 32]), Secret::ed25519(&[3; 32])];
            let secrets = secrets.map(Result::unwrap);
            let header = signatures(&secrets, "wh_a_17", at, body.as_bytes());
            for secret in &secrets[..2] {
                let webhook = standardwebhooks::Webhook::new(secret.for_receiver().expose_secret()).unwrap();
                let theirs = webhook.sign("wh_a_17", at, body.as_bytes()).unwrap();
                prop_assert!(header.split(' ').any(|ours| ours == theirs));
            }
            let Secret::Ed25519(pair) = &secrets[2] else { unreachable!() };
            let theirs = header.split(' ').find_map(|one| one.strip_prefix("v1a,")).unwrap();
            let content = format!("wh_a_17.{at}.{body}");
            let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
            prop_assert!(key.verify(content.as_bytes(), &STANDARD.decode(theirs).unwrap()).is_ok());
        }
    }
}
