//! From claim to payload, and the payload's one spelling in bytes and in text.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{Address, B256, I256, U256};
use proptest::prelude::*;
use tocsin_domain::attestation::payload::PayloadError;
use tocsin_domain::attestation::{ClaimAttestation, SignerSet, SignerSetError, Validity};
use tocsin_domain::claim::Refusal;
use tocsin_domain::cover::{Consumer, Cover};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::EventId;
use tocsin_domain::observation::ChainPosition;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

const CONSUMER: Consumer = Consumer {
    chain_id: 5,
    address: Address::repeat_byte(0xc0),
};

/// A cover whose trigger reads `inputs` in the order of the text.
fn cover(trigger: &str) -> Cover {
    let text = format!(
        r#"
name    = "test"
title   = "Test"
version = 1
inputs.amount = {{ metric = "price", subject = "test:1", source = "feed:test" }}
inputs.late   = {{ metric = "arrival_delay", subject = "test:1", source = "feed:test" }}
inputs.state  = {{ metric = "status", subject = "test:1", source = "feed:test" }}
trigger.when    = '{trigger}'
trigger.rearm   = "never"
payout.fraction = "25%"
policy.waiting  = "10s"
policy.event_inclusion = "[inception, expiry]"
policy.claim_deadline  = "100s"
"#
    );
    Cover::parse(&text)
        .unwrap_or_else(|found| panic!("{found:?}"))
        .0
}

struct Case {
    cover: Cover,
    policy: Policy,
    determination: Determination,
    validity: Validity,
}

/// An eligible claim: insured from 1000 to 2000, lost at 1500, confirmed at 1600.
fn case(trigger: &str) -> Case {
    let cover = cover(trigger);
    let risk = Risk::new(cover.terms_hash, "test:1".to_owned(), None, Timestamp(0));
    let number = U256::from(9);
    let policy = Policy {
        id: tocsin_domain::ids::PolicyId::derive(CONSUMER.chain_id, CONSUMER.address, number),
        number,
        consumer: CONSUMER,
        terms_hash: cover.terms_hash,
        risk: risk.id,
        holder: Address::repeat_byte(1),
        sum_insured: U256::from(1_000_000),
        inception: Timestamp(1000),
        expiry: Timestamp(2000),
    };
    let determination = Determination {
        risk: risk.id,
        terms_hash: cover.terms_hash,
        subject: risk.subject.clone(),
        ordinal: 1,
        event_id: EventId::derive(&risk.subject, 1),
        occurred_at: Timestamp(1500),
        confirmed_at: Timestamp(1600),
        settled_at: Timestamp(1600),
        evidence_from: Timestamp(1500),
        determined_at: Timestamp(1610),
        payout: Ok("0.25".parse().unwrap()),
        inputs: vec![
            Ok(Value::Decimal("-1.5".parse().unwrap())),
            Ok(Value::Duration(Seconds(2700))),
            Ok(Value::Text("cancelled".to_owned())),
        ],
        guards: Vec::new(),
        evidence_root: B256::repeat_byte(0xee),
        evidence_count: 12,
        confirmed_on: Some(ChainPosition {
            chain_id: 1,
            block: 77,
            block_hash: B256::repeat_byte(0xbb),
            log_index: Some(3),
            raw_hash: B256::repeat_byte(0xaa),
        }),
    };
    let validity = Validity {
        issued_at: Timestamp(1620),
        valid_after: Timestamp(1650),
        valid_until: Timestamp(9000),
    };
    Case {
        cover,
        policy,
        determination,
        validity,
    }
}

impl Case {
    fn payload(&self) -> Result<ClaimAttestation, PayloadError> {
        ClaimAttestation::for_claim(
            &self.cover,
            &self.policy,
            &self.determination,
            self.validity,
            6,
        )
    }
}

fn units(text: &str) -> I256 {
    text.parse::<Decimal>().unwrap().units()
}

