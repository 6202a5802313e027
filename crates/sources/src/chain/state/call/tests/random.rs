//! Random functions and random answers: each value is found by the path that a naive walk writes down for it.

use super::*;

/// A type, with names where it has members.
#[derive(Clone, Debug)]
enum Shape {
    Uint(usize),
    Int(usize),
    Bool,
    Text,
    Address,
    Fixed(usize),
    List(Box<Shape>),
    Row(Box<Shape>, usize),
    /// Members; every other one has a name.
    Tuple(Vec<Shape>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let width = (1usize..=32).prop_map(|bytes| bytes * 8);
    let leaf = prop_oneof![
        width.clone().prop_map(Shape::Uint),
        width.prop_map(Shape::Int),
        Just(Shape::Bool),
        Just(Shape::Text),
        Just(Shape::Address),
        (1usize..=32).prop_map(Shape::Fixed),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| Shape::List(Box::new(of))),
            (inner.clone(), 1usize..3).prop_map(|(of, length)| Shape::Row(Box::new(of), length)),
            prop::collection::vec(inner, 1..4).prop_map(Shape::Tuple),
        ]
    })
}

impl Shape {
    fn declared(&self) -> String {
        match self {
            Self::Uint(bits) => format!("uint{bits}"),
            Self::Int(bits) => format!("int{bits}"),
            Self::Bool => "bool".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Address => "address".to_owned(),
            Self::Fixed(length) => format!("bytes{length}"),
            Self::List(of) => format!("{}[]", of.declared()),
            Self::Row(of, length) => format!("{}[{length}]", of.declared()),
            Self::Tuple(members) => format!("({})", declared(members)),
        }
    }

    /// A value, of random bytes that are used up.
    fn value(&self, bytes: &mut impl Iterator<Item = u8>) -> DynSolValue {
        let mut word = || {
            let mut word = [0; 32];
            word.fill_with(|| bytes.next().unwrap());
            word
        };
        match self {
            Self::Uint(bits) => {
                DynSolValue::Uint(U256::from_be_bytes(word()) >> (256 - bits), *bits)
            }
            Self::Int(bits) => DynSolValue::Int(I256::from_be_bytes(word()).asr(256 - bits), *bits),
            Self::Bool => DynSolValue::Bool(word()[0] & 1 == 1),
            Self::Text => DynSolValue::String(hex::encode(&word()[..usize::from(word()[0] % 25)])),
            Self::Address => DynSolValue::Address(Address::from_slice(&word()[..20])),
            Self::Fixed(length) => {
                let mut word = word();
                word[*length..].fill(0);
                DynSolValue::FixedBytes(word.into(), *length)
            }
            Self::List(of) => {
                let length = word()[0] % 3;
                DynSolValue::Array((0..length).map(|_| of.value(bytes)).collect())
            }
            Self::Row(of, length) => {
                DynSolValue::FixedArray((0..*length).map(|_| of.value(bytes)).collect())
            }
            Self::Tuple(members) => {
                DynSolValue::Tuple(members.iter().map(|member| member.value(bytes)).collect())
            }
        }
    }
}

fn declared(members: &[Shape]) -> String {
    let each = members.iter().enumerate().map(|(place, member)| {
        let name = if place % 2 == 0 {
            format!(" m{place}")
        } else {
            String::new()
        };
        member.declared() + &name
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Every path to something that can be a value, and what is there.
fn paths(at: &str, value: &DynSolValue, found: &mut Vec<(String, Option<Value>)>) {
    let text = |bytes: &[u8]| Some(Value::Text(format!("0x{}", hex::encode(bytes))));
    let whole = |number: String| number.parse().ok().map(Value::Decimal);
    let said = match value {
        DynSolValue::Uint(number, _) => whole(number.to_string()),
        DynSolValue::Int(number, _) => whole(number.to_string()),
        DynSolValue::Bool(truth) => Some(Value::Bool(*truth)),
        DynSolValue::String(text) => {
            found.push((format!("{at}.length"), whole(text.len().to_string())));
            Some(Value::Text(text.clone()))
        }
        DynSolValue::Address(address) => text(address.as_slice()),
        DynSolValue::FixedBytes(word, length) => text(&word[..*length]),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => {
            for (place, item) in items.iter().enumerate() {
                paths(&format!("{at}[{place}]"), item, found);
            }
            found.push((format!("{at}.length"), whole(items.len().to_string())));
            return;
        }
        DynSolValue::Tuple(members) => return members_of(&format!("{at}."), members, found),
        other => panic!("no such shape: {other:?}"),
    };
    found.push((at.to_owned(), said));
}

fn members_of(before: &str, members: &[DynSolValue], found: &mut Vec<(String, Option<Value>)>) {
    for (place, member) in members.iter().enumerate() {
        let name = if place % 2 == 0 {
            format!("m{place}")
        } else {
            place.to_string()
        };
        paths(&format!("{before}{name}"), member, found);
    }
}

proptest! {
    #[test]
    fn a_path_finds_what_a_naive_walk_finds(
        members in prop::collection::vec(shape(), 1..4),
        entropy in prop::collection::vec(any::<u8>(), 64),
        cut in any::<prop::sample::Index>(),
        spoilt in any::<(prop::sample::Index, u8)>(),
    ) {
        let mut bytes = entropy.into_iter().cycle();
        let values: Vec<_> = members.iter().map(|member| member.value(&mut bytes)).collect();
        let data = DynSolValue::Tuple(values.clone()).abi_encode_params();
        let function = format!("f() view returns ({})", declared(&members));
        let mut expected = Vec::new();
        members_of("", &values, &mut expected);
        for (path, value) in expected {
            let settings = settings(&function, &path);
            let plan = match CallPlan::check(&settings) {
                Ok(plan) => plan,
                Err(refused) => {
                    prop_assert!(refused.contains("more than 2 deep"), "{path} in {function}: {refused}");
                    return Ok(());
                }
            };
            prop_assert_eq!(says(&plan, data.clone()).ok(), value, "{} in {}", path, function);
            // Neither of these is an answer of the function; what the third one is, nobody knows, but it ends.
            prop_assert!(says(&plan, data[..cut.index(data.len())].to_vec()).is_err());
            prop_assert!(says(&plan, [data.clone(), vec![0; 1 + cut.index(64)]].concat()).is_err());
            let mut other = data.clone();
            other[spoilt.0.index(data.len())] = spoilt.1;
            drop(says(&plan, other));
        }
    }

    #[test]
    fn no_bytes_are_more_than_an_answer_without_value(
        members in prop::collection::vec(shape(), 1..3),
        words in prop::collection::vec(prop_oneof![0u64..300, any::<u64>()], 0..20),
    ) {
        let function = format!("f() view returns ({})", declared(&members));
        let success = CallSettings { on_revert: OnRevert::Success, ..settings(&function, "") };
        if let Ok(plan) = CallPlan::check(&success) {
            drop(says(&plan, words.into_iter().flat_map(word).collect()));
        }
    }
}
