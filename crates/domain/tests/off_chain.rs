//! What is signed for a programme off-chain is nothing that a verifier, or another programme, would take; and revocations and
//! releases are nothing that passes for each other.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use alloy_primitives::{Address, B256, keccak256};
use proptest::prelude::{Strategy, any};
use proptest::{prop_assert, prop_assert_ne, proptest};
use tocsin_domain::attestation::off_chain::OffChainDomain;
use tocsin_domain::attestation::revocation::reason_hash;
use tocsin_domain::attestation::{
    AttestationBatch, AttestationDomain, ClaimAttestation, HoldRelease, Revocation,
};

fn words() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

fn verifiers() -> impl Strategy<Value = AttestationDomain> {
    (any::<u64>(), any::<[u8; 20]>()).prop_map(|(chain_id, verifier)| AttestationDomain {
        chain_id,
        verifier: Address::from(verifier),
    })
}

fn payloads() -> impl Strategy<Value = ClaimAttestation> {
    (words(), words(), any::<u64>(), any::<u32>()).prop_map(|(policy, event, issued_at, epoch)| {
        ClaimAttestation {
            policyId: policy,
            eventId: event,
            verdict: 1,
            issuedAt: issued_at,
            signerEpoch: epoch,
            ..ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap()
        }
    })
}

proptest! {
    #[test]
    fn no_verifier_takes_what_a_programme_was_told(
        payload in payloads(),
        other in payloads(),
        programme in words(),
        another in words(),
        verifier in verifiers(),
    ) {
        let off_chain = OffChainDomain { programme };
        prop_assert_ne!(off_chain.domain_separator(), verifier.domain_separator());
        prop_assert_ne!(off_chain.digest(&payload), verifier.digest(&payload));
        prop_assert_ne!(off_chain.digest(&payload), verifier.digest(&other));
        let batch = AttestationBatch { root: programme, count: 1, issuedAt: 2, signerEpoch: 3 };
        prop_assert_ne!(off_chain.batch_digest(&batch), verifier.batch_digest(&batch));
        if programme != another {
            let another = OffChainDomain { programme: another };
            prop_assert_ne!(off_chain.digest(&payload), another.digest(&payload));
        }
    }

    #[test]
    fn a_release_is_no_revocation(
        claim in words(),
        number in any::<u32>(),
        issued_at in any::<u64>(),
        epoch in any::<u32>(),
        verifier in verifiers(),
        elsewhere in verifiers(),
    ) {
        let revocation = |min_revision| Revocation {
            claimKey: claim, minRevision: min_revision, reason: reason_hash("wrong"), issuedAt: issued_at, signerEpoch: epoch,
        };
        let release = HoldRelease { claimKey: claim, hold: number, issuedAt: issued_at, signerEpoch: epoch };
        let revoked = verifier.revocation_digest(&revocation(number));
        prop_assert_ne!(revoked.0, verifier.release_digest(&release).0);
        prop_assert_ne!(revoked, verifier.revocation_digest(&revocation(number.wrapping_add(1))));
        prop_assert!(verifier == elsewhere || revoked != elsewhere.revocation_digest(&revocation(number)));
    }
}

/// EIP-712 by its own words: hash of the domain's type and values, hash of the struct's, both under 0x1901.
#[test]
fn domain_and_digest_are_those_of_the_standard() {
    let domain = OffChainDomain {
        programme: keccak256("crop 2026"),
    };
    let kind = keccak256("EIP712Domain(string name,string version,bytes32 salt)");
    let words = [
        kind,
        keccak256("Tocsin Off-chain"),
        keccak256("1"),
        domain.programme,
    ];
    assert_eq!(
        domain.domain_separator(),
        keccak256(words.map(|word| word.0).concat())
    );
    let payload = ClaimAttestation::from_bytes(&[0; 22 * 32]).unwrap();
    let kind = keccak256(
        "ClaimAttestation(bytes32 policyId,bytes32 termsHash,bytes32 eventId,address consumer,uint8 verdict,uint64 payoutFraction,int256 measuredValue,uint64 occurredAt,uint64 confirmedAt,uint64 windowStart,uint64 windowEnd,uint64 sourceChainId,uint64 sourceBlock,bytes32 sourceBlockHash,bytes32 evidenceRoot,uint32 evidenceCount,uint64 issuedAt,uint64 validAfter,uint64 validUntil,uint32 signerEpoch,uint32 revision,bytes32 supersedes)",
    );
    let structure = keccak256([kind.to_vec(), payload.to_bytes()].concat());
    let separator = domain.domain_separator();
    let digest = [
        &[0x19, 0x01][..],
        separator.as_slice(),
        structure.as_slice(),
    ];
    assert_eq!(domain.digest(&payload).0, keccak256(digest.concat()));
}
