//! Flights: what each provider is asked, and what becomes of good and of bad answers. Each look is made by a process of its own,
//! which knows no more than was stored.

use serde_json::Value as Json;
use tocsin_domain::observation::{Provenance, Subject};
use tocsin_domain::value::Value;
use tocsin_sources::feed::{Definition, Feed, Look, Next, Seen, TroubleKind};

use super::server::{Reply, Server};
use super::setup::{at, key, text_of, with_keys};

const UA1545: &str = "flight:UA1545/2013-01-01/EWR";

fn recorded(provider: &str) -> Json {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flight_exchanges");
    let text = std::fs::read_to_string(format!("{folder}/{provider}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn feed(provider: &str, server: &Server) -> Feed {
    let definition = Definition::parse(&text_of(provider), provider).unwrap();
    with_keys(definition, server, vec![key("first", "account:s3cret")])
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

/// One flight, looked at again and again.
struct Watch {
    provider: &'static str,
    look: Look,
    /// How the last request began.
    target: String,
    headers: Vec<(String, String)>,
}

impl Watch {
    fn new(provider: &'static str) -> Self {
        let look = first_look(&feed(provider, &Server::saying([])), UA1545);
        Self {
            provider,
            look,
            target: String::new(),
            headers: Vec::new(),
        }
    }

    async fn see(&mut self, time: &str, reply: Reply) -> Seen {
        let now = at(time);
        let server = Server::saying([reply.dated(now)]);
        let feed = feed(self.provider, &server);
        let request = feed.requests(vec![self.look.clone()]).remove(0);
        let answer = feed.ask(request, now).await;
        let seen = answer.seen[0].clone();
        for observation in seen.observations.iter().filter(|seen| seen.value.is_some()) {
            let hash = answer.responses[0].hash;
            assert_eq!(observation.provenance, Provenance::Raw { hash });
        }
        for response in &answer.responses {
            assert!(!response.url.contains("s3cret"), "{}", response.url);
        }
        let heard = server.heard().remove(0);
        (self.target, self.headers) = (heard.target, heard.headers);
        self.look.watermark = seen.watermark;
        self.look.memory = Some(seen.memory.clone());
        if let Next::At(due_at) = seen.next {
            self.look.due_at = due_at;
        }
        seen
    }
}

fn said(seen: &Seen) -> String {
    let one = |metric: &str, value: Option<&Value>| match value {
        Some(Value::Text(text)) => format!("{metric}={text}"),
        Some(value) => format!("{metric}={value}"),
        None => format!("{metric}=-"),
    };
    let observed = seen.observations.iter();
    let texts = observed.map(|seen| one(&seen.metric.to_string(), seen.value.as_ref()));
    texts.collect::<Vec<_>>().join(" ")
}

fn answer(provider: &str) -> Reply {
    Reply::json(&recorded(provider).to_string())
}

#[tokio::test]
async fn what_each_provider_is_asked_and_says() {
    for (provider, target, headers) in [
        (
            "aeroapi",
            "/aeroapi/flights/UA1545?ident_type=designator&start=2013-01-01T05%3A00%3A00Z&end=2013-01-02T05%3A00%3A00Z",
            vec![("x-apikey", "account:s3cret")],
        ),
        (
            "aviationstack",
            "/v1/flights?flight_iata=UA1545&flight_date=2013-01-01&limit=100&access_key=account%3As3cret",
            vec![],
        ),
        (
            "aerodatabox",
            "/flights/number/UA1545/2013-01-01?dateLocalRole=Departure&withAircraftImage=false&withLocation=false",
            vec![
                ("x-rapidapi-key", "account:s3cret"),
                ("x-rapidapi-host", "aerodatabox.p.rapidapi.com"),
            ],
        ),
        (
            "flightstats",
            "/flex/flightstatus/rest/v2/json/flight/status/UA/1545/dep/2013/01/01?utc=false&codeType=IATA",
            vec![("appid", "account"), ("appkey", "s3cret")],
        ),
    ] {
        let mut watch = Watch::new(provider);
        let seen = watch.see("2013-01-01T14:40:00Z", answer(provider)).await;
        assert_eq!(seen.troubles, [], "{provider}");
        assert_eq!(said(&seen), "status=landed-provisional", "{provider}");
        assert_eq!(watch.target, target);
        for (name, value) in headers {
            let sent = (name.to_owned(), value.to_owned());
            assert!(
                watch.headers.contains(&sent),
                "{provider}: {:?}",
                watch.headers
            );
        }
        let seen = watch.see("2013-01-01T15:25:00Z", answer(provider)).await;
        assert_eq!(
            said(&seen),
            "status=landed arrival_delay=11min departure_delay=2min",
            "{provider}"
        );
        assert_eq!(seen.next, Next::Over);
        assert_eq!(seen.observations[0].observed_at, at("2013-01-01T15:25:00Z"));
    }
}

#[tokio::test]
async fn several_subjects_share_a_request() {
    let now = at("2013-01-01T14:40:00Z");
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
        let server = Server::saying([answer(provider).dated(now)]);
        let feed = feed(provider, &server);
        let looks = subjects.iter().map(|subject| first_look(&feed, subject));
        let asked = feed.requests(looks.collect());
        assert_eq!(asked.len(), requests, "{provider}");
        let mut seen = Vec::new();
        for request in asked {
            seen.extend(feed.ask(request, now).await.seen);
        }
        assert_eq!(server.heard().len(), requests);
        // The others are not in the answer, and are told so.
        let known = seen.iter().filter(|seen| seen.troubles.is_empty());
        let known: Vec<&str> = known.map(|seen| seen.subject.as_str()).collect();
        let ours = |subject: &&str| subject.contains("01-01") && subject.contains("EWR");
        assert_eq!(known, subjects.into_iter().filter(ours).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn bad_answers_are_unknown_and_close_nothing() {
    let whole = recorded("aeroapi").to_string();
    let html = Reply::new(200, "<html>maintenance</html>").header("content-type", "text/html");
    for (reply, kind) in [
        (html, TroubleKind::Malformed),
        (
            Reply::new(500, "{\"title\": \"error\"}"),
            TroubleKind::Status,
        ),
        (Reply::json(&whole).cut_after(700), TroubleKind::Unreachable),
        (Reply::json(&whole[..700]), TroubleKind::Malformed),
        (
            Reply::json("{\"error\": {\"code\": \"usage_limit\"}}"),
            TroubleKind::Missing,
        ),
    ] {
        let mut watch = Watch::new("aeroapi");
        watch.see("2013-01-01T14:40:00Z", answer("aeroapi")).await;
        // Within patience it is asked again, after it the flight is unknown.
        let mut told = String::new();
        for time in [
            "2013-01-01T14:55:00Z",
            "2013-01-01T15:20:00Z",
            "2013-01-01T16:10:00Z",
        ] {
            let seen = watch.see(time, reply.clone()).await;
            let first = &seen.troubles[0];
            assert_eq!(first.kind, kind, "{first}");
            assert!(first.to_string().starts_with("aeroapi: "), "{first}");
            assert!(matches!(seen.next, Next::At(_)), "{kind}: {:?}", seen.next);
            told.push_str(&said(&seen));
        }
        assert_eq!(told, "status=- arrival_delay=- departure_delay=-", "{kind}");
        // Once it answers again, everything is as before.
        watch.see("2013-01-01T17:00:00Z", answer("aeroapi")).await;
        let seen = watch.see("2013-01-01T17:15:00Z", answer("aeroapi")).await;
        assert_eq!(
            said(&seen),
            "status=landed arrival_delay=11min departure_delay=2min",
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_changed_file_does_not_let_a_moved_schedule_pass() {
    let mut watch = Watch::new("aeroapi");
    watch.see("2013-01-01T14:40:00Z", answer("aeroapi")).await;
    let mut moved = recorded("aeroapi");
    moved["flights"][0]["scheduled_in"] = "2013-01-01T14:30:00Z".into();
    moved["flights"][0]["arrival_delay"] = 0.into();
    // The same provider, with one more word.
    let now = at("2013-01-01T15:25:00Z");
    let text = text_of("aeroapi").replace(
        "[flights.status.words]",
        "[flights.status.words]\n\"Parked\" = \"arrived\"",
    );
    let server = Server::saying([Reply::json(&moved.to_string()).dated(now)]);
    let definition = Definition::parse(&text, "aeroapi").unwrap();
    let feed = with_keys(definition, &server, vec![key("first", "account:s3cret")]);
    let request = feed.requests(vec![watch.look.clone()]).remove(0);
    let seen = feed.ask(request, now).await.seen.remove(0);
    assert_eq!(said(&seen), "status=- arrival_delay=- departure_delay=-");
    let reason = "was 2013-01-01T14:19:00Z when the flight was first seen";
    assert!(
        seen.troubles[0].to_string().contains(reason),
        "{}",
        seen.troubles[0]
    );
}
