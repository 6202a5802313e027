//! Which answers are reverts, and what the answer of a group can be.

use serde_json::json;

use super::*;

fn of(said: &Json) -> Option<Bytes> {
    reverted(&serde_json::from_value(said.clone()).unwrap())
}

#[test]
fn a_revert_is_one_only_if_the_node_says_so_of_the_call() {
    let error = |code: i64, message: &str, data: Json| json!({"code": code, "message": message, "data": data});
    for (answer, data) in [
        (
            error(3, "execution reverted", json!("0x08c3")),
            &[8, 0xc3][..],
        ),
        (
            error(3, "execution reverted: ERC20: no", json!("0x01")),
            &[1],
        ),
        (error(3, "anything", json!("0x")), &[]),
        (json!({"code": 3, "message": "execution reverted"}), &[]),
        (error(-32000, "execution reverted", Json::Null), &[]),
        (
            error(-32000, "Execution reverted: paused", json!("0x02")),
            &[2],
        ),
    ] {
        assert_eq!(of(&answer), Some(Bytes::from_static(data)), "{answer}");
    }
    for answer in [
        error(-32000, "out of gas", json!("0x01")),
        error(-32000, "header not found", Json::Null),
        error(-32005, "rate limit exceeded", json!("0x01")),
        error(
            -32000,
            "the upstream said: execution reverted",
            json!("0x01"),
        ),
        error(
            -32603,
            "Internal error",
            json!({"trace": "execution reverted"}),
        ),
        error(3, "execution reverted", json!("not hex")),
        error(3, "execution reverted", json!({"reason": "?"})),
    ] {
        assert_eq!(of(&answer), None, "{answer}");
    }
}

#[test]
fn a_group_is_answered_whole_or_not_at_all() {
    type Results = Vec<(bool, Bytes)>;
    let encode = |results: Results| Bytes::from((results,).abi_encode_params());
    let both = encode(vec![
        (true, Bytes::from_static(&[1; 40])),
        (false, Bytes::from_static(&[2])),
    ]);
    let expected = vec![Some(Outcome::Returned(Bytes::from_static(&[1; 40]))), None];
    assert_eq!(shares(&both, 2), Some(expected));
    for (what, data, asked) in [
        ("no Multicall3", Bytes::new(), 2),
        ("too few", both.clone(), 3),
        ("too many", both.clone(), 1),
        ("cut off", both.slice(..both.len() - 32), 2),
        ("left over", [both.to_vec(), vec![0; 32]].concat().into(), 2),
        ("noise", Bytes::from_static(&[0xff; 96]), 2),
    ] {
        assert_eq!(shares(&data, asked), None, "{what}");
    }
}
