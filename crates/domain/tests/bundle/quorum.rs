//! Bundles of a quorum whose attestors each saw the loss by themselves.

use alloy_primitives::Address;
use serde_json::Value as Json;
use tocsin_domain::attestation::{ClaimAttestation, SignerSet, Validity};
use tocsin_domain::bundle::{EvidenceBundle, QuorumEvidence, VerifyOptions, verify};
use tocsin_domain::claim::{self, Claim};
use tocsin_domain::observation::Provenance;
use tocsin_domain::quorum::{Event, ObservationReport, Quorum, SignedReport, fuse};
use tocsin_domain::time::Timestamp;

use crate::fixture::{Case, DEPEG, DOMAIN, Seen, address_of, depeg, keys, sign};
use crate::tamper::{accepted, leaves, others, reseal};
use crate::{assert_valid, check, failing, said};

/// Of the reports, unless they are of an earlier epoch than the signatures.
const EPOCH: u32 = 3;

/// Four attestors, the first three of which report; each sees a feed in its own way.
fn of_feeds() -> EvidenceBundle {
    attested(&on_a_feed(), |attestor, seen| {
        // A little later than the others, and the last price a little higher.
        for row in seen.iter_mut() {
            row.1 += 7 * attestor;
        }
        let price = format!("0.9{}", 753 + attestor);
        seen.last_mut().unwrap().3 =
            Some(tocsin_domain::value::Value::Decimal(price.parse().unwrap()));
    })
}

/// The same of a chain, which all see alike.
fn of_a_chain() -> EvidenceBundle {
    attested(DEPEG, |_attestor, _seen| ())
}

fn attestors(cover: &str) -> Case {
    Case {
        cover: cover.to_owned(),
        keys: keys(&["a", "b", "c", "d"]),
        threshold: 3,
        ..depeg()
    }
}

fn attested(cover: &str, change: impl Fn(i64, &mut Vec<Seen>)) -> EvidenceBundle {
    let case = attestors(cover);
    let reports = (0..3)
        .zip(&case.keys)
        .map(|(attestor, key)| {
            let mut own = attestors(cover);
            change(attestor, &mut own.seen);
            let bundle = own.bundle();
            let statement = ObservationReport::of(
                &bundle.determination,
                &bundle.observations,
                bundle.previous,
                EPOCH,
            )
            .unwrap();
            SignedReport {
                signature: sign(key, statement.id(&DOMAIN).0),
                statement,
                observations: bundle.observations,
            }
        })
        .collect();
    gather(&case, reports)
}

/// What a service of a quorum would bundle.
fn gather(case: &Case, reports: Vec<SignedReport>) -> EvidenceBundle {
    let mut bundle = case.bundle();
    let cover = case.parse();
    let signers = bundle.signers.clone();
    let quorum = Quorum {
        domain: &DOMAIN,
        signers: &signers,
    };
    let event = Event::of(&bundle.risk, bundle.determination.ordinal);
    let fused = fuse(&cover, &event, &reports, quorum).unwrap();
    bundle.determination = fused.determination;
    bundle.observations = fused.observations;
    bundle.previous = fused.previous;
    bundle.quorum = Some(QuorumEvidence {
        signers: bundle.signers.clone(),
        reports: fused.reports,
    });
    restate(case, &mut bundle, EPOCH);
    bundle
}

/// Claim and statement of what was determined, signed by the case's signers for `epoch`.
fn restate(case: &Case, bundle: &mut EvidenceBundle, epoch: u32) {
    let cover = case.parse();
    let issued_at = Timestamp(bundle.determination.determined_at.0 + 5);
    let validity = Validity {
        issued_at,
        valid_after: issued_at,
        valid_until: Timestamp(issued_at.0 + 1_000_000),
    };
    let (policy, loss) = (&bundle.policy, &bundle.determination);
    bundle.claim = Claim {
        policy: policy.id,
        risk: policy.risk,
        ordinal: loss.ordinal,
        eligibility: claim::decide(&cover, policy, loss),
    };
    bundle.attestation =
        ClaimAttestation::for_claim(&cover, policy, loss, validity, epoch).unwrap();
    let addresses: Vec<Address> = case.keys.iter().map(address_of).collect();
    bundle.signers = SignerSet::new(epoch, case.threshold, addresses).unwrap();
    case.sign(bundle);
}

#[test]
fn each_report_and_their_fusion_are_re_executed() {
    let bundle = of_feeds();
    assert_valid(&bundle);
    insta::assert_snapshot!(said(&check(&bundle)));
    insta::assert_snapshot!(check(&bundle).not_checked().join("\n"));
}

