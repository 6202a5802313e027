//! Vectors that nobody here wrote: the example of EIP-712, and Wycheproof's ECDSA over secp256k1 as Bitcoin has it, where
//! only the low s is valid.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{Address, B256, Signature, U256, address, b256};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use sha2::{Digest, Sha256};
use tocsin_domain::attestation::{QuorumSignature, SignatureError, SignatureSet, SignerSet};
use tocsin_domain::ids::AttestationId;
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestFlag, TestName, TestSet};

sol! {
    struct Person {
        string name;
        address wallet;
    }

    struct Mail {
        Person from;
        Person to;
        string contents;
    }
}

const COW: Address = address!("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");

/// The numbers of the EIP's own example (assets/eip-712/Example.js).
#[test]
fn the_mail_of_eip_712() {
    let domain = Eip712Domain::new(
        Some("Ether Mail".into()),
        Some("1".into()),
        Some(U256::ONE),
        Some(address!("CcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC")),
        None,
    );
    let mail = Mail {
        from: Person {
            name: "Cow".to_owned(),
            wallet: COW,
        },
        to: Person {
            name: "Bob".to_owned(),
            wallet: address!("bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"),
        },
        contents: "Hello, Bob!".to_owned(),
    };
    assert_eq!(
        domain.separator(),
        b256!("f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f")
    );
    assert_eq!(
        mail.eip712_hash_struct(),
        b256!("c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e")
    );
    let digest = mail.eip712_signing_hash(&domain);
    assert_eq!(
        digest,
        b256!("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2")
    );
    let scalars = [
        b256!("4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"),
        b256!("07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"),
    ]
    .concat();
    let signature = QuorumSignature::from_bytes(&with_v(&scalars, 28)).unwrap();
    assert_eq!(signature.signer(AttestationId(digest)), Some(COW));
}

fn with_v(scalars: &[u8], v: u8) -> [u8; 65] {
    [scalars, &[v]].concat().try_into().unwrap()
}

/// A signature as contracts take it has no DER, so this is the adapter's: strict, as Bitcoin demands.
fn from_der(der: &[u8]) -> Option<[u8; 64]> {
    let signature = k256::ecdsa::Signature::from_der(der).ok()?;
    Some(signature.to_bytes().into())
}

/// Whether only the recovery ids 2 and 3, which no transaction and no contract knows, lead to the signer.
fn beyond_the_order(scalars: &[u8; 64], digest: B256, signer: Address) -> bool {
    use k256::ecdsa::{RecoveryId, VerifyingKey};
    let signature = k256::ecdsa::Signature::from_slice(scalars).unwrap();
    [2, 3].into_iter().any(|id| {
        let id = RecoveryId::from_byte(id).unwrap();
        VerifyingKey::recover_from_prehash(digest.as_slice(), &signature, id)
            .is_ok_and(|key| Address::from_public_key(&key) == signer)
    })
}

#[test]
fn wycheproofs_signatures_are_told_apart_at_every_door() {
    let set = TestSet::load(TestName::EcdsaSecp256k1Sha256Bitcoin).unwrap();
    let (mut valid, mut invalid, mut high, mut beyond) = (0, 0, 0, 0);
    for group in &set.test_groups {
        let signer = Address::from_raw_public_key(&group.key.key[1..]);
        let signers = SignerSet::new(1, 1, vec![signer]).unwrap();
        for test in &group.tests {
            let digest = AttestationId(B256::from_slice(&Sha256::digest(&test.msg)));
            let expected = test.result == TestResult::Valid;
            let place = format!("{}: {}", test.tc_id, test.comment);
            let scalars = from_der(&test.sig);
            let accepted = scalars.is_some_and(|scalars| {
                // Either parity may be the right one; the signature does not say which.
                [27, 28].into_iter().any(|v| {
                    let bytes = with_v(&scalars, v);
                    let alone = QuorumSignature::from_bytes(&bytes);
                    let packed = [&[0; 31][..], &[1], &bytes].concat();
                    let together = SignatureSet::parse(&packed);
                    // The doors agree.
                    assert_eq!(alone.is_ok(), together.is_ok(), "{place}");
                    let by = alone.ok().and_then(|signature| signature.signer(digest));
                    let verified = together.is_ok_and(|set| set.verify(digest, &signers).is_ok());
                    assert_eq!(by == Some(signer), verified, "{place}");
                    verified
                })
            });
            if let Some(scalars) = scalars
                && expected
                && !accepted
            {
                // The x of its point exceeds the group's order. Contracts have no v for that, so nobody may accept it.
                assert!(beyond_the_order(&scalars, digest.0, signer), "{place}");
                beyond += 1;
                continue;
            }
            assert_eq!(accepted, expected, "{place}");
            if test.flags.contains(&TestFlag::SignatureMalleabilityBitcoin)
                && let Some(scalars) = scalars
                && !expected
            {
                high += 1;
                for odd in [false, true] {
                    let signature = Signature::from_bytes_and_parity(&scalars, odd);
                    let refused = QuorumSignature::new(signature);
                    assert_eq!(refused, Err(SignatureError::HighS), "{place}");
                    // What the library would have said.
                    let by = signature.recover_address_from_prehash(&digest.0);
                    assert!(by.is_ok(), "{place}");
                }
            }
            if expected {
                valid += 1;
            } else {
                invalid += 1;
            }
        }
    }
    assert!(beyond <= 2, "{beyond}");
    assert!(
        valid > 100 && invalid > 200 && high > 0,
        "{valid} {invalid} {high}"
    );
}
