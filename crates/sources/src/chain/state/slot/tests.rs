//! Slots as Solidity lays them out, and fields of packed words.

use tocsin_domain::value::Value;

use super::*;

fn settings(slot: &str) -> StorageSettings {
    StorageSettings {
        address: Address::repeat_byte(7),
        slot: slot.to_owned(),
        bit_offset: 0,
        bits: 256,
        field: StorageField::Unsigned,
        decimals: 0,
    }
}

fn slot(text: &str) -> B256 {
    SlotPlan::check(&settings(text)).unwrap().slot
}

fn hashed(parts: &[&[u8]]) -> B256 {
    keccak256(parts.concat())
}

#[test]
fn a_slot_is_a_number_or_where_a_mapping_has_a_key() {
    let three = B256::from(U256::from(3));
    assert_eq!(slot("3"), three);
    assert_eq!(slot("0x03"), three);
    assert_eq!(slot(&format!("{:#x}", U256::MAX)), B256::repeat_byte(0xff));
    let who = Address::repeat_byte(0xaa);
    let balance = hashed(&[who.into_word().as_slice(), three.as_slice()]);
    assert_eq!(slot(&format!("mapping(3,{who})")), balance);
    let seven = B256::from(U256::from(7));
    let inner = hashed(&[seven.as_slice(), balance.as_slice()]);
    assert_eq!(slot(&format!("mapping( 3, {who:?}, 7 )")), inner);
    let next = B256::from(U256::from_be_bytes(inner.0) + U256::from(2));
    assert_eq!(slot(&format!("mapping(3,{who},7)+2")), next);
    assert_eq!(
        slot("mapping(3,\"a,b\")"),
        hashed(&[b"a,b", three.as_slice()])
    );
    assert_eq!(
        slot("mapping(3,-1)"),
        hashed(&[&[0xff; 32], three.as_slice()])
    );
    assert_eq!(slot("mapping(3,true)"), slot("mapping(3,1)"));
    assert_eq!(slot(&format!("mapping(3,{seven})")), slot("mapping(3,7)"));
}

#[test]
fn what_is_no_slot_is_refused_with_the_remedy() {
    for (text, reason) in [
        ("", "`` is no number"),
        ("0x", "`0x` is no number"),
        ("-1", "`-1` is no number"),
        ("balances", "`balances` is no number"),
        (&"9".repeat(90), "is no number of 256 bits"),
        ("mapping(3)", "a mapping needs a key"),
        ("mapping(3,1", "a `)` is missing"),
        ("mapping(3,0x1234)", "neither an address nor 32 bytes"),
        ("mapping(3,x)", "`x` is no number"),
        ("mapping(3,1)-1", "`-1` after the mapping has no meaning"),
    ] {
        let refused = SlotPlan::check(&settings(text)).unwrap_err();
        assert!(
            refused.contains(reason) && refused.contains("`mapping(slot,key)`"),
            "{refused}"
        );
    }
}

#[test]
fn fields_that_do_not_fit_a_word_are_refused() {
    let field = |bit_offset, bits, field, decimals| {
        SlotPlan::check(&StorageSettings {
            bit_offset,
            bits,
            field,
            decimals,
            ..settings("0")
        })
        .map(drop)
    };
    use StorageField::{Address as Account, Bool, Signed, Unsigned};
    assert_eq!(field(255, 1, Unsigned, 18), Ok(()));
    for (offset, bits, kind, decimals, reason) in [
        (0, 0, Unsigned, 0, "`bits` is 0"),
        (1, 256, Signed, 0, "bits 0 to 255"),
        (u16::MAX, u16::MAX, Signed, 0, "bits 0 to 255"),
        (0, 1, Bool, 0, "such a field has 8"),
        (0, 256, Account, 0, "such a field has 160"),
        (0, 8, Bool, 1, "leave it out"),
        (0, 8, Unsigned, 78, "at most 77"),
    ] {
        let refused = field(offset, bits, kind, decimals).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a_field_is_its_bits_and_no_others() {
    let word = U256::from(0x1234_u64) << 160usize
        | U256::from(0xfe_u64) << 240usize
        | U256::from_be_slice(&[0xab; 20]);
    let read = |bit_offset, bits, field, decimals| {
        let settings = StorageSettings {
            bit_offset,
            bits,
            field,
            decimals,
            ..settings("0")
        };
        SlotPlan::check(&settings).unwrap().value(Some(word))
    };
    let decimal = |text: &str| Ok(Value::Decimal(text.parse().unwrap()));
    assert_eq!(read(160, 16, StorageField::Unsigned, 2), decimal("46.60"));
    assert_eq!(read(240, 8, StorageField::Unsigned, 0), decimal("254"));
    assert_eq!(read(240, 8, StorageField::Signed, 0), decimal("-2"));
    assert_eq!(read(240, 16, StorageField::Signed, 0), decimal("254"));
    assert_eq!(
        read(0, 160, StorageField::Address, 0),
        Ok(Value::Text(
            "0xabababababababababababababababababababab".to_owned()
        ))
    );
    assert_eq!(read(248, 8, StorageField::Bool, 0), Ok(Value::Bool(false)));
    assert!(
        read(240, 8, StorageField::Bool, 0).is_err(),
        "254 is no bool"
    );
    let whole = SlotPlan::check(&settings("0")).unwrap();
    assert!(whole.value(Some(U256::MAX)).is_err(), "no decimal holds it");
    assert!(
        whole.value(None).is_err(),
        "a contract that is not there has no zero"
    );
    assert_eq!(whole.value(Some(U256::ZERO)), decimal("0"));
}
