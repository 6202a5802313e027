//! The local flight server answers as AeroAPI's description says, and as time passes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be set up is a failed test"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{Response, StatusCode};
use serde_json::Value as Json;
use tocsin::clock::SetClock;
use tocsin::demo::storm::provider::{Fault, Provider};
use tocsin::demo::storm::slice::{self, Flight};
use tocsin_domain::time::{Seconds, Timestamp};
use tokio::net::TcpListener;

const KEY: &str = "a key";

struct Served {
    base: String,
    provider: Provider,
    clock: SetClock,
    client: reqwest::Client,
}

async fn serve(now: &str, page: usize) -> Served {
    let clock = SetClock::new(at(now));
    let flights = slice::flights().unwrap();
    let provider = Provider::with_pages(flights, Arc::new(clock.clone()), KEY, page);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/aeroapi", listener.local_addr().unwrap());
    let router = provider.router();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    Served {
        base,
        provider,
        clock,
        client: reqwest::Client::builder()
            .timeout(std::time::Duration::from_secs(10))
            .build()
            .unwrap(),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

impl Served {
    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base));
        request.header("x-apikey", KEY).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Json {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// The only record of a flight on the first day.
    async fn record(&self, ident: &str) -> Json {
        let day = "start=2013-02-08T05:00:00Z&end=2013-02-09T05:00:00Z";
        let mut answer = self.json(&format!("/flights/{ident}?{day}")).await;
        let records = answer["flights"].as_array_mut().unwrap();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }
}

/// The description is kept beside the repository; where it must not be missing, that fails.
fn description() -> Option<Json> {
    #[expect(clippy::disallowed_methods, reason = "says where reference data is")]
    let (shared, ci) = (std::env::var_os("TOCSIN_SHARED"), std::env::var_os("CI"));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = shared.map_or(beside, PathBuf::from);
    let file = folder.join("aeroapi/openapi.yaml");
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(serde_saphyr::from_str(&text).unwrap()),
        Err(error) => {
            assert!(ci.is_none(), "{}: {error}", file.display());
            None
        }
    }
}

/// What is wrong with `value` by a schema of OpenAPI 3.0, in the parts of it that the description uses.
fn violations(schema: &Json, value: &Json, at: &str, found: &mut Vec<String>) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let mut refuse = |what: &str| found.push(format!("{at}: {what}: {value}"));
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("the description has a type {other}"),
        None => true,
    };
    if !fits {
        refuse(&format!("is no {}", schema["type"]));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        refuse("is none of the choices");
    }
    if schema["format"] == "date-time"
        && let Some(text) = value.as_str()
        && (Timestamp::parse(text).is_err() || !text.ends_with('Z'))
    {
        refuse("is no instant");
    }
    for (limit, fits) in [
        ("minimum", value.as_i64() >= schema["minimum"].as_i64()),
        (
            "maximum",
            value.as_i64() <= schema["maximum"].as_i64() || schema["maximum"].is_null(),
        ),
    ] {
        if value.is_i64() && !fits {
            refuse(limit);
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            violations(member, value, &format!("{at}/{name}"), found);
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        violations(part, value, at, found);
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        violations(&schema["items"], item, &format!("{at}/{place}"), found);
    }
}

/// Members that the description does not name.
fn unnamed(schema: &Json, record: &Json) -> Vec<String> {
    let parts = schema["allOf"].as_array().unwrap();
    let known = |name: &str| parts.iter().any(|part| !part["properties"][name].is_null());
    let members = record.as_object().unwrap().keys();
    members.filter(|name| !known(name)).cloned().collect()
}

