//! Keys: how they are named, and what signs and verifies.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::scope::Environment;

/// The algorithms of the profile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Algorithm {
    /// A secret that client and service share.
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// A key of which the service knows the public half only.
    #[serde(rename = "ed25519")]
    Ed25519,
}

impl Algorithm {
    /// Its name in the registry of RFC 9421.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::HmacSha256, Self::Ed25519]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names a key: `tk_<environment>_<32 hexadecimal digits>`. The environment is in the name, so that a service refuses
/// a key of another one before it looks anything up, and a person sees it. A copy costs nothing: a name goes along with its
/// request everywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId {
    environment: Environment,
    text: Arc<str>,
}

/// A text that is no name of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "not a key id: write tk_, the environment (dev, test or prod), _ and 32 hexadecimal digits"
)]
pub struct NoKeyId;

impl KeyId {
    /// The name that these random bytes give.
    pub fn new(environment: Environment, random: [u8; 16]) -> Self {
        let mut text = format!("tk_{environment}_");
        for byte in random {
            text.push_str(&format!("{byte:02x}"));
        }
        Self {
            environment,
            text: text.into(),
        }
    }

    /// Where it is good.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for KeyId {
    type Err = NoKeyId;

    fn from_str(text: &str) -> Result<Self, NoKeyId> {
        let rest = text.strip_prefix("tk_").ok_or(NoKeyId)?;
        let (environment, digits) = rest.split_once('_').ok_or(NoKeyId)?;
        let environment = environment.parse().map_err(|_unknown| NoKeyId)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.bytes().all(is_digit) {
            return Err(NoKeyId);
        }
        Ok(Self {
            environment,
            text: text.into(),
        })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A signature or a key that does not do what it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// It is too short to be guessed by nobody.
    #[error("the secret has {0} bytes: it needs at least 32")]
    ShortSecret(usize),
    /// It is no key at all.
    #[error(
        "not an ed25519 key: 32 bytes are needed, and a public key must be a point of full order"
    )]
    NotEd25519,
}

/// What verifies signatures of one key.
#[derive(Clone)]
pub enum VerifyingKey {
    /// The shared secret.
    HmacSha256(Arc<hmac::Key>),
    /// The public half.
    Ed25519([u8; 32]),
}

/// The encodings of points whose order divides 8, with either sign where that is a point: under such a "public key" one
/// signature fits many messages.
const SMALL_ORDER: [[u8; 32]; 7] = [
    small(&[1]),
    small(&[0]),
    // 2^255 - 20, -19 and -18: minus one, and zero and one written too large.
    near_modulus(0xec),
    near_modulus(0xed),
    near_modulus(0xee),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn small(first: &[u8; 1]) -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = first[0];
    point
}

const fn near_modulus(first: u8) -> [u8; 32] {
    let mut point = [0xff; 32];
    point[0] = first;
    point[31] = 0x7f;
    point
}

impl VerifyingKey {
    /// Of a shared secret of at least 32 bytes.
    pub fn hmac(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < 32 {
            return Err(KeyError::ShortSecret(secret.len()));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Ok(Self::HmacSha256(Arc::new(key)))
    }

    /// Of a public key. One of small order is refused.
    pub fn ed25519(public: &[u8]) -> Result<Self, KeyError> {
        let public: [u8; 32] = public.try_into().map_err(|_length| KeyError::NotEd25519)?;
        let mut unsigned = public;
        unsigned[31] &= 0x7f;
        if SMALL_ORDER.contains(&unsigned) {
            return Err(KeyError::NotEd25519);
        }
        Ok(Self::Ed25519(public))
    }

    /// What it verifies.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::HmacSha256(_) => Algorithm::HmacSha256,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Whether `signature` is this key's of `message`. Takes the same time for every wrong one.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::HmacSha256(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Ed25519(public) => UnparsedPublicKey::new(&ED25519, public)
                .verify(message, signature)
                .is_ok(),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.algorithm())
    }
}

/// What signs requests, on the client's side.
#[derive(Clone)]
pub enum SigningKey {
    /// The shared secret.
    HmacSha256(Zeroizing<Vec<u8>>),
    /// The 32 bytes of the private half.
    Ed25519(Zeroizing<[u8; 32]>),
}

impl SigningKey {
    /// A shared secret of at least 32 bytes.
    pub fn hmac(secret: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::hmac(secret)?;
        Ok(Self::HmacSha256(Zeroizing::new(secret.to_vec())))
    }

    /// The private half of a pair.
    pub fn ed25519(seed: &[u8]) -> Result<Self, KeyError> {
        let seed: [u8; 32] = seed.try_into().map_err(|_length| KeyError::NotEd25519)?;
        Ok(Self::Ed25519(Zeroizing::new(seed)))
    }

    /// What it signs by.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::HmacSha256(_) => Algorithm::HmacSha256,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The public half, for keys that have one.
    pub fn public(&self) -> Result<Option<[u8; 32]>, KeyError> {
        match self {
            Self::HmacSha256(_) => Ok(None),
            Self::Ed25519(seed) => {
                let public = pair(seed)?.public_key().as_ref().try_into();
                public.map(Some).map_err(|_length| KeyError::NotEd25519)
            }
        }
    }

    /// What verifies its signatures.
    pub fn verifying(&self) -> Result<VerifyingKey, KeyError> {
        match self {
            Self::HmacSha256(secret) => VerifyingKey::hmac(secret),
            Self::Ed25519(seed) => VerifyingKey::ed25519(pair(seed)?.public_key().as_ref()),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::HmacSha256(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
            Self::Ed25519(seed) => Ok(pair(seed)?.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

fn pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, KeyError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_rejected| KeyError::NotEd25519)
}
