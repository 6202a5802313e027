//! What viem computes for claims, their identities and their signatures, is what we compute.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::SolStruct;
use serde_json::Value as Json;
use tocsin_domain::attestation::{
    AttestationDomain, ClaimAttestation, QuorumError, QuorumSignature, SignatureError,
    SignatureSet, SignerSet,
};
use tocsin_domain::ids::{AttestationId, EventId, PolicyId};

const LEAST_VECTORS: usize = 8;

fn golden() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts-abi/vectors/attestations.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn vectors(golden: &Json) -> &[Json] {
    let vectors = golden["vectors"].as_array().unwrap();
    assert!(vectors.len() >= LEAST_VECTORS);
    vectors
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap()
}

fn word(value: &Json) -> B256 {
    text(value).parse().unwrap()
}

fn attestation(vector: &Json) -> ClaimAttestation {
    serde_json::from_value(vector["attestation"].clone()).unwrap()
}

fn domain(vector: &Json) -> AttestationDomain {
    assert_eq!(text(&vector["domain"]["name"]), "Tocsin");
    assert_eq!(text(&vector["domain"]["version"]), "1");
    AttestationDomain {
        chain_id: text(&vector["domain"]["chainId"]).parse().unwrap(),
        verifier: text(&vector["domain"]["verifyingContract"])
            .parse()
            .unwrap(),
    }
}

fn digest(vector: &Json) -> AttestationId {
    AttestationId(word(&vector["digest"]))
}

fn signer_set(golden: &Json, vector: &Json) -> SignerSet {
    let addresses = golden["signerAddresses"].as_array().unwrap();
    let addresses: Vec<Address> = addresses
        .iter()
        .map(|address| text(address).parse().unwrap())
        .collect();
    SignerSet::new(1, text(&vector["threshold"]).parse().unwrap(), addresses).unwrap()
}

fn packed(vector: &Json) -> Vec<u8> {
    hex::decode(text(&vector["packedSignatures"])).unwrap()
}

#[test]
fn the_type_is_the_same() {
    let golden = golden();
    assert_eq!(
        ClaimAttestation::eip712_encode_type(),
        text(&golden["typeString"])
    );
}

#[test]
fn identities_are_the_same() {
    let golden = golden();
    for vector in vectors(&golden) {
        let name = text(&vector["name"]);
        let (domain, attestation) = (domain(vector), attestation(vector));
        assert_eq!(
            domain.domain_separator(),
            word(&vector["domainSeparator"]),
            "{name}"
        );
        assert_eq!(
            attestation.eip712_hash_struct(),
            word(&vector["structHash"]),
            "{name}"
        );
        assert_eq!(domain.digest(&attestation), digest(vector), "{name}");
        assert_eq!(
            attestation.claim_key().0,
            word(&vector["claimKey"]),
            "{name}"
        );

        let policy = &vector["policy"];
        let policy = PolicyId::derive(
            text(&policy["chainId"]).parse().unwrap(),
            text(&policy["contract"]).parse().unwrap(),
            text(&policy["id"]).parse::<U256>().unwrap(),
        );
        assert_eq!(policy.0, word(&vector["policyId"]), "{name}");
        // A service counts the loss events of a risk in 32 bits.
        if let Some(Ok(ordinal)) = vector["event"]["ordinal"].as_str().map(str::parse) {
            let event = EventId::derive(text(&vector["event"]["subject"]), ordinal);
            assert_eq!(event.0, word(&vector["eventId"]), "{name}");
        }
    }
}

#[test]
fn payloads_survive_their_bytes_and_their_text() {
    let golden = golden();
    for vector in vectors(&golden) {
        let attestation = attestation(vector);
        assert_eq!(
            ClaimAttestation::from_bytes(&attestation.to_bytes()).unwrap(),
            attestation
        );
        // Field for field the text that viem was given, so reading lost nothing.
        assert_eq!(
            serde_json::to_value(&attestation).unwrap(),
            vector["attestation"]
        );
    }
}

#[test]
fn signatures_are_the_same_and_verify() {
    let golden = golden();
    for vector in vectors(&golden) {
        let name = text(&vector["name"]);
        let bytes = packed(vector);
        let set = SignatureSet::parse(&bytes).unwrap();
        assert_eq!(set.encode(), bytes, "{name}");
        set.verify(digest(vector), &signer_set(&golden, vector))
            .unwrap();

        let mut built = SignatureSet::default();
        let indices = vector["signerIndices"].as_array().unwrap();
        for (index, signature) in indices.iter().zip(vector["signatures"].as_array().unwrap()) {
            let signature = hex::decode_to_array(text(signature)).unwrap();
            let signature = QuorumSignature::from_bytes(&signature).unwrap();
            assert_eq!(built.insert(text(index).parse().unwrap(), signature), None);
        }
        assert_eq!(built, set, "{name}");
    }
}

