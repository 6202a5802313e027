//! The same statement as an off-chain attestation of the Ethereum Attestation Service, version 2, which wallets and
//! explorers read. It pays nobody: contracts take the attestation that it mirrors.
//!
//! Schema, digest, uid and JSON are those of the npm package `@ethereum-attestation-service/eas-sdk`; the vectors in
//! `contracts-abi/vectors/eas.json` are computed by it.

use alloy_primitives::{Address, B256, Keccak256, U256, hex, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::attestation::{ClaimAttestation, QuorumSignature, SigningDomain};
use crate::ids::MirrorId;

/// What the data says, as it is registered with the service: the attestation's id, then its fields in their order.
pub const SCHEMA: &str = "bytes32 attestationId,bytes32 policyId,bytes32 termsHash,bytes32 eventId,address consumer,\
uint8 verdict,uint64 payoutFraction,int256 measuredValue,uint64 occurredAt,uint64 confirmedAt,uint64 windowStart,\
uint64 windowEnd,uint64 sourceChainId,uint64 sourceBlock,bytes32 sourceBlockHash,bytes32 evidenceRoot,\
uint32 evidenceCount,uint64 issuedAt,uint64 validAfter,uint64 validUntil,uint32 signerEpoch,uint32 revision,\
bytes32 supersedes";

const VERSION: u16 = 2;

/// A claim can be revoked at the verifier.
const REVOCABLE: bool = true;

sol! {
    /// An off-chain attestation as it is signed.
    #[derive(Debug, PartialEq, Eq)]
    struct Attest {
        uint16 version;
        bytes32 schema;
        address recipient;
        uint64 time;
        uint64 expirationTime;
        bool revocable;
        bytes32 refUID;
        bytes data;
        bytes32 salt;
    }
}

/// The service's contract, for whose domain mirrors are signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EasContract {
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Where it is.
    pub address: Address,
    /// What its `version()` says.
    pub version: String,
}

/// An attestation in the service's form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mirror {
    contract: EasContract,
    message: Attest,
}

impl Mirror {
    /// The mirror of an attestation that is valid in `domain`. There is one: its salt is the attestation's id.
    pub fn of(
        contract: EasContract,
        domain: impl Into<SigningDomain>,
        attestation: &ClaimAttestation,
    ) -> Self {
        let id = domain.into().digest(attestation).0;
        let message = Attest {
            version: VERSION,
            schema: schema_uid(),
            recipient: attestation.consumer,
            time: attestation.issuedAt,
            expirationTime: attestation.validUntil,
            revocable: REVOCABLE,
            refUID: B256::ZERO,
            data: [id.as_slice(), &attestation.to_bytes()].concat().into(),
            salt: id,
        };
        Self { contract, message }
    }

    /// What is signed: its EIP-712 digest.
    pub fn id(&self) -> MirrorId {
        MirrorId(self.message.eip712_signing_hash(&self.domain()))
    }

    fn domain(&self) -> Eip712Domain {
        Eip712Domain::new(
            Some("EAS Attestation".into()),
            Some(self.contract.version.clone().into()),
            Some(U256::from(self.contract.chain_id)),
            Some(self.contract.address),
            None,
        )
    }

    /// The name that the service's tools know it by.
    pub fn uid(&self) -> B256 {
        let message = &self.message;
        let mut hasher = Keccak256::new();
        hasher.update(message.version.to_be_bytes());
        // The text of the schema's uid, not its bytes.
        hasher.update(format!("{:#x}", message.schema));
        hasher.update(message.recipient);
        hasher.update(Address::ZERO);
        hasher.update(message.time.to_be_bytes());
        hasher.update(message.expirationTime.to_be_bytes());
        hasher.update([u8::from(message.revocable)]);
        hasher.update(message.refUID);
        hasher.update(&message.data);
        hasher.update(message.salt);
        hasher.update(0_u32.to_be_bytes());
        hasher.finalize()
    }

    /// As the service's tools exchange it, signed. Seconds are decimal strings, so that every reader sees the same number.
    pub fn to_json(&self, signature: QuorumSignature) -> Json {
        let bytes = signature.to_bytes();
        let (r, rest) = bytes.split_at(32);
        let (s, v) = rest.split_at(32);
        let message = &self.message;
        let field = |name: &str, kind: &str| json!({ "name": name, "type": kind });
        json!({
            "version": VERSION,
            "uid": self.uid(),
            "domain": {
                "name": "EAS Attestation",
                "version": self.contract.version,
                "chainId": self.contract.chain_id.to_string(),
                "verifyingContract": self.contract.address.to_checksum(None),
            },
            "primaryType": "Attest",
            "message": {
                "version": message.version,
                "schema": message.schema,
                "recipient": message.recipient,
                "time": message.time.to_string(),
                "expirationTime": message.expirationTime.to_string(),
                "revocable": message.revocable,
                "refUID": message.refUID,
                "data": message.data,
                "salt": message.salt,
            },
            "types": {
                "Attest": [
                    field("version", "uint16"),
                    field("schema", "bytes32"),
                    field("recipient", "address"),
                    field("time", "uint64"),
                    field("expirationTime", "uint64"),
                    field("revocable", "bool"),
                    field("refUID", "bytes32"),
                    field("data", "bytes"),
                    field("salt", "bytes32"),
                ],
            },
            "signature": { "v": v.first(), "r": hex::encode_prefixed(r), "s": hex::encode_prefixed(s) },
        })
    }
}

/// The uid under which the service's registry has [`SCHEMA`], without a resolver.
pub fn schema_uid() -> B256 {
    let resolver = Address::ZERO;
    let packed = [
        SCHEMA.as_bytes(),
        resolver.as_slice(),
        &[u8::from(REVOCABLE)],
    ]
    .concat();
    keccak256(packed)
}
