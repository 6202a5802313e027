//! What a provider knows of a flight at an instant: the departure board, not the records.
//!
//! A delay is announced bit by bit from two hours before the departure, a cancellation some hours before; who is in the air
//! has an estimate that is a few minutes off; and a flight of which the records say no more stays in the air.

use alloy::primitives::keccak256;
use tocsin_domain::time::{Seconds, Timestamp};

use super::slice::{Fate, Flight};

/// Below this a flight is called on time.
const DELAYED: Seconds = Seconds(15 * 60);

/// Estimates of arrivals are so much too late.
const ERROR: Seconds = Seconds(4 * 60);

/// After so long in the air a provider says that a flight goes somewhere else.
const DIVERSION_KNOWN: Seconds = Seconds(60 * 60);

/// From the gate to the runway, and back, in a schedule.
const TAXI: Seconds = Seconds(12 * 60);

/// A line of the board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// In words.
    pub status: &'static str,
    /// Whether it is called off.
    pub cancelled: bool,
    /// Whether it goes somewhere else.
    pub diverted: bool,
    /// Departure from the gate, departure from the ground, touchdown, arrival at the gate.
    pub moments: [Moment; 4],
    /// How much of the way is behind it.
    pub progress_percent: i64,
}

/// One of the four moments of a flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// As the schedule has it.
    pub scheduled: Timestamp,
    /// As it is expected; `None` for what will not be.
    pub estimated: Option<Timestamp>,
    /// As it was.
    pub actual: Option<Timestamp>,
}

impl Moment {
    /// How late it is, or is expected to be.
    pub fn late(&self) -> Option<Seconds> {
        let known = self.actual.or(self.estimated)?;
        Some(known.since(self.scheduled))
    }
}

/// What is known of `flight` at `now`.
pub fn line(flight: &Flight, now: Timestamp) -> Line {
    let scheduled = schedule(flight);
    match flight.fate {
        Fate::Cancelled if now >= called_off(flight) => Line {
            status: "Cancelled",
            cancelled: true,
            diverted: false,
            moments: scheduled.map(|scheduled| Moment {
                scheduled,
                estimated: None,
                actual: None,
            }),
            progress_percent: 0,
        },
        Fate::Cancelled => waiting(flight, Seconds(0), now),
        Fate::Arrived {
            out,
            off,
            on,
            at_gate,
        } => match [out, off, on, at_gate].map(|moment| now >= moment) {
            [false, ..] => waiting(flight, out.since(flight.scheduled_out), now),
            passed => moving(flight, [out, off, on, at_gate], passed, now),
        },
        Fate::Diverted { out } | Fate::Unknown { out } if now < out => {
            waiting(flight, out.since(flight.scheduled_out), now)
        }
        Fate::Diverted { out } => astray(flight, out, now >= out + DIVERSION_KNOWN),
        Fate::Unknown { out } => astray(flight, out, false),
    }
}

/// When the board says that a flight does not leave: one to eight hours before it should have.
pub fn called_off(flight: &Flight) -> Timestamp {
    let hours = keccak256(flight.subject()).0[0] % 8 + 1;
    flight.scheduled_out - Seconds(i64::from(hours) * 3_600)
}

fn schedule(flight: &Flight) -> [Timestamp; 4] {
    let (out, at_gate) = (flight.scheduled_out, flight.scheduled_in);
    [out, out + TAXI, at_gate - TAXI, at_gate]
}

/// At the gate, with what is said by now of a departure that will be `late`.
fn waiting(flight: &Flight, late: Seconds, now: Timestamp) -> Line {
    let before = flight.scheduled_out.since(now);
    let thirds = match before.0 {
        i64::MIN..=0 => 3,
        1..=3_600 => 2,
        3_601..=7_200 => 1,
        _ => 0,
    };
    // In whole minutes; nobody announces that a flight will be early.
    let said = Seconds(late.0.max(0) / 180 * thirds * 60);
    let said = if before.0 <= 0 { late } else { said };
    Line {
        status: if said >= DELAYED {
            "Scheduled / Delayed"
        } else {
            "Scheduled"
        },
        cancelled: false,
        diverted: false,
        moments: schedule(flight).map(|scheduled| Moment {
            scheduled,
            estimated: Some(scheduled + said),
            actual: None,
        }),
        progress_percent: 0,
    }
}

fn moving(flight: &Flight, actual: [Timestamp; 4], passed: [bool; 4], now: Timestamp) -> Line {
    let scheduled = schedule(flight);
    let mut moments = [0, 1, 2, 3].map(|place: usize| Moment {
        scheduled: scheduled[place],
        estimated: Some(if passed[place] {
            actual[place]
        } else {
            actual[place] + ERROR
        }),
        actual: passed[place].then_some(actual[place]),
    });
    // The last estimate before the gate, which is what stays on a board.
    moments[3].estimated = Some(actual[3] + ERROR);
    let [_, off, on, at_gate] = actual;
    let late = at_gate.since(flight.scheduled_in) >= DELAYED;
    let flown = now.since(off).0.clamp(0, on.since(off).0);
    Line {
        status: match (passed, late) {
            ([_, _, _, true], true) => "Arrived / Delayed",
            ([_, _, _, true], false) => "Arrived / Gate Arrival",
            ([_, _, true, _], _) => "Landed / Taxiing",
            ([_, true, _, _], true) => "En Route / Delayed",
            ([_, true, _, _], false) => "En Route / On Time",
            _ => "Taxiing / Left Gate",
        },
        cancelled: false,
        diverted: false,
        moments,
        progress_percent: flown * 100 / on.since(off).0.max(1),
    }
}

/// It left, and nobody has seen it where it should be.
fn astray(flight: &Flight, out: Timestamp, diverted: bool) -> Line {
    let late = out.since(flight.scheduled_out);
    let [scheduled_out, scheduled_off, ..] = schedule(flight);
    let left = |scheduled, actual| Moment {
        scheduled,
        estimated: Some(actual),
        actual: Some(actual),
    };
    let coming = |scheduled: Timestamp| Moment {
        scheduled,
        estimated: (!diverted).then_some(scheduled + late),
        actual: None,
    };
    Line {
        status: if diverted {
            "Diverted"
        } else {
            "En Route / Delayed"
        },
        cancelled: false,
        diverted,
        moments: [
            left(scheduled_out, out),
            left(scheduled_off, out + TAXI),
            coming(flight.scheduled_in - TAXI),
            coming(flight.scheduled_in),
        ],
        progress_percent: 50,
    }
}
