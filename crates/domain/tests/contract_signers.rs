//! Attestors that are contracts: one encoding of what they gave, which vectors by viem agree with, and no answer here to
//! what only their chain can say.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Value as Json, json};
use tocsin_domain::attestation::{
    AttestationDomain, AttestorSignature, ContractVote, QuorumError, SignatureError, SignatureSet,
    SignerSet, SignerSetError,
};
use tocsin_domain::ids::AttestationId;

fn golden() -> Json {
    let text = include_str!("../../../contracts-abi/vectors/ledger.json");
    serde_json::from_str(text).unwrap()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap()
}

struct Mixed {
    domain: AttestationDomain,
    digest: AttestationId,
    attestor: Address,
    vote_digest: B256,
    vote: Vec<u8>,
    signers: SignerSet,
    packed: Vec<u8>,
    indices: Vec<u8>,
}

fn mixed() -> Mixed {
    let golden = golden();
    let mixed = &golden["mixed"];
    let addresses = mixed["signerAddresses"].as_array().unwrap();
    let addresses = addresses.iter().map(|one| text(one).parse().unwrap());
    let threshold = text(&golden["threshold"]).parse().unwrap();
    Mixed {
        domain: AttestationDomain {
            chain_id: text(&golden["domain"]["chainId"]).parse().unwrap(),
            verifier: text(&golden["domain"]["verifyingContract"])
                .parse()
                .unwrap(),
        },
        digest: AttestationId(text(&mixed["digest"]).parse().unwrap()),
        attestor: text(&mixed["attestor"]).parse().unwrap(),
        vote_digest: text(&mixed["voteDigest"]).parse().unwrap(),
        vote: hex::decode(text(&mixed["vote"])).unwrap(),
        signers: SignerSet::new(1, threshold, addresses.collect())
            .unwrap()
            .with_contracts(text(&mixed["contractSigners"]).parse().unwrap())
            .unwrap(),
        packed: hex::decode(text(&mixed["packedSignatures"])).unwrap(),
        indices: mixed["signerIndices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|index| text(index).parse().unwrap())
            .collect(),
    }
}

#[test]
fn the_packed_form_is_the_same() {
    let mixed = mixed();
    let set = SignatureSet::parse(&mixed.packed).unwrap();
    assert_eq!(
        set.iter().map(|(index, _)| index).collect::<Vec<_>>(),
        mixed.indices
    );
    assert_eq!(set.encode(), mixed.packed);

    let mut built = SignatureSet::default();
    for (index, signature) in set.iter() {
        assert_eq!(built.insert(index, signature.clone()), None);
    }
    assert_eq!(built, set);
}

#[test]
fn keys_are_checked_here_and_contracts_on_their_chain() {
    let mixed = mixed();
    let set = SignatureSet::parse(&mixed.packed).unwrap();
    let open = set
        .verify_keys(mixed.digest, &mixed.domain, &mixed.signers)
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].attestor, mixed.attestor);
    assert_eq!(open[0].digest, mixed.vote_digest);
    assert_eq!(open[0].vote.as_bytes(), mixed.vote);

    let refused = set.verify(mixed.digest, &mixed.signers).unwrap_err();
    assert_eq!(
        refused,
        QuorumError::OnlyOnItsChain {
            index: open[0].index,
            attestor: mixed.attestor
        }
    );
    assert!(
        refused.to_string().contains("isValidSignature"),
        "{refused}"
    );
    // A wrong key is told before what is open.
    assert!(matches!(
        set.verify(AttestationId(B256::ZERO), &mixed.signers),
        Err(QuorumError::WrongSigner { .. })
    ));
}

#[test]
fn a_vote_names_domain_digest_and_attestor() {
    let mixed = mixed();
    let other_chain = AttestationDomain {
        chain_id: 1,
        ..mixed.domain
    };
    let other = AttestationId(B256::ZERO);
    let votes = [
        mixed.domain.vote_digest(mixed.digest, mixed.attestor),
        other_chain.vote_digest(mixed.digest, mixed.attestor),
        mixed.domain.vote_digest(other, mixed.attestor),
        mixed.domain.vote_digest(mixed.digest, Address::ZERO),
    ];
    assert_eq!(votes[0], mixed.vote_digest);
    assert!(votes[1..].iter().all(|vote| *vote != votes[0]));
}

