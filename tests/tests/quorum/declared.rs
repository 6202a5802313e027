//! A cover that a client declares to the members of a quorum while they run.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use tocsin_domain::time::Seconds;
use tocsin_tests::mortal::Death;

use super::quartet::Quartet;

const PATIENCE: Duration = Duration::from_secs(30);

/// Members evaluate from the same instant or not at all, so whoever declares has to name it, in time, to each of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_told_from_when_on_a_cover_is_evaluated() {
    let mut quartet = Quartet::set(&[], "").await;
    let members = [0, 1];
    for member in members {
        quartet.start(member, &Death::NEVER);
    }
    let begun = Instant::now();
    for member in members {
        while quartet.spots[member].get("v1/covers").await.is_none() {
            assert!(
                begun.elapsed() < PATIENCE,
                "member {member} does not answer"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let terms = std::fs::read_to_string(quartet.spots[0].folder().join("cover.toml")).unwrap();
    let terms = terms.replace("version = 1", "version = 2");
    let declare = async |member: usize, path: &str| {
        let key = format!("{member}-{}", path.replace('?', "-"));
        let spot: &tocsin_tests::spot::Spot = &quartet.spots[member];
        let answer = spot.post(path, "application/toml", &key, &terms).await;
        let (status, said): (StatusCode, Value) = (answer.status(), answer.json().await.unwrap());
        (status, said)
    };
    let (status, said) = declare(0, "v1/covers").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    let error = &said["errors"][0];
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("from the same instant"), "{said}");
    let help = error["help"].as_str().unwrap();
    assert!(help.contains("?evaluate_from="), "{said}");

    let now = quartet.spots[0].now();
    let past = format!("v1/covers?evaluate_from={}", now.0);
    let (status, said) = declare(0, &past).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    let covers = quartet.spots[0].get("v1/covers").await.unwrap();
    assert_eq!(covers["covers"].as_array().unwrap().len(), 1, "{covers}");

    let from = now + Seconds(3_600);
    let path = format!("v1/covers?evaluate_from={}", from.0);
    let mut declared = Vec::new();
    for member in members {
        let (status, said) = declare(member, &path).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
        assert_eq!(said["evaluate_from"], from.to_string());
        declared.push(said["terms_hash"].clone());
    }
    assert_eq!(declared[0], declared[1]);
}
