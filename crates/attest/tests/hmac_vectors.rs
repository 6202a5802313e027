//! Wycheproof's HMAC-SHA256 against the one that derives the keys of keystores (PBKDF2) and the nonces of signatures.
use hmac::{Hmac, Mac};
use sha2::Sha256;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

#[test]
fn tags_are_told_apart() {
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let mut mac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
            mac.update(&test.msg);
            // A tag may be cut short on purpose; the group says how long it is.
            assert_eq!(test.tag.len() * 8, group.tag_size);
            let accepted = mac.verify_truncated_left(&test.tag).is_ok();
            let place = format!("{}: {}", test.tc_id, test.comment);
            assert_eq!(accepted, test.result == TestResult::Valid, "{place}");
            if accepted {
                valid += 1;
            } else {
                invalid += 1;
            }
        }
    }
    assert!(valid > 50 && invalid > 50, "{valid} {invalid}");
}