#[tokio::test]
async fn every_answer_is_as_the_description_says() {
    let Some(description) = description() else {
        return;
    };
    let responses = &description["paths"]["/flights/{ident}"]["get"]["responses"];
    let schema = |status: &str| &responses[status]["content"]["application/json"]["schema"];
    let items = &schema("200")["properties"]["flights"]["items"];
    let served = serve("2013-02-07T23:00:00Z", 1).await;
    let idents = [
        "UA1018", "B6128", "UA1545", "WN1558", "EV4099", "DL1174", "US2122",
    ];
    let mut statuses = std::collections::BTreeSet::new();
    for hour in (0..60).step_by(2) {
        served
            .clock
            .advance_to(at("2013-02-07T23:00:00Z") + Seconds(hour * 3_600));
        for ident in idents {
            let path = format!("/flights/{ident}?start=2013-02-08&end=2013-02-09&max_pages=2");
            let answer = served.json(&path).await;
            let mut found = Vec::new();
            violations(schema("200"), &answer, "", &mut found);
            assert_eq!(found, Vec::<String>::new(), "{path}");
            for record in answer["flights"].as_array().unwrap() {
                assert_eq!(unnamed(items, record), Vec::<String>::new());
                statuses.insert(record["status"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(statuses.len() >= 6, "{statuses:?}");
    let refused = served.get("/flights/UA1?start=2013-01-01").await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let mut found = Vec::new();
    let problem = refused.json().await.unwrap();
    violations(schema("400"), &problem, "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn a_flight_goes_from_the_schedule_to_the_gate() {
    let flights = slice::flights().unwrap();
    let late: &Flight = flights
        .iter()
        .find(|flight| matches!(flight.fate, slice::Fate::Arrived { out, at_gate, .. }
            if out.since(flight.scheduled_out) >= Seconds(3_600) && at_gate > flight.scheduled_in + Seconds(3_600)))
        .unwrap();
    let slice::Fate::Arrived {
        out,
        off,
        on,
        at_gate,
    } = late.fate
    else {
        panic!("it arrived");
    };
    let ident = late.ident();
    let served = serve("2013-02-07T23:00:00Z", 15).await;
    let mut seen = Vec::new();
    for now in [
        late.scheduled_out - Seconds(10_000),
        late.scheduled_out - Seconds(60),
        out,
        off,
        on,
        at_gate - Seconds(1),
        at_gate,
    ] {
        served.clock.advance_to(now);
        let record = served.record(&ident).await;
        seen.push(record["status"].as_str().unwrap().to_owned());
        assert_eq!(record["actual_in"].is_null(), now < at_gate);
        assert_eq!(record["cancelled"], false);
    }
    assert_eq!(
        seen,
        [
            "Scheduled",
            "Scheduled / Delayed",
            "Taxiing / Left Gate",
            "En Route / Delayed",
            "Landed / Taxiing",
            "Landed / Taxiing",
            "Arrived / Delayed",
        ]
    );
    let record = served.record(&ident).await;
    assert_eq!(record["ident_iata"], *ident);
    assert_eq!(record["actual_in"], at_gate.to_string());
    assert_eq!(record["arrival_delay"], at_gate.since(late.scheduled_in).0);
}

#[tokio::test]
async fn what_never_left_is_called_off_before_it_should_have() {
    let served = serve("2013-02-07T23:00:00Z", 15).await;
    let flights = slice::flights().unwrap();
    let never = flights
        .iter()
        .find(|flight| flight.fate == slice::Fate::Cancelled && flight.date.day() == 8)
        .unwrap();
    let ident = never.ident();
    served
        .clock
        .advance_to(never.scheduled_out - Seconds(8 * 3_600 + 1));
    assert_eq!(served.record(&ident).await["cancelled"], false);
    served
        .clock
        .advance_to(never.scheduled_out - Seconds(3_600));
    let record = served.record(&ident).await;
    assert_eq!(record["cancelled"], true);
    assert_eq!(record["status"], "Cancelled");
    assert_eq!(record["actual_out"], Json::Null);
}

#[tokio::test]
async fn pages_are_linked_and_keys_are_asked_for() {
    let served = serve("2013-02-08T12:00:00Z", 1).await;
    let range = "start=2013-02-08&end=2013-02-10T06:00:00Z";
    let first = served.json(&format!("/flights/B6128?{range}")).await;
    let next = first["links"]["next"].as_str().unwrap();
    let second = served.json(next).await;
    assert_eq!(second["links"], Json::Null);
    let out = |answer: &Json| at(answer["flights"][0]["scheduled_out"].as_str().unwrap());
    assert!(
        out(&first) > out(&second),
        "the latest departure comes first"
    );
    let both = served
        .json(&format!("/flights/JBU128?{range}&max_pages=2"))
        .await;
    assert_eq!(both["flights"].as_array().unwrap().len(), 2);
    assert_eq!(both["num_pages"], 2);

    let stranger = reqwest::get(format!("{}/flights/B6128", served.base))
        .await
        .unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let nobody = served.json("/flights/ZZ1").await;
    assert_eq!(nobody["flights"], serde_json::json!([]));
    let date = &served.get("/flights/ZZ1").await.headers()["date"].clone();
    assert_eq!(date, "Fri, 08 Feb 2013 12:00:00 GMT");
}

#[tokio::test]
async fn what_can_go_wrong_does() {
    let served = serve("2013-02-08T12:00:00Z", 15).await;
    let path = "/flights/UA1018?start=2013-02-08&end=2013-02-09";
    served.provider.fail("UA1018", Fault::Html);
    let page = served.get(path).await;
    assert_eq!(page.headers()["content-type"], "text/html");
    served.provider.fail("UA1018", Fault::ServerError);
    assert_eq!(served.get(path).await.status().as_u16(), 500);
    served.provider.fail("UA1018", Fault::Truncated);
    assert!(served.get(path).await.json::<Json>().await.is_err());
    served.provider.fail("UA1018", Fault::UnheardOfStatus);
    let answer = served.json(path).await;
    assert_eq!(answer["flights"][0]["status"], "Circling / Out of Coffee");
    let other = served
        .json("/flights/UA571?start=2013-02-08&end=2013-02-09")
        .await;
    assert_ne!(other["flights"][0]["status"], "Circling / Out of Coffee");
    served.provider.heal();
    let answer = served.json(path).await;
    assert_ne!(answer["flights"][0]["status"], "Circling / Out of Coffee");
    assert_eq!(served.provider.requests(), 6);
}
