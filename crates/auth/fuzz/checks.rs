//! What holds of whatever a stranger sends as a signature: for a fuzzer, and for a test over what was once found.

use http::{HeaderMap, HeaderValue, Method};
use tocsin_auth::digest::ContentDigest;
use tocsin_auth::parse::said;
use tocsin_auth::request::Request;
use tocsin_auth::{KeyId, Scopes};

/// Any four lines are the headers of a signature and a digest, or are refused; what is read is written again as it was. Whether they
/// are a signature.
pub(crate) fn signature(text: &str) -> bool {
    let mut headers = HeaderMap::new();
    let names = [
        "signature-input",
        "signature",
        "content-digest",
        "content-type",
    ];
    for (name, line) in names.into_iter().zip(text.lines()) {
        let Ok(value) = HeaderValue::from_str(line) else {
            return false;
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
    if let Some(digest) = text.lines().nth(2).and_then(ContentDigest::read) {
        assert!(text.contains(&digest.header()));
    }
    let Ok(read) = said(&request) else {
        return false;
    };
    assert!(text.contains(read.key.as_str()));
    assert!(text.contains(read.nonce.as_str()));
    true
}

/// Any text is the id of a key and a list of scopes, or neither; what is read is written again as it was.
pub(crate) fn names(text: &str) {
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.as_str(), text);
    }
    if let Ok(scopes) = text.parse::<Scopes>() {
        assert_eq!(scopes.to_string().parse::<Scopes>().as_ref(), Ok(&scopes));
    }
}
