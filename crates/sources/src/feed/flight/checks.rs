//! Whether a record can be true: no time before its cause, none in the future, no delay beyond what flights have.

use tocsin_domain::time::{Seconds, Timestamp};

use super::definition::{Definition, MovementFields};
use super::fields::Fields;
use super::{Flight, FlightStatus, Movement};
use crate::feed::path::Path;
use crate::feed::{Trouble, TroubleKind};

/// Refuses a record that cannot be true as of the answer's time `at`.
pub(super) fn check(
    definition: &Definition,
    fields: &Fields<'_>,
    flight: &Flight,
    at: Timestamp,
) -> Result<(), Trouble> {
    let sides = [
        (&definition.departure, &flight.departure),
        (&definition.arrival, &flight.arrival),
    ];
    for (of, movement) in sides {
        within_limits(definition, fields, of, movement)?;
        not_in_the_future(definition, fields, of, movement, at)?;
    }
    in_order(definition, fields, flight)?;
    fits_the_status(definition, fields, flight)?;
    for (of, movement) in sides {
        stated_delay(definition, fields, of, movement)?;
    }
    Ok(())
}

/// The field of what happened at the gate.
fn actual(of: &MovementFields) -> &Path {
    of.actual
        .as_ref()
        .or(of.revised.as_ref())
        .unwrap_or(&of.scheduled)
}

fn within_limits(
    definition: &Definition,
    fields: &Fields<'_>,
    of: &MovementFields,
    movement: &Movement,
) -> Result<(), Trouble> {
    let Some(scheduled) = movement.scheduled else {
        return Ok(());
    };
    let estimated = of.estimated.as_ref().or(of.revised.as_ref());
    let times = [
        (estimated, movement.estimated),
        (Some(actual(of)), movement.actual),
        (of.runway.as_ref(), movement.runway),
    ];
    for (path, time) in times {
        let (Some(path), Some(time)) = (path, time) else {
            continue;
        };
        plausible(definition, fields, path, time.since(scheduled))?;
    }
    Ok(())
}

fn plausible(
    definition: &Definition,
    fields: &Fields<'_>,
    path: &Path,
    delay: Seconds,
) -> Result<(), Trouble> {
    let limits = &definition.limits;
    if delay.0 < -limits.early.0 || delay > limits.late {
        let reason = format!(
            "makes a delay of {delay}, outside the limits of -{} and {}: look at the flight, or change `limits` in the feed's file",
            limits.early, limits.late
        );
        return Err(fields.trouble(TroubleKind::Implausible, path, reason));
    }
    Ok(())
}

fn not_in_the_future(
    definition: &Definition,
    fields: &Fields<'_>,
    of: &MovementFields,
    movement: &Movement,
    at: Timestamp,
) -> Result<(), Trouble> {
    let happened = [
        (Some(actual(of)), movement.actual),
        (of.runway.as_ref(), movement.runway),
    ];
    for (path, time) in happened {
        let (Some(path), Some(time)) = (path, time) else {
            continue;
        };
        if time > at + definition.limits.ahead {
            let reason = format!(
                "has happened, it says, and is after the answer that says so, of {at}: is it in another zone?"
            );
            return Err(fields.trouble(TroubleKind::WrongTime, path, reason));
        }
    }
    Ok(())
}

fn in_order(definition: &Definition, fields: &Fields<'_>, flight: &Flight) -> Result<(), Trouble> {
    let (leaves, arrives) = (&flight.departure, &flight.arrival);
    let (of_departure, of_arrival) = (&definition.departure, &definition.arrival);
    if let (Some(from), Some(to)) = (leaves.scheduled, arrives.scheduled)
        && (to <= from || to.since(from) > definition.limits.longest)
    {
        let reason = format!(
            "makes a flight of {}, which leaves at {from} by the schedule",
            to.since(from)
        );
        return Err(fields.trouble(TroubleKind::Implausible, &of_arrival.scheduled, reason));
    }
    let steps = [
        (Some(actual(of_departure)), leaves.actual),
        (of_departure.runway.as_ref(), leaves.runway),
        (of_arrival.runway.as_ref(), arrives.runway),
        (Some(actual(of_arrival)), arrives.actual),
    ];
    let mut last: Option<(&Path, Timestamp)> = None;
    for (path, time) in steps {
        let (Some(path), Some(time)) = (path, time) else {
            continue;
        };
        if let Some((earlier, before)) = last
            && time < before
        {
            let reason = format!("is before {earlier}, {before}, which must come first");
            return Err(fields.trouble(TroubleKind::Contradiction, path, reason));
        }
        last = Some((path, time));
    }
    Ok(())
}

/// A status must not contradict what has happened.
fn fits_the_status(
    definition: &Definition,
    fields: &Fields<'_>,
    flight: &Flight,
) -> Result<(), Trouble> {
    let against = |path: &Path| {
        let reason = format!(
            "contradicts the status, which means {}",
            flight.status.as_str()
        );
        Err(fields.trouble(TroubleKind::Contradiction, path, reason))
    };
    let (of_departure, of_arrival) = (&definition.departure, &definition.arrival);
    let on_its_way = matches!(
        flight.status,
        FlightStatus::Scheduled | FlightStatus::Active
    );
    if (on_its_way || flight.status == FlightStatus::Cancelled) && flight.arrival.actual.is_some() {
        return against(actual(of_arrival));
    }
    let flew = [
        (&of_departure.runway, flight.departure.runway),
        (&of_arrival.runway, flight.arrival.runway),
    ];
    if flight.status == FlightStatus::Cancelled
        && let Some((Some(path), _)) = flew.into_iter().find(|(_, time)| time.is_some())
    {
        return against(path);
    }
    Ok(())
}

/// A delay that the provider states is within the limits, and the one that its gate times make.
fn stated_delay(
    definition: &Definition,
    fields: &Fields<'_>,
    of: &MovementFields,
    movement: &Movement,
) -> Result<(), Trouble> {
    let Some(field) = &of.delay else {
        return Ok(());
    };
    let Some(stated) = fields.span(&field.path, field.unit)? else {
        return Ok(());
    };
    plausible(definition, fields, &field.path, stated)?;
    if let Some(computed) = movement.delay()
        && computed.0.abs_diff(stated.0) > field.tolerance.0.unsigned_abs()
    {
        let reason = format!("and the gate times make {computed}");
        return Err(fields.trouble(TroubleKind::Contradiction, &field.path, reason));
    }
    Ok(())
}