#[test]
fn what_all_saw_alike_is_bundled_as_if_one_had_attested() {
    let (fused, single) = (of_a_chain(), attestors(DEPEG).bundle());
    assert_valid(&fused);
    assert_eq!(fused.determination, single.determination);
    assert_eq!(fused.attestation, single.attestation);
    assert_eq!(
        EvidenceBundle {
            quorum: None,
            ..fused
        },
        single
    );
}

#[test]
fn a_statement_that_was_signed_again_keeps_its_reports() {
    let mut bundle = of_feeds();
    let case = Case {
        keys: keys(&["e", "f", "g", "h", "i"]),
        threshold: 4,
        ..attestors(&on_a_feed())
    };
    restate(&case, &mut bundle, EPOCH + 1);
    assert_valid(&bundle);
    let report = check(&bundle);
    assert!(
        said(&report).contains("signed again in epoch 4"),
        "{}",
        said(&report)
    );
    assert!(
        report
            .not_checked()
            .iter()
            .any(|gap| gap.contains("for epoch 3")),
        "{:?}",
        report.not_checked()
    );

    // A later epoch cannot have reported, and one epoch has one signer set.
    let mut before = bundle.clone();
    restate(&case, &mut before, EPOCH - 1);
    assert_eq!(failing(&before), ["reporting epoch"]);
    restate(&case, &mut bundle, EPOCH);
    assert_eq!(failing(&bundle), ["reporting epoch"]);
}

fn on_a_feed() -> String {
    DEPEG.replace(
        "chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6",
        "feed:desk",
    )
}

#[test]
fn the_attestors_cannot_sign_something_else_than_they_reported() {
    let case = attestors(&on_a_feed());
    let forge = |change: fn(&mut EvidenceBundle)| {
        let mut forged = of_feeds();
        change(&mut forged);
        restate(&case, &mut forged, EPOCH);
        failing(&forged)
    };
    // One report fewer than the epoch demands.
    assert_eq!(forge(|forged| drop(reports(forged).pop())), ["fusion"]);
    // One of them twice.
    let twice = forge(|forged| {
        let again = reports(forged)[2].clone();
        reports(forged).push(again);
    });
    assert_eq!(twice, ["fusion"]);
    // Not in the order of the signers.
    assert_eq!(forge(|forged| reports(forged).swap(0, 1)), ["fusion"]);
    // A greater payout, an earlier loss, another time of decision.
    let payout = forge(|forged| forged.determination.payout = Ok("0.05".parse().unwrap()));
    assert_eq!(payout, ["determination", "claim", "attestation"]);
    let earlier = forge(|forged| forged.determination.occurred_at.0 -= 1);
    assert_eq!(earlier, ["determination", "attestation"]);
    assert_eq!(
        forge(|forged| forged.determination.determined_at.0 += 1),
        ["determination"]
    );
    // Evidence that nobody reported, or not all of it.
    let surplus = forge(|forged| {
        let mut row = forged.observations[0].clone();
        row.provenance = Provenance::Raw {
            hash: alloy_primitives::B256::ZERO,
        };
        forged.observations.push(row);
    });
    assert_eq!(surplus, ["evidence"]);
    assert_eq!(
        forge(|forged| drop(forged.observations.pop())),
        ["evidence"]
    );
    assert_eq!(
        forge(|forged| forged.previous = Some(Timestamp(1))),
        ["evidence"]
    );
    // What an attestor did not sign.
    let tampered = forge(|forged| reports(forged)[1].statement.determinedAt += 1);
    assert_eq!(tampered, ["report"]);
}

fn reports(bundle: &mut EvidenceBundle) -> &mut Vec<SignedReport> {
    &mut bundle.quorum.as_mut().unwrap().reports
}

#[test]
fn who_is_trusted_is_who_signed() {
    let bundle = of_feeds();
    let with = |names: &[&str]| {
        let options = VerifyOptions {
            trusted_signers: Some(keys(names).iter().map(address_of).collect()),
            ..VerifyOptions::default()
        };
        verify(&bundle, &options).is_valid()
    };
    assert!(with(&["a", "b", "c", "d"]));
    assert!(!with(&["e"]));
}

