//! The tables of files: what is refused, and what is said about it.

use crate::feed::flight::Flights;

#[test]
fn every_complaint_names_its_key() {
    let whole = super::PROVIDERS[0].1;
    for (written, instead, expected) in [
        (
            "records  = \"$.flights[*]\"",
            "record = \"$.flights[*]\"",
            "flights.record: there is no such key (did you mean `records`?)",
        ),
        (
            "ident    = \"$.ident_iata\"",
            "",
            "flights.ident: is missing: write for example ident = \"$.ident_iata\"",
        ),
        (
            "form            = \"rfc3339\"",
            "form = \"iso\"",
            "flights.departure.form: `iso` is no form of time",
        ),
        (
            "actual          = \"$.actual_out\"",
            "",
            "flights.departure.actual: is missing: without a time at the gate nothing is ever final",
        ),
        (
            "delay_unit      = \"s\"",
            "delay_unit = \"seconds\"",
            "flights.arrival.delay_unit: `seconds` has no meaning",
        ),
        (
            "\"Diverted\"                 = \"diverted\"",
            "\"Diverted\" = \"landed elsewhere\"",
            "flights.status.words.Diverted: `landed elsewhere` has no meaning",
        ),
        (
            "arrived   = \"15min\"",
            "",
            "flights.final.arrived: is missing: write for example arrived = \"15min\"",
        ),
        (
            "again    = \"45min\"",
            "again = \"5s\"",
            "flights.looks.again: is shorter than a minute: no quota would last",
        ),
        (
            "actual          = \"$.actual_in\"",
            "actual = \"$.actual_in\"\nrevised = \"$.actual_in\"",
            "flights.arrival.revised: stands in for `estimated` and `actual`: write one or the other",
        ),
    ] {
        assert!(whole.contains(written), "{written}");
        let file: toml::Table = whole.replacen(written, instead, 1).parse().unwrap();
        let error =
            Flights::from_table("aeroapi", file["flights"].as_table().unwrap()).unwrap_err();
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
}
