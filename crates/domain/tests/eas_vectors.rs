//! Mirrors are those that the Ethereum Attestation Service's own SDK makes.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{Address, B256};
use serde_json::Value as Json;
use tocsin_domain::attestation::eas::{self, EasContract, Mirror};
use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, QuorumSignature};

fn read(name: &str) -> Json {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts-abi/vectors/");
    serde_json::from_str(&std::fs::read_to_string(format!("{folder}{name}")).unwrap()).unwrap()
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Json) -> T {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn schema_digest_uid_and_json_are_the_same() {
    let (golden, claims) = (read("eas.json"), read("attestations.json"));
    assert_eq!(golden["schema"], eas::SCHEMA);
    assert_eq!(parse::<B256>(&golden["schemaUid"]), eas::schema_uid());
    let signer: Address = parse(&golden["signer"]);
    let vectors = golden["vectors"].as_array().unwrap();
    let claims = claims["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), claims.len());
    for (expected, claim) in vectors.iter().zip(claims) {
        let name = &expected["name"];
        let attestation: ClaimAttestation =
            serde_json::from_value(claim["attestation"].clone()).unwrap();
        let domain = AttestationDomain {
            chain_id: parse(&claim["domain"]["chainId"]),
            verifier: parse(&claim["domain"]["verifyingContract"]),
        };
        let contract = EasContract {
            chain_id: domain.chain_id,
            address: parse(&golden["contract"]["address"]),
            version: golden["contract"]["version"].as_str().unwrap().to_owned(),
        };
        let mirror = Mirror::of(contract, domain, &attestation);
        let sig = &expected["sig"];
        assert_eq!(parse::<B256>(&sig["uid"]), mirror.uid(), "{name}");
        assert_eq!(parse::<B256>(&expected["digest"]), mirror.id().0, "{name}");

        let part = |field: &str| parse::<B256>(&sig["signature"][field]);
        let v = u8::try_from(sig["signature"]["v"].as_u64().unwrap()).unwrap();
        let bytes = [part("r").as_slice(), part("s").as_slice(), &[v]].concat();
        let signature = QuorumSignature::from_bytes(&bytes.try_into().unwrap()).unwrap();
        assert_eq!(signature.signer(mirror.id()), Some(signer), "{name}");
        assert_eq!(&mirror.to_json(signature), sig, "{name}");
    }
}
