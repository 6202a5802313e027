//! Votes of a quorum, and what they prove.

use alloy_primitives::B256;
use tocsin_domain::attestation::{QuorumError, Signable, SignatureSet};
use tocsin_domain::quorum::{Certificate, CertificateError, EvidenceVote, Step, reports_hash};

use crate::fixture::{BREACH, DOMAIN, EPOCH, attestors, cover, event, fall, first, sign};

fn certificate(step: Step, voters: &[u8]) -> Certificate {
    let attestors = attestors(4);
    let cover = cover(BREACH);
    let loss = first(&cover, "x", &fall(60, 120, 850));
    let reports: Vec<_> = (0..3).map(|index| attestors.report(index, &loss)).collect();
    let mut certificate = Certificate {
        event: event(&cover, 1).key(),
        round: 7,
        step,
        reports: reports_hash(&DOMAIN, &reports),
        signer_epoch: EPOCH,
        votes: SignatureSet::default(),
    };
    let digest = Signable::from(certificate.vote().id(&DOMAIN)).digest();
    for &index in voters {
        let key = &attestors.keys[usize::from(index)];
        certificate.votes.insert(index, sign(key, digest));
    }
    certificate
}

#[test]
fn a_quorum_of_votes_is_a_certificate() {
    let signers = attestors(4).signers;
    for step in [Step::Evidence, Step::Lock] {
        certificate(step, &[0, 1, 3])
            .verify(&DOMAIN, &signers)
            .unwrap();
        for voters in [&[][..], &[0, 1], &[0, 1, 2, 3]] {
            let refused = certificate(step, voters)
                .verify(&DOMAIN, &signers)
                .unwrap_err();
            assert!(
                matches!(refused, CertificateError::Votes(QuorumError::Count { .. })),
                "{refused}"
            );
        }
    }
}

#[test]
fn a_vote_counts_for_one_thing_only() {
    let signers = attestors(4).signers;
    let changes: [fn(&mut Certificate); 4] = [
        |certificate| certificate.event.0 = B256::repeat_byte(1),
        |certificate| certificate.round = 8,
        |certificate| certificate.step = Step::Lock,
        |certificate| certificate.reports.0 = B256::repeat_byte(1),
    ];
    for change in changes {
        let mut other = certificate(Step::Evidence, &[0, 1, 2]);
        change(&mut other);
        let refused = other.verify(&DOMAIN, &signers).unwrap_err();
        assert!(
            matches!(
                refused,
                CertificateError::Votes(QuorumError::WrongSigner { .. })
            ),
            "{refused}"
        );
    }
    let mut other = certificate(Step::Evidence, &[0, 1, 2]);
    other.signer_epoch = 4;
    assert_eq!(
        other.verify(&DOMAIN, &signers),
        Err(CertificateError::OtherEpoch {
            certificate: 4,
            signers: 3
        })
    );
    let mut elsewhere = DOMAIN;
    elsewhere.chain_id = 1;
    assert!(
        certificate(Step::Lock, &[0, 1, 2])
            .verify(&elsewhere, &signers)
            .is_err()
    );
}

#[test]
fn the_order_of_the_reports_is_part_of_what_is_voted_on() {
    let attestors = attestors(4);
    let loss = first(&cover(BREACH), "x", &fall(60, 120, 850));
    let other = first(&cover(BREACH), "y", &fall(60, 120, 850));
    let [one, two] = [attestors.report(0, &loss), attestors.report(1, &other)];
    let hash = |reports: &[_]| reports_hash(&DOMAIN, reports);
    let both = hash(&[one.clone(), two.clone()]);
    assert_ne!(both, hash(&[two.clone(), one.clone()]));
    assert_ne!(both, hash(std::slice::from_ref(&one)));
    assert_ne!(hash(&[one]), hash(&[two]));
}

#[test]
fn a_step_has_one_number() {
    for step in [Step::Evidence, Step::Lock] {
        assert_eq!(Step::of_number(step.number()), Some(step));
    }
    assert_eq!(Step::of_number(0), None);
    assert_eq!(Step::of_number(3), None);
}

#[test]
fn a_certificate_is_written_and_read_as_it_is() {
    let certificate = certificate(Step::Lock, &[0, 2, 3]);
    let text = serde_json::to_string(&certificate).unwrap();
    assert!(text.contains(r#""step":"lock""#), "{text}");
    assert_eq!(
        serde_json::from_str::<Certificate>(&text).unwrap(),
        certificate
    );
    for (once, other) in [
        (r#""round":"7""#, r#""round":"07""#),
        (r#""round":"7""#, r#""round":7"#),
        (r#""step":"lock""#, r#""step":"Lock""#),
        (r#""step":"lock""#, r#""step":"lock","more":"1""#),
    ] {
        assert!(text.contains(once));
        let other = text.replacen(once, other, 1);
        assert!(
            serde_json::from_str::<Certificate>(&other).is_err(),
            "{other}"
        );
    }
    let vote = EvidenceVote::new(certificate.event, 7, Step::Lock, certificate.reports, EPOCH);
    assert_eq!(certificate.vote(), vote);
}
