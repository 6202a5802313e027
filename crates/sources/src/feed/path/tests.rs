//! Places in answers: what a path names, and that the fast walk names the same.

use proptest::prelude::*;
use serde_json::{Value, json};
use serde_json_path::JsonPath;

use super::Path;

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

#[test]
fn a_field_of_a_record() {
    let answer = json!({"data": [{"arrival": {"delay": 7, "gate": null}}, {"arrival": {}}]});
    assert_eq!(
        path("$.data[0].arrival.delay").one(&answer),
        Ok(Some(&json!(7)))
    );
    assert_eq!(
        path("$['data'][-2]['arrival'].delay").one(&answer),
        Ok(Some(&json!(7)))
    );
    assert_eq!(path("$.data[1].arrival.delay").one(&answer), Ok(None));
    assert_eq!(path("$.data[-3]").one(&answer), Ok(None));
    assert_eq!(
        path("$.data[0].arrival.gate").one(&answer),
        Ok(Some(&Value::Null))
    );
    assert_eq!(path("$").one(&answer), Ok(Some(&answer)));
}

#[test]
fn records_and_filters() {
    let answer =
        json!({"flights": [{"n": 1, "ok": true}, {"n": 2, "ok": false}, {"n": 3, "ok": true}]});
    assert_eq!(
        path("$.flights[*].n").all(&answer),
        [&json!(1), &json!(2), &json!(3)]
    );
    assert_eq!(
        path("$.flights[?@.ok == true].n").all(&answer),
        [&json!(1), &json!(3)]
    );
    assert_eq!(
        path("$.flights[?match(@.n, 'x')]").all(&answer),
        Vec::<&Value>::new()
    );
    let several = path("$..n").one(&answer).unwrap_err();
    assert_eq!(
        several.to_string(),
        "$..n names 3 values where one is expected"
    );
}

#[test]
fn what_is_no_path() {
    for text in [
        "",
        "data",
        "$.",
        "$.a b",
        "$[01]",
        "$[1",
        "$.data[?]",
        "$['a",
    ] {
        let error = Path::parse(text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("`{text}` is not a JSONPath")),
            "{error}"
        );
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        Just(json!("x"))
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[abc]|a b|", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn step() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\.[abc]",
        "\\['[abc]'\\]",
        Just("[\"a b\"]".to_owned()),
        Just("['']".to_owned()),
        (-4i64..4).prop_map(|index| format!("[{index}]")),
    ]
}

proptest! {
    #[test]
    fn walked_as_the_library_does(value in json_value(), steps in prop::collection::vec(step(), 0..5)) {
        let text = format!("${}", steps.concat());
        let ours = path(&text);
        prop_assert!(ours.steps().is_some());
        prop_assert_eq!(ours.all(&value), JsonPath::parse(&text).unwrap().query(&value).all());
    }

    #[test]
    fn any_text_is_a_path_or_an_error(text in "\\$[.\\[\\]'\"a-c0-9*?@ -]{0,12}", value in json_value()) {
        if let Ok(ours) = Path::parse(&text) {
            prop_assert_eq!(ours.all(&value), JsonPath::parse(&text).unwrap().query(&value).all());
        }
    }
}
