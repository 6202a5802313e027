//! A short notation for the cases of the catalogue, so that a case fits on a line.
//!
//! Times count from the beginning of 1970, so whole days are UTC days: `0`, `90` (seconds), `24h`, `1d12h`, and one
//! second before or after as `10d-1s`, `10d+1s`.
//!
//! Observations are separated by ` · `: `0 price=0.99` is a value, `0 price=-` an observation that says nothing, `0
//! paused` an event, `0 loss=2000000` an event with an amount, `0 price=1#7` has the sequence 7 (else its place in the
//! list), `0..10d/12h price=0.99` is the same every 12 hours, both ends included. The last of one second counts.
//!
//! Outcomes: `#1 0→24h pays 0.2, true` is the first loss event, begun at 0 and confirmed at 24 h, then the trigger's
//! value at the end of the case. Times in reasons are in the same notation.

use alloy_primitives::{Address, B256, U256};
use tocsin_domain::claim::{self, Eligibility, Refusal};
use tocsin_domain::cover::{Consumer, Cover};
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::reference::{self, Evaluation};
use tocsin_domain::eval::{InputObservation, LossEvent, Program, RiskState, Start, Truth};
use tocsin_domain::ids::{EventId, PolicyId, RiskId};
use tocsin_domain::observation::Sequence;
use tocsin_domain::policy::Policy;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

/// What a case shows, its observations, its end, and what both evaluators must say of it.
pub(crate) type Case<'a> = (&'a str, &'a str, &'a str, &'a str);

