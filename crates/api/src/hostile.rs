//! Whatever a stranger writes into an address or a body is taken for what it is or refused, and what is taken has one meaning.

use axum::http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use tocsin_domain::ids::{PolicyId, RiskId};

use crate::extract::{Counted, account, address, determination, id, media_type, number, shown};
use crate::page;
use crate::policies::take::NewPolicy;

/// Pieces of what may be there.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(0x)?[0-9a-fA-F]{38,42}",
        "(0x)?[0-9a-fA-F]{62,66}(-[0-9+ ]{0,12})?",
        "eip155:[0-9+]{0,21}:0x[0-9a-fA-F]{39,41}",
        "[A-Za-z0-9_=-]{0,80}",
        "[-+ 0-9]{0,22}",
    ]
}

proptest! {
    #[test]
    fn what_names_something_names_one_thing(text in text()) {
        if let Ok(policy) = id::<PolicyId>(&text, "a policy id") {
            prop_assert_eq!(policy.to_string(), text.to_ascii_lowercase());
        }
        if let Ok(address) = address(&text) {
            prop_assert_eq!(format!("{address:#x}"), text.to_ascii_lowercase());
        }
        if let Ok(consumer) = account(&text) {
            let again = format!("eip155:{}:{:#x}", consumer.chain_id, consumer.address);
            let again = account(&again).unwrap();
            prop_assert_eq!((again.chain_id, again.address), (consumer.chain_id, consumer.address));
        }
        if let Ok((risk, ordinal)) = determination(&text) {
            let again = determination(&format!("{risk}-{ordinal}")).unwrap();
            prop_assert_eq!(again, (risk, ordinal));
        }
        if let Some(number) = number::<u64>(&text) {
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(text.trim_start_matches('0').parse().unwrap_or(0), number);
        }
        prop_assert!(shown(&text).chars().all(|c| !c.is_control()));
    }

    #[test]
    fn a_cursor_is_ours_or_refused(text in text()) {
        if let Ok(Some(key)) = page::after::<(PolicyId, u32)>(Some(&text)) {
            let again = page::cursor(&key).unwrap();
            prop_assert_eq!(page::after::<(PolicyId, u32)>(Some(&again)).unwrap(), Some(key));
        }
        if let Ok(Some(key)) = page::after::<RiskId>(Some(&text)) {
            let again = page::cursor(&key).unwrap();
            prop_assert_eq!(page::after::<RiskId>(Some(&again)).unwrap(), Some(key));
        }
    }

    #[test]
    fn a_body_is_a_policy_or_is_not(bytes in prop::collection::vec(any::<u8>(), 0..80), text in text()) {
        let _any = serde_json::from_slice::<NewPolicy>(&bytes);
        let _any = serde_json::from_str::<Counted>(&text);
        let mut headers = HeaderMap::new();
        if let Ok(kind) = HeaderValue::from_bytes(&bytes) {
            headers.insert("content-type", kind);
        }
        prop_assert!(!media_type(&headers).contains(';'));
    }
}
