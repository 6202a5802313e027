//! Flights over real HTTP: what each provider is asked, and what becomes of good and of bad answers.

#[path = "flight_feeds/server.rs"]
mod server;

use secrecy::SecretString;
use serde_json::Value as Json;
use tocsin_domain::observation::{Provenance, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_sources::feed::{
    Definition, Feed, FeedSettings, KeySettings, KeyText, Look, Next, Seen, TroubleKind,
};

use self::server::{Canned, Provider};

const UA1545: &str = "flight:UA1545/2013-01-01/EWR";

fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn recorded(provider: &str) -> Json {
    serde_json::from_str(&file(&format!("tests/flight_exchanges/{provider}.json"))).unwrap()
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn feed(provider: &str, server: &Provider) -> Feed {
    let name = format!("{provider}.toml");
    let definition =
        Definition::parse(&file(&format!("../../config/feeds/{name}")), &name).unwrap();
    let key = KeySettings {
        name: "first".to_owned(),
        text: KeyText::Text(SecretString::from("account:secret".to_owned())),
        per_day: None,
    };
    let settings = FeedSettings {
        keys: vec![key],
        base_url: Some(server.url()),
        per_second: core::num::NonZeroU32::new(1000),
        ..FeedSettings::default()
    };
    Feed::new(definition, settings).unwrap()
}

fn first_look(feed: &Feed, subject: &str) -> Look {
    let subject = Subject::from(subject);
    Look {
        due_at: feed.first_look(&subject).unwrap(),
        subject,
        watermark: None,
        memory: None,
    }
}

/// Looks at one flight, one after another.
struct Watch {
    server: Provider,
    feed: Feed,
    look: Look,
}

impl Watch {
    async fn start(provider: &str) -> Self {
        let server = Provider::start().await;
        let feed = feed(provider, &server);
        let look = first_look(&feed, UA1545);
        Self { server, feed, look }
    }

    async fn see(&mut self, at: &str, canned: Canned) -> Seen {
        let now = time(at);
        self.server.answers(now, canned);
        let request = self.feed.requests(vec![self.look.clone()]).remove(0);
        let answer = self.feed.ask(request, now).await;
        let seen = answer.seen.into_iter().next().unwrap();
        for observation in &seen.observations {
            if let Some(response) = answer.responses.first() {
                assert_eq!(
                    observation.provenance,
                    Provenance::Raw {
                        hash: response.hash
                    }
                );
            }
        }
        for response in &answer.responses {
            assert!(!response.url.contains("secret"), "{}", response.url);
        }
        self.look.watermark = seen.watermark;
        self.look.memory = Some(seen.memory.clone());
        if let Next::At(due_at) = seen.next {
            self.look.due_at = due_at;
        }
        seen
    }
}

fn said(seen: &Seen) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => other.to_string(),
    };
    seen.observations
        .iter()
        .map(|observation| {
            (
                observation.metric.to_string(),
                observation.value.as_ref().map(text),
            )
        })
        .collect()
}

fn value(metric: &str, value: &str) -> (String, Option<String>) {
    (metric.to_owned(), Some(value.to_owned()))
}

#[tokio::test]
async fn what_each_provider_is_asked() {
    for (provider, line, headers) in [
        (
            "aeroapi",
            "GET /aeroapi/flights/UA1545?ident_type=designator&start=2013-01-01T05%3A00%3A00Z&end=2013-01-02T05%3A00%3A00Z HTTP/1.1",
            vec!["x-apikey: account:secret"],
        ),
        (
            "aviationstack",
            "GET /v1/flights?flight_iata=UA1545&flight_date=2013-01-01&limit=100&access_key=account%3Asecret HTTP/1.1",
            vec![],
        ),
        (
            "aerodatabox",
            "GET /flights/number/UA1545/2013-01-01?dateLocalRole=Departure&withAircraftImage=false&withLocation=false HTTP/1.1",
            vec![
                "x-rapidapi-key: account:secret",
                "x-rapidapi-host: aerodatabox.p.rapidapi.com",
            ],
        ),
        (
            "flightstats",
            "GET /flex/flightstatus/rest/v2/json/flight/status/UA/1545/dep/2013/01/01?utc=false&codeType=IATA HTTP/1.1",
            vec!["appid: account", "appkey: secret"],
        ),
    ] {
        let mut watch = Watch::start(provider).await;
        let seen = watch
            .see("2013-01-01T14:40:00Z", Canned::json(recorded(provider)))
            .await;
        assert_eq!(seen.troubles, [], "{provider}");
        assert_eq!(said(&seen), [value("status", "landed-provisional")]);
        let asked = watch.server.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].lines().next().unwrap(), line);
        for header in headers {
            assert!(
                asked[0].contains(&format!("\r\n{header}\r\n")),
                "{}",
                asked[0]
            );
        }
        let seen = watch
            .see("2013-01-01T15:25:00Z", Canned::json(recorded(provider)))
            .await;
        assert_eq!(
            said(&seen),
            [
                value("status", "landed"),
                value("arrival_delay", "11min"),
                value("departure_delay", "2min")
            ],
            "{provider}"
        );
        assert_eq!(seen.next, Next::Over);
        assert_eq!(
            seen.observations[0].observed_at,
            time("2013-01-01T15:25:00Z")
        );
    }
}

