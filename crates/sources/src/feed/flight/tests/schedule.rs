//! What a flight costs: requests counted over days that real flights had.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tocsin_domain::observation::Subject;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use super::played::{Flown, slice};
use super::{Watch, flights, recorded, time};
use crate::feed::Next;
use crate::feed::reader::Reader;

/// AeroAPI's answer about a flight, as it was known at `at`: it lands ten minutes before it is at the gate, and the estimate of its
/// arrival is what its departure lets one expect.
fn told(flown: &Flown, at: Timestamp) -> Json {
    let known = |time: Timestamp| {
        if time <= at {
            json!(time.to_string())
        } else {
            json!(null)
        }
    };
    let ten = Seconds(600);
    let landed = flown.arrived - ten;
    let expected = match at >= flown.left {
        true => flown.arrives + flown.left.since(flown.leaves),
        false => flown.arrives,
    };
    let status = match at {
        at if at >= flown.arrived => "Arrived / Gate Arrival",
        at if at >= landed => "Landed / Taxiing",
        at if at >= flown.left => "En Route / On Time",
        _ => "Scheduled",
    };
    let airport = |airport: super::super::Airport| json!({"code_iata": airport.to_string(), "timezone": airport.zone().iana_name()});
    let fields = [
        (
            "ident_iata",
            json!(format!("{}{}", flown.carrier, flown.number)),
        ),
        ("origin", airport(flown.from)),
        ("destination", airport(flown.to)),
        ("status", json!(status)),
        ("scheduled_out", json!(flown.leaves.to_string())),
        ("estimated_out", json!(flown.leaves.to_string())),
        ("actual_out", known(flown.left)),
        ("actual_off", known(flown.left + ten)),
        ("actual_on", known(landed)),
        ("scheduled_in", json!(flown.arrives.to_string())),
        ("estimated_in", json!(expected.to_string())),
        ("actual_in", known(flown.arrived)),
        ("arrival_delay", json!(null)),
    ];
    let changes: Vec<_> = fields
        .into_iter()
        .map(|(field, value)| (format!("/flights/0/{field}"), value))
        .collect();
    let changes: Vec<_> = changes
        .iter()
        .map(|(at, value)| (at.as_str(), value.clone()))
        .collect();
    recorded("aeroapi", &changes)
}

#[test]
fn four_requests_a_flight() {
    let (mut flown, mut requests) = (0, 0);
    for flight in slice().into_iter().filter_map(Result::ok) {
        let subject = format!(
            "flight:{}{}/{}/{}",
            flight.carrier, flight.number, flight.date, flight.from
        );
        let mut watch = Watch::new("aeroapi", &subject);
        let mut asked = 0;
        loop {
            let at = watch.look.due_at;
            asked += 1;
            let reading = watch.answered(at, &told(&flight, at));
            assert_eq!(reading.troubles, [], "{subject} at {at}");
            match reading.next {
                Some(Next::At(next)) => assert!(next > at, "{subject}: {next}"),
                Some(Next::Over) => {
                    let mut observed = reading.observations.iter();
                    let delay = observed.find(|seen| seen.metric.as_str() == "arrival_delay");
                    let stated = Value::Duration(Seconds(flight.delay * 60));
                    assert_eq!(delay.unwrap().value, Some(stated), "{subject}");
                    break;
                }
                other => panic!("{subject}: {other:?}"),
            }
            assert!(asked < 60, "{subject}");
        }
        (flown, requests) = (flown + 1, requests + asked);
    }
    // 100,000 flights on one day are 100,000 times this, docs/flights.md says.
    let hundredths = 100 * requests / flown;
    println!("{requests} requests for {flown} flights, {hundredths} for a hundred");
    assert!((250..=450).contains(&hundredths), "{hundredths}");
}