#[test]
fn every_field_says_what_the_claim_is() {
    let case = case("amount < 0");
    let expected = ClaimAttestation {
        policyId: case.policy.id.0,
        termsHash: case.cover.terms_hash.0,
        eventId: EventId::derive("test:1", 1).0,
        consumer: CONSUMER.address,
        verdict: 1,
        payoutFraction: 250_000_000_000_000_000,
        measuredValue: units("-1.5"),
        occurredAt: 1500,
        confirmedAt: 1600,
        windowStart: 1010,
        windowEnd: 2000,
        sourceChainId: 1,
        sourceBlock: 77,
        sourceBlockHash: B256::repeat_byte(0xbb),
        evidenceRoot: B256::repeat_byte(0xee),
        evidenceCount: 12,
        issuedAt: 1620,
        validAfter: 1650,
        validUntil: 9000,
        signerEpoch: 6,
        revision: 0,
        supersedes: B256::ZERO,
    };
    assert_eq!(case.payload().unwrap(), expected);
}

#[test]
fn off_chain_sources_have_no_block() {
    let mut case = case("amount < 0");
    case.determination.confirmed_on = None;
    let payload = case.payload().unwrap();
    assert_eq!((payload.sourceChainId, payload.sourceBlock), (0, 0));
    assert_eq!(payload.sourceBlockHash, B256::ZERO);
}

