//! HurricaneGuard's rule: category by distance, the worst report within three days.

use super::harness::{check, check_claims};

const COVER: &str = "hurricane-wind";

/// The latitude of the site; the storm stands on its meridian.
const SITE: &str = "25.7617";

/// 40.8 km north of it.
const OUTER: &str = "26.1286";

fn report(when: &str, wind: &str, latitude: &str) -> String {
    format!("{when} wind={wind} · {when} latitude={latitude} · {when} longitude=-80.1918")
}

/// One report, and the multiple of the premium that it pays of at most 30.
fn check_report(shows: &str, wind: &str, latitude: &str, multiple: u32) {
    let paid = match multiple {
        2 => "0.066666666666666666",
        5 => "0.166666666666666666",
        10 => "0.333333333333333333",
        20 => "0.666666666666666666",
        21 => "0.7",
        30 => "1",
        other => panic!("no multiple {other}"),
    };
    let outcome = format!("#1 0→0 pays {paid}, unknown: input `wind` is older than its max_age since 7h1s");
    check(COVER, &[(shows, &report("0", wind, latitude), "72h", &outcome)]);
}

#[test]
fn the_categories() {
    check(COVER, &[
        ("category 2 pays nothing", &report("0", "95.999", SITE), "0", "false"),
        ("nor does one without a number", &report("0", "-", SITE), "0", "unknown: input `wind` was reported without a value at 0"),
    ]);
    check_report("category 3", "96", SITE, 10);
    check_report("nearly category 4", "112.999", SITE, 10);
    check_report("category 4", "113", SITE, 20);
    check_report("category 5", "137", SITE, 30);
    check_report("category 4 in the outer band", "113", OUTER, 10);
    check_report("category 5 in the outer band", "137", OUTER, 21);
}

#[test]
fn the_bands_are_half_open() {
    check_report("8.047999999 km", "96", "25.834077302862", 10);
    check_report("8.048 km", "96", "25.834077302872", 5);
    check_report("24.140999999 km", "96", "25.978804928996", 5);
    check_report("24.141 km", "96", "25.978804929006", 2);
    check_report("48.279999999 km", "96", "26.195891871596", 2);
    check(COVER, &[("48.28 km", &report("0", "137", "26.195891871606"), "0", "false")]);
}

#[test]
fn the_worst_report_within_three_days() {
    let first = report("0", "96", OUTER);
    let then = |when: &str| format!("{first} · {}", report(when, "137", SITE));
    check(COVER, &[
        ("closer and stronger", &then("6h"), "72h", "#1 0→0 pays 1, unknown: input `wind` is older than its max_age since 13h1s"),
        ("after exactly three days it still counts", &then("72h"), "72h", "#1 0→0 pays 1, true"),
        ("a second later it does not", &then("72h+1s"), "72h+1s", "#1 0→0 pays 0.066666666666666666, true"),
        ("no answer before the three days are over", &then("6h"), "72h-1s", "unknown: input `wind` is older than its max_age since 13h1s"),
        ("weaker reports change nothing", &format!("{} · {}", report("0", "137", SITE), report("6h", "70", SITE)), "72h", "#1 0→0 pays 1, unknown: input `wind` is older than its max_age since 13h1s"),
    ]);
}

#[test]
fn a_storm_that_was_there_before() {
    let storm = format!("{} · {}", report("7d", "96", SITE), report("10d", "96", SITE));
    check_claims(COVER, &[
        ("bought seven days before", &storm, "0", "30d", "pays 0.333333333333333333"),
        ("a second later", &storm, "1s", "30d", "waiting period"),
    ]);
}
