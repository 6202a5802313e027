//! The quorum's signatures as contracts take them: a 32-byte bitmap of signer indices, then one 65-byte signature
//! (r, s, v) for each set bit, lowest index first.
//!
//! One set of signatures has exactly one encoding: v is 27 or 28, and s is low. An ECDSA signature with its s mirrored is
//! as valid as the original, and recovery accepts it; here it is refused wherever a signature comes in, so that nobody
//! can make a second valid text out of a first.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Signature, U256, uint};

use crate::attestation::{Signable, SignerSet};

const BITMAP_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 65;

/// The order of the group of secp256k1 (SEC 2, section 2.4.1).
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
/// The greatest s that is low: ⌊order / 2⌋ (EIP-2).
const GREATEST_LOW_S: U256 =
    uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// One recoverable signature with a low s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumSignature(Signature);

/// Signatures of one digest by signers of one epoch, by their index there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SignatureSet(BTreeMap<u8, QuorumSignature>);

/// Why bytes are no signature, or no set of signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// s is in the upper half: the mirror of a valid signature.
    #[error("the signature's s is high: a mirrored copy of another signature is not accepted")]
    HighS,
    /// r or s is zero or not below the group's order.
    #[error("the signature's r or s is outside the group of secp256k1")]
    OutsideGroup,
    /// The last byte is neither 27 nor 28.
    #[error("the signature's v is {0}; it must be 27 or 28")]
    RecoveryByte(u8),
    /// Not a bitmap and one signature for each of its bits.
    #[error("a bitmap and {expected} signature(s) have {} bytes, not {length}", BITMAP_BYTES + expected * SIGNATURE_BYTES)]
    Length {
        /// The number of set bits.
        expected: usize,
        /// What was given.
        length: usize,
    },
    /// Not even a bitmap.
    #[error("{0} bytes are too short for the signer bitmap of {BITMAP_BYTES}")]
    TooShort(usize),
    /// An index beyond what an epoch can have.
    #[error("the signer bitmap names signer 255, which no epoch has")]
    IndexOutOfRange,
}

/// Why signatures are not a quorum's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuorumError {
    /// Not exactly as many as the threshold says.
    #[error("{given} signature(s) where the epoch demands exactly {threshold}")]
    Count {
        /// How many there are.
        given: usize,
        /// How many there must be.
        threshold: u8,
    },
    /// A signer that the epoch does not have.
    #[error("a signature of signer {index}, but the epoch has {signers} signer(s), counted from 0")]
    UnknownSigner {
        /// The index in the bitmap.
        index: u8,
        /// How many signers there are.
        signers: usize,
    },
    /// Nobody can have made this signature.
    #[error("the signature of signer {index} is not a point of the curve")]
    NoPoint {
        /// The index in the bitmap.
        index: u8,
    },
    /// Somebody else's signature, or of another digest.
    #[error(
        "the signature of signer {index} is by {recovered}, not by {registered}, or of another statement"
    )]
    WrongSigner {
        /// The index in the bitmap.
        index: u8,
        /// Who signed, if this is the digest.
        recovered: Address,
        /// Who should have.
        registered: Address,
    },
}

impl QuorumSignature {
    /// Refuses a high s; never mirrors it silently.
    pub fn new(signature: Signature) -> Result<Self, SignatureError> {
        let (r, s) = (signature.r(), signature.s());
        if r.is_zero() || s.is_zero() || r >= ORDER || s >= ORDER {
            return Err(SignatureError::OutsideGroup);
        }
        if s > GREATEST_LOW_S {
            return Err(SignatureError::HighS);
        }
        Ok(Self(signature))
    }

    /// From (r, s, v).
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, SignatureError> {
        let [scalars @ .., v] = bytes;
        let odd = match v {
            27 => false,
            28 => true,
            other => return Err(SignatureError::RecoveryByte(*other)),
        };
        Self::new(Signature::from_bytes_and_parity(scalars, odd))
    }

    /// As (r, s, v).
    pub fn to_bytes(self) -> [u8; SIGNATURE_BYTES] {
        self.0.as_bytes()
    }

    /// Who signed `what`; `None` if nobody can have.
    pub fn signer(&self, what: impl Into<Signable>) -> Option<Address> {
        // Its only error is that there is no such point.
        self.0
            .recover_address_from_prehash(&what.into().digest())
            .ok()
    }
}

impl SignatureSet {
    /// One signature, by the signer with this index.
    pub fn single(index: u8, signature: QuorumSignature) -> Self {
        Self(BTreeMap::from([(index, signature)]))
    }

    /// Adds the signature of one more signer; returns the one that it had given before, if any.
    pub fn insert(&mut self, index: u8, signature: QuorumSignature) -> Option<QuorumSignature> {
        self.0.insert(index, signature)
    }

    /// How many have signed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody has signed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The signatures with their signers' indices, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u8, QuorumSignature)> {
        self.0.iter().map(|(&index, &signature)| (index, signature))
    }

    /// Bitmap, then signatures in index order.
    pub fn encode(&self) -> Vec<u8> {
        let bitmap = self.0.keys().fold(U256::ZERO, |bits, &index| {
            bits | (U256::ONE << usize::from(index))
        });
        let mut bytes = Vec::with_capacity(BITMAP_BYTES + self.len() * SIGNATURE_BYTES);
        bytes.extend_from_slice(&bitmap.to_be_bytes::<BITMAP_BYTES>());
        for signature in self.0.values() {
            bytes.extend_from_slice(&signature.to_bytes());
        }
        bytes
    }

    /// Reads what [`Self::encode`] writes, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let Some((bitmap, signatures)) = bytes.split_first_chunk::<BITMAP_BYTES>() else {
            return Err(SignatureError::TooShort(bytes.len()));
        };
        let bitmap = U256::from_be_bytes(*bitmap);
        let expected = bitmap.count_ones();
        let (chunks, rest) = signatures.as_chunks::<SIGNATURE_BYTES>();
        if chunks.len() != expected || !rest.is_empty() {
            return Err(SignatureError::Length {
                expected,
                length: bytes.len(),
            });
        }
        if bitmap.bit(usize::from(u8::MAX)) {
            return Err(SignatureError::IndexOutOfRange);
        }
        let indices = (0..u8::MAX).filter(|&index| bitmap.bit(usize::from(index)));
        indices
            .zip(chunks)
            .map(|(index, chunk)| Ok((index, QuorumSignature::from_bytes(chunk)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether exactly a quorum of `signers` signed `what`: the rule of the verifier contract.
    pub fn verify(
        &self,
        what: impl Into<Signable>,
        signers: &SignerSet,
    ) -> Result<(), QuorumError> {
        let what = what.into();
        if self.len() != usize::from(signers.threshold()) {
            return Err(QuorumError::Count {
                given: self.len(),
                threshold: signers.threshold(),
            });
        }
        for (index, signature) in self.iter() {
            let Some(&registered) = signers.signers().get(usize::from(index)) else {
                return Err(QuorumError::UnknownSigner {
                    index,
                    signers: signers.signers().len(),
                });
            };
            let recovered = signature
                .signer(what)
                .ok_or(QuorumError::NoPoint { index })?;
            if recovered != registered {
                return Err(QuorumError::WrongSigner {
                    index,
                    recovered,
                    registered,
                });
            }
        }
        Ok(())
    }
}