#[test]
fn the_measured_value_is_the_first_input_that_the_trigger_reads() {
    for (trigger, measured) in [
        ("amount < 0", "-1.5"),
        ("late > 45min", "2700"),
        ("1 > amount and late > 45min", "-1.5"),
        ("late > 45min or amount < 0", "2700"),
        ("not (late < 45min)", "2700"),
        (r#"state == "cancelled""#, "0"),
        (r#"state in ["cancelled", "diverted"] or amount < 0"#, "0"),
        ("min(2, clamp(1, amount, 2)) < 2", "-1.5"),
        ("abs(-amount) > 1", "-1.5"),
        ("age(late) > 1h", "2700"),
        ("holds(late > 45min, for: 1h, recover: amount > 0)", "2700"),
    ] {
        assert_eq!(
            case(trigger).payload().unwrap().measuredValue,
            units(measured),
            "{trigger}"
        );
    }
    let mut unknown = case("amount < 0 or late > 1h");
    unknown.determination.inputs[0] = Err(Unknown::NoObservation { input: 0 });
    assert_eq!(unknown.payload().unwrap().measuredValue, I256::ZERO);
}

#[test]
fn nothing_is_stated_about_a_claim_that_is_not_paid() {
    type Change = fn(&mut Case);
    let changes: [(&str, Change); 6] = [
        ("OtherTerms", |case| case.policy.terms_hash.0.0[0] ^= 1),
        ("OtherTerms", |case| case.policy.risk.0.0[0] ^= 1),
        ("WaitingPeriod", |case| {
            case.policy.inception = Timestamp(1491)
        }),
        ("AfterExpiry", |case| case.policy.expiry = Timestamp(1499)),
        ("ClaimDeadline", |case| {
            case.determination.determined_at = Timestamp(1701)
        }),
        ("VerdictUnknown", |case| {
            case.determination.payout = Err(Unknown::Overflow)
        }),
    ];
    for (reason, change) in changes {
        let mut case = case("amount < 0");
        change(&mut case);
        match case.payload() {
            Err(PayloadError::NotEligible(refusal)) => {
                assert!(format!("{refusal:?}").starts_with(reason), "{refusal:?}");
            }
            other => panic!("{reason}: {other:?}"),
        }
    }
    let mut case = case("amount < 0");
    case.determination.occurred_at = Timestamp(999);
    assert!(matches!(
        case.payload(),
        Err(PayloadError::NotEligible(Refusal::BeforeInception { .. }))
    ));
}

#[test]
fn what_no_verifier_would_accept_is_not_stated() {
    let mut early = case("amount < 0");
    early.validity.issued_at = Timestamp(1599);
    assert!(matches!(
        early.payload(),
        Err(PayloadError::TimesOutOfOrder {
            earlier: "confirmedAt",
            later: "issuedAt"
        })
    ));
    let mut stillborn = case("amount < 0");
    stillborn.validity.valid_until = Timestamp(1649);
    assert!(matches!(
        stillborn.payload(),
        Err(PayloadError::TimesOutOfOrder {
            earlier: "validAfter",
            later: "validUntil"
        })
    ));
    let mut back = case("amount < 0");
    back.determination.confirmed_at = Timestamp(1499);
    back.determination.determined_at = Timestamp(1500);
    assert!(matches!(
        back.payload(),
        Err(PayloadError::TimesOutOfOrder { .. })
    ));

    // The terms may include the very end; verifiers do not.
    let mut at_the_end = case("amount < 0");
    at_the_end.policy.expiry = Timestamp(1500);
    assert!(matches!(
        at_the_end.payload(),
        Err(PayloadError::LossAtWindowEnd { .. })
    ));

    for fraction in ["1.000000000000000001", "-0.1"] {
        let mut case = case("amount < 0");
        case.determination.payout = Ok(fraction.parse().unwrap());
        assert!(
            matches!(case.payload(), Err(PayloadError::Fraction(_))),
            "{fraction}"
        );
    }
    let mut long_ago = case("amount < 0");
    long_ago.policy.inception = Timestamp(-11);
    assert!(matches!(
        long_ago.payload(),
        Err(PayloadError::BeforeEpoch {
            field: "windowStart",
            ..
        })
    ));
    let mut elsewhere = case("amount < 0");
    elsewhere.cover.consumer = Some(Consumer {
        chain_id: 6,
        ..CONSUMER
    });
    assert!(matches!(
        elsewhere.payload(),
        Err(PayloadError::OtherConsumer { .. })
    ));
}

#[test]
fn a_whole_and_a_zero_payout_are_both_stated() {
    for (fraction, stated) in [("1", 1_000_000_000_000_000_000), ("0", 0)] {
        let mut case = case("amount < 0");
        case.determination.payout = Ok(fraction.parse().unwrap());
        assert_eq!(case.payload().unwrap().payoutFraction, stated);
    }
}

/// Every field with a value of its own.
fn distinct() -> ClaimAttestation {
    case("amount < 0").payload().unwrap()
}

#[test]
fn a_reissue_says_the_same_and_nothing_else_does() {
    let first = distinct();
    let reissued = ClaimAttestation {
        issuedAt: 1,
        validAfter: 2,
        validUntil: 3,
        signerEpoch: 4,
        revision: 5,
        supersedes: B256::repeat_byte(6),
        ..first.clone()
    };
    assert!(first.same_claim(&reissued) && reissued.same_claim(&first));
    assert_eq!(first.claim_key(), reissued.claim_key());

    let mut json = serde_json::to_value(&first).unwrap();
    let names: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
    let may_change = [
        "issuedAt",
        "validAfter",
        "validUntil",
        "signerEpoch",
        "revision",
        "supersedes",
    ];
    for name in names
        .iter()
        .filter(|name| !may_change.contains(&name.as_str()))
    {
        let original = json[name].clone();
        let text = original.as_str().unwrap();
        let other = if let Some(hex) = text.strip_prefix("0x") {
            format!(
                "0x{}",
                if hex.starts_with('1') {
                    hex.replacen('1', "2", 1)
                } else {
                    format!("1{}", &hex[1..])
                }
            )
        } else {
            "3".to_owned()
        };
        json[name] = other.into();
        let changed: ClaimAttestation = serde_json::from_value(json.clone()).unwrap();
        assert!(!first.same_claim(&changed), "{name}");
        json[name] = original;
    }
}

#[test]
fn text_with_a_second_spelling_is_refused() {
    let good = serde_json::to_value(distinct()).unwrap();
    let with = |name: &str, value: serde_json::Value| {
        let mut json = good.clone();
        json[name] = value;
        serde_json::from_value::<ClaimAttestation>(json)
    };
    assert!(with("verdict", "2".into()).is_ok());
    for bad in [
        "01", "+1", " 1", "1 ", "0x1", "1.0", "1e0", "", "-0", "-1", "256", "١",
    ] {
        assert!(with("verdict", bad.into()).is_err(), "{bad}");
    }
    assert!(with("verdict", 1.into()).is_err(), "a number");
    assert!(with("measuredValue", "-5".into()).is_ok());
    for bad in ["-0", "+5", "0x5", "--5", "1_0", &"9".repeat(80)] {
        assert!(with("measuredValue", bad.into()).is_err(), "{bad}");
    }
    let word = good["policyId"].as_str().unwrap();
    for bad in [
        word.to_uppercase(),
        word.replace("0x", "0X"),
        word[2..].to_owned(),
        word[..64].to_owned(),
        format!("{word}00"),
    ] {
        assert!(with("policyId", bad.as_str().into()).is_err(), "{bad}");
    }
    let address = good["consumer"].as_str().unwrap();
    for bad in [
        CONSUMER.address.to_string(),
        address[2..].to_owned(),
        format!("{address}00"),
    ] {
        assert!(with("consumer", bad.as_str().into()).is_err(), "{bad}");
    }
    assert!(with("surplus", "1".into()).is_err());
    let mut short = good.clone();
    short.as_object_mut().unwrap().remove("revision");
    assert!(serde_json::from_value::<ClaimAttestation>(short).is_err());
}

#[test]
fn bytes_that_are_no_payload_are_refused() {
    let good = distinct().to_bytes();
    assert!(ClaimAttestation::from_bytes(&good[..good.len() - 1]).is_err());
    assert!(ClaimAttestation::from_bytes(&[&good[..], &[0]].concat()).is_err());
    // consumer (word 3), verdict (4), payoutFraction (5), evidenceCount (15): bits above their width.
    for word in [3, 4, 5, 15] {
        let mut dirty = good.clone();
        dirty[32 * word] = 1;
        assert!(ClaimAttestation::from_bytes(&dirty).is_err(), "word {word}");
    }
}

proptest! {
    #[test]
    fn any_payload_survives_bytes_and_text(
        words in prop::array::uniform5(any::<[u8; 32]>()),
        consumer in any::<[u8; 20]>(),
        measured in any::<[u8; 32]>(),
        numbers in prop::array::uniform12(any::<u64>()),
        verdict in any::<u8>(),
        small in prop::array::uniform3(any::<u32>()),
    ) {
        let payload = ClaimAttestation {
            policyId: B256::new(words[0]),
            termsHash: B256::new(words[1]),
            eventId: B256::new(words[2]),
            consumer: Address::new(consumer),
            verdict,
            payoutFraction: numbers[0],
            measuredValue: I256::from_raw(U256::from_be_bytes(measured)),
            occurredAt: numbers[1],
            confirmedAt: numbers[2],
            windowStart: numbers[3],
            windowEnd: numbers[4],
            sourceChainId: numbers[5],
            sourceBlock: numbers[6],
            sourceBlockHash: B256::new(words[3]),
            evidenceRoot: B256::new(words[4]),
            evidenceCount: small[0],
            issuedAt: numbers[7],
            validAfter: numbers[8],
            validUntil: numbers[9],
            signerEpoch: small[1],
            revision: small[2],
            supersedes: B256::new(words[0]),
        };
        let bytes = payload.to_bytes();
        prop_assert_eq!(&ClaimAttestation::from_bytes(&bytes).unwrap(), &payload);
        let text = serde_json::to_string(&payload).unwrap();
        prop_assert_eq!(&serde_json::from_str::<ClaimAttestation>(&text).unwrap(), &payload);
    }
}

#[test]
fn a_signer_set_is_one_that_a_verifier_would_announce() {
    let signers = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|&byte| Address::repeat_byte(byte))
            .collect()
    };
    let set = SignerSet::new(2, 2, signers(&[1, 5, 9])).unwrap();
    assert_eq!(set.index_of(Address::repeat_byte(5)), Some(1));
    assert_eq!(set.index_of(Address::repeat_byte(6)), None);
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<SignerSet>(&text).unwrap(), set);

    assert_eq!(
        SignerSet::new(0, 1, signers(&[1])),
        Err(SignerSetError::NoEpoch)
    );
    assert!(matches!(
        SignerSet::new(1, 0, signers(&[1])),
        Err(SignerSetError::Threshold { .. })
    ));
    assert!(matches!(
        SignerSet::new(1, 2, signers(&[1])),
        Err(SignerSetError::Threshold { .. })
    ));
    for bad in [&[2, 1][..], &[1, 1], &[0, 1]] {
        assert!(matches!(
            SignerSet::new(1, 1, signers(bad)),
            Err(SignerSetError::NotAscending { .. })
        ));
    }
    let many: Vec<Address> = (1..=256u64)
        .map(|n| Address::from_word(B256::from(U256::from(n))))
        .collect();
    assert_eq!(
        SignerSet::new(1, 1, many.clone()),
        Err(SignerSetError::TooMany(256))
    );
    assert_eq!(
        SignerSet::new(1, 255, many[..255].to_vec())
            .unwrap()
            .index_of(many[254]),
        Some(254)
    );
    assert!(
        serde_json::from_str::<SignerSet>(
            &text.replace(r#""threshold":"2""#, r#""threshold":"4""#)
        )
        .is_err()
    );
}
