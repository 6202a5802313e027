//! What a service was given in confidence is in nothing that it answers: every path of its description, with everything that
//! its answers name, its pages, its metrics and its problems.

use std::collections::BTreeSet;

use alloy::hex;
use serde_json::Value;
use tocsin_tests::spot::Spot;
use tocsin_tests::teller::MASTER;

use super::live;

/// Names from answers that are tried in every path.
const NAMES: usize = 60;

const PROVIDER_KEY: &str = "provider-key-5e1f0c7d";

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_has_a_secret() {
    let spot = Spot::open(&[(1, "AAA"), (2, "BBB")]).await;
    spot.exchange_key(PROVIDER_KEY);
    spot.give_key(PROVIDER_KEY);
    let master = hex::encode(MASTER);
    std::fs::write(spot.folder().join("master.key"), &master).unwrap();
    let config = std::fs::read_to_string(spot.config()).unwrap();
    let more = "[auth]\nenvironment = \"test\"\nmaster_key = \"file:master.key\"\n[webhooks]\n";
    std::fs::write(spot.config(), format!("{config}{more}")).unwrap();
    let attestor = std::fs::read_to_string(spot.folder().join("attestor.key")).unwrap();
    let _service = live(&spot);
    spot.until_seen("AAA").await;
    let hook = "{\"url\":\"https://hooks.example.com/told\"}";
    let hook = spot
        .post("v1/webhooks", "application/json", "h", hook)
        .await;
    let hook: Value = hook.json().await.unwrap();
    let shown = hook["secret"].as_str().unwrap_or_else(|| panic!("{hook}"));
    spot.set_price("AAA", "0.8");
    spot.pass_until("it is paid", async || spot.attested().await.len() == 1)
        .await;

    let secrets = [
        PROVIDER_KEY,
        master.as_str(),
        attestor.trim().trim_start_matches("0x"),
        shown.split_once('_').unwrap().1,
    ];
    let described = spot.get("v1/openapi.json").await.unwrap();
    let paths = described["paths"].as_object().unwrap().iter();
    let read = paths.filter(|(path, item)| item["get"].is_object() && *path != "/v1/events");
    let (named, plain): (Vec<&String>, Vec<&String>) = read
        .map(|(path, _)| path)
        .partition(|path| path.contains('{'));
    assert!(named.len() > 20 && plain.len() > 15, "{named:?} {plain:?}");
    let pages = [
        "/",
        "/eligibility",
        "/log",
        "/docs",
        "/metrics",
        "/v1/nothing",
        "/v1/policies?x=1",
    ];
    let mut names = BTreeSet::new();
    let mut answered = 0;
    for path in plain.iter().map(|path| path.as_str()).chain(pages) {
        let said = heard(&spot, path, &secrets).await;
        answered += 1;
        if let Ok(said) = serde_json::from_str::<Value>(&said) {
            collect(&said, &mut names);
        }
    }
    for path in &named {
        for name in names.iter().take(NAMES) {
            let (before, rest) = path.split_once('{').unwrap();
            let (_, after) = rest.split_once('}').unwrap();
            heard(&spot, &format!("{before}{name}{after}"), &secrets).await;
            answered += 1;
        }
    }
    assert!(answered > 1_000, "{answered} {names:?}");
}

/// An answer, with its headers, in which no secret is.
async fn heard(spot: &Spot, path: &str, secrets: &[&str]) -> String {
    let answer = spot.ask(path.trim_start_matches('/')).await;
    let headers = format!("{:?}", answer.headers());
    let body = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    for secret in secrets {
        let is_said = body.contains(secret) || headers.contains(secret);
        assert!(!is_said, "{path} says {secret}: {headers} {body}");
    }
    body
}

/// Everything that may name something: ids, hashes, names, subjects.
fn collect(said: &Value, names: &mut BTreeSet<String>) {
    let may_name = |text: &str| {
        let known =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
        (1..=80).contains(&text.len()) && text.bytes().all(known)
    };
    match said {
        Value::String(text) if may_name(text) => {
            names.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(members) => members.values().for_each(|item| collect(item, names)),
        _ => {}
    }
}
