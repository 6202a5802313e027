//! What is said about flights, from answers of all four providers: recorded ones, with single fields changed.

mod clocks;
mod files;
mod hostile;
mod played;
mod providers;
mod schedule;
mod statuses;

use alloy::primitives::keccak256;
use serde_json::Value as Json;
use tocsin_domain::observation::Subject;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::Flights;
use crate::feed::exact;
use crate::feed::reader::{Answered, Page, Reader, Reading};
use crate::feed::{Look, Next};

/// The providers, their files and their recorded answers.
const PROVIDERS: [(&str, &str, &str); 4] = [
    (
        "aeroapi",
        include_str!("../../../../../config/feeds/aeroapi.toml"),
        include_str!("../../../tests/flight_exchanges/aeroapi.json"),
    ),
    (
        "aviationstack",
        include_str!("../../../../../config/feeds/aviationstack.toml"),
        include_str!("../../../tests/flight_exchanges/aviationstack.json"),
    ),
    (
        "aerodatabox",
        include_str!("../../../../../config/feeds/aerodatabox.toml"),
        include_str!("../../../tests/flight_exchanges/aerodatabox.json"),
    ),
    (
        "flightstats",
        include_str!("../../../../../config/feeds/flightstats.toml"),
        include_str!("../../../tests/flight_exchanges/flightstats.json"),
    ),
];

const UA1545: &str = "flight:UA1545/2013-01-01/EWR";

fn flights(provider: &str) -> Flights {
    let (_, file, _) = PROVIDERS
        .iter()
        .find(|(name, _, _)| *name == provider)
        .unwrap();
    let file: toml::Table = file.parse().unwrap();
    Flights::from_table(provider, file["flights"].as_table().unwrap()).unwrap()
}

/// The recorded answer of a provider with some places changed: a JSON pointer and what stands there instead; a pointer that
/// begins with `-` takes the field away.
fn recorded(provider: &str, changes: &[(&str, Json)]) -> Json {
    let (_, _, answer) = PROVIDERS
        .iter()
        .find(|(name, _, _)| *name == provider)
        .unwrap();
    let mut answer: Json = serde_json::from_str(answer).unwrap();
    for (pointer, value) in changes {
        change(&mut answer, pointer, value.clone());
    }
    answer
}

fn change(answer: &mut Json, pointer: &str, value: Json) {
    if let Some(pointer) = pointer.strip_prefix('-') {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = answer.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        parent
            .remove(name)
            .unwrap_or_else(|| panic!("no {pointer}"));
    } else {
        *answer
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("no {pointer}")) = value;
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Looks at one flight, one after another, as a scheduler does.
struct Watch {
    flights: Flights,
    look: Look,
}

impl Watch {
    fn new(provider: &str, subject: &str) -> Self {
        let flights = flights(provider);
        let subject = Subject::from(subject);
        let due_at = flights.first_look(&subject).unwrap();
        Self {
            flights,
            look: Look {
                subject,
                due_at,
                watermark: None,
                memory: None,
            },
        }
    }

    /// What follows from this answer, in one line and one more for each trouble.
    fn see(&mut self, at: &str, answer: &Json) -> String {
        let reading = self.answered(time(at), answer);
        shown(&reading)
    }

    fn answered(&mut self, at: Timestamp, answer: &Json) -> Reading {
        let body = serde_json::to_vec(answer).unwrap();
        let page = Page {
            hash: keccak256(&body),
            json: exact::parse(&body).unwrap(),
        };
        let answer = Answered {
            pages: vec![page],
            at,
            now: at,
        };
        let reading = self.flights.read(&self.look, &answer);
        self.after(reading)
    }

    fn missed(&mut self, at: &str) -> String {
        let reading = self.flights.missed(&self.look, time(at));
        shown(&self.after(reading))
    }

    fn unchanged(&mut self, at: &str) -> String {
        self.unchanged_since(at, at)
    }

    /// The provider's clock says `at`, ours `now`.
    fn unchanged_since(&mut self, at: &str, now: &str) -> String {
        let reading = self.flights.unchanged(&self.look, time(at), time(now));
        shown(&self.after(reading))
    }

    /// What the pipeline relies on, and the next look.
    fn after(&mut self, reading: Reading) -> Reading {
        for observation in &reading.observations {
            assert!(
                self.look
                    .watermark
                    .is_none_or(|before| observation.observed_at > before),
                "{observation:?}"
            );
            assert!(
                Some(observation.observed_at) <= reading.watermark,
                "{observation:?}"
            );
            assert_eq!(observation.source, self.flights.source);
        }
        assert!(reading.watermark >= self.look.watermark);
        self.look.watermark = reading.watermark;
        self.look.memory = Some(serde_json::from_str(&reading.memory.to_string()).unwrap());
        if let Some(Next::At(due_at)) = reading.next {
            self.look.due_at = due_at;
        }
        reading
    }
}

fn shown(reading: &Reading) -> String {
    let mut line = String::new();
    for observation in &reading.observations {
        let value = match &observation.value {
            Some(Value::Text(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "-".to_owned(),
        };
        line.push_str(&format!("{}={value} ", observation.metric));
    }
    line.push_str(&match reading.next.as_ref().unwrap() {
        Next::At(at) => format!("· {at}"),
        Next::Over => "· over".to_owned(),
        Next::NeedsPerson(why) => format!("· person: {why}"),
    });
    for trouble in &reading.troubles {
        line.push_str(&format!("\n{} {trouble}", trouble.kind));
    }
    line
}
