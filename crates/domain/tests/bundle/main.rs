//! Evidence bundles re-execute to the same result offline, and nothing in one can be changed unnoticed.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

mod batch;
mod fixture;
mod forgery;
mod logged;
mod outlook;
mod quorum;
mod tamper;

use fixture::{Case, DEPEG, depeg, keys};
use tocsin_domain::attestation::AttestationDomain;
use tocsin_domain::bundle::{EvidenceBundle, Report, VerifyOptions, verify};
use tocsin_domain::observation::Provenance;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

fn check(bundle: &EvidenceBundle) -> Report {
    verify(bundle, &VerifyOptions::default())
}

/// The names of the checks that fail.
fn failing(bundle: &EvidenceBundle) -> Vec<&'static str> {
    let report = check(bundle);
    report
        .checks()
        .iter()
        .filter(|check| !check.is_ok())
        .map(|check| check.name())
        .collect()
}

fn said(report: &Report) -> String {
    report
        .checks()
        .iter()
        .map(|check| format!("{check}\n"))
        .collect()
}

fn assert_valid(bundle: &EvidenceBundle) {
    let report = check(bundle);
    assert!(report.is_valid(), "{}", said(&report));
    let text = serde_json::to_string_pretty(bundle).unwrap();
    assert_eq!(
        serde_json::from_str::<EvidenceBundle>(&text).unwrap(),
        *bundle
    );
}

#[test]
fn the_depeg_of_march_2023_verifies_and_says_what_happened() {
    let bundle = depeg().bundle();
    assert_valid(&bundle);
    assert_eq!(bundle.determination.occurred_at, Timestamp(1_678_497_491));
    assert_eq!(bundle.determination.confirmed_at, Timestamp(1_678_583_975));
    assert_eq!(bundle.attestation.payoutFraction, 24_700_000_000_000_000);
    assert_eq!(
        bundle.attestation.measuredValue.to_string(),
        "975300000000000000"
    );
    assert_eq!(bundle.attestation.windowStart, 1_677_000_000 + 72 * 3600);
    assert_eq!(bundle.attestation.windowEnd, 1_709_000_000);
    assert_eq!(bundle.attestation.sourceChainId, 1);
    assert_eq!(bundle.attestation.sourceBlock, 1_678_583_975 / 12);
    // Round 859 opens the breach; the earlier ones are no evidence.
    assert_eq!(bundle.observations.len(), 7);
    assert_eq!(
        bundle.claim.eligibility,
        tocsin_domain::claim::Eligibility::Eligible {
            fraction: "0.0247".parse().unwrap(),
            amount: alloy_primitives::U256::from(247_000_000),
        }
    );
    insta::assert_snapshot!(said(&check(&bundle)));
}

#[test]
fn what_cannot_be_known_offline_is_said() {
    let bundle = depeg().bundle();
    insta::assert_snapshot!(check(&bundle).not_checked().join("\n"));
}

#[test]
fn a_bundle_is_readable_json() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&depeg().bundle()).unwrap());
}

#[test]
fn several_attestors_sign_one_bundle() {
    let case = Case {
        keys: keys(&["a", "b", "c", "d"]),
        threshold: 3,
        ..depeg()
    };
    assert_valid(&case.bundle());
}

#[test]
fn several_inputs_off_chain_sources_and_texts_verify() {
    let cover = r#"
name    = "flight"
title   = "Flight cancelled or late"
version = 2

[inputs.delay]
metric  = "arrival_delay"
subject = "flight:UA1545/2013-01-01/EWR"
source  = "feed:aeroapi"

[inputs.state]
metric  = "status"
subject = "flight:UA1545/2013-01-01/EWR"
source  = "feed:aeroapi"

[trigger]
when  = "state == \"cancelled\" or delay > 3h"
rearm = "never"

[payout]
fraction = "50%"

[policy]
waiting = "0s"
"#;
    let hours = |hours: i64| Some(Value::Duration(tocsin_domain::time::Seconds(hours * 3600)));
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let bundle = Case {
        cover: cover.to_owned(),
        seen: vec![
            (0, 1_700_000_000, 1, hours(1)),
            (1, 1_700_000_000, 1, text("scheduled")),
            (1, 1_700_000_100, 2, None),
            (1, 1_700_000_200, 3, text("cancelled")),
            (0, 1_700_000_300, 2, hours(4)),
        ],
        evaluate_from: 1_690_000_000,
        ..depeg()
    }
    .bundle();
    assert_valid(&bundle);
    // The last row of each input up to the loss is carried in, and nothing later is evidence.
    assert_eq!(bundle.observations.len(), 2);
    // `state` is read first, and has no number.
    assert!(bundle.attestation.measuredValue.is_zero());
    assert_eq!(bundle.attestation.sourceChainId, 0);
    assert!(bundle.attestation.sourceBlockHash.is_zero());
}

#[test]
fn a_cover_that_names_no_subject_verifies_against_its_risk() {
    let cover = DEPEG
        .lines()
        .filter(|line| !line.starts_with("subject") && !line.starts_with("source"))
        .collect::<Vec<_>>()
        .join("\n");
    let bundle = Case { cover, ..depeg() }.bundle();
    assert_valid(&bundle);

    let mut two_sources = bundle.clone();
    two_sources.observations[2].source = "feed:other".into();
    assert!(failing(&two_sources).contains(&"observations"));
}

