//! What answers say: every value that a path can lead to, and nothing where an answer is not what the function returns.

use alloy::dyn_abi::DynSolValue;
use alloy::primitives::{Address, FixedBytes};
use proptest::prelude::*;

use super::*;

mod random;

fn settings(function: &str, value: &str) -> CallSettings {
    CallSettings {
        address: Address::repeat_byte(7),
        function: function.to_owned(),
        arguments: Vec::new(),
        value: value.to_owned(),
        decimals: 0,
        on_revert: OnRevert::NoValue,
        from: None,
    }
}

fn plan(function: &str, value: &str) -> CallPlan {
    CallPlan::check(&settings(function, value)).unwrap()
}

fn refusal(settings: &CallSettings) -> String {
    CallPlan::check(settings).unwrap_err()
}

fn says(plan: &CallPlan, data: Vec<u8>) -> Result<Value, Silence> {
    plan.value(&Outcome::Returned(data.into()))
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn word(number: u64) -> Vec<u8> {
    U256::from(number).to_be_bytes_vec()
}

#[test]
fn the_call_is_the_selector_and_the_literals() {
    let mut settings = settings("transfer(address to, uint amount) returns (bool)", "");
    settings.arguments = vec![
        "0x00000000000000000000000000000000000000aa".to_owned(),
        "1_000".replace('_', ""),
    ];
    let plan = CallPlan::check(&settings).unwrap();
    let expected = "0xa9059cbb\
                    00000000000000000000000000000000000000000000000000000000000000aa\
                    00000000000000000000000000000000000000000000000000000000000003e8";
    assert_eq!(plan.question.data.to_string(), expected);
    assert!(
        !plan.question.grouped,
        "what is not declared view may change what others see"
    );
    settings.function = "transfer(address to, uint amount) view returns (bool)".to_owned();
    assert!(CallPlan::check(&settings).unwrap().question.grouped);
    settings.from = Some(Address::ZERO);
    assert!(
        !CallPlan::check(&settings).unwrap().question.grouped,
        "Multicall3 would be the caller"
    );
}

#[test]
fn each_kind_of_value_keeps_its_kind() {
    let mut price = settings("f() returns (int256)", "");
    price.decimals = 2;
    let price = CallPlan::check(&price).unwrap();
    let minus_five = I256::try_from(-5).unwrap();
    assert_eq!(says(&price, minus_five.abi_encode()), Ok(decimal("-0.05")));
    assert_eq!(
        says(&plan("f() returns (bool)", ""), word(1)),
        Ok(Value::Bool(true))
    );
    let text = |text: &str| Ok(Value::Text(text.to_owned()));
    assert_eq!(
        says(
            &plan("f() returns (address)", ""),
            Address::repeat_byte(0xAB).abi_encode()
        ),
        text("0xabababababababababababababababababababab")
    );
    assert_eq!(
        says(
            &plan("f() returns (bytes4)", ""),
            FixedBytes([1, 2, 3, 4]).abi_encode()
        ),
        text("0x01020304")
    );
    assert_eq!(
        says(
            &plan("f() returns (string)", ""),
            ("open",).abi_encode_params()
        ),
        text("open")
    );
    let list = plan("f() returns ((bool on, uint8 n)[] rows)", "[1].n");
    let rows = vec![(true, U256::ONE), (false, U256::from(7))];
    assert_eq!(says(&list, (rows,).abi_encode_params()), Ok(decimal("7")));
    let length = plan("f() returns (uint8 a, string s)", "s.length");
    assert_eq!(
        says(&length, (U256::ONE, "open").abi_encode_params()),
        Ok(decimal("4"))
    );
}

#[test]
fn a_revert_says_what_the_settings_say() {
    let reverted = Outcome::Reverted(Bytes::from_static(&[1]));
    let mut settings = settings("f() returns (uint256)", "");
    assert!(
        CallPlan::check(&settings)
            .unwrap()
            .value(&reverted)
            .is_err()
    );
    settings.on_revert = OnRevert::Value(decimal("0"));
    assert_eq!(
        CallPlan::check(&settings).unwrap().value(&reverted),
        Ok(decimal("0"))
    );
    settings.on_revert = OnRevert::Success;
    let success = CallPlan::check(&settings).unwrap();
    assert_eq!(success.value_type(), Type::Bool);
    assert_eq!(success.value(&reverted), Ok(Value::Bool(false)));
    assert_eq!(says(&success, word(9)), Ok(Value::Bool(true)));
    // Neither success nor failure: it is not the contract that was meant.
    assert!(says(&success, vec![]).is_err());
    for plan in [&success, &plan("f() returns (uint256)", "")] {
        assert!(plan.value(&Outcome::NoCode).is_err());
    }
}

#[test]
fn what_is_not_the_canonical_encoding_has_no_value() {
    let uint8 = plan("f() returns (uint8)", "");
    assert_eq!(says(&uint8, word(255)), Ok(decimal("255")));
    let list = plan("f() returns (uint256[])", "[0]");
    let two = ((vec![U256::ONE, U256::ZERO]),).abi_encode_params();
    assert_eq!(says(&list, two.clone()), Ok(decimal("1")));
    let dirty_address = [vec![0xff], word(0)[1..].to_vec()].concat();
    let huge = [word(32), U256::MAX.to_be_bytes_vec()].concat();
    let bytes4 = [vec![1, 2, 3, 4, 5], vec![0; 27]].concat();
    let text = [word(32), word(1), vec![0xff; 32]].concat();
    let not_utf8 = [word(32), word(1), vec![0xff], vec![0; 31]].concat();
    let shifted = [word(64), word(0), word(1), word(5)].concat();
    let itself = [word(0), word(1)].concat();
    for (what, plan, data) in [
        ("nothing", &uint8, vec![]),
        ("too short", &uint8, word(1)[1..].to_vec()),
        ("too long", &uint8, [word(1), vec![0]].concat()),
        ("another word", &uint8, [word(1), word(0)].concat()),
        ("too wide", &uint8, word(256)),
        ("no bool", &plan("f() returns (bool)", ""), word(2)),
        (
            "dirty address",
            &plan("f() returns (address)", ""),
            dirty_address,
        ),
        ("dirty bytes4", &plan("f() returns (bytes4)", ""), bytes4),
        ("dirty text", &plan("f() returns (string)", ""), text),
        ("no text", &plan("f() returns (string)", ""), not_utf8),
        ("a list without end", &list, huge),
        ("a gap", &list, shifted),
        ("an offset to itself", &list, itself),
        ("a list cut off", &list, two[..two.len() - 32].to_vec()),
        (
            "a list that is too short",
            &list,
            (Vec::<U256>::new(),).abi_encode_params(),
        ),
        (
            "another field too wide",
            &plan("f() returns (uint8 a, uint8 b)", "a"),
            [word(1), word(256)].concat(),
        ),
        ("megabytes", &uint8, vec![0; ANSWER_BYTES_MAX + 1]),
    ] {
        assert!(says(plan, data).is_err(), "{what}");
    }
}

#[test]
fn a_small_answer_cannot_decode_to_a_large_one() {
    // Every element of the outer list points to one and the same inner list.
    let inner = 1_000;
    let outer = 1_000;
    let bomb = [
        word(32),
        word(outer),
        (0..outer).flat_map(|_| word(outer * 32)).collect(),
        word(inner),
        vec![0; usize::try_from(inner).unwrap() * 32],
    ]
    .concat();
    assert!(bomb.len() <= 2 * ANSWER_BYTES_MAX);
    let list = plan("f() returns (uint256[][])", "length");
    assert!(says(&list, bomb).is_err());
    let refused = refusal(&settings("f() returns ((uint256[][] a)[])", "length"));
    assert!(refused.contains("more than 2 deep"), "{refused}");
}

#[test]
fn settings_that_do_not_fit_are_refused_with_the_remedy() {
    let base = || {
        settings(
            "position(uint256 id) view returns ((uint256 amount, (uint8 kind, bytes raw)[2] legs) p, bool held)",
            "p.amount",
        )
    };
    let with = |change: &dyn Fn(&mut CallSettings)| {
        let mut settings = base();
        settings.arguments = vec!["1".to_owned()];
        change(&mut settings);
        settings
    };
    assert!(CallPlan::check(&with(&|_| {})).is_ok());
    let cases: Vec<(CallSettings, &str)> = vec![
        (
            with(&|s| s.function = "position".to_owned()),
            "`function` is not a declaration",
        ),
        (
            with(&|s| s.arguments.clear()),
            "`arguments` has 0 literals, `position(uint256)` takes 1",
        ),
        (
            with(&|s| s.arguments = vec!["-1".to_owned()]),
            "number 1 is `-1`, which is no uint256",
        ),
        (
            with(&|s| s.value.clear()),
            "`value` is empty, but the function returns 2 values; there are `p` ((uint256,(uint8,bytes)[2])), `held` (bool)",
        ),
        (
            with(&|s| s.value = "p.amout".to_owned()),
            "no one value `amout` (did you mean `amount`?); there are `amount` (uint256), `legs`",
        ),
        (
            with(&|s| s.value = "p.legs[2].kind".to_owned()),
            "`2` is asked of an array of 2",
        ),
        (
            with(&|s| s.value = "p.legs.kind".to_owned()),
            "`kind` is asked of an array of 2",
        ),
        (
            with(&|s| s.value = "p.legs[0]".to_owned()),
            "lead further into it: there are `kind` (uint8), `raw` (bytes)",
        ),
        (
            with(&|s| s.value = "p.legs[0].raw".to_owned()),
            "`value` leads to bytes",
        ),
        (
            with(&|s| s.value = "p.amount.x".to_owned()),
            "`x` is asked of uint256, which has no parts",
        ),
        (
            with(&|s| s.value = "p..amount".to_owned()),
            "a dot too many",
        ),
        (
            with(&|s| s.value = "p.legs[x]".to_owned()),
            "`x` is no index",
        ),
        (
            with(&|s| s.value = "p.legs[0".to_owned()),
            "a `]` is missing",
        ),
        (
            with(&|s| s.value = "p.legs[0]kind".to_owned()),
            "`kind` follows without a dot",
        ),
        (with(&|s| s.decimals = 78), "`decimals` is 78, at most 77"),
        (
            with(&|s| {
                s.value = "held".to_owned();
                s.decimals = 2;
            }),
            "the value is no integer",
        ),
        (
            with(&|s| s.on_revert = OnRevert::Value(Value::Bool(false))),
            "`on_revert` is false, but the value is of type decimal",
        ),
        (with(&|s| s.on_revert = OnRevert::Success), "leave one out"),
    ];
    for (settings, reason) in cases {
        let refused = refusal(&settings);
        assert!(refused.contains(reason), "{refused}");
    }
}