#[test]
fn any_other_digest_signer_or_count_is_no_quorum() {
    let golden = golden();
    let vector = &vectors(&golden)[1];
    let signers = signer_set(&golden, vector);
    let set = SignatureSet::parse(&packed(vector)).unwrap();

    let mut other = digest(vector);
    other.0.0[31] ^= 1;
    assert!(matches!(
        set.verify(other, &signers),
        Err(QuorumError::WrongSigner { index: 0, .. })
    ));

    let moved = SignatureSet::parse(&{
        let mut bytes = packed(vector);
        // Signers 0, 2, 4 become 0, 2, 3.
        bytes[31] = 0b0_1101;
        bytes
    });
    assert!(matches!(
        moved.unwrap().verify(digest(vector), &signers),
        Err(QuorumError::WrongSigner { index: 3, .. })
    ));

    let beyond = SignatureSet::parse(&{
        let mut bytes = packed(vector);
        bytes[31] = 0b10_0101;
        bytes
    });
    assert_eq!(
        beyond.unwrap().verify(digest(vector), &signers),
        Err(QuorumError::UnknownSigner {
            index: 5,
            signers: 5
        })
    );

    let of_two = SignerSet::new(1, 2, signers.signers().to_vec()).unwrap();
    assert_eq!(
        set.verify(digest(vector), &of_two),
        Err(QuorumError::Count {
            given: 3,
            threshold: 2
        })
    );
    let of_four = SignerSet::new(1, 4, signers.signers().to_vec()).unwrap();
    assert_eq!(
        set.verify(digest(vector), &of_four),
        Err(QuorumError::Count {
            given: 3,
            threshold: 4
        })
    );
}

#[test]
fn the_mirror_of_a_signature_is_refused_although_it_recovers() {
    let order = U256::from_be_bytes(hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let golden = golden();
    let vector = &vectors(&golden)[0];
    let mut bytes = packed(vector);
    let s = U256::from_be_slice(&bytes[64..96]);
    bytes[64..96].copy_from_slice(&(order - s).to_be_bytes::<32>());
    bytes[96] ^= 27 ^ 28;

    let mirrored = alloy_primitives::Signature::from_raw(&bytes[32..]).unwrap();
    let signer = signer_set(&golden, vector).signers()[2];
    assert_eq!(
        mirrored
            .recover_address_from_prehash(&digest(vector).0)
            .unwrap(),
        signer
    );

    assert_eq!(SignatureSet::parse(&bytes), Err(SignatureError::HighS));
    assert_eq!(QuorumSignature::new(mirrored), Err(SignatureError::HighS));
}

#[test]
fn the_greatest_low_s_is_half_of_the_order() {
    let half = U256::from_be_bytes(hex!(
        "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
    ));
    let order = (half << 1) + U256::ONE;
    let with =
        |r: U256, s: U256| QuorumSignature::new(alloy_primitives::Signature::new(r, s, false));
    assert!(with(U256::ONE, half).is_ok());
    assert_eq!(
        with(U256::ONE, half + U256::ONE),
        Err(SignatureError::HighS)
    );
    assert_eq!(with(U256::ONE, order), Err(SignatureError::OutsideGroup));
    assert_eq!(with(order, U256::ONE), Err(SignatureError::OutsideGroup));
    assert_eq!(
        with(U256::ZERO, U256::ONE),
        Err(SignatureError::OutsideGroup)
    );
    assert_eq!(
        with(U256::ONE, U256::ZERO),
        Err(SignatureError::OutsideGroup)
    );
    assert!(with(order - U256::ONE, U256::ONE).is_ok());
}

#[test]
fn a_set_of_signatures_has_one_encoding() {
    let golden = golden();
    let bytes = packed(&vectors(&golden)[1]);
    for length in 0..bytes.len() {
        assert!(
            SignatureSet::parse(&bytes[..length]).is_err(),
            "cut to {length}"
        );
    }
    assert!(
        SignatureSet::parse(&[&bytes[..], &[0]].concat()).is_err(),
        "one byte more"
    );
    assert!(
        SignatureSet::parse(&[&bytes[..], &bytes[32..97]].concat()).is_err(),
        "one signature more"
    );
    for v in (0..=u8::MAX).filter(|v| ![27, 28].contains(v)) {
        let mut other = bytes.clone();
        other[32 + 64] = v;
        assert_eq!(
            SignatureSet::parse(&other),
            Err(SignatureError::RecoveryByte(v))
        );
    }
    for bit in 0..256 {
        let mut other = bytes.clone();
        other[31 - bit / 8] ^= 1 << (bit % 8);
        assert!(
            SignatureSet::parse(&other).is_err(),
            "bit {bit} of the bitmap"
        );
    }
    let empty = SignatureSet::parse(&[0; 32]).unwrap();
    assert!(empty.is_empty());
    assert!(
        empty
            .verify(
                digest(&vectors(&golden)[1]),
                &signer_set(&golden, &vectors(&golden)[1])
            )
            .is_err()
    );

    // No signer has that index: it says that contracts are among those who signed, and here none is.
    let mut bit_255 = vec![0; 32 + 65];
    bit_255[0] = 0x80;
    bit_255[32..].copy_from_slice(&bytes[32..97]);
    assert_eq!(
        SignatureSet::parse(&bit_255),
        Err(SignatureError::ContractBitmap)
    );
}

proptest::proptest! {
    #[test]
    fn whatever_parses_as_signatures_is_their_encoding(
        bits in 0u8..8,
        garbage in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
    ) {
        let mut bytes = garbage;
        if bytes.len() >= 32 {
            bytes[..32].fill(0);
            bytes[31] = bits;
            let signatures = usize::try_from(bits.count_ones()).unwrap();
            bytes.resize(32 + signatures * 65, 1);
            for v in (96..bytes.len()).step_by(65) {
                bytes[v] = 27 + bytes[v] % 2;
            }
        }
        if let Ok(set) = SignatureSet::parse(&bytes) {
            proptest::prop_assert_eq!(set.encode(), bytes);
        }
    }
}
