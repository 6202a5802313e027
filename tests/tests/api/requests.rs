//! Every request has a name, which its answer, its problem and the log have.

use reqwest::StatusCode;
use serde_json::Value;
use tocsin_api::health::Health;
use tocsin_tests::http;

use super::super::api;

#[tokio::test]
async fn a_request_has_one_name_in_its_answer_and_in_its_problem() {
    let (base, _folder) = api(&Health::default()).await;
    let ask = async |path: &str, name: Option<&str>| {
        let mut request = http::client().get(format!("{base}{path}"));
        if let Some(name) = name {
            request = request.header("x-request-id", name);
        }
        request.send().await.unwrap()
    };
    for path in ["/v1/covers", "/", "/nothing", "/health/live"] {
        let answer = ask(path, Some("order-7.a_B")).await;
        assert_eq!(answer.headers()["x-request-id"], "order-7.a_B", "{path}");
    }
    let long = "x".repeat(65);
    let mut made = Vec::new();
    for strange in [None, Some(""), Some("a b"), Some("{\"a\":1}"), Some(&*long)] {
        let answer = ask("/v1/policies/1", strange).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let name = answer.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["request_id"], name.as_str());
        assert!(name.len() == 32 && !made.contains(&name), "{name}");
        made.push(name);
    }
}
