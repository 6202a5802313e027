//! Magnitude 6 within 50 km of a site, by reviewed reports only.

use super::harness::{check, check_claims};

const COVER: &str = "earthquake-m6-50km";

/// The latitude of the site; earthquakes happen on its meridian.
const SITE: &str = "38.7223";

fn report(when: &str, status: &str, magnitude: &str, latitude: &str) -> String {
    format!("{when} status={status} · {when} magnitude={magnitude} · {when} latitude={latitude} · {when} longitude=-9.1393")
}

fn reviewed(when: &str, magnitude: &str) -> String {
    report(when, "reviewed", magnitude, SITE)
}

#[test]
fn magnitude_and_distance() {
    check(COVER, &[
        ("magnitude 6 at 50 km, both included", &report("0", "reviewed", "6", "39.171960181862"), "0", "#1 0→0 pays 0.25, true"),
        ("50.000000001 km", &report("0", "reviewed", "9", "39.171960181872"), "0", "false"),
        ("magnitude 5.99", &reviewed("0", "5.99"), "0", "false"),
        ("magnitude 6.49", &reviewed("0", "6.49"), "0", "#1 0→0 pays 0.25, true"),
        ("magnitude 6.5", &reviewed("0", "6.5"), "0", "#1 0→0 pays 0.5, true"),
        ("magnitude 7", &reviewed("0", "7"), "0", "#1 0→0 pays 1, true"),
        ("magnitude 9", &reviewed("0", "9"), "0", "#1 0→0 pays 1, true"),
    ]);
}

#[test]
fn only_reviewed_reports_decide() {
    let automatic = report("0", "automatic", "7", SITE);
    check(COVER, &[
        ("an automatic solution", &automatic, "30d", "false"),
        ("its review", &format!("{automatic} · {}", reviewed("2h", "6.6")), "2h", "#1 2h→2h pays 0.5, true"),
        ("a review that takes it back", &format!("{automatic} · {}", reviewed("2h", "5.9")), "2h", "false"),
        ("a deletion", &format!("{automatic} · 2h status=deleted"), "2h", "false"),
        ("a report without a place", "0 status=reviewed · 0 magnitude=7 · 0 latitude=38.7223", "0", "unknown: input `longitude` was never observed"),
        ("a report without a status", "0 magnitude=7", "0", "unknown: input `status` was never observed"),
    ]);
}

#[test]
fn a_report_acts_in_its_own_second() {
    check(COVER, &[
        ("then the trigger is false again", &reviewed("0", "7"), "1s", "#1 0→0 pays 1, false"),
        ("an automatic report cannot borrow the review before it", &format!("{} · 1d magnitude=8", reviewed("0", "5")), "1d", "false"),
    ]);
}

#[test]
fn one_loss_in_168_hours() {
    let after = |when: &str| format!("{} · {}", reviewed("0", "6"), reviewed(when, "7"));
    check(COVER, &[
        ("an aftershock", &after("167h"), "200h", "#1 0→0 pays 0.25, false"),
        ("a second before", &after("168h-1s"), "200h", "#1 0→0 pays 0.25, false"),
        ("after exactly 168 hours", &after("168h"), "168h", "#1 0→0 pays 0.25, #2 7d→7d pays 1, true"),
    ]);
}

#[test]
fn the_waiting_period() {
    check_claims(COVER, &[
        ("bought 72 hours before", &reviewed("72h", "6"), "0", "30d", "pays 0.25"),
        ("a second later", &reviewed("72h", "6"), "1s", "30d", "waiting period"),
    ]);
}
