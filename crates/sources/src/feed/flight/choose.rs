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

/// Finds the flight of a subject. An error says why there is none; its page is the one that was looked at last.
pub(super) fn choose(
    definition: &Definition,
    provider: &str,
    subject: &FlightSubject,
    pages: &[Page],
    at: Timestamp,
) -> Result<Chosen, Trouble> {
    let origin = subject.origin.to_string();
    let mut seen = 0_usize;
    let mut ours: Vec<Candidate<'_>> = Vec::new();
    let mut legs: Vec<(String, Leg)> = Vec::new();
    let mut unreadable: Option<Trouble> = None;
    let mut another: Option<Timestamp> = None;
    for (page, record) in record::records(definition, pages.iter().map(|page| &page.json)) {
        seen += 1;
        let fields = Fields {
            provider,
            record,
            complete: definition.complete,
        };
        let elsewhere =
            matches!(fields.text(&definition.departure.airport), Ok(Some(code)) if code != origin);
        match record::identity(definition, &fields) {
            // It leaves another airport, whatever else is wrong with it.
            Err(_not_ours) if elsewhere => {}
            Ok(Some(identity)) if !identity.goes_by(&subject.ident) => {}
            Ok(Some(identity))
                if identity.origin == subject.origin && subject.leaves(identity.departs) =>
            {
                ours.push(Candidate {
                    identity,
                    fields,
                    page,
                });
            }
            Ok(Some(identity)) => {
                if identity.origin == subject.origin {
                    another = Some(identity.departs);
                }
                if let (Some(id), Ok(Some(to))) =
                    (identity.id, fields.airport(&definition.arrival.airport))
                {
                    legs.push((
                        id,
                        Leg {
                            from: identity.origin,
                            to,
                        },
                    ));
                }
            }
            Ok(None) => {}
            Err(trouble) => unreadable = Some(trouble),
        }
    }
    // A record that cannot be read may be about this flight, and may contradict the others.
    if let Some(trouble) = unreadable {
        return Err(trouble);
    }
    let mut departures = ours.iter().map(|candidate| candidate.identity.departs);
    if let Some(leaves) = departures.next()
        && let Some(other) = ours.iter().find(|other| other.identity.departs != leaves)
    {
        return Err(two_flights(definition, subject, leaves, other));
    }
    believed(&mut ours);
    let mut flights = Vec::with_capacity(ours.len());
    for candidate in &ours {
        let flight = record::flight(definition, &candidate.fields, &candidate.identity, at)?;
        flights.push((flight, candidate));
    }
    // After a diversion there is a second record of the same flight: the rest of the way.
    flights.sort_by_key(|(flight, _)| flight.status != FlightStatus::Diverted);
    let Some(((flight, told), others)) = flights.split_first() else {
        return Err(nothing(definition, provider, subject, pages, seen, another));
    };
    let mut flight = flight.clone();
    let id = told.identity.id.as_ref();
    for (other, candidate) in others {
        flight.marketed.extend_from_slice(&other.marketed);
        let further = id.is_some() && candidate.identity.id.as_ref() == id;
        if further
            && flight.status == FlightStatus::Diverted
            && other.status != FlightStatus::Diverted
        {
            let (from, to) = (other.departure.airport, other.arrival.airport);
            flight.legs.push(Leg { from, to });
        } else if let Some(field) = difference(&flight, other) {
            let reason = format!("two records of this flight do not agree about {field}");
            return Err(candidate.fields.trouble(
                TroubleKind::Contradiction,
                &definition.status.path,
                reason,
            ));
        }
    }
    flight.marketed.sort_unstable();
    flight.marketed.dedup();
    let elsewhere = legs.iter().filter(|(of, _)| Some(of) == id);
    flight.legs.extend(elsewhere.map(|(_, leg)| *leg));
    Ok(Chosen {
        flight,
        page: told.page,
    })
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
    seen: usize,
    another: Option<Timestamp>,
) -> Trouble {
    let FlightSubject {
        ident,
        date,
        origin,
        ..
    } = subject;
    let list = definition.records.as_str().strip_suffix("[*]");
    if let (0, Some(Ok(list)), Some(page)) = (seen, list.map(Path::parse), pages.first())
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