#[test]
fn nothing_until_the_day_is_near() {
    let flights = flights("aeroapi");
    let first = |subject: &str| flights.first_look(&Subject::from(subject));
    // From six to three hours before the local midnight, not all at once.
    let mut looks = Vec::new();
    for number in 1..200 {
        let look = first(&format!("flight:UA{number}/2013-01-01/EWR")).unwrap();
        assert!(
            (time("2012-12-31T23:00:01Z")..=time("2013-01-01T02:00:00Z")).contains(&look),
            "{look}"
        );
        looks.push(look);
    }
    looks.sort();
    let middle = looks[100];
    assert!(
        (time("2012-12-31T23:50:00Z")..time("2013-01-01T01:10:00Z")).contains(&middle),
        "{middle}"
    );
    let sydney = first("flight:QF1/2013-01-01/SYD").unwrap();
    assert!(
        (time("2012-12-31T07:00:01Z")..=time("2012-12-31T10:00:00Z")).contains(&sydney),
        "{sydney}"
    );
    // Flights that one request answers are due together.
    assert_eq!(
        first("flight:UA1/2013-01-01T0515/EWR").unwrap(),
        first("flight:UA1/2013-01-01/EWR").unwrap()
    );
    assert!(first("price:ETH-USD").is_err());
}

#[test]
fn what_is_asked_about_a_flight() {
    let flights = flights("aeroapi");
    let fields = |subject: &str| {
        let fields = flights.fields(&Subject::from(subject)).unwrap();
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        fields.join(" ")
    };
    let day = "ident=B635 carrier=B6 number=35 origin=JFK date=2013-03-10 year=2013 month=03 day=10 \
               day_start=2013-03-10T05:00:00Z day_end=2013-03-11T04:00:00Z";
    assert_eq!(fields("flight:B635/2013-03-10/JFK"), day);
    // Two flights of a number on one day are in one answer.
    assert_eq!(fields("flight:B635/2013-03-10T2145/JFK"), day);
}

/// What a look may meet.
#[derive(Clone, Copy, Debug)]
enum Met {
    Recorded(&'static str),
    Unlisted,
    Nonsense,
    Nothing,
    Unchanged,
}

fn met() -> impl Strategy<Value = Met> {
    prop_oneof![
        2 => prop::sample::select(vec!["Scheduled", "En Route / On Time", "Landed / Taxiing", "Arrived", "Cancelled", "Diverted", "?"])
            .prop_map(Met::Recorded),
        1 => Just(Met::Unlisted),
        1 => Just(Met::Nonsense),
        1 => Just(Met::Nothing),
        1 => Just(Met::Unchanged),
    ]
}

/// An answer with this status, and the times that go with it.
fn standing(status: &str) -> Json {
    let mut changes = vec![
        ("/flights/0/status", json!(status)),
        ("/flights/0/cancelled", json!(status == "Cancelled")),
        ("/flights/0/diverted", json!(status == "Diverted")),
    ];
    if status != "Arrived" {
        changes.push(("/flights/0/actual_in", json!(null)));
    }
    if ["Scheduled", "Cancelled"].contains(&status) {
        let flown = [
            "/flights/0/actual_out",
            "/flights/0/actual_off",
            "/flights/0/actual_on",
        ];
        changes.extend(flown.map(|field| (field, json!(null))));
    }
    recorded("aeroapi", &changes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_flight_comes_to_an_end(meets in prop::collection::vec(met(), 1..40)) {
        let mut watch = Watch::new("aeroapi", super::UA1545);
        let mut looks = 0;
        loop {
            let at = watch.look.due_at;
            let met = meets[looks % meets.len()];
            let reading = match met {
                Met::Recorded(status) => watch.answered(at, &standing(status)),
                Met::Unlisted => watch.answered(at, &json!({"flights": []})),
                Met::Nonsense => watch.answered(at, &json!([])),
                Met::Nothing => {
                    let reading = watch.flights.missed(&watch.look, at + Seconds(900));
                    watch.after(reading)
                }
                Met::Unchanged => {
                    let reading = watch.flights.unchanged(&watch.look, at, at);
                    watch.after(reading)
                }
            };
            looks += 1;
            match reading.next {
                Some(Next::At(next)) => prop_assert!(next > at, "{met:?} at {at}: {next}"),
                Some(Next::Over | Next::NeedsPerson(_)) => break,
                None => prop_assert!(false, "flights have looks of their own"),
            }
            // 72 h late at the most, and a day more, in steps of 45 min.
            prop_assert!(looks < 150, "{met:?} at {at}");
        }
    }
}
