//! The quorum's signatures as contracts take them: a 32-byte bitmap of signer indices, then one 65-byte signature
//! (r, s, v) for each set bit, lowest index first. Where contracts are among those who signed, bit 255, which is no
//! signer's, says so: then a second bitmap follows, of those, and each has two bytes of length and so many bytes in place
//! of the 65.
//!
//! One set of signatures has exactly one encoding: v is 27 or 28, and s is low. An ECDSA signature with its s mirrored is
//! as valid as the original, and recovery accepts it; here it is refused wherever a signature comes in, so that nobody
//! can make a second valid text out of a first.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Signature, U256, uint};

use crate::attestation::{
    AttestationDomain, AttestorSignature, ContractVote, OpenVote, Signable, SignerSet,
};

const BITMAP_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 65;
/// The bit of a bitmap that is no signer's: contracts are among those who signed.
const MIXED_BIT: usize = 255;

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
pub struct SignatureSet(BTreeMap<u8, AttestorSignature>);

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
    /// The second bitmap names nobody, or somebody who did not sign.
    #[error("the bitmap of contracts must name at least one of those who signed, and nobody else")]
    ContractBitmap,
    /// The bytes end within a signature.
    #[error("the bytes end within what signer {index} gave")]
    CutShort {
        /// The signer's index.
        index: u8,
    },
    /// Something follows the last signature.
    #[error("{0} byte(s) follow the last signature")]
    Trailing(usize),
    /// More than two bytes can count.
    #[error("a contract's vote of {0} bytes is longer than the {max} that can be encoded", max = u16::MAX)]
    VoteTooLong(usize),
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
    /// A contract's vote in the place of a key's signature, or the reverse.
    #[error(
        "signer {index} is announced as {}, and gave what {} gives",
        kind(*.is_contract), kind(!*.is_contract)
    )]
    OtherKind {
        /// The index in the bitmap.
        index: u8,
        /// What the epoch says.
        is_contract: bool,
    },
    /// Everything that can be checked here is fine, and this cannot be.
    #[error(
        "signer {index} is the contract {attestor}: whether it voted for this, only a call of its isValidSignature on \
         the verifier's chain can say"
    )]
    OnlyOnItsChain {
        /// The index in the bitmap.
        index: u8,
        /// The contract.
        attestor: Address,
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

    /// Whether `registered`, the signer with this index, signed `what`.
    fn check(self, what: Signable, index: u8, registered: Address) -> Result<(), QuorumError> {
        match self.signer(what) {
            None => Err(QuorumError::NoPoint { index }),
            Some(recovered) if recovered != registered => Err(QuorumError::WrongSigner {
                index,
                recovered,
                registered,
            }),
            Some(_registered) => Ok(()),
        }
    }

    /// Who signed `what`; `None` if nobody can have.
    pub fn signer(&self, what: impl Into<Signable>) -> Option<Address> {
        // Its only error is that there is no such point.
        self.0
            .recover_address_from_prehash(&what.into().digest())
            .ok()
    }
}

fn kind(is_contract: bool) -> &'static str {
    if is_contract { "a contract" } else { "a key" }
}

impl SignatureSet {
    /// One signature, by the signer with this index.
    pub fn single(index: u8, signature: impl Into<AttestorSignature>) -> Self {
        Self(BTreeMap::from([(index, signature.into())]))
    }

