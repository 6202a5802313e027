//! One record of a provider as a flight in normal form.

use serde_json::Value as Json;
use tocsin_domain::calendar;
use tocsin_domain::time::Timestamp;

use super::airport::Airport;
use super::checks;
use super::definition::{Definition, MovementFields, Role};
use super::fields::Fields;
use super::ident::Ident;
use super::{Flight, FlightStatus, Movement};
use crate::feed::moment::{self, Written};
use crate::feed::{Trouble, TroubleKind};

/// What tells whether a record is about a flight.
#[derive(Debug)]
pub(super) struct Identity {
    /// The number of the record.
    pub(super) ident: Ident,
    pub(super) role: Role,
    /// The operating number, where it is known.
    pub(super) operating: Option<Ident>,
    /// All other numbers.
    pub(super) marketed: Vec<Ident>,
    pub(super) origin: Airport,
    pub(super) departs: Timestamp,
    /// What the legs of one flight have in common.
    pub(super) id: Option<String>,
}

impl Identity {
    /// Whether the flight is known under this number.
    pub(super) fn goes_by(&self, ident: &Ident) -> bool {
        self.ident == *ident
            || self.operating.as_ref() == Some(ident)
            || self.marketed.contains(ident)
    }
}

/// Reads which flight a record is about; `None` of a record that does not say when and where it leaves, as of an aircraft
/// that is only tracked.
pub(super) fn identity(
    definition: &Definition,
    fields: &Fields<'_>,
) -> Result<Option<Identity>, Trouble> {
    let Some(ident) = fields.ident(&definition.ident)? else {
        return Ok(None);
    };
    let of = &definition.departure;
    let Some(origin) = fields.airport(&of.airport)? else {
        return Ok(None);
    };
    let Some(departs) = fields.moment(&of.scheduled, &of.form, origin.zone(), of.repeated)? else {
        return Ok(None);
    };
    let codeshares = &definition.codeshares;
    let named = fields.ident(&codeshares.operating)?;
    let role = match (&named, &codeshares.role) {
        (Some(operating), _) if *operating != ident => Role::Codeshare,
        (Some(_), _) | (None, None) => Role::Operating,
        (None, Some((path, roles))) => match fields.value(path)? {
            None => Role::Unknown,
            Some(said) => *roles.meaning(said).map_err(|unlisted| {
                fields.trouble(TroubleKind::Unlisted, path, unlisted.to_string())
            })?,
        },
    };
    let operating = match role {
        Role::Operating | Role::Unknown => Some(ident.clone()),
        Role::Codeshare => named,
    };
    let mut marketed = others(definition, fields);
    marketed.push(ident.clone());
    marketed.retain(|other| Some(other) != operating.as_ref());
    marketed.sort_unstable();
    marketed.dedup();
    let id = match &definition.id {
        Some(path) => fields.value(path)?.map(ToString::to_string),
        None => None,
    };
    Ok(Some(Identity {
        ident,
        role,
        operating,
        marketed,
        origin,
        departs,
        id,
    }))
}

/// The other numbers that a record names. One that cannot be read names no flight of ours.
fn others(definition: &Definition, fields: &Fields<'_>) -> Vec<Ident> {
    let Some((each, parts)) = &definition.codeshares.others else {
        return Vec::new();
    };
    let read = |record| Fields { record, ..*fields }.ident(parts);
    each.all(fields.record)
        .into_iter()
        .filter_map(|record| read(record).unwrap_or_default())
        .collect()
}

/// Reads the whole record, as of the answer's time `at`.
pub(super) fn flight(
    definition: &Definition,
    fields: &Fields<'_>,
    identity: &Identity,
    at: Timestamp,
) -> Result<Flight, Trouble> {
    let said = status(definition, fields)?;
    let left = matches!(
        said,
        FlightStatus::Active
            | FlightStatus::Landed
            | FlightStatus::Arrived
            | FlightStatus::Diverted
    );
    let landed = matches!(said, FlightStatus::Landed | FlightStatus::Arrived);
    let Some(destination) = fields.airport(&definition.arrival.airport)? else {
        let reason = "does not say where the flight goes";
        return Err(fields.trouble(TroubleKind::Missing, &definition.arrival.airport, reason));
    };
    let arrival = movement(&definition.arrival, fields, destination, landed)?;
    let flight = Flight {
        operating: identity.operating.clone(),
        marketed: identity.marketed.clone(),
        departure: movement(&definition.departure, fields, identity.origin, left)?,
        arrival,
        legs: Vec::new(),
        status: match (said, arrival.actual) {
            (FlightStatus::Landed | FlightStatus::Arrived, Some(_)) => FlightStatus::Arrived,
            (FlightStatus::Landed | FlightStatus::Arrived, None) => FlightStatus::Landed,
            (said, _) => said,
        },
    };
    checks::check(definition, fields, &flight, at)?;
    Ok(flight)
}

