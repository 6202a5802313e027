//! The whole error space of keys and signing.

use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_domain::attestation::{PayloadBytesError, QuorumError, Signable, SignatureError};
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;

use crate::signer::KeyKind;

/// Why there is no key, or no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// The keystore file is not there.
    #[error("there is no keystore {path}: correct the path, or make one with `tocsin keys generate`", path = path.display())]
    NoKeystore {
        /// The file.
        path: PathBuf,
    },
    /// The keystore file cannot be read.
    #[error("cannot read the keystore {path}: check that this user may read it", path = path.display())]
    ReadKeystore {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no keystore, or one of a kind that is not supported.
    #[error("{path} is not a usable keystore ({problem}): it must be an encrypted key in the Web3 Secret Storage format, version 3, as `tocsin keys generate` writes", path = path.display())]
    NotAKeystore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The password does not open it.
    #[error("the password does not open the keystore {path}: check the password's file or environment variable, also for a different keystore's password", path = path.display())]
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// A bare key that is none.
    #[error(
        "the raw key is not 32 bytes in hex that are a secp256k1 key; prefer `kind = \"keystore\"`"
    )]
    NotAKey,
    /// Nothing may be overwritten.
    #[error("{path} exists and is left as it is: choose another path for the new key", path = path.display())]
    KeystoreExists {
        /// The file.
        path: PathBuf,
    },
    /// A keystore that anybody could open.
    #[error("the password for the new keystore {path} is empty", path = path.display())]
    EmptyPassword {
        /// The file.
        path: PathBuf,
    },
    /// The new keystore could not be written.
    #[error("cannot write the keystore {path}: check that its folder exists, is writable and has space", path = path.display())]
    WriteKeystore {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The new key could not be encrypted.
    #[error("cannot encrypt the new key for {path}", path = path.display())]
    EncryptKey {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key is not one of the epoch's.
    #[error(
        "the key's address {address} is not among the signers of epoch {epoch}: announce an epoch with it, or configure its key"
    )]
    NotASigner {
        /// The key's address.
        address: Address,
        /// The configured epoch.
        epoch: u32,
    },
    /// One signature is no quorum there.
    #[error(
        "epoch {epoch} demands {threshold} signatures: name the other attestors in [quorum], or use an epoch with threshold 1"
    )]
    QuorumOfSeveral {
        /// The configured epoch.
        epoch: u32,
        /// Its threshold.
        threshold: u8,
    },
    /// No epoch that signs now has one of the keys.
    #[error(
        "none of the keys {keys:?} is in an epoch that signs at {at} (epochs that do: {signing:?}): announce an epoch with one of them (`tocsin keys rotate`), or add its key to [attestor]; `tocsin keys status` shows who is in which"
    )]
    NoSeat {
        /// When.
        at: Timestamp,
        /// The addresses of the keys.
        keys: Vec<Address>,
        /// The epochs that sign then.
        signing: Vec<u32>,
    },
    /// Nobody told of it.
    #[error("epoch {epoch} is not known: the verifier has not announced it in a final block")]
    UnknownEpoch {
        /// Its number.
        epoch: u32,
    },
    /// A verifier would refuse the signature.
    #[error(
        "epoch {epoch} does not sign what is issued at {issued_at}: it is revoked, over, or has not begun"
    )]
    OutsideEpoch {
        /// Its number.
        epoch: u32,
        /// Unix seconds.
        issued_at: u64,
    },
    /// Only verdict 1 with an event has a claim key to reserve.
    #[error(
        "the payload's verdict is {verdict}: only a triggered claim (1) with an event id is signed here"
    )]
    NotAClaim {
        /// Its verdict.
        verdict: u8,
    },
    /// Signing for another epoch would make an invalid signature.
    #[error("the payload names epoch {payload}, this attestor signs for epoch {attestor}")]
    OtherEpoch {
        /// The payload's.
        payload: u32,
        /// The attestor's.
        attestor: u32,
    },
    /// The reservation failed, so nothing was signed.
    #[error("the claim key {claim_key} could not be reserved, nothing was signed")]
    Reserve {
        /// The claim key.
        claim_key: ClaimKey,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The journal of votes failed, so nothing was said.
    #[error("the votes to other attestors could not be journaled, nothing was said")]
    JournalVotes {
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Two different statements on one claim: something decided twice, and differently.
    #[error(
        "ALARM: the claim key {claim_key} is reserved for another statement ({reserved}) than {wanted}; nothing was signed, compare both payloads before anything else"
    )]
    Conflict {
        /// The claim key.
        claim_key: ClaimKey,
        /// The digest of what is stored.
        reserved: AttestationId,
        /// The digest of what was to be signed.
        wanted: AttestationId,
    },
    /// What was said of the claim is revoked.
    #[error(
        "statements about the claim key {claim_key} below revision {min_revision} are revoked; nothing was signed. If a corrected one is due, allow it with `tocsin claims correct`"
    )]
    Revoked {
        /// The claim key.
        claim_key: ClaimKey,
        /// The least revision that stands.
        min_revision: u32,
    },
    /// The reservations of a batch failed, so nothing was signed.
    #[error("the claim keys of a batch of {count} could not be reserved, nothing was signed")]
    ReserveBatch {
        /// How many.
        count: usize,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The store did not say of each reservation what became of it.
    #[error(
        "ALARM: the store answered {answered} of {asked} reservations; nothing was signed, the store is at fault"
    )]
    Unanswered {
        /// How many were asked for.
        asked: usize,
        /// How many were answered.
        answered: usize,
    },
    /// One claim in a batch twice.
    #[error("the claim key {claim_key} is in the batch already")]
    TwiceInBatch {
        /// The claim key.
        claim_key: ClaimKey,
    },
    /// The stored reservation is not what the store says it is.
    #[error(
        "ALARM: the stored reservation of claim key {claim_key} does not hold together ({problem}); nothing was signed, the database may be damaged"
    )]
    DamagedReservation {
        /// The claim key.
        claim_key: ClaimKey,
        /// What is wrong.
        problem: &'static str,
    },
    /// The stored reservation's payload cannot be read.
    #[error(
        "ALARM: the stored reservation of claim key {claim_key} cannot be read; nothing was signed, the database may be damaged"
    )]
    UnreadableReservation {
        /// The claim key.
        claim_key: ClaimKey,
        /// What is wrong.
        #[source]
        source: PayloadBytesError,
    },
    /// What was said of the claim could not be read, so it was not mirrored.
    #[error("what is journaled under {claim_key} could not be read, nothing was mirrored")]
    ReadJournal {
        /// The claim key.
        claim_key: ClaimKey,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Only what is journaled has a mirror.
    #[error(
        "ALARM: the attestation {attestation} is not journaled under its claim key {claim_key}; it was not mirrored, the database may be damaged"
    )]
    NotJournaled {
        /// The claim key.
        claim_key: ClaimKey,
        /// What was to be mirrored.
        attestation: AttestationId,
    },
    /// The signer gave a signature of a mirror that is not its own.
    #[error(
        "the signature of a mirror that the key of {address} made is not its own; it is thrown away"
    )]
    StrangeMirror {
        /// The key's address.
        address: Address,
    },
    /// A revocation names its reason by a hash.
    #[error("the revocation of {claim_key} is for another reason than the one that is given")]
    OtherReason {
        /// The claim key.
        claim_key: ClaimKey,
    },
    /// A revocation or a release could not be journaled, so nothing was signed.
    #[error("the withdrawal about {claim_key} could not be journaled, nothing was signed")]
    Withdraw {
        /// The claim key.
        claim_key: ClaimKey,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A key elsewhere, where one on this machine is wanted.
    #[error("a key of kind `{kind}` is not on this machine: connect to it")]
    NotHere {
        /// The kind.
        kind: KeyKind,
    },
    /// The kind exists, but not in this build.
    #[error(
        "this build has no keys of kind `{kind}`: build it with `cargo build --release -p tocsin --features {kind}`"
    )]
    NotCompiledIn {
        /// The kind, which is also the name of the cargo feature.
        kind: KeyKind,
    },
    /// A key service or a device did not give its public key.
    #[error(
        "the key of kind `{kind}` cannot be used: check its name, its address and the permissions to read its public key"
    )]
    OpenKey {
        /// The kind.
        kind: KeyKind,
        /// Why.
        #[source]
        source: KeyFault,
    },
    /// The signer refused or broke.
    #[error("the key of {address} could not sign {what}")]
    Sign {
        /// The key's address.
        address: Address,
        /// What was to be signed.
        what: Signable,
        /// Why.
        #[source]
        source: KeyFault,
    },
    /// The signer gave a signature that no door accepts.
    #[error("the key of {address} made a signature of a form that verifiers refuse")]
    SignatureForm {
        /// The key's address.
        address: Address,
        /// What is wrong with it.
        #[source]
        source: SignatureError,
    },
    /// The signer gave a signature that is not its own.
    #[error("the signature that the key of {address} made does not verify; it is thrown away")]
    SelfCheck {
        /// The key's address.
        address: Address,
        /// What is wrong with it.
        #[source]
        source: QuorumError,
    },
}

/// Why a key did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// It could not be reached, is busy or throttled.
    #[error("it cannot be had right now")]
    Passing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refuses, or answers with what is no signature.
    #[error("it refuses, or answers what it should not")]
    Lasting(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("it did not answer within {} ms", .0.as_millis())]
    Silent(Duration),
    /// The service signs with another key than it named when it was asked.
    #[error(
        "ALARM: the signature is by another key than the service named when it was opened; an alias may point elsewhere now"
    )]
    OtherKey,
}

impl KeyFault {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Passing(_) | Self::Silent(_))
    }
}

impl AttestError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Reserve { source, .. }
            | Self::ReserveBatch { source, .. }
            | Self::Withdraw { source, .. }
            | Self::ReadJournal { source, .. }
            | Self::JournalVotes { source } => source.is_transient(),
            // The next epoch may be about to begin.
            Self::NoSeat { .. } | Self::OutsideEpoch { .. } => true,
            Self::OpenKey { source, .. } | Self::Sign { source, .. } => source.is_transient(),
            _ => false,
        }
    }
}