    /// Adds the signature of one more signer; returns the one that it had given before, if any.
    pub fn insert(
        &mut self,
        index: u8,
        signature: impl Into<AttestorSignature>,
    ) -> Option<AttestorSignature> {
        self.0.insert(index, signature.into())
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
    pub fn iter(&self) -> impl Iterator<Item = (u8, &AttestorSignature)> {
        self.0.iter().map(|(&index, signature)| (index, signature))
    }

    /// Bitmap or bitmaps, then signatures in index order.
    pub fn encode(&self) -> Vec<u8> {
        let bits = |indices: &mut dyn Iterator<Item = u8>| {
            indices.fold(U256::ZERO, |bits, index| {
                bits | (U256::ONE << usize::from(index))
            })
        };
        let mut bitmap = bits(&mut self.0.keys().copied());
        let contracts = bits(&mut self.contracts());
        let mut bytes = Vec::with_capacity(BITMAP_BYTES + self.len() * SIGNATURE_BYTES);
        bitmap.set_bit(MIXED_BIT, !contracts.is_zero());
        bytes.extend_from_slice(&bitmap.to_be_bytes::<BITMAP_BYTES>());
        if !contracts.is_zero() {
            bytes.extend_from_slice(&contracts.to_be_bytes::<BITMAP_BYTES>());
        }
        for signature in self.0.values() {
            match signature {
                AttestorSignature::Key(signature) => {
                    bytes.extend_from_slice(&signature.to_bytes());
                }
                AttestorSignature::Contract(vote) => vote.encode_into(&mut bytes),
            }
        }
        bytes
    }

    /// Reads what [`Self::encode`] writes, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let Some((bitmap, rest)) = bytes.split_first_chunk::<BITMAP_BYTES>() else {
            return Err(SignatureError::TooShort(bytes.len()));
        };
        let bitmap = U256::from_be_bytes(*bitmap);
        if bitmap.bit(MIXED_BIT) {
            return Self::parse_mixed(bitmap, rest);
        }
        let expected = bitmap.count_ones();
        let (chunks, trailing) = rest.as_chunks::<SIGNATURE_BYTES>();
        if chunks.len() != expected || !trailing.is_empty() {
            return Err(SignatureError::Length {
                expected,
                length: bytes.len(),
            });
        }
        indices(bitmap)
            .zip(chunks)
            .map(|(index, chunk)| Ok((index, QuorumSignature::from_bytes(chunk)?.into())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn parse_mixed(bitmap: U256, bytes: &[u8]) -> Result<Self, SignatureError> {
        let Some((contracts, mut rest)) = bytes.split_first_chunk::<BITMAP_BYTES>() else {
            return Err(SignatureError::TooShort(BITMAP_BYTES + bytes.len()));
        };
        let contracts = U256::from_be_bytes(*contracts);
        if contracts.is_zero() || contracts.bit(MIXED_BIT) || contracts & bitmap != contracts {
            return Err(SignatureError::ContractBitmap);
        }
        let mut set = BTreeMap::new();
        for index in indices(bitmap) {
            let cut_short = SignatureError::CutShort { index };
            let signature = if contracts.bit(usize::from(index)) {
                let (length, after) = rest.split_first_chunk::<2>().ok_or(cut_short)?;
                let length = usize::from(u16::from_be_bytes(*length));
                let (vote, after) = after.split_at_checked(length).ok_or(cut_short)?;
                rest = after;
                ContractVote::new(vote.to_vec())?.into()
            } else {
                let (chunk, after) = rest
                    .split_first_chunk::<SIGNATURE_BYTES>()
                    .ok_or(cut_short)?;
                rest = after;
                QuorumSignature::from_bytes(chunk)?.into()
            };
            set.insert(index, signature);
        }
        if !rest.is_empty() {
            return Err(SignatureError::Trailing(rest.len()));
        }
        Ok(Self(set))
    }

    /// Whether exactly a quorum of `signers` signed `what`: the rule of the verifier contract. Where a contract is among
    /// those who signed, this cannot be known here: [`QuorumError::OnlyOnItsChain`], and [`Self::verify_keys`] tells what
    /// to ask.
    pub fn verify(
        &self,
        what: impl Into<Signable>,
        signers: &SignerSet,
    ) -> Result<(), QuorumError> {
        match self.check(what.into(), signers)?.first() {
            Some(&(index, attestor, _vote)) => Err(QuorumError::OnlyOnItsChain { index, attestor }),
            None => Ok(()),
        }
    }

    /// The same for the keys; returns the votes of contracts, which the verifier's chain must be asked for. Only if every
    /// one of them is given, a quorum signed.
    pub fn verify_keys(
        &self,
        what: impl Into<Signable>,
        domain: &AttestationDomain,
        signers: &SignerSet,
    ) -> Result<Vec<OpenVote>, QuorumError> {
        let what = what.into();
        let open = self.check(what, signers)?;
        let ask = |(index, attestor, vote): (u8, Address, &ContractVote)| OpenVote {
            index,
            attestor,
            digest: domain.vote_digest(what, attestor),
            vote: vote.clone(),
        };
        Ok(open.into_iter().map(ask).collect())
    }

    /// Checks number, kinds and keys; returns what contracts gave.
    fn check(
        &self,
        what: Signable,
        signers: &SignerSet,
    ) -> Result<Vec<(u8, Address, &ContractVote)>, QuorumError> {
        if self.len() != usize::from(signers.threshold()) {
            return Err(QuorumError::Count {
                given: self.len(),
                threshold: signers.threshold(),
            });
        }
        let mut votes = Vec::new();
        for (index, signature) in self.iter() {
            let Some(&registered) = signers.signers().get(usize::from(index)) else {
                return Err(QuorumError::UnknownSigner {
                    index,
                    signers: signers.signers().len(),
                });
            };
            let is_contract = signers.is_contract(index);
            match signature {
                AttestorSignature::Key(signature) if !is_contract => {
                    signature.check(what, index, registered)?;
                }
                AttestorSignature::Contract(vote) if is_contract => {
                    votes.push((index, registered, vote));
                }
                AttestorSignature::Key(_) | AttestorSignature::Contract(_) => {
                    return Err(QuorumError::OtherKind { index, is_contract });
                }
            }
        }
        Ok(votes)
    }

    fn contracts(&self) -> impl Iterator<Item = u8> {
        self.iter().filter_map(|(index, signature)| {
            matches!(signature, AttestorSignature::Contract(_)).then_some(index)
        })
    }
}

/// The signers that a bitmap names.
fn indices(bitmap: U256) -> impl Iterator<Item = u8> {
    (0..u8::MAX).filter(move |&index| bitmap.bit(usize::from(index)))
}