/// What the record says about where the flight stands: its word, and its flags if it has any.
fn status(definition: &Definition, fields: &Fields<'_>) -> Result<FlightStatus, Trouble> {
    let of = &definition.status;
    let Some(said) = fields.expected(&of.path)? else {
        return Err(fields.trouble(
            TroubleKind::Missing,
            &of.path,
            "does not say where the flight stands",
        ));
    };
    let word = *of.words.meaning(said).map_err(|unlisted| {
        fields.trouble(TroubleKind::Unlisted, &of.path, unlisted.to_string())
    })?;
    let mut status = word;
    for (path, flagged) in [
        (&of.diverted, FlightStatus::Diverted),
        (&of.cancelled, FlightStatus::Cancelled),
    ] {
        let Some(path) = path else { continue };
        let flag = fields.flag(path)?;
        if flag {
            let open = matches!(
                word,
                FlightStatus::Cancelled | FlightStatus::Diverted | FlightStatus::Unknown
            );
            let under_way = flagged == FlightStatus::Diverted && word != FlightStatus::Scheduled;
            let not_yet = flagged == FlightStatus::Cancelled && word == FlightStatus::Scheduled;
            if !(open || under_way || not_yet) {
                let reason = format!("contradicts the status, which says {said}");
                return Err(fields.trouble(TroubleKind::Contradiction, path, reason));
            }
            status = flagged;
        } else if word == flagged {
            let reason = format!("contradicts the status, which says {said}");
            return Err(fields.trouble(TroubleKind::Contradiction, path, reason));
        }
    }
    Ok(status)
}

/// Reads a departure or an arrival; `happened` is what the status says about it.
fn movement(
    of: &MovementFields,
    fields: &Fields<'_>,
    airport: Airport,
    happened: bool,
) -> Result<Movement, Trouble> {
    let moment = |path: Option<&_>| match path {
        Some(path) => fields.moment(path, &of.form, airport.zone(), of.repeated),
        None => Ok(None),
    };
    let mut movement = Movement {
        airport,
        scheduled: moment(Some(&of.scheduled))?,
        estimated: moment(of.estimated.as_ref())?,
        actual: moment(of.actual.as_ref())?,
        runway: moment(of.runway.as_ref())?,
    };
    if let (Some(path), Some(revised)) = (&of.revised, moment(of.revised.as_ref())?) {
        let at_the_gate = match &of.gate_if {
            Some(path) => fields.value(path)?.is_some(),
            None => true,
        };
        match (happened, at_the_gate) {
            (false, _) => movement.estimated = Some(revised),
            (true, true) => movement.actual = Some(revised),
            (true, false) => {
                tracing::trace!(%path, "a time that need not be one at the gate is left out")
            }
        }
    }
    // Nobody is at the gate while touching down: such a time is that of the runway, written twice.
    if movement.actual == movement.runway {
        movement.actual = None;
    }
    same_clock(of, fields, &movement)?;
    Ok(movement)
}

/// The provider's own zone, and its own local time, must show the same as the airport's clocks.
fn same_clock(
    of: &MovementFields,
    fields: &Fields<'_>,
    movement: &Movement,
) -> Result<(), Trouble> {
    let Some(scheduled) = movement.scheduled else {
        return Ok(());
    };
    let zone = movement.airport.zone();
    let ours = moment::local(scheduled, zone);
    if let Some(path) = &of.zone
        && let Some(name) = fields.text(path)?
    {
        let Some(theirs) = calendar::zone(name) else {
            return Err(fields.trouble(TroubleKind::Unreadable, path, "is no time zone"));
        };
        if moment::local(scheduled, &theirs) != ours {
            let reason = format!(
                "shows another time than {}, the zone of {}",
                zone_name(zone),
                movement.airport
            );
            return Err(fields.trouble(TroubleKind::WrongTime, path, reason));
        }
    }
    if let Some((path, form)) = &of.local
        && let Some(said) = fields.written(path, form)?
    {
        let same = match said {
            Written::Instant(said) => said == scheduled,
            Written::Local(said) => Some(said) == ours,
        };
        if !same {
            let reason = format!(
                "is not {scheduled}, the scheduled time, by the clocks of {}",
                movement.airport
            );
            return Err(fields.trouble(TroubleKind::WrongTime, path, reason));
        }
    }
    Ok(())
}

fn zone_name(zone: &jiff::tz::TimeZone) -> &str {
    zone.iana_name().unwrap_or("the zone")
}

/// The records of an answer, page by page: the number of the page, and the record.
pub(super) fn records<'a>(
    definition: &'a Definition,
    pages: impl Iterator<Item = &'a Json> + 'a,
) -> impl Iterator<Item = (usize, &'a Json)> + 'a {
    pages.enumerate().flat_map(|(number, page)| {
        definition
            .records
            .all(page)
            .into_iter()
            .map(move |record| (number, record))
    })
}
