//! The one flight that a subject means, among the records of an answer.
//!
//! Numbers of several carriers that fly one aircraft are one flight; the operating carrier's record is believed first.
//! Records that say the same count once. Two flights of one number on one day, and records that contradict each other,
//! are told, and give no value.

use serde_json::Value as Json;
use tocsin_domain::time::Timestamp;

use super::definition::{Definition, Role};
use super::fields::Fields;
use super::record::{self, Identity};
use super::subject::FlightSubject;
use super::{Flight, FlightStatus, Leg, Movement};
use crate::feed::path::Path;
use crate::feed::reader::Page;
use crate::feed::{Trouble, TroubleKind};

/// A flight, and the page that told of it.
pub(super) struct Chosen {
    pub(super) flight: Flight,
    pub(super) page: usize,
}

struct Candidate<'a> {
    identity: Identity,
    fields: Fields<'a>,
    page: usize,
}

/// What the records of an answer are to a subject.
#[derive(Default)]
struct Sorted<'a> {
    /// How many there are.
    seen: usize,
    /// About its flight.
    ours: Vec<Candidate<'a>>,
    /// Further legs of flights of its number, by what they have in common.
    legs: Vec<(String, Leg)>,
    /// A departure of its number from its origin at another time.
    another: Option<Timestamp>,
}

/// Finds the flight of a subject. An error says why there is none.
pub(super) fn choose(
    definition: &Definition,
    provider: &str,
    subject: &FlightSubject,
    pages: &[Page],
    at: Timestamp,
) -> Result<Chosen, Trouble> {
    let mut sorted = Sorted::default();
    for (page, record) in record::records(definition, pages.iter().map(|page| &page.json)) {
        let fields = Fields {
            provider,
            record,
            complete: definition.complete,
        };
        sorted.sort(definition, subject, fields, page)?;
    }
    let mut departures = sorted.ours.iter().map(|ours| ours.identity.departs);
    if let Some(leaves) = departures.next()
        && let Some(other) = sorted
            .ours
            .iter()
            .find(|other| other.identity.departs != leaves)
    {
        return Err(two_flights(definition, subject, leaves, other));
    }
    believed(&mut sorted.ours);
    match agreed(definition, &sorted, at)? {
        Some(chosen) => Ok(chosen),
        None => Err(nothing(definition, provider, subject, pages, &sorted)),
    }
}

impl<'a> Sorted<'a> {
    /// An error of a record that cannot be read: it may be about this flight, and may contradict the others.
    fn sort(
        &mut self,
        definition: &Definition,
        subject: &FlightSubject,
        fields: Fields<'a>,
        page: usize,
    ) -> Result<(), Trouble> {
        self.seen += 1;
        let identity = match record::identity(definition, &fields) {
            Ok(Some(identity)) if identity.goes_by(&subject.ident) => identity,
            Ok(_) => return Ok(()),
            Err(trouble) => {
                // Leaving another airport it is not ours, whatever else is wrong with it.
                let origin = fields.text(&definition.departure.airport);
                let elsewhere =
                    matches!(origin, Ok(Some(code)) if code != subject.origin.to_string());
                return if elsewhere { Ok(()) } else { Err(trouble) };
            }
        };
        let from_there = identity.origin == subject.origin;
        if from_there && subject.leaves(identity.departs) {
            self.ours.push(Candidate {
                identity,
                fields,
                page,
            });
            return Ok(());
        }
        if from_there {
            self.another = Some(identity.departs);
        }
        let to = fields.airport(&definition.arrival.airport);
        if let (Some(id), Ok(Some(to))) = (identity.id, to) {
            let from = identity.origin;
            self.legs.push((id, Leg { from, to }));
        }
        Ok(())
    }
}