#[tokio::test]
async fn several_subjects_share_a_request() {
    let server = Provider::start().await;
    let now = time("2013-01-01T14:40:00Z");
    for (provider, subjects, requests) in [
        (
            "aeroapi",
            vec![
                UA1545,
                "flight:UA1545/2013-01-01T0515/EWR",
                "flight:UA1545/2013-01-02/EWR",
            ],
            2,
        ),
        (
            "flightstats",
            vec![UA1545, "flight:UA1545/2013-01-01/IAH"],
            1,
        ),
    ] {
        let feed = feed(provider, &server);
        server.answers(now, Canned::json(recorded(provider)));
        let looks = subjects
            .iter()
            .map(|subject| first_look(&feed, subject))
            .collect();
        let asked = feed.requests(looks);
        assert_eq!(asked.len(), requests, "{provider}");
        let mut seen = Vec::new();
        for request in asked {
            seen.extend(feed.ask(request, now).await.seen);
        }
        assert_eq!(server.asked().len(), requests);
        let known: Vec<&str> = seen
            .iter()
            .filter(|seen| seen.troubles.is_empty())
            .map(|seen| &*seen.subject.0)
            .collect();
        // The others are not in the answer, and are told so.
        assert_eq!(
            known,
            subjects
                .iter()
                .copied()
                .filter(|subject| subject.contains("01-01") && subject.contains("EWR"))
                .collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn bad_answers_are_unknown_and_close_nothing() {
    let html = Canned {
        content_type: "text/html",
        ..Canned::json("<html><body>maintenance</body></html>")
    };
    let broken = Canned {
        status: 500,
        ..Canned::json(r#"{"title":"error"}"#)
    };
    let cut = Canned {
        cut_after: Some(700),
        ..Canned::json(recorded("aeroapi"))
    };
    let half = Canned::json(&recorded("aeroapi").to_string()[..700]);
    let error = Canned::json(r#"{"error": {"code": "usage_limit_reached"}}"#);
    for (canned, kind) in [
        (html, TroubleKind::Malformed),
        (broken, TroubleKind::Status),
        (cut, TroubleKind::Unreachable),
        (half, TroubleKind::Malformed),
        (error, TroubleKind::Missing),
    ] {
        let mut watch = Watch::start("aeroapi").await;
        watch
            .see("2013-01-01T14:40:00Z", Canned::json(recorded("aeroapi")))
            .await;
        // Within patience it is asked again, after it the flight is unknown.
        let mut told = Vec::new();
        for at in [
            "2013-01-01T14:55:00Z",
            "2013-01-01T15:20:00Z",
            "2013-01-01T16:10:00Z",
        ] {
            let seen = watch.see(at, canned.clone()).await;
            assert!(
                seen.troubles.iter().any(|trouble| trouble.kind == kind),
                "{kind}: {:?}",
                seen.troubles
            );
            assert!(
                seen.troubles
                    .iter()
                    .all(|trouble| trouble.to_string().starts_with("aeroapi: "))
            );
            assert!(matches!(seen.next, Next::At(_)), "{kind}: {:?}", seen.next);
            told.extend(said(&seen));
        }
        let nothing = |metric: &str| (metric.to_owned(), None);
        let unknown = [
            nothing("status"),
            nothing("arrival_delay"),
            nothing("departure_delay"),
        ];
        assert_eq!(told, unknown, "{kind}");
        // Once it answers again, everything is as before.
        watch
            .see("2013-01-01T17:00:00Z", Canned::json(recorded("aeroapi")))
            .await;
        let seen = watch
            .see("2013-01-01T17:15:00Z", Canned::json(recorded("aeroapi")))
            .await;
        assert_eq!(
            said(&seen),
            [
                value("status", "landed"),
                value("arrival_delay", "11min"),
                value("departure_delay", "2min")
            ],
            "{kind}"
        );
    }
}
