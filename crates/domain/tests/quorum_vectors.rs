//! Reports, votes and messages are those that viem signs, and their fusion is the one found by hand.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{Address, B256, hex};
use alloy_sol_types::SolStruct;
use serde_json::Value as Json;
use tocsin_domain::attestation::{AttestationDomain, QuorumSignature, SignatureSet, SignerSet};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::ids::{EventKey, MessageId, ReportId, ReportsHash, VoteId};
use tocsin_domain::quorum::{
    Certificate, Event, EvidenceVote, ObservationReport, PeerMessage, Quorum, SignedReport, Step,
    fuse, reports_hash,
};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

fn golden() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts-abi/vectors/quorum.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Json) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn domain(golden: &Json) -> AttestationDomain {
    AttestationDomain {
        chain_id: parse(&golden["domain"]["chainId"]),
        verifier: parse(&golden["domain"]["verifyingContract"]),
    }
}

fn signers(golden: &Json) -> SignerSet {
    let set = &golden["signers"];
    let addresses = set["addresses"].as_array().unwrap();
    SignerSet::new(
        parse(&set["epoch"]),
        parse(&set["threshold"]),
        addresses.iter().map(parse).collect(),
    )
    .unwrap()
}

fn reports(golden: &Json) -> Vec<SignedReport> {
    let reports = golden["reports"].as_array().unwrap();
    let read = |report: &Json| {
        let json = report["json"].as_str().unwrap();
        let read = SignedReport::from_json(json.as_bytes()).unwrap();
        assert_eq!(read.to_json().unwrap(), json);
        read
    };
    reports.iter().map(read).collect()
}

#[test]
fn the_types_are_the_same() {
    let golden = golden();
    for (name, ours) in [
        ("ObservationReport", ObservationReport::eip712_encode_type()),
        ("EvidenceVote", EvidenceVote::eip712_encode_type()),
        ("PeerMessage", PeerMessage::eip712_encode_type()),
    ] {
        assert_eq!(ours, golden["typeStrings"][name].as_str().unwrap());
    }
}

#[test]
fn reports_are_read_and_identified_alike() {
    let golden = golden();
    let (domain, signers) = (domain(&golden), signers(&golden));
    assert_eq!(
        domain.domain_separator(),
        parse::<B256>(&golden["domainSeparator"])
    );
    let reports = reports(&golden);
    for (report, expected) in reports.iter().zip(golden["reports"].as_array().unwrap()) {
        let statement = &report.statement;
        assert_eq!(
            statement.eip712_hash_struct(),
            parse::<B256>(&expected["structHash"])
        );
        assert_eq!(
            statement.id(&domain),
            parse::<ReportId>(&expected["digest"])
        );
        assert_eq!(
            statement.event_key(),
            parse::<EventKey>(&golden["eventKey"])
        );
        let signer = report.signer(&domain).unwrap();
        assert_eq!(
            signers.index_of(signer),
            Some(parse(&expected["signerIndex"]))
        );
    }
    assert_eq!(
        reports_hash(&domain, &reports),
        parse::<ReportsHash>(&golden["reportsHash"])
    );
}

#[test]
fn their_fusion_is_the_one_found_by_hand() {
    let golden = golden();
    let (domain, signers) = (domain(&golden), signers(&golden));
    let cover = Cover::from_terms(golden["terms"].as_str().unwrap()).unwrap();
    let event = Event {
        terms_hash: parse(&golden["termsHash"]),
        subject: golden["subject"].as_str().unwrap().to_owned(),
        inception: None,
        ordinal: parse(&golden["ordinal"]),
    };
    assert_eq!(event.risk(), parse(&golden["riskId"]));
    assert_eq!(event.key(), parse(&golden["eventKey"]));
    let quorum = Quorum {
        domain: &domain,
        signers: &signers,
    };
    let loss = fuse(&cover, &event, &reports(&golden), quorum)
        .unwrap()
        .determination;
    let expected = &golden["fused"];
    let time = |field: &str| Timestamp(parse(&expected[field]));
    assert_eq!(loss.occurred_at, time("occurredAt"));
    assert_eq!(loss.confirmed_at, time("confirmedAt"));
    assert_eq!(loss.determined_at, time("determinedAt"));
    let payout = Decimal::from_units(parse(&expected["payoutFraction"]));
    assert_eq!(loss.payout.ok(), payout);
    let measured = Seconds(parse(&expected["measuredSeconds"]));
    assert_eq!(loss.inputs, [Ok(Value::Duration(measured))]);
    assert_eq!(loss.evidence_root, parse::<B256>(&expected["evidenceRoot"]));
    assert_eq!(
        loss.evidence_count,
        parse::<u32>(&expected["evidenceCount"])
    );
}

#[test]
fn votes_make_the_same_certificates() {
    let golden = golden();
    let (domain, signers) = (domain(&golden), signers(&golden));
    for expected in golden["certificates"].as_array().unwrap() {
        let vote = &expected["vote"];
        let packed = hex::decode(expected["packedSignatures"].as_str().unwrap()).unwrap();
        let certificate = Certificate {
            event: parse(&vote["eventKey"]),
            round: parse(&vote["round"]),
            step: Step::of_number(parse(&vote["step"])).unwrap(),
            reports: parse(&vote["reportsHash"]),
            signer_epoch: parse(&vote["signerEpoch"]),
            votes: SignatureSet::parse(&packed).unwrap(),
        };
        let said = certificate.vote();
        assert_eq!(
            said.eip712_hash_struct(),
            parse::<B256>(&expected["structHash"])
        );
        assert_eq!(said.id(&domain), parse::<VoteId>(&expected["digest"]));
        certificate.verify(&domain, &signers).unwrap();
        assert_eq!(certificate.votes.encode(), packed);
    }
}

#[test]
fn messages_are_signed_alike() {
    let golden = golden();
    let domain = domain(&golden);
    for expected in golden["messages"].as_array().unwrap() {
        let given = &expected["message"];
        let message = PeerMessage {
            path: given["path"].as_str().unwrap().to_owned(),
            bodyHash: alloy_primitives::keccak256(expected["body"].as_str().unwrap()),
            sender: parse(&given["sender"]),
            recipient: parse(&given["recipient"]),
            sentAt: parse(&given["sentAt"]),
            inReplyTo: parse(&given["inReplyTo"]),
        };
        assert_eq!(
            message.eip712_hash_struct(),
            parse::<B256>(&expected["structHash"])
        );
        let id = message.id(&domain);
        assert_eq!(id, parse::<MessageId>(&expected["digest"]));
        let bytes: [u8; 65] =
            hex::decode_to_array(expected["signature"].as_str().unwrap()).unwrap();
        let signer = QuorumSignature::from_bytes(&bytes).unwrap().signer(id);
        assert_eq!(signer, Some(parse::<Address>(&given["sender"])));
    }
}