#[test]
fn reporters_that_somebody_made_up_are_not_trusted() {
    // Genuine signatures of epoch 4 over what was reported in epoch 3; but a stranger has put reports of keys of its own,
    // which say the same, in the place of the genuine ones.
    let mut forged = of_feeds();
    let successors = Case {
        keys: keys(&["e", "f", "g", "h"]),
        ..attestors(&on_a_feed())
    };
    restate(&successors, &mut forged, EPOCH + 1);
    let strangers = keys(&["v", "w", "x", "y"]);
    let addresses = strangers.iter().map(address_of).collect();
    let evidence = forged.quorum.as_mut().unwrap();
    evidence.signers = SignerSet::new(EPOCH, 3, addresses).unwrap();
    for (report, key) in evidence.reports.iter_mut().zip(&strangers) {
        report.signature = sign(key, report.statement.id(&DOMAIN).0);
    }
    // The file does not contradict itself, and says what it does not show.
    let report = check(&forged);
    assert!(report.is_valid(), "{}", said(&report));
    assert!(said(&report).contains("claim to be of epoch 3"));
    assert!(
        report
            .not_checked()
            .join("\n")
            .contains("signers of their own")
    );

    let trusting = |bundle: &EvidenceBundle, names: &[&str]| {
        let options = VerifyOptions {
            trusted_signers: Some(keys(names).iter().map(address_of).collect()),
            ..VerifyOptions::default()
        };
        verify(bundle, &options).is_valid()
    };
    let known = ["a", "b", "c", "d", "e", "f", "g", "h"];
    assert!(!trusting(&forged, &known));
    let mut genuine = of_feeds();
    restate(&successors, &mut genuine, EPOCH + 1);
    assert!(trusting(&genuine, &known));
    assert!(!trusting(&genuine, &known[4..]));
}

#[test]
fn reports_of_other_observations_cannot_be_written() {
    let mut mixed = of_feeds();
    mixed.observations.pop();
    let refused = serde_json::to_string(&mixed).unwrap_err().to_string();
    assert!(refused.contains("list of reports"), "{refused}");
}

fn assert_unchangeable(bundle: &EvidenceBundle, parents: &[&str]) {
    let original = serde_json::to_value(bundle).unwrap();
    assert!(accepted(&original));
    let mut found = Vec::new();
    for parent in parents {
        leaves(original.pointer(parent).unwrap(), parent, &mut found);
    }
    assert!(found.len() > 12, "{found:?}");
    for (turn, leaf) in found.iter().enumerate() {
        // Leaves of a kind take turns at the kinds of change.
        let others = others(original.pointer(leaf).unwrap());
        for other in others.into_iter().skip(turn % 3).step_by(3) {
            let mut json = original.clone();
            *json.pointer_mut(leaf).unwrap() = other.clone();
            reseal(&mut json);
            assert!(!accepted(&json), "{leaf} = {other}");
        }
    }
}

#[test]
fn nothing_of_the_reports_can_be_changed_even_with_a_new_seal() {
    assert_unchangeable(&of_feeds(), &["/quorum"]);
}

#[test]
fn nothing_that_the_reports_make_can_be_changed_even_with_a_new_seal() {
    // Unlike what one attestor bundles, not even the time of the decision and the place of a log in its block: reports
    // commit to these.
    assert_unchangeable(&of_feeds(), &["/determination", "/observations/20"]);
    assert_unchangeable(
        &of_a_chain(),
        &["/determination/confirmed_on", "/observations/1"],
    );
}

#[test]
fn no_member_of_the_reports_can_be_dropped_added_or_doubled() {
    let original = serde_json::to_value(of_feeds()).unwrap();
    let mut parents = vec!["/quorum".to_owned(), "/quorum/reports".to_owned()];
    for report in 0..3 {
        let report = format!("/quorum/reports/{report}");
        parents.push(format!("{report}/statement"));
        parents.push(format!("{report}/observations"));
        parents.push(report);
    }
    for parent in parents {
        let change = |change: &dyn Fn(&mut Json)| {
            let mut json = original.clone();
            change(json.pointer_mut(&parent).unwrap());
            reseal(&mut json);
            assert!(
                !accepted(&json),
                "{parent}: {}",
                json.pointer(&parent).unwrap()
            );
        };
        match original.pointer(&parent).unwrap() {
            Json::Object(members) => {
                for name in members.keys() {
                    change(&|json| drop(json.as_object_mut().unwrap().shift_remove(name)));
                }
                change(&|json| json["surplus"] = "x".into());
            }
            Json::Array(values) => {
                for index in 0..values.len() {
                    change(&|json| drop(json.as_array_mut().unwrap().remove(index)));
                    change(&|json| {
                        let list = json.as_array_mut().unwrap();
                        list.insert(index, list[index].clone());
                    });
                }
            }
            _ => unreachable!(),
        }
    }
    for gone in [Json::Null, Json::Object(serde_json::Map::new())] {
        let mut json = original.clone();
        json["quorum"] = gone;
        reseal(&mut json);
        assert!(!accepted(&json));
    }
}

#[test]
fn an_observation_that_is_not_there_is_not_read() {
    let mut json = serde_json::to_value(of_feeds()).unwrap();
    json["quorum"]["reports"][0]["observations"][0] = "999".into();
    reseal(&mut json);
    let refused = serde_json::from_str::<EvidenceBundle>(&json.to_string())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("names observation 999"), "{refused}");
}
