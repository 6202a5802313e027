//! The examples of RFC 9421 (B.2.5, B.2.6) and RFC 9530, and keys that are none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tocsin_auth::VerifyingKey;

use super::*;

const SHARED_SECRET: &str =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const HMAC_BASE: &str = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT
\"@authority\": example.com
\"content-type\": application/json
\"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
const HMAC_SIGNATURE: &str = "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=";

const PUBLIC_KEY: &str = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
const ED25519_BASE: &str = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT
\"@method\": POST
\"@path\": /foo
\"@authority\": example.com
\"content-type\": application/json
\"content-length\": 18
\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
const ED25519_SIGNATURE: &str =
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

#[test]
fn the_examples_verify() {
    let shared = VerifyingKey::hmac(&bytes(SHARED_SECRET)).unwrap();
    let own = VerifyingKey::ed25519(&bytes(PUBLIC_KEY)).unwrap();
    for (key, base, signature) in [
        (&shared, HMAC_BASE, HMAC_SIGNATURE),
        (&own, ED25519_BASE, ED25519_SIGNATURE),
    ] {
        let signature = bytes(signature);
        assert!(key.verifies(base.as_bytes(), &signature));
        for place in 0..signature.len() {
            let mut other = signature.clone();
            other[place] ^= 1;
            assert!(!key.verifies(base.as_bytes(), &other), "{place}");
        }
        assert!(!key.verifies(base.as_bytes(), &signature[1..]));
        assert!(!key.verifies(base.as_bytes(), &[]));
        assert!(!key.verifies(&base.as_bytes()[1..], &signature));
    }
    assert!(!own.verifies(HMAC_BASE.as_bytes(), &bytes(HMAC_SIGNATURE)));
}

#[test]
fn the_digest_is_that_of_the_example() {
    let body = b"{\"hello\": \"world\"}";
    let header = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    assert_eq!(ContentDigest::of(body).header(), header);
    assert!(ContentDigest::read(header).unwrap().fits(body));
    let both = format!("{header}, sha-512=:AAAA:");
    for other in [
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPF=:",
        "sha-256=:X48E:",
        "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE",
        "md5=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:;a",
        &both,
        "",
    ] {
        assert_eq!(ContentDigest::read(other), None, "{other}");
    }
}

/// Under a public key of small order, one signature fits many messages.
#[test]
fn keys_that_are_none_are_refused() {
    VerifyingKey::hmac(&[1; 31]).unwrap_err();
    VerifyingKey::ed25519(&[1; 31]).unwrap_err();
    let mut one = [0; 32];
    for first in [0, 1] {
        one[0] = first;
        for last in [0, 0x80] {
            one[31] = last;
            VerifyingKey::ed25519(&one).unwrap_err();
        }
    }
}
