//! A line of the board in the words of AeroAPI, version 4: every member that its description requires, and null where
//! nothing is known.

use serde_json::{Value as Json, json};
use tocsin_domain::time::{Seconds, Timestamp};

use super::board::{Line, Moment};
use super::slice::{Airport, Flight};

/// The record of a flight.
pub(super) fn record(flight: &Flight, line: &Line) -> Json {
    let [out, off, on, at_gate] = &line.moments;
    let icao = format!("{}{}", flight.carrier.icao, flight.number);
    let mut record = json!({
        "ident": icao,
        "ident_icao": icao,
        "ident_iata": flight.ident(),
        "actual_runway_off": null,
        "actual_runway_on": null,
        "fa_flight_id": id(flight),
        "operator": flight.carrier.icao,
        "operator_icao": flight.carrier.icao,
        "operator_iata": flight.carrier.carrier,
        "flight_number": flight.number,
        "registration": flight.registration,
        "atc_ident": null,
        "inbound_fa_flight_id": null,
        "codeshares": [],
        "codeshares_iata": [],
        "blocked": false,
        "diverted": line.diverted,
        "cancelled": line.cancelled,
        "position_only": false,
        "origin": airport(&flight.origin),
        "destination": airport(&flight.destination),
        "departure_delay": out.late().map(|late| late.0),
        "arrival_delay": at_gate.late().map(|late| late.0),
        "filed_ete": on.scheduled.since(off.scheduled).0,
        "progress_percent": line.progress_percent,
        "status": line.status,
        "aircraft_type": null,
        "route_distance": flight.miles,
        "filed_airspeed": null,
        "filed_altitude": null,
        "route": null,
        "baggage_claim": null,
        "seats_cabin_business": null,
        "seats_cabin_coach": null,
        "seats_cabin_first": null,
        "gate_origin": null,
        "gate_destination": null,
        "terminal_origin": null,
        "terminal_destination": null,
        "type": "Airline",
    });
    let named = [("out", out), ("off", off), ("on", on), ("in", at_gate)];
    for (name, moment) in named {
        let Moment {
            scheduled,
            estimated,
            actual,
        } = moment;
        record[format!("scheduled_{name}")] = json!(scheduled.to_string());
        record[format!("estimated_{name}")] = json!(estimated.map(text));
        record[format!("actual_{name}")] = json!(actual.map(text));
    }
    record["foresight_predictions_available"] = json!(false);
    record
}

fn text(at: Timestamp) -> String {
    at.to_string()
}

/// Assigned when the flight entered the schedule, here two days before.
fn id(flight: &Flight) -> String {
    let filed = flight.scheduled_out - Seconds(172_800);
    format!(
        "{}{}-{}-schedule-{}",
        flight.carrier.icao, flight.number, filed.0, flight.origin.faa
    )
}

fn airport(airport: &Airport) -> Json {
    json!({
        "code": airport.faa,
        "code_icao": null,
        "code_iata": airport.faa,
        "code_lid": null,
        "timezone": airport.zone,
        "name": airport.name,
        "city": null,
        "airport_info_url": format!("/airports/{}", airport.faa),
    })
}
