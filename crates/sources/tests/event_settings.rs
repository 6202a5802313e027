//! Settings of event sources that do not fit their event are refused with the reason and the remedy.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use tocsin_domain::value::Type;
use tocsin_sources::chain::{EventSettings, EventSource, SequenceFrom, TimeFrom};

const ANSWER_UPDATED: &str =
    "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)";

fn settings() -> EventSettings {
    EventSettings {
        source: "chainlink:eip155:1:0x8fff".into(),
        address: "0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6"
            .parse()
            .unwrap(),
        event: ANSWER_UPDATED.to_owned(),
        subject: "eip155:1/erc20:0xa0b8".into(),
        metric: "price".into(),
        value: Some("current".to_owned()),
        decimals: 8,
        only: BTreeMap::new(),
        sequence: SequenceFrom::Field("roundId".to_owned()),
        observed_at: TimeFrom::Field("updatedAt".to_owned()),
        from_block: 0,
    }
}

#[test]
fn a_fitting_event_is_accepted_however_it_is_written() {
    for event in [
        ANSWER_UPDATED.to_owned(),
        format!("event {ANSWER_UPDATED}"),
        "AnswerUpdated( int indexed current,uint indexed roundId, uint256 updatedAt )".to_owned(),
    ] {
        let source = EventSource::new(EventSettings {
            event,
            ..settings()
        })
        .unwrap();
        assert_eq!((source.id(), source.from_block()), (&settings().source, 0));
    }
}

#[test]
fn without_a_value_it_is_an_event() {
    let paused = EventSource::new(EventSettings {
        event: "Paused(address account)".to_owned(),
        value: None,
        decimals: 0,
        sequence: SequenceFrom::Block,
        observed_at: TimeFrom::Block,
        ..settings()
    })
    .unwrap();
    assert_eq!(paused.value_type(), Type::Event);
    let feed = EventSource::new(settings()).unwrap();
    assert_eq!(feed.value_type(), Type::Decimal);
    let only_some = EventSettings {
        only: only("roundId", "7"),
        ..settings()
    };
    assert_ne!(
        EventSource::new(only_some).unwrap().fingerprint(),
        feed.fingerprint()
    );
}

fn only(field: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(field.to_owned(), value.to_owned())])
}

#[test]
fn what_does_not_fit_is_named_with_its_remedy() {
    let fields = "its fields are `current` (int256), `roundId` (uint256), `updatedAt` (uint256)";
    let field = |name: &str| SequenceFrom::Field(name.to_owned());
    let time = |name: &str| TimeFrom::Field(name.to_owned());
    let event = |event: &str, value: &str| EventSettings {
        event: event.to_owned(),
        value: Some(value.to_owned()),
        decimals: 0,
        sequence: SequenceFrom::Block,
        observed_at: TimeFrom::Block,
        ..settings()
    };
    let cases: Vec<(EventSettings, Vec<&str>)> = vec![
        (
            EventSettings {
                value: Some("curent".to_owned()),
                ..settings()
            },
            vec!["`value` names `curent`", "did you mean `current`?", fields],
        ),
        (
            EventSettings {
                sequence: field("round"),
                ..settings()
            },
            vec![
                "`sequence` names `round`, which is no field of `AnswerUpdated`",
                fields,
            ],
        ),
        (
            EventSettings {
                observed_at: time("current"),
                ..settings()
            },
            vec![
                "`observed_at` names `current` of type int256, but needs an unsigned integer",
                fields,
            ],
        ),
        (
            EventSettings {
                decimals: 78,
                ..settings()
            },
            vec!["`decimals` is 78"],
        ),
        (
            EventSettings {
                decimals: 1,
                ..event("E(bool ok)", "ok")
            },
            vec!["`decimals` is 1, but `ok` is no integer"],
        ),
        (
            EventSettings {
                value: None,
                decimals: 8,
                ..settings()
            },
            vec!["`decimals` is 8, but there is no `value`"],
        ),
        (
            EventSettings {
                only: only("round", "7"),
                ..settings()
            },
            vec!["`only` names `round`", fields],
        ),
        (
            EventSettings {
                only: only("roundId", "seven"),
                ..settings()
            },
            vec!["`only.roundId`: `seven` is no value of type uint256"],
        ),
        (
            EventSettings {
                only: only("note", "x"),
                ..event("E(uint256 x, string note)", "x")
            },
            vec!["`note` of type string, but needs an address, a bool, fixed bytes or an integer"],
        ),
        (
            event("AnswerUpdated", "x"),
            vec!["`event` is not an event declaration"],
        ),
        (event("E(int257 x)", "x"), vec!["`event` cannot be decoded"]),
        (
            event("E(uint256 x) anonymous", "x"),
            vec!["`event` is anonymous"],
        ),
        (
            event("E(address who)", "who"),
            vec!["of type address, but needs an integer, a bool or a string"],
        ),
        (
            event("E(string indexed note)", "note"),
            vec!["only the hash, because it is indexed"],
        ),
        (
            event("E(uint256 x, uint8 x)", "x"),
            vec!["`x`, which `E` has twice"],
        ),
        (
            event("E(uint256)", ""),
            vec!["`value` names ``", "(no name) (uint256)"],
        ),
        (event("E()", "x"), vec!["it has no fields"]),
        (
            event(
                "E(uint8 indexed a, uint8 indexed b, uint8 indexed c, uint8 indexed d)",
                "a",
            ),
            vec!["`event` cannot be decoded"],
        ),
    ];
    for (settings, expected) in cases {
        let written = settings.event.clone();
        let error = EventSource::new(settings).unwrap_err();
        assert!(!error.is_transient());
        let text = error.to_string();
        assert!(
            text.starts_with("source chainlink:eip155:1:0x8fff: "),
            "{text}"
        );
        for part in expected {
            assert!(text.contains(part), "{written}: {text}\nlacks: {part}");
        }
    }
}