/// What a case shows, its observations, a policy's inception and expiry, and what it is paid.
pub(crate) type ClaimCase<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// The cover of `config/covers/NAME.toml`, which the checker must take without a warning.
pub(crate) fn cover(name: &str) -> Cover {
    let path = format!(
        "{}/../../config/covers/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap();
    match Cover::parse(&text) {
        Ok((cover, warnings)) => {
            assert!(warnings.is_empty(), "{path}: {warnings:#?}");
            assert_eq!(cover.name, name, "{path} is named after its cover");
            cover
        }
        Err(found) => panic!("{path}: {found:#?}"),
    }
}

/// Asserts the outcome of every case of a cover.
pub(crate) fn check(name: &str, cases: &[Case<'_>]) {
    check_from(name, Start::default(), cases);
}

/// The same for a policy that begins at `inception`.
pub(crate) fn check_since(name: &str, inception: &str, cases: &[Case<'_>]) {
    let start = Start {
        evaluate_from: None,
        inception: Some(Timestamp(time(inception))),
    };
    check_from(name, start, cases);
}

fn check_from(name: &str, start: Start, cases: &[Case<'_>]) {
    let cover = cover(name);
    for (shows, seen, as_of, expected) in cases {
        let seen = observations(&cover, seen);
        let (events, truth) = evaluate(&cover, start, &seen, Timestamp(time(as_of)));
        assert_eq!(
            said(&cover, &events, &truth),
            canonical(expected),
            "{name}: {shows}"
        );
    }
}

/// Asserts what the guards say of the first loss event: `rows_enough: true`.
pub(crate) fn check_guards(name: &str, cases: &[Case<'_>]) {
    let cover = cover(name);
    for (shows, seen, as_of, expected) in cases {
        let seen = observations(&cover, seen);
        let (events, _) = evaluate(&cover, Start::default(), &seen, Timestamp(time(as_of)));
        let names = cover.guards.iter().map(|guard| &guard.name);
        let held: Vec<String> = names
            .zip(&events[0].guards)
            .map(|(name, held)| match held {
                Ok(held) => format!("{name}: {held}"),
                Err(unknown) => format!("{name}: {unknown:?}"),
            })
            .collect();
        assert_eq!(held.join(", "), *expected, "{name}: {shows}");
    }
}

/// Asserts what one policy is paid for the first loss event, if there is one: `pays 0.2`, `nothing happened`, or why
/// the claim is refused.
pub(crate) fn check_claims(name: &str, cases: &[ClaimCase<'_>]) {
    check_paid(name, |_| Start::default(), cases);
}

/// The same where every policy has a risk of its own, evaluated from its inception.
pub(crate) fn check_epochs(name: &str, cases: &[ClaimCase<'_>]) {
    check_paid(name, |inception| Start::from(Some(inception)), cases);
}

fn check_paid(name: &str, start: fn(Timestamp) -> Start, cases: &[ClaimCase<'_>]) {
    let cover = cover(name);
    for (shows, seen, inception, expiry, expected) in cases {
        let (inception, expiry) = (Timestamp(time(inception)), Timestamp(time(expiry)));
        let seen = observations(&cover, seen);
        let last = seen.last().map_or(expiry, |seen| seen.observed_at);
        let (events, _) = evaluate(&cover, start(inception), &seen, expiry.max(last));
        let paid = match events.first() {
            None => "nothing happened".to_owned(),
            Some(event) => match decide(&cover, event, inception, expiry) {
                Eligibility::Eligible { fraction, .. } => format!("pays {fraction}"),
                Eligibility::Refused(Refusal::BeforeInception { .. }) => {
                    "before inception".to_owned()
                }
                Eligibility::Refused(Refusal::WaitingPeriod { .. }) => "waiting period".to_owned(),
                Eligibility::Refused(Refusal::AfterExpiry { .. }) => "after expiry".to_owned(),
                Eligibility::Refused(other) => panic!("{name}: {shows}: {other:?}"),
            },
        };
        assert_eq!(&paid, expected, "{name}: {shows}");
    }
}

fn decide(cover: &Cover, loss: &LossEvent, inception: Timestamp, expiry: Timestamp) -> Eligibility {
    let (subject, consumer) = ("subject", Address::ZERO);
    let risk = RiskId::derive(cover.terms_hash, subject, None);
    let determination = Determination {
        risk,
        terms_hash: cover.terms_hash,
        subject: subject.to_owned(),
        ordinal: loss.ordinal,
        event_id: EventId::derive(subject, loss.ordinal),
        occurred_at: loss.occurred_at,
        confirmed_at: loss.confirmed_at,
        settled_at: loss.settled_at,
        evidence_from: loss.evidence_from,
        determined_at: loss.settled_at,
        payout: loss.payout.clone(),
        inputs: loss.inputs.clone(),
        guards: loss.guards.clone(),
        evidence_root: B256::ZERO,
        evidence_count: 0,
        confirmed_on: None,
    };
    let policy = Policy {
        id: PolicyId(B256::ZERO),
        number: U256::from(1),
        consumer: Consumer {
            chain_id: 1,
            address: consumer,
        },
        terms_hash: cover.terms_hash,
        risk,
        holder: consumer,
        sum_insured: U256::from(1_000_000),
        inception,
        expiry,
    };
    claim::decide(cover, &policy, &determination)
}

/// What both evaluators say; they must say the same, and the engine however it is fed.
fn evaluate(
    cover: &Cover,
    start: Start,
    seen: &[InputObservation],
    as_of: Timestamp,
) -> (Vec<LossEvent>, Truth) {
    let program = Program::compile(cover);
    let mut state = RiskState::new(&program, start);
    let events = program.advance(&mut state, seen, as_of).unwrap();
    let truth = program.truth(&state);
    let piecemeal = second_by_second(&program, start, seen, as_of);
    let Evaluation {
        events: expected,
        truth: expected_truth,
        ..
    } = reference::evaluate(cover, start, seen, as_of);
    assert_eq!(
        (&events, &truth),
        (&expected, &expected_truth),
        "{}: the engine (left) and the reference (right) differ",
        cover.name
    );
    assert_eq!(
        (&events, &truth),
        (&piecemeal.0, &piecemeal.1),
        "{}: fed at once (left) and second by second (right)",
        cover.name
    );
    (events, truth)
}

/// What the engine says if it is fed one second with observations after the other.
fn second_by_second(
    program: &Program,
    start: Start,
    seen: &[InputObservation],
    as_of: Timestamp,
) -> (Vec<LossEvent>, Truth) {
    let mut state = RiskState::new(program, start);
    let mut events = Vec::new();
    for second in seen.chunk_by(|a, b| a.observed_at == b.observed_at) {
        let now = second[0].observed_at;
        events.extend(program.advance(&mut state, second, now).unwrap());
    }
    events.extend(program.advance(&mut state, &[], as_of).unwrap());
    let truth = program.truth(&state);
    (events, truth)
}

fn observations(cover: &Cover, text: &str) -> Vec<InputObservation> {
    let mut seen = Vec::new();
    for item in text
        .split('·')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let (when, what) = item.split_once(' ').unwrap();
        let (name, said) = what.trim().split_once('=').unwrap_or((what.trim(), "-"));
        let (value, sequence) = match said.rsplit_once('#') {
            Some((value, sequence)) => (value, Some(sequence.parse::<usize>().unwrap())),
            None => (said, None),
        };
        let Some(input) = cover.inputs.iter().position(|input| input.name == name) else {
            panic!("{}: `{item}`: no such input", cover.name);
        };
        for second in seconds(when) {
            let sequence = sequence.unwrap_or(seen.len());
            seen.push(InputObservation {
                input,
                observed_at: Timestamp(second),
                sequence: Sequence(U256::from(sequence)),
                value: (value != "-").then(|| read(cover.inputs[input].ty, value)),
            });
        }
    }
    seen.sort_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
    seen
}

/// `0` or `0..10d/12h`.
fn seconds(when: &str) -> Vec<i64> {
    let Some((from, rest)) = when.split_once("..") else {
        return vec![time(when)];
    };
    let (to, step) = rest.split_once('/').unwrap();
    let (from, to, step) = (time(from), time(to), time(step));
    (0..=(to - from) / step)
        .map(|count| from + count * step)
        .collect()
}

/// `1d12h`, `10d-1s`, `90`.
fn time(text: &str) -> i64 {
    let (mut total, mut sign, mut rest) = (0, 1, text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['+', '-']) {
            sign = if rest.starts_with('-') { -1 } else { 1 };
            rest = after;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let (number, after) = rest.split_at(digits.unwrap_or(rest.len()));
        let letters = after.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = after.split_at(letters.unwrap_or(after.len()));
        let unit = match unit {
            "" | "s" => 1,
            "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            other => panic!("`{text}`: no unit `{other}`"),
        };
        total += sign * unit * number.parse::<i64>().unwrap();
        rest = after;
    }
    total
}

/// The one way in which outcomes write a time.
fn shown(mut seconds: i64) -> String {
    if seconds == 0 {
        return "0".to_owned();
    }
    let mut text = String::new();
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
        if seconds / unit != 0 {
            text += &format!("{}{name}", seconds / unit);
        }
        seconds %= unit;
    }
    text
}

/// An expected outcome with its times written as [`shown`] writes them.
fn canonical(outcome: &str) -> String {
    let words = outcome.split(' ').map(|word| match word.split_once('→') {
        Some((from, to)) => format!("{}→{}", shown(time(from)), shown(time(to))),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn read(ty: Type, text: &str) -> Value {
    match ty {
        Type::Decimal | Type::Event => Value::Decimal(text.parse().unwrap()),
        Type::Duration => Value::Duration(Seconds(time(text))),
        Type::Bool => Value::Bool(text.parse().unwrap()),
        Type::Text => Value::Text(text.to_owned()),
        Type::Time => Value::Time(Timestamp(time(text))),
    }
}

fn said(cover: &Cover, events: &[LossEvent], truth: &Truth) -> String {
    let names = cover.input_names();
    let mut text = String::new();
    for event in events {
        let (from, to) = (shown(event.occurred_at.0), shown(event.confirmed_at.0));
        text += &format!("#{} {from}→{to} ", event.ordinal);
        text += &match &event.payout {
            Ok(fraction) => format!("pays {fraction}, "),
            Err(unknown) => format!("inconclusive: {}, ", unknown.describe(&names)),
        };
    }
    text += &match truth {
        Truth::False => "false".to_owned(),
        Truth::True => "true".to_owned(),
        Truth::Unknown(unknown) => format!("unknown: {}", unknown.describe(&names)),
    };
    in_short(&text)
}

/// Reasons name times; a case names them from its own beginning.
fn in_short(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([':', ',']);
        match Timestamp::parse(bare) {
            Ok(time) if bare.ends_with('Z') => {
                format!("{}{}", shown(time.0), &word[bare.len()..])
            }
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