#[test]
fn a_signer_signs_as_what_it_was_announced_as() {
    let mixed = mixed();
    let set = SignatureSet::parse(&mixed.packed).unwrap();
    let all_keys = mixed.signers.clone().with_contracts(U256::ZERO).unwrap();
    assert!(matches!(
        set.verify_keys(mixed.digest, &mixed.domain, &all_keys),
        Err(QuorumError::OtherKind {
            is_contract: false,
            ..
        })
    ));
    let another = mixed.signers.clone().with_contracts(U256::from(3)).unwrap();
    assert!(matches!(
        set.verify_keys(mixed.digest, &mixed.domain, &another),
        Err(QuorumError::OtherKind {
            index: 0,
            is_contract: true
        })
    ));
}

#[test]
fn a_set_with_contracts_has_one_encoding() {
    let packed = mixed().packed;
    for length in 0..packed.len() {
        assert!(
            SignatureSet::parse(&packed[..length]).is_err(),
            "cut to {length}"
        );
    }
    let longer = [&packed[..], &[0]].concat();
    assert_eq!(
        SignatureSet::parse(&longer),
        Err(SignatureError::Trailing(1))
    );
    for bit in 0..512 {
        let mut other = packed.clone();
        other[bit / 8] ^= 0x80 >> (bit % 8);
        // What still parses is another set, and says so by the same rule.
        if let Ok(set) = SignatureSet::parse(&other) {
            assert_eq!(set.encode(), other, "bit {bit}");
        }
    }
    let mut nobody = packed.clone();
    nobody[32..64].fill(0);
    assert_eq!(
        SignatureSet::parse(&nobody),
        Err(SignatureError::ContractBitmap)
    );
    let mut stranger = packed;
    stranger[62] = 1;
    assert_eq!(
        SignatureSet::parse(&stranger),
        Err(SignatureError::ContractBitmap)
    );
}

#[test]
fn a_vote_is_at_most_as_long_as_two_bytes_count() {
    let longest = ContractVote::new(vec![7; 65_535]).unwrap();
    assert_eq!(
        ContractVote::new(vec![7; 65_536]),
        Err(SignatureError::VoteTooLong(65_536))
    );
    for vote in [longest, ContractVote::new(Vec::new()).unwrap()] {
        let set = SignatureSet::single(254, vote);
        assert_eq!(SignatureSet::parse(&set.encode()).unwrap(), set);
    }
}

#[test]
fn contracts_are_written_only_where_there_are_some() {
    let mixed = mixed();
    let keys = mixed.signers.clone().with_contracts(U256::ZERO).unwrap();
    assert!(
        serde_json::to_value(&keys)
            .unwrap()
            .get("contracts")
            .is_none()
    );

    let mut written = serde_json::to_value(&mixed.signers).unwrap();
    assert_eq!(
        written["contracts"],
        json!([format!("{:#x}", mixed.attestor)])
    );
    let read: SignerSet = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(read, mixed.signers);

    let one = format!("{:#x}", mixed.attestor);
    let first = format!("{:#x}", mixed.signers.signers()[0]);
    let stranger = format!("{:#x}", Address::repeat_byte(9));
    for bad in [
        json!([]),
        json!([one, one]),
        json!([one, first]),
        json!([stranger]),
    ] {
        written["contracts"] = bad.clone();
        let refused = serde_json::from_value::<SignerSet>(written.clone());
        assert!(refused.is_err(), "{bad}");
    }
    assert_eq!(
        keys.with_contracts(U256::from(64)),
        Err(SignerSetError::ContractsOutOfRange { signers: 6 })
    );
}

proptest::proptest! {
    #[test]
    fn whatever_parses_is_its_own_encoding(
        given in proptest::collection::btree_map(
            0u8..255,
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100),
            1..6,
        ),
    ) {
        let mut set = SignatureSet::default();
        for (index, bytes) in given {
            set.insert(index, AttestorSignature::Contract(ContractVote::new(bytes).unwrap()));
        }
        proptest::prop_assert_eq!(SignatureSet::parse(&set.encode()).unwrap(), set);
    }
}