#[test]
fn a_later_loss_event_verifies_and_says_that_its_number_is_not_checked() {
    let cover = DEPEG.replace("rearm = \"never\"", "rearm = \"after 1h\"");
    let mut case = Case { cover, ..depeg() };
    let price = |text: &str| Some(Value::Decimal(text.parse().unwrap()));
    case.seen.extend([
        (0, 1_678_600_000, 1200, price("1")),
        (0, 1_678_610_000, 1201, price("0.9")),
        (0, 1_678_690_000, 1202, price("0.91")),
        (0, 1_678_700_000, 1203, price("0.92")),
    ]);
    case.event = 1;
    let bundle = case.bundle();
    assert_eq!(bundle.determination.ordinal, 2);
    assert_valid(&bundle);
    assert!(
        check(&bundle)
            .not_checked()
            .iter()
            .any(|gap| gap.contains("loss event number 2"))
    );

    let mut unrelated = bundle.clone();
    unrelated.previous = None;
    assert_eq!(failing(&unrelated), ["ordinal"]);
    let mut too_soon = bundle.clone();
    too_soon.previous = Some(bundle.determination.confirmed_at);
    assert_eq!(failing(&too_soon), ["evaluation"]);

    let mut renumbered = depeg().bundle();
    renumbered.determination.ordinal = 2;
    assert!(failing(&renumbered).contains(&"ordinal"));
}

#[test]
fn a_loss_of_joined_breaches_verifies_whatever_happened_before_and_within_it() {
    let price = |text: &str| Some(Value::Decimal(text.parse().unwrap()));
    // Joined with a second, slower breach that was met, recovered, and was met again: the evidence begins with it.
    let cover = DEPEG
        .replace(
            "holds(usdc <= 0.995,",
            "holds(usdc <= 0.98, for: 48h, confirm: observation) and holds(usdc <= 0.995,",
        )
        .replace("max_age = \"25h\"\n", "")
        .replace("rearm = \"never\"", "rearm = \"after 1h\"");
    assert!(cover.contains("for: 48h") && cover.contains("after 1h"));
    let case = Case {
        cover,
        seen: vec![
            (0, 1_678_400_000, 1, price("0.97")),
            (0, 1_678_600_000, 2, price("0.97")),
            (0, 1_678_600_100, 3, price("0.985")),
            (0, 1_678_610_000, 4, price("0.97")),
            (0, 1_678_620_000, 5, price("0.9991")),
            (0, 1_678_630_000, 6, price("0.97")),
            (0, 1_678_900_000, 7, price("0.96")),
        ],
        event: 1,
        ..depeg()
    };
    let bundle = case.bundle();
    assert_eq!(bundle.determination.ordinal, 2);
    assert_valid(&bundle);
}

#[test]
fn what_the_verifier_knows_from_elsewhere_is_checked() {
    let case = Case {
        keys: keys(&["a", "b", "c"]),
        threshold: 2,
        ..depeg()
    };
    let bundle = case.bundle();
    let signers: Vec<_> = case.keys.iter().map(fixture::address_of).collect();
    let with = |trusted: &[_], verifier: Option<AttestationDomain>| {
        verify(
            &bundle,
            &VerifyOptions {
                trusted_signers: Some(trusted.to_vec()),
                verifier: verifier.map(Into::into),
                epochs: None,
                log_key: None,
            },
        )
        .is_valid()
    };
    assert!(with(&signers, None));
    assert!(with(&signers[..2], Some(fixture::DOMAIN)));
    assert!(!with(&signers[1..], None));
    assert!(!with(&[], None));
    assert!(!with(
        &signers,
        Some(AttestationDomain {
            chain_id: 1,
            ..fixture::DOMAIN
        })
    ));
    assert!(!with(
        &signers,
        Some(AttestationDomain {
            verifier: fixture::CONSUMER.address,
            ..fixture::DOMAIN
        })
    ));
}

#[test]
fn what_a_feed_said_is_checked_by_its_raw_response() {
    let mut bundle = depeg().bundle();
    let of_chain = "look up the blocks and logs";
    let of_logs = "the place of each log within its block";
    let of_feed = "fetch the raw response that each observation names by its hash";
    let of_nothing = "names the hash of no bytes";
    let open = |bundle: &EvidenceBundle| check(bundle).not_checked().join("\n");
    let said = open(&bundle);
    assert!(said.contains(of_chain) && said.contains(of_logs), "{said}");
    assert!(!said.contains(of_feed), "{said}");

    for observation in &mut bundle.observations {
        let hash = alloy_primitives::keccak256(observation.observed_at.to_string());
        observation.provenance = Provenance::Raw { hash };
    }
    let said = open(&bundle);
    assert!(
        !said.contains(of_chain) && !said.contains(of_logs),
        "{said}"
    );
    assert!(
        said.contains(of_feed) && said.contains("/v1/responses/"),
        "{said}"
    );
    assert!(!said.contains(of_nothing), "{said}");

    bundle.observations[0].provenance = Provenance::Raw {
        hash: alloy_primitives::keccak256([]),
    };
    assert!(open(&bundle).contains(of_nothing));
}
