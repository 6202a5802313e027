//! Reports as JSON: one way to write each, and nothing else is read.

use serde_json::Value as Json;
use tocsin_domain::quorum::{MAX_REPORT_BYTES, ReportError, SignedReport};

use crate::fixture::{BREACH, attestors, cover, fall, first, on_chain};

fn reports() -> Vec<SignedReport> {
    [cover(BREACH), on_chain()]
        .iter()
        .map(|cover| attestors(1).report(0, &first(cover, "x", &fall(60, 120, 850))))
        .collect()
}

#[test]
fn a_report_comes_back_from_its_json() {
    for report in reports() {
        let json = report.to_json().unwrap();
        assert_eq!(SignedReport::from_json(json.as_bytes()).unwrap(), report);
        // Embedded in something else, too.
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(
            serde_json::from_value::<SignedReport>(value).unwrap(),
            report
        );
    }
}

#[test]
fn another_spelling_is_refused() {
    let json = reports()[0].to_json().unwrap();
    let pretty = serde_json::to_string_pretty(&reports()[0]).unwrap();
    let reordered = serde_json::to_string(&reports()[0]).unwrap();
    assert_ne!(json, reordered);
    for other in [pretty, reordered, format!(" {json}")] {
        let refused = SignedReport::from_json(other.as_bytes()).unwrap_err();
        assert!(matches!(refused, ReportError::OtherSpelling), "{refused}");
    }
    for (once, other) in [
        (r#""ordinal":"1""#, r#""ordinal":"01""#),
        (r#""ordinal":"1""#, r#""ordinal":1"#),
        (r#""ordinal":"1""#, r#""ordinal":"1","ordinal":"1""#),
        (r#""ordinal":"1""#, r#""ordinal":"1","surplus":"1""#),
        (r#""ordinal":"1","#, ""),
        (r#""signature":"0x"#, r#""signature":""#),
        (
            r#""value":{"decimal":"0.85"}"#,
            r#""value":{"decimal":"0.850"}"#,
        ),
        (
            r#""value":{"decimal":"0.85"}"#,
            r#""value":{"decimal":0.85}"#,
        ),
        (r#","value":{"decimal":"0.85"}"#, ""),
    ] {
        assert!(json.contains(once), "{once} in {json}");
        let other = json.replacen(once, other, 1);
        assert!(
            SignedReport::from_json(other.as_bytes()).is_err(),
            "{other}"
        );
    }
    for place in (0..json.len()).step_by(11) {
        assert!(SignedReport::from_json(&json.as_bytes()[..place]).is_err());
    }
}

#[test]
fn a_changed_byte_is_refused_or_is_another_report() {
    let report = &reports()[1];
    let json = report.to_json().unwrap();
    // Bytes of one kind are alike, and 3 is no period of the text.
    for place in (0..json.len()).step_by(3) {
        let mut other = json.clone().into_bytes();
        other[place] ^= 1;
        if let Ok(read) = SignedReport::from_json(&other) {
            assert_ne!(read, *report);
            assert_eq!(read.to_json().unwrap().into_bytes(), other);
        }
    }
}

#[test]
fn more_than_attestors_exchange_is_refused_before_it_is_read() {
    let long = vec![b' '; MAX_REPORT_BYTES + 1];
    let refused = SignedReport::from_json(&long).unwrap_err();
    assert!(matches!(refused, ReportError::TooLarge { .. }), "{refused}");

    let mut report = reports().remove(0);
    let row = report.observations[0].clone();
    let length = serde_json::to_string(&Json::from(report.to_json().unwrap()))
        .unwrap()
        .len();
    let rows = MAX_REPORT_BYTES / length * report.observations.len() * 3;
    report.observations.resize(rows, row);
    let refused = report.to_json().unwrap_err();
    assert!(matches!(refused, ReportError::TooLarge { .. }), "{refused}");
}
