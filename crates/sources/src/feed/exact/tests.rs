//! Numbers keep every digit that was written, and nothing else is a number.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &str) -> Result<String, NumberError> {
    let json = parse(text.as_bytes()).unwrap();
    decimal(&json, 0, false).map(|value| value.to_string())
}

#[test]
fn every_digit_that_was_written_is_kept() {
    for (written, expected) in [
        ("0.1", "0.1"),
        ("1e-7", "0.0000001"),
        ("1E+3", "1000"),
        ("-2.50e1", "-25"),
        ("12345678901234567.123456789", "12345678901234567.123456789"),
        ("0.300000000000000001", "0.300000000000000001"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("18446744073709551617", "18446744073709551617"),
        ("9007199254740993.0", "9007199254740993"),
        ("\"1.0000000000000001\"", "1.0000000000000001"),
        ("0e5", "0"),
        ("1e400", "outside"),
    ] {
        let value = read(written).unwrap_or_else(|error| match error {
            NumberError::OutOfRange => "outside".to_owned(),
            other => panic!("{written}: {other}"),
        });
        assert_eq!(value, expected, "{written}");
    }
}

#[test]
fn an_exponent_moves_the_point_exactly() {
    let price = json!("6140993501000");
    assert_eq!(
        decimal(&price, -8, false).unwrap().to_string(),
        "61409.93501"
    );
    assert_eq!(
        decimal(&json!(5), -18, false).unwrap().to_string(),
        "0.000000000000000005"
    );
    assert_eq!(decimal(&json!(5), -19, false), Err(NumberError::TooPrecise));
    assert_eq!(
        decimal(&json!(15), -19, true).unwrap().to_string(),
        "0.000000000000000001"
    );
    assert_eq!(
        decimal(&json!("1.05"), 1, false).unwrap().to_string(),
        "10.5"
    );
    assert_eq!(
        decimal(&json!("0.12345678901234567890123"), 0, true)
            .unwrap()
            .to_string(),
        "0.123456789012345678"
    );
}

#[test]
fn what_is_no_number_is_none() {
    for node in [json!(null), json!(true), json!([1]), json!({"a": 1})] {
        assert_eq!(
            decimal(&node, 0, false),
            Err(NumberError::NotANumber),
            "{node}"
        );
    }
    for text in [
        "", "-", ".", "1.", ".5", "NaN", "Infinity", "1e", "e5", "1e5.5", "0x10", "1,000", " 1",
        "1 ", "--1", "1_0",
    ] {
        assert_eq!(
            decimal(&json!(text), 0, false),
            Err(NumberError::Malformed),
            "{text:?}"
        );
        assert!(decimal(&json!(text), 3, true).is_err(), "{text:?}");
    }
}

#[test]
fn an_object_that_says_two_things_is_refused() {
    let error = parse(br#"{"price": 1, "price": 2}"#).unwrap_err();
    assert!(
        error.starts_with("an object says \"price\" twice"),
        "{error}"
    );
    assert!(parse(b"{\"a\": 01}").is_err());
    assert!(parse(b"{\"a\": 1234567890123456.1.2}").is_err());
    assert!(parse(b"\xff").is_err());
}

proptest! {
    #[test]
    fn any_decimal_survives_as_a_number_of_a_body(units in any::<i128>(), places in 0usize..=18) {
        let digits = format!("{:0>20}", units.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let sign = if units < 0 { "-" } else { "" };
        let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        let body = format!("{{\"v\":[{text}]}}");
        let json = parse(body.as_bytes()).unwrap();
        let expected: Decimal = text.parse().unwrap();
        prop_assert_eq!(decimal(&json["v"][0], 0, false).unwrap(), expected);
    }

    #[test]
    fn nothing_panics_and_nothing_that_is_json_is_lost(body in ".*") {
        let plain: Result<Json, _> = serde_json::from_str(&body);
        let ours = parse(body.as_bytes());
        if plain.is_err() {
            // A number beyond an f64 is one, though.
            prop_assert!(ours.is_err() || body.contains(['e', 'E']));
        }
    }

    #[test]
    fn no_text_panics_as_a_number(text in "[-+0-9.eE]{0,40}", exponent in any::<i64>(), cut in any::<bool>()) {
        let _outcome = decimal_of(&text, exponent, cut);
    }
}