/// The flight that all of these records describe; `None` where there is none.
fn agreed(
    definition: &Definition,
    sorted: &Sorted<'_>,
    at: Timestamp,
) -> Result<Option<Chosen>, Trouble> {
    let mut flights = Vec::with_capacity(sorted.ours.len());
    for candidate in &sorted.ours {
        let flight = record::flight(definition, &candidate.fields, &candidate.identity, at)?;
        flights.push((flight, candidate));
    }
    // After a diversion there is a second record of the same flight: the rest of the way.
    flights.sort_by_key(|(flight, _)| flight.status != FlightStatus::Diverted);
    let Some(((flight, told), others)) = flights.split_first() else {
        return Ok(None);
    };
    let mut flight = flight.clone();
    let id = told.identity.id.as_ref();
    for (other, candidate) in others {
        flight.marketed.extend_from_slice(&other.marketed);
        let further = id.is_some() && candidate.identity.id.as_ref() == id;
        let diverted = flight.status == FlightStatus::Diverted && other.status != flight.status;
        if further && diverted {
            let (from, to) = (other.departure.airport, other.arrival.airport);
            flight.legs.push(Leg { from, to });
        } else if let Some(field) = difference(&flight, other) {
            let reason = format!("two records of this flight do not agree about {field}");
            let path = &definition.status.path;
            return Err(candidate
                .fields
                .trouble(TroubleKind::Contradiction, path, reason));
        }
    }
    flight.marketed.sort_unstable();
    flight.marketed.dedup();
    let elsewhere = sorted.legs.iter().filter(|(of, _)| Some(of) == id);
    flight.legs.extend(elsewhere.map(|(_, leg)| *leg));
    let page = told.page;
    Ok(Some(Chosen { flight, page }))
}

/// What two records of one flight say otherwise. Estimates may differ: nothing rests on them.
fn difference(one: &Flight, other: &Flight) -> Option<&'static str> {
    let facts = |of: &Movement| (of.airport, of.scheduled, of.actual, of.runway);
    if one.status != other.status {
        Some("the status")
    } else if facts(&one.departure) != facts(&other.departure) {
        Some("the departure")
    } else if facts(&one.arrival) != facts(&other.arrival) {
        Some("the arrival")
    } else {
        None
    }
}

fn nothing(
    definition: &Definition,
    provider: &str,
    subject: &FlightSubject,
    pages: &[Page],
    sorted: &Sorted<'_>,
) -> Trouble {
    let Sorted { seen, another, .. } = sorted;
    let FlightSubject {
        ident,
        date,
        origin,
        ..
    } = subject;
    let list = definition.records.as_str().strip_suffix("[*]");
    if let (0, Some(Ok(list)), Some(page)) = (*seen, list.map(Path::parse), pages.first())
        && !matches!(list.one(&page.json), Ok(Some(Json::Array(_))))
    {
        let reason = "is no list of records in this answer";
        return Trouble::new(provider, TroubleKind::Missing, reason).at(list.as_str());
    }
    let mut reason = format!(
        "none of {seen} records is about {ident} leaving {origin} on {date} by the clocks there"
    );
    if let Some(departs) = another {
        reason.push_str(&format!("; one leaves at {departs}"));
    }
    Trouble::new(provider, TroubleKind::Missing, reason).at(definition.records.as_str())
}

fn two_flights(
    definition: &Definition,
    subject: &FlightSubject,
    one: Timestamp,
    other: &Candidate<'_>,
) -> Trouble {
    let reason = format!(
        "is a second flight of {} that leaves {} on {}, the first leaves at {one}: name the local time in the subject, as in \
         flight:XE2311/2006-01-11T0730/LAS",
        subject.ident, subject.origin, subject.date
    );
    other.fields.trouble(
        TroubleKind::Contradiction,
        &definition.departure.scheduled,
        reason,
    )
}

/// Leaves the records of the operating carrier, or else those that may be, or else all.
fn believed(ours: &mut Vec<Candidate<'_>>) {
    for role in [Role::Operating, Role::Unknown] {
        if ours.iter().any(|candidate| candidate.identity.role == role) {
            ours.retain(|candidate| candidate.identity.role == role);
            return;
        }
    }
}
