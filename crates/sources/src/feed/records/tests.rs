//! Whatever an answer says, and in whatever order answers come, what is observed keeps to the seam's promises.

use alloy::primitives::keccak256;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::Subject;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use crate::feed::definition::{Definition, Reads};
use crate::feed::reader::{Answered, Page, Reader};
use crate::feed::{Look, exact};

/// 2026-03-02T12:00:00Z
const NOON: Timestamp = Timestamp(1_772_452_800);

/// A reader of each kind, a subject, and an answer that it reads.
fn kinds() -> [(Box<dyn Reader>, &'static str, Json); 3] {
    let state = r#"
        [subject]
        pattern = "price:{base}"
        example = "price:X"
        [records]
        must = [{ path = "$.s", is = "{base}" }]
        [observed_at]
        path     = "$.t"
        form     = "unix-seconds"
        lateness = "1min"
        [values.price]
        path  = "$.p"
        least = "0"
        most  = "100"
    "#;
    let reports = r#"
        [subject]
        pattern = "quakes:{place}"
        example = "quakes:X"
        [records]
        at       = "$.f[*]"
        identity = "$.id"
        where    = [{ path = "$.k", is = "quake", otherwise = ["blast"] }]
        [observed_at]
        path     = "$.t"
        form     = "unix-seconds"
        lateness = "1min"
        [values.price]
        path  = "$.p"
        least = "0"
        most  = "100"
    "#;
    let combined = r#"
        [subject]
        pattern = "sum:X"
        example = "sum:X"
        [records]
        at = "$.f[*]"
        [observed_at]
        rule   = "answer"
        repeat = "2min"
        [values.price]
        path    = "$.p"
        combine = "sum"
        least   = "0"
        most    = "100"
    "#;
    let record =
        |id: &str| json!({"id": id, "k": "quake", "s": "X", "t": NOON.0 - 120, "p": "1.5"});
    [
        (reader(state), "price:X", record("a")),
        (
            reader(reports),
            "quakes:X",
            json!({"f": [record("a"), record("b")]}),
        ),
        (
            reader(combined),
            "sum:X",
            json!({"f": [record("a"), record("b")]}),
        ),
    ]
}

fn reader(text: &str) -> Box<dyn Reader> {
    let head = "provider = 'example'\ndocumentation = 'https://docs.example.com/'\n";
    let tail = "\n[request]\nurl = 'https://api.example.com/'\n[poll]\nevery = '1min'\n";
    match Definition::parse(&format!("{head}{text}{tail}"), "test.toml")
        .unwrap()
        .reads
    {
        Reads::Records(records) => records,
        Reads::Flights(flights) => flights,
    }
}

/// Anything that JSON can be, near what is expected.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (NOON.0 - 600..NOON.0 + 600).prop_map(Json::from),
        (0_i64..200).prop_map(Json::from),
        "[-0-9.e]{0,6}".prop_map(Json::from),
        prop_oneof![Just("quake"), Just("blast"), Just("X"), Just("")].prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[fkpst]|id", inner, 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// The answer with one node replaced.
fn damaged(mut answer: Json, at: &[usize], with: Json) -> Json {
    let mut node = &mut answer;
    for step in at {
        let count = match node {
            Json::Array(items) => items.len(),
            Json::Object(members) => members.len(),
            _ => 0,
        };
        if count == 0 {
            break;
        }
        node = match node {
            Json::Array(items) => &mut items[step % count],
            Json::Object(members) => members.values_mut().nth(step % count).unwrap(),
            leaf => leaf,
        };
    }
    *node = with;
    answer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_answers_keep_the_promises(
        answers in prop::collection::vec((prop::collection::vec(0usize..5, 0..4), any_json(), 0i64..200, 0u8..5), 1..6),
    ) {
        for (reader, subject, right) in kinds() {
            let mut look = Look { subject: Subject::from(subject), due_at: NOON, watermark: None, memory: None };
            for (at, with, later, what) in &answers {
                look.due_at = look.due_at + Seconds(*later);
                let json = damaged(right.clone(), at, with.clone());
                let body = json.to_string();
                let reading = match what {
                    0 => reader.missed(&look, look.due_at),
                    1 => reader.unchanged(&look, look.due_at, look.due_at),
                    _ => {
                        let page = Page { hash: keccak256(&body), json: exact::parse(body.as_bytes()).unwrap() };
                        let answered = Answered { pages: vec![page], at: look.due_at, now: look.due_at };
                        reader.read(&look, &answered)
                    }
                };
                prop_assert!(reading.watermark >= look.watermark, "{subject}: the watermark moves back");
                let mut last = look.watermark;
                for observation in &reading.observations {
                    prop_assert!(Some(observation.observed_at) > last, "{subject}: closed, or twice: {observation:?}");
                    prop_assert!(Some(observation.observed_at) <= reading.watermark, "{subject}: open: {observation:?}");
                    last = Some(observation.observed_at);
                    if let Some(value) = &observation.value {
                        let Value::Decimal(value) = value else { panic!("{value:?}") };
                        prop_assert!((Decimal::ZERO..=Decimal::from_integer(100)).contains(value), "{subject}: {value}");
                    } else if *what > 1 {
                        prop_assert!(!reading.troubles.is_empty(), "{subject}: no reason for {observation:?}");
                    }
                }
                look.watermark = reading.watermark;
                look.memory = Some(reading.memory);
            }
        }
    }
}
