//! When to look at a flight again: a function of what is known, and of nothing else.
//!
//! A flight costs nothing until its day is near. Then one look learns the schedule, one comes when it should have arrived, and
//! only a flight that is overdue is looked at again and again, in equal steps and up to a limit. What is not known by then
//! needs a person.

use tocsin_domain::time::{Seconds, Timestamp};

use super::FlightStatus;
use super::conclude::SeenAt;
use super::definition::{Definition, Looks};
use super::memory::Memory;
use super::settle::Said;
use super::subject::FlightSubject;
use crate::feed::Next;

/// How many looks come after the end, whatever they find: the last of them may still settle, and what changes again and again
/// does not go on for ever.
const LAST_LOOKS: u8 = 3;

/// What follows what was seen. `why` is asked only where a person is needed.
pub(super) fn next(
    definition: &Definition,
    subject: &FlightSubject,
    memory: &Memory,
    said: &Said,
    seen: &SeenAt,
    why: impl FnOnce() -> String,
) -> Next {
    if said.is_final {
        return Next::Over;
    }
    if memory.late_looks >= LAST_LOOKS {
        return Next::NeedsPerson(why());
    }
    if let Some(settles) = said.settles {
        // The answer may be older than our clock: it will be by then, too.
        let wait = settles.since(seen.at).max(Seconds(60));
        return Next::At(seen.now + wait);
    }
    let at = seen.now;
    let due = worthwhile(&definition.looks, memory, at);
    match ends(definition, subject, memory) {
        Some(ends) if ends > at => Next::At(due.min(ends)),
        _past => Next::At(due),
    }
}

/// The next time that may tell something new.
fn worthwhile(looks: &Looks, memory: &Memory, at: Timestamp) -> Timestamp {
    let Some(schedule) = memory.schedule else {
        return at + looks.unlisted;
    };
    let status = memory.facts.map(|facts| facts.status);
    let leaves = memory
        .facts
        .and_then(|facts| facts.leaves)
        .unwrap_or(schedule.leaves);
    let departure = looks.departure.map(|after| leaves + after);
    let expected = memory.expected.or(schedule.arrives);
    let arrival = expected.map(|arrives| arrives + looks.arrival);
    let not_left = matches!(status, Some(FlightStatus::Scheduled) | None);
    let planned = [departure.filter(|_| not_left), arrival];
    let soonest = planned.into_iter().flatten().filter(|due| *due > at).min();
    soonest.unwrap_or(at + looks.again)
}

/// Whether nothing can be expected any more.
pub(super) fn is_late(
    definition: &Definition,
    subject: &FlightSubject,
    memory: &Memory,
    at: Timestamp,
) -> bool {
    ends(definition, subject, memory).is_none_or(|ends| ends <= at)
}

/// When nothing can be expected any more: so long after the latest arrival that can be expected, or after the day, while that is all that
/// is known.
fn ends(definition: &Definition, subject: &FlightSubject, memory: &Memory) -> Option<Timestamp> {
    let (looks, limits) = (&definition.looks, &definition.limits);
    let scheduled = memory.schedule.and_then(|schedule| schedule.arrives);
    let expected = match (scheduled, memory.expected) {
        (Some(scheduled), Some(expected)) => {
            Some(expected.clamp(scheduled, scheduled + limits.late))
        }
        (scheduled, expected) => scheduled.or(expected),
    };
    let base = match expected {
        Some(expected) => expected,
        None => subject.day()?.1 + limits.longest,
    };
    Some(base + looks.give_up)
}
