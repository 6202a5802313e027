//! Any three lines are the headers of a signature and a digest, or are refused; what is read is written again as it was.
#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use tocsin_auth::digest::ContentDigest;
use tocsin_auth::parse::said;
use tocsin_auth::request::Request;

fuzz_target!(|text: &str| {
    let mut headers = HeaderMap::new();
    let names = ["signature-input", "signature", "content-digest", "content-type"];
    for (name, line) in names.into_iter().zip(text.lines()) {
        let Ok(value) = HeaderValue::from_str(line) else {
            return;
        };
        if !line.is_empty() {
            headers.append(name, value);
        }
    }
    let request = Request {
        method: &Method::GET,
        authority: "api.tocsin.test",
        path: "/v1/keys",
        query: None,
        headers: &headers,
    };
    if let Ok(read) = said(&request) {
        assert!(text.contains(read.key.as_str()));
        assert!(text.contains(read.nonce.as_str()));
    }
    if let Some(digest) = text.lines().nth(2).and_then(ContentDigest::read) {
        assert!(text.contains(&digest.header()));
    }
});
