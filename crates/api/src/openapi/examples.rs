//! Bodies of writes as somebody would send them: a cover that reads, and a policy on it.

use serde_json::{Value, json};
use tocsin_domain::cover::Cover;

/// One of the covers that come with the project.
const COVER: &str = include_str!("../../../../config/covers/usdc-depeg-24h.toml");

/// Adds them to the description.
pub(super) fn add_to(document: &mut Value) {
    let policy = policy();
    for (path, kind, example) in [
        ("/v1/covers", "application/toml", json!(COVER)),
        ("/v1/covers/check", "application/toml", json!(COVER)),
        ("/v1/policies", "application/json", json!([policy])),
        (
            "/v1/policies",
            "application/x-ndjson",
            json!(format!("{policy}\n")),
        ),
    ] {
        let content = &mut document["paths"][path]["post"]["requestBody"]["content"][kind];
        content["example"] = example;
    }
}

fn policy() -> Value {
    // A test sees to it that it is a cover.
    let cover = Cover::parse(COVER).ok().map(|(cover, _warnings)| cover);
    json!({
        "number": "1",
        "cover": cover.as_ref().map(|cover| &cover.name),
        "terms_hash": cover.as_ref().map(|cover| cover.terms_hash),
        "consumer": "eip155:1:0x8fff9ba4bb0f33b3d2b9fbdbd1c4e8b8bcd9c9a1",
        "holder": "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "sum_insured": "10000000000",
        "inception": "2030-02-01T00:00:00Z",
        "expiry": "2031-02-01T00:00:00Z",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::take::NewPolicy;

    #[test]
    fn the_examples_are_what_they_should_be() {
        assert!(Cover::parse(COVER).is_ok());
        let policy: NewPolicy = serde_json::from_value(policy()).unwrap();
        assert_eq!(policy.terms_hash.len(), 66);
    }
}
