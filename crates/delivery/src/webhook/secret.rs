//! The secrets that sign, as the Standard Webhooks specification has them: `v1` is HMAC-SHA256 with a secret that both
//! sides know, `v1a` is Ed25519 with a key of which the receiver has the public half.
//!
//! An endpoint's secrets are derived from one master key, so that none is stored: whoever reads the database can forge
//! nothing. A secret is shown to its owner and otherwise never leaves this module.

use core::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::DeliveryError;

/// The least that a master key may have.
const LEAST_BYTES: usize = 32;

/// What the secrets of all endpoints are derived from.
#[derive(Clone)]
pub struct MasterKey(hmac::Key);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

impl MasterKey {
    /// A master key from its text: 32 random bytes or more, in base64.
    pub fn new(text: &SecretString) -> Result<Self, DeliveryError> {
        let wrong = |detail: &str| DeliveryError::Settings {
            detail: format!(
                "the master key of webhooks {detail}: make one with `openssl rand -base64 32`"
            ),
        };
        let bytes = STANDARD
            .decode(text.expose_secret().trim())
            .map_err(|_not_base64| wrong("is not base64"))?;
        let bytes = SecretBox::new(Box::new(bytes));
        if bytes.expose_secret().len() < LEAST_BYTES {
            return Err(wrong("has less than 32 bytes"));
        }
        Ok(Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            bytes.expose_secret(),
        )))
    }

    fn derive(&self, scheme: &str, endpoint: &str, generation: u32) -> hmac::Tag {
        // No endpoint's id has a line break, so that no two secrets are derived from the same text.
        let text = format!("tocsin webhook secret\n{scheme}\n{endpoint}\n{generation}");
        hmac::sign(&self.0, text.as_bytes())
    }

    /// The `generation`-th secret of an endpoint, for HMAC.
    pub fn hmac(&self, endpoint: &str, generation: u32) -> Secret {
        let bytes = self.derive("hmac", endpoint, generation);
        let text = format!("whsec_{}", STANDARD.encode(bytes.as_ref()));
        Secret::Hmac {
            key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref())),
            shown: SecretString::from(text),
        }
    }

    /// The `generation`-th key of an endpoint, for Ed25519.
    pub fn ed25519(&self, endpoint: &str, generation: u32) -> Result<Secret, DeliveryError> {
        let seed = self.derive("ed25519", endpoint, generation);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_rejected| {
            DeliveryError::Settings {
                detail: "a webhook's key could not be derived from the master key: make another \
                         one with `openssl rand -base64 32`"
                    .to_owned(),
            }
        })?;
        Ok(Secret::Ed25519(pair))
    }
}

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

    use super::*;

    fn master() -> MasterKey {
        MasterKey::new(&SecretString::from(STANDARD.encode([7; 32]))).unwrap()
    }

    #[test]
    fn a_short_master_key_is_refused() {
        for text in ["", "not base64!", "c2hvcnQ="] {
            assert!(MasterKey::new(&SecretString::from(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn every_secret_is_another() {
        let master = master();
        let shown = |endpoint: &str, generation| {
            let shown = master.hmac(endpoint, generation).for_receiver();
            shown.expose_secret().to_owned()
        };
        let all = [shown("wh_a", 1), shown("wh_a", 2), shown("wh_b", 1)];
        assert_eq!(shown("wh_a", 1), all[0]);
        for (n, secret) in all.iter().enumerate() {
            assert!(secret.starts_with("whsec_"));
            assert!(!all[..n].contains(secret));
        }
        assert!(!format!("{:?} {master:?}", master.hmac("wh_a", 1)).contains("whsec_"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The crate of the specification's authors takes what is signed here, whichever of two secrets it has.
        #[test]
        fn the_reference_library_verifies(body in "\\PC{0,200}", at in 1_700_000_000_i64..1_900_000_000) {
            let secrets = [master().hmac("wh_a", 1), master().hmac("wh_a", 2), master().ed25519("wh_a", 3).unwrap()];
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
